//! RC4 as a stream whose place can be kept.
//!
//! The state of the `rc4` crate cannot be copied, and two rules need a copy: the mechListMIC leaves the stream where it
//! was (MS-SPNG 3.2.5.1, 3.3.5.1), and so does a message that does not verify.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// The state of RC4, wiped when it goes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Keystream {
    state: [u8; 256],
    i: u8,
    j: u8,
}

impl Keystream {
    /// Begins the stream of a key of any length but none.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut state = [0; 256];
        for (octet, number) in state.iter_mut().zip(0..=u8::MAX) {
            *octet = number;
        }
        let mut stream = Self { state, i: 0, j: 0 };
        for (number, key) in (0..=u8::MAX).zip(key.iter().cycle()) {
            stream.j = stream.j.wrapping_add(stream.at(number)).wrapping_add(*key);
            stream.state.swap(usize::from(number), usize::from(stream.j));
        }
        stream.j = 0;
        stream
    }

    /// Encrypts or decrypts in place.
    pub(crate) fn apply(&mut self, data: &mut [u8]) {
        let (mut i, mut j) = (self.i, self.j);
        for octet in data {
            i = i.wrapping_add(1);
            let a = self.at(i);
            j = j.wrapping_add(a);
            let b = self.at(j);
            self.state.swap(usize::from(i), usize::from(j));
            *octet ^= self.at(a.wrapping_add(b));
        }
        (self.i, self.j) = (i, j);
    }

    /// An octet indexes 256 places, so that there is always one.
    #[allow(
        clippy::indexing_slicing,
        reason = "an octet is within 256 places, and the compiler knows"
    )]
    fn at(&self, index: u8) -> u8 {
        self.state[usize::from(index)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use alloc::vec;
    use rc4::{KeyInit, Rc4, StreamCipher};

    #[test]
    fn the_same_stream_as_the_rc4_crate() {
        for length in [1_u8, 5, 7, 16, 200] {
            let key: alloc::vec::Vec<u8> = (0..length).map(|octet| octet.wrapping_mul(37)).collect();
            let mut ours = vec![0x5a; 3000];
            let mut theirs = ours.clone();
            let mut stream = Keystream::new(&key);
            for part in ours.chunks_mut(7) {
                stream.apply(part);
            }
            Rc4::new_from_slice(&key).unwrap().apply_keystream(&mut theirs);
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn a_copy_goes_on_from_the_same_place() {
        let mut stream = Keystream::new(b"key");
        stream.apply(&mut [0; 99]);
        let mut copy = stream.clone();
        let (mut a, mut b) = ([0; 40], [0; 40]);
        stream.apply(&mut a);
        copy.apply(&mut b);
        assert_eq!(a, b);
    }
}
