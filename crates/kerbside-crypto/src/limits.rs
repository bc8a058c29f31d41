//! Named limits on what this crate is asked to compute with.

/// Longest password string-to-key takes, in octets: a longer one costs the KDC time and adds no strength.
pub const MAX_PASSWORD_LEN: usize = 4096;

/// Longest salt string-to-key takes, in octets; a default salt is a realm and a principal's components.
pub const MAX_SALT_LEN: usize = 4096;

/// Highest PBKDF2 iteration count taken by default: seconds of work, not hours, for a hostile ETYPE-INFO2.
pub const MAX_ITERATION_COUNT: u32 = 1 << 22;

/// Longest message the functions that allocate their result take, in octets. The in-place functions have no such
/// limit, since their memory is the caller's.
pub const MAX_MESSAGE_LEN: usize = 1 << 26;

/// Longest output [`Key::prf_plus`](crate::Key::prf_plus) gives, in blocks of the PRF: its counter is one octet.
pub const MAX_PRF_PLUS_BLOCKS: usize = 255;

/// Bounds on the iteration count of string-to-key, in force on both sides: a count from the network below the floor
/// makes a password cheap to guess, one above the ceiling stalls whoever computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IterationLimits {
    /// Lowest count taken; `None` is the encryption type's own default (4096 or 32768).
    pub min: Option<u32>,
    /// Highest count taken.
    pub max: u32,
}

impl IterationLimits {
    /// Limits with an explicit floor, for realms that are known to use a count below the type's default.
    #[must_use]
    pub const fn with_min(min: u32) -> Self {
        Self {
            min: Some(min),
            max: MAX_ITERATION_COUNT,
        }
    }
}

impl Default for IterationLimits {
    fn default() -> Self {
        Self {
            min: None,
            max: MAX_ITERATION_COUNT,
        }
    }
}
