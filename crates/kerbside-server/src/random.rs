//! The operating system's random generator

use core::cell::RefCell;
use core::convert::Infallible;

use getrandom::SysRng;
use rand_core::{CryptoRng, Rng as _, TryCryptoRng, TryRng, UnwrapErr};
use zeroize::Zeroizing;

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

/// Octets asked of the system at a time: what a few requests need
const BUFFER_LEN: usize = 512;

/// The operating system's octets, fetched a few requests ahead: a system call costs as much as a
/// good part of a request. Each octet is handed out once and wiped. A process that was forked off
/// has a copy of what its parent will hand out, so it begins anew.
struct BufferedRng {
    octets: Zeroizing<[u8; BUFFER_LEN]>,
    used: usize,
    process: u32,
}

thread_local! {
    static BUFFERED: RefCell<BufferedRng> =
        RefCell::new(BufferedRng { octets: Zeroizing::new([0; BUFFER_LEN]), used: BUFFER_LEN, process: 0 });
}

/// Runs `with` on this thread's buffered generator; within another such run, on the system's own
pub(crate) fn with_buffered_rng<T>(with: impl FnOnce(&mut dyn CryptoRng) -> T) -> T {
    BUFFERED.with(|buffered| match buffered.try_borrow_mut() {
        Ok(mut rng) => {
            rng.belong_to(std::process::id());
            with(&mut *rng)
        }
        Err(_) => with(&mut system_rng()),
    })
}

impl BufferedRng {
    /// Drops what another process fetched
    fn belong_to(&mut self, process: u32) {
        if self.process != process {
            self.process = process;
            self.octets.fill(0);
            self.used = BUFFER_LEN;
        }
    }

    fn fill(&mut self, out: &mut [u8]) {
        if out.len() > BUFFER_LEN {
            return system_rng().fill_bytes(out);
        }
        if self.octets.len() - self.used < out.len() {
            system_rng().fill_bytes(self.octets.as_mut_slice());
            self.used = 0;
        }
        let end = self.used + out.len();
        if let Some(source) = self.octets.get_mut(self.used..end) {
            out.copy_from_slice(source);
            source.fill(0);
        }
        self.used = end;
    }
}

impl TryRng for BufferedRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.fill(&mut octets);
        Ok(u32::from_ne_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.fill(&mut octets);
        Ok(u64::from_ne_bytes(octets))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for BufferedRng {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_octet_is_handed_out_twice_and_used_ones_are_wiped() {
        let mut seen = HashSet::new();
        for length in [16, 31, 8, 32, 500, 512, 513, 1] {
            for _ in 0..40 {
                let block = with_buffered_rng(|rng| {
                    let mut block = vec![0; length];
                    rng.fill_bytes(&mut block);
                    block
                });
                assert!(
                    block.len() < 8 || seen.insert(block),
                    "a block of {length} came twice"
                );
            }
        }
        BUFFERED.with_borrow(|rng| {
            let (used, rest) = rng.octets.split_at(rng.used.min(BUFFER_LEN));
            assert!(used.iter().all(|octet| *octet == 0), "used octets are gone");
            assert!(rest.len() < 32 || rest.iter().any(|octet| *octet != 0));
        });
    }

    #[test]
    fn a_forked_process_does_not_hand_out_what_its_parent_will() {
        let mut parent = BufferedRng {
            octets: Zeroizing::new([0; BUFFER_LEN]),
            used: BUFFER_LEN,
            process: 0,
        };
        parent.belong_to(1);
        parent.next_u64();
        // What fork(2) does to it.
        let mut child = BufferedRng {
            octets: parent.octets.clone(),
            used: parent.used,
            process: parent.process,
        };
        child.belong_to(2);
        parent.belong_to(1);
        assert!(parent.used < BUFFER_LEN, "its own process keeps its octets");
        assert_ne!(child.next_u64(), parent.next_u64());
    }

    #[test]
    fn a_run_within_a_run_has_octets_of_its_own() {
        let (outer, inner) = with_buffered_rng(|outer| {
            let inner = with_buffered_rng(|inner| inner.next_u64());
            (outer.next_u64(), inner)
        });
        assert_ne!(outer, inner);
    }
}
