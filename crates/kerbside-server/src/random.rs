//! The operating system's random generator

use getrandom::SysRng;
use rand_core::UnwrapErr;

/// The operating system's generator as a `CryptoRng`
///
/// It can only fail on systems without a working `getrandom`, where no key may be made at all; it
/// then ends the calling thread.
pub type SystemRng = UnwrapErr<SysRng>;

/// A handle to the operating system's generator
#[must_use]
pub fn system_rng() -> SystemRng {
    UnwrapErr(SysRng)
}
