//! The operating system's random generator, as the lower layers take it.

use std::cell::Cell;
use std::convert::Infallible;

use getrandom::SysRng;
use rand_core::{Rng, TryCryptoRng, TryRng, UnwrapErr};
use zeroize::{Zeroize, Zeroizing};

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

/// Octets fetched at a time: what a few exchanges need. A system call costs as much as a good part of an exchange.
const DRAWN_LEN: usize = 512;

/// The operating system's octets for one exchange, fetched some exchanges ahead. Each is handed out once and wiped.
///
/// What an exchange leaves is kept by its thread for the next one. A process that was forked off has a copy of what its
/// parent will hand out, so it begins anew.
#[derive(Default)]
pub(crate) struct Drawn(Option<Box<Ahead>>);

struct Ahead {
    octets: Zeroizing<[u8; DRAWN_LEN]>,
    used: usize,
    process: u32,
}

thread_local! {
    static LEFT: Cell<Option<Box<Ahead>>> = const { Cell::new(None) };
}

impl Ahead {
    /// What this thread has left, unless another process fetched it.
    fn of_thread(process: u32) -> Box<Self> {
        let left = LEFT.try_with(Cell::take).ok().flatten();
        left.filter(|left| left.process == process).unwrap_or_else(|| {
            Box::new(Self {
                octets: Zeroizing::new([0; DRAWN_LEN]),
                used: DRAWN_LEN,
                process,
            })
        })
    }

    fn fill(&mut self, out: &mut [u8]) {
        if DRAWN_LEN - self.used < out.len() {
            OsRandom.fill_bytes(self.octets.as_mut_slice());
            self.used = 0;
        }
        let end = self.used + out.len();
        if let Some(fresh) = self.octets.get_mut(self.used..end) {
            out.copy_from_slice(fresh);
            fresh.zeroize();
        }
        self.used = end;
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        if let Some(left) = self.0.take() {
            // At the end of its thread it is wiped.
            let _ = LEFT.try_with(|place| place.set(Some(left)));
        }
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_ne_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_ne_bytes(octets))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if bytes.len() > DRAWN_LEN {
            return OsRandom.try_fill_bytes(bytes);
        }
        self.0
            .get_or_insert_with(|| Ahead::of_thread(std::process::id()))
            .fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

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

    #[test]
    fn what_was_drawn_is_handed_out_once_and_wiped() {
        let mut seen = std::collections::HashSet::new();
        for length in [16, 31, 8, 32, 511, 512, 513, 9] {
            for _ in 0..20 {
                // Each exchange takes over what the one before it left.
                let mut drawn = Drawn::default();
                let mut block = vec![0; length];
                drawn.fill_bytes(&mut block);
                assert!(seen.insert(block), "a block of {length} came twice");
                let Some(ahead) = &drawn.0 else { continue };
                let (used, rest) = ahead.octets.split_at(ahead.used);
                assert!(used.iter().all(|octet| *octet == 0), "used octets are gone");
                assert!(rest.len() < 16 || rest.iter().any(|octet| *octet != 0));
            }
        }
    }

    #[test]
    fn one_exchange_goes_on_where_the_one_before_it_stopped_and_two_at_a_time_share_nothing() {
        let (mut first, mut second) = (Drawn::default(), Drawn::default());
        first.next_u64();
        second.next_u64();
        let kept = |drawn: &Drawn| drawn.0.as_ref().map(|ahead| (ahead.used, *ahead.octets));
        assert_ne!(kept(&first).map(|kept| kept.1), kept(&second).map(|kept| kept.1));
        drop(second);
        drop(first);
        let mut third = Drawn::default();
        third.next_u64();
        assert_eq!(kept(&third).map(|kept| kept.0), Some(16));
    }

    #[test]
    fn a_forked_process_does_not_hand_out_what_its_parent_will() {
        let mut parent = Drawn::default();
        parent.next_u64();
        drop(parent);
        // The thread's memory is what fork(2) copies; only the process is another one.
        let child = Ahead::of_thread(std::process::id().wrapping_add(1));
        assert_eq!(child.used, DRAWN_LEN, "begins anew");
        assert!(
            child.octets.iter().all(|octet| *octet == 0),
            "and has nothing of its parent"
        );
    }
}
