//! The operating system's random generator, as the lower layers take it.

use std::convert::Infallible;

use getrandom::SysRng;
use rand_core::{Rng, TryCryptoRng, TryRng, UnwrapErr};

/// The operating system's generator. It implements `CryptoRng`, holds no state and costs nothing to
/// make.
///
/// It panics when the operating system cannot give randomness, which on Linux means a kernel older
/// than 3.17 with `/dev/urandom` missing: no exchange could be made safely then.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl TryRng for OsRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(UnwrapErr(SysRng).next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(UnwrapErr(SysRng).next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        UnwrapErr(SysRng).fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for OsRandom {}

/// A number from 0 to `most`, both included, for choices that nobody gains by guessing.
pub(crate) fn below(most: u32) -> u32 {
    match most.checked_add(1) {
        // The bias of a remainder of 64 bits is far below anything that matters here.
        Some(count) => u32::try_from(OsRandom.next_u64() % u64::from(count)).unwrap_or(0),
        None => OsRandom.next_u32(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(OsRandom.next_u64(), OsRandom.next_u64());
        let (mut first, mut second) = ([0_u8; 32], [0_u8; 32]);
        OsRandom.fill_bytes(&mut first);
        OsRandom.fill_bytes(&mut second);
        assert_ne!(first, second);
    }
}
