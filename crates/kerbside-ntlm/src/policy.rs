//! What each side refuses, and the memory of challenges that finds reflection.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What is allowed beyond NTLM v2 with a MIC, extended session security and keys of 128 bits.
///
/// Each field widens what is accepted; [`Self::STRICT`], the default, is the table in the crate's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NtlmPolicy {
    /// NTLM v1 responses: an initiator sends one, an acceptor takes one. They are cracked in hours and bind nothing:
    /// neither MIC nor channel bindings nor target.
    pub allow_v1: bool,
    /// Session security with one key for both directions and a CRC for a MAC.
    pub allow_without_extended_session_security: bool,
    /// Clients without a name.
    pub allow_anonymous: bool,
    /// Names in an OEM character set, of which the ASCII part is taken.
    pub allow_oem: bool,
    /// The weakest sealing keys, for contexts that sign or seal.
    pub key_strength_min: KeyStrength,
    /// Whether an acceptor demands a MIC in the AUTHENTICATE message.
    pub mic: MicPolicy,
    /// How an acceptor compares the time in the response.
    pub timestamp: TimestampPolicy,
    /// How long a challenge can be answered, in seconds.
    pub challenge_lifetime_seconds: i64,
}

impl NtlmPolicy {
    /// NTLM v2 with everything that it has.
    pub const STRICT: Self = Self {
        allow_v1: false,
        allow_without_extended_session_security: false,
        allow_anonymous: false,
        allow_oem: false,
        key_strength_min: KeyStrength::Bits128,
        mic: MicPolicy::Required,
        timestamp: TimestampPolicy::Echoed,
        challenge_lifetime_seconds: 300,
    };
}

impl Default for NtlmPolicy {
    fn default() -> Self {
        Self::STRICT
    }
}

/// How strong a sealing key is (NTLMSSP_NEGOTIATE_128 and NTLMSSP_NEGOTIATE_56).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyStrength {
    /// What is left when neither is negotiated.
    Bits40,
    /// 56 bits.
    Bits56,
    /// 128 bits.
    Bits128,
}

/// Whether an acceptor demands a MIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MicPolicy {
    /// AUTHENTICATE without a MIC is refused: since Windows Vista every client that is sent a timestamp makes one.
    Required,
    /// A MIC is verified where the response, which nobody can alter, announces one (MS-NLMP 3.2.5.1.2). Without one the
    /// flags must be those of the challenge.
    WhenAnnounced,
}

/// How an acceptor compares the time in an NTLM v2 response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampPolicy {
    /// It is the one of the challenge, as all clients since Windows Vista send it.
    Echoed,
    /// It is at most so many seconds from this side's clock (MaxLifetime of MS-NLMP 3.1.1.1 is 36 hours).
    Within(u32),
    /// It is not looked at.
    Off,
}

/// How many challenges are remembered.
const REMEMBERED: usize = 1024;

/// The newest challenges that a program's acceptors issued.
///
/// An initiator that shares it refuses to answer one of them: somebody who was asked to prove who they are would otherwise
/// let the program do it, and log in to it as its own user (reflection). It is shared by an `Arc`, from acceptor to
/// initiator; a program that logs in to itself on purpose does not share it.
pub struct IssuedChallenges {
    ring: [AtomicU64; REMEMBERED],
    next: AtomicUsize,
}

impl IssuedChallenges {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ring: [const { AtomicU64::new(0) }; REMEMBERED],
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn remember(&self, challenge: [u8; 8]) {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % REMEMBERED;
        if let Some(slot) = self.ring.get(place) {
            slot.store(u64::from_ne_bytes(challenge), Ordering::Release);
        }
    }

    pub(crate) fn contains(&self, challenge: [u8; 8]) -> bool {
        let wanted = u64::from_ne_bytes(challenge);
        self.ring
            .iter()
            .any(|slot| slot.load(Ordering::Acquire) == wanted)
    }
}

impl Default for IssuedChallenges {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for IssuedChallenges {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("IssuedChallenges")
    }
}
