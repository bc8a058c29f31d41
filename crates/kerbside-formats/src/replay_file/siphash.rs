//! SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), for the slots of the file's tables.

/// A keyed hash.
pub(super) struct SipHash([u64; 4]);

impl SipHash {
    pub(super) fn new(key: &[u8; 16]) -> Self {
        let (words, _) = key.as_chunks::<8>();
        let word = |index: usize| words.get(index).map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let (low, high) = (word(0), word(1));
        Self([
            low ^ 0x736f_6d65_7073_6575,
            high ^ 0x646f_7261_6e64_6f6d,
            low ^ 0x6c79_6765_6e65_7261,
            high ^ 0x7465_6462_7974_6573,
        ])
    }

    pub(super) fn hash(mut self, text: &[u8]) -> u64 {
        let (words, rest) = text.as_chunks::<8>();
        words
            .iter()
            .for_each(|word| self.absorb(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        // The length modulo 256 is in the last octet.
        let length = text.len().to_le_bytes().first().copied().unwrap_or(0);
        self.absorb(u64::from_le_bytes(last) | u64::from(length) << 56);
        let [a, b, mut c, d] = self.0;
        c ^= 0xff;
        self.0 = [a, b, c, d];
        (0..4).for_each(|_| self.round());
        self.0.iter().fold(0, |sum, word| sum ^ word)
    }

    fn absorb(&mut self, word: u64) {
        let [a, b, c, d] = self.0;
        self.0 = [a, b, c, d ^ word];
        self.round();
        self.round();
        let [a, b, c, d] = self.0;
        self.0 = [a ^ word, b, c, d];
    }

    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        c = c.wrapping_add(d);
        b = b.rotate_left(13) ^ a;
        d = d.rotate_left(16) ^ c;
        a = a.rotate_left(32);
        c = c.wrapping_add(b);
        a = a.wrapping_add(d);
        b = b.rotate_left(17) ^ c;
        d = d.rotate_left(21) ^ a;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's appendix A, and the first of the authors' list of vectors.
    #[test]
    fn the_authors_vectors() {
        let key: [u8; 16] = core::array::from_fn(|index| u8::try_from(index).unwrap_or(0));
        let text: Vec<u8> = (0..15).collect();
        assert_eq!(SipHash::new(&key).hash(&text), 0xa129_ca61_49be_45e5);
        assert_eq!(SipHash::new(&key).hash(b""), 0x726f_db47_dd0e_0e31);
        assert_eq!(SipHash::new(&key).hash(&[0]), 0x74f8_39c5_93dc_67fd);
    }
}
