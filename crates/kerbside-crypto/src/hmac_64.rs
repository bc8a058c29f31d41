//! HMAC (RFC 2104) over a hash with blocks of 64 octets, at the level of its compression function: only there can
//! hashing be laid between the steps of a cipher.

use core::slice;

use zeroize::{Zeroize, Zeroizing};

use crate::mac::copy_prefix;

/// Octets of a hash block.
const BLOCK_LEN: usize = 64;

/// A Merkle-Damgård hash of the SHA family with 32-bit words.
pub(crate) trait Compression {
    /// The chaining value.
    type State: Clone + Zeroize + AsRef<[u32]> + AsMut<[u32]>;
    /// The chaining value before the first block.
    const INITIAL: Self::State;
    /// Chains whole blocks.
    fn compress(state: &mut Self::State, blocks: &[[u8; BLOCK_LEN]]);
}

pub(crate) struct Sha1;

impl Compression for Sha1 {
    type State = [u32; 5];
    const INITIAL: Self::State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

    #[inline(always)]
    fn compress(state: &mut Self::State, blocks: &[[u8; BLOCK_LEN]]) {
        sha1::block_api::compress(state, blocks);
    }
}

pub(crate) struct Sha256;

impl Compression for Sha256 {
    type State = [u32; 8];
    const INITIAL: Self::State = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];

    #[inline(always)]
    fn compress(state: &mut Self::State, blocks: &[[u8; BLOCK_LEN]]) {
        sha2::block_api::compress256(state, blocks);
    }
}

/// An HMAC that has absorbed its key and any part of a message. All it holds is zeroized on drop.
pub(crate) struct Hmac64<H: Compression> {
    inner: H::State,
    outer: H::State,
    /// The part of the message that does not fill a block yet.
    buffer: [u8; BLOCK_LEN],
    filled: usize,
    /// Octets in `inner`, the key's block among them.
    hashed: u64,
}

impl<H: Compression> Hmac64<H> {
    /// Takes a key of any length; of one longer than a block its hash is the key.
    pub(crate) fn new(key: &[u8]) -> Self {
        if key.len() > BLOCK_LEN {
            let (digest, len) = hash::<H>(key);
            return Self::new(digest.get(..len).unwrap_or_default());
        }
        let mut this = Self {
            inner: H::INITIAL,
            outer: H::INITIAL,
            buffer: [0x36; BLOCK_LEN],
            filled: 0,
            hashed: 64,
        };
        for (octet, key) in this.buffer.iter_mut().zip(key) {
            *octet ^= key;
        }
        H::compress(&mut this.inner, slice::from_ref(&this.buffer));
        for octet in &mut this.buffer {
            *octet ^= 0x36 ^ 0x5c;
        }
        H::compress(&mut this.outer, slice::from_ref(&this.buffer));
        this
    }

    /// Absorbs more of the message.
    pub(crate) fn update(&mut self, mut data: &[u8]) {
        if self.filled > 0 {
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let (now, later) = data.split_at(room.len().min(data.len()));
            copy_prefix(room, now);
            self.filled += now.len();
            data = later;
            if self.filled < BLOCK_LEN {
                return;
            }
            H::compress(&mut self.inner, slice::from_ref(&self.buffer));
            self.hashed += 64;
            self.filled = 0;
        }
        let (blocks, rest) = data.as_chunks();
        if !blocks.is_empty() {
            H::compress(&mut self.inner, blocks);
            self.hashed = self.hashed.wrapping_add(as_u64(data.len() - rest.len()));
        }
        copy_prefix(&mut self.buffer, rest);
        self.filled = rest.len();
    }

    /// Absorbs all of `text` as it is, and lets `transform` change it in groups of 64 octets behind that, leaving what
    /// is less than a group at the end. Returns how much is transformed.
    ///
    /// Group and hash block follow each other in the instruction stream without depending on each other, so that an
    /// out-of-order processor runs both chains at once.
    #[inline(always)]
    pub(crate) fn update_ahead_of(
        &mut self,
        text: &mut [u8],
        mut transform: impl FnMut(&mut [u8; BLOCK_LEN]),
    ) -> usize {
        let ahead = self.room();
        self.update(text.get(..ahead).unwrap_or(text));
        let mut at = 0;
        while let Some(block) = chunk(text, at + ahead) {
            H::compress(&mut self.inner, slice::from_ref(block));
            if let Some(group) = chunk_mut(text, at) {
                transform(group);
            }
            at += BLOCK_LEN;
        }
        self.hashed = self.hashed.wrapping_add(as_u64(at));
        self.update(text.get(at + ahead..).unwrap_or_default());
        at
    }

    /// Lets `transform` change `text` in groups of 64 octets, leaving what is less than a group at the end, and absorbs
    /// what is changed, one group behind. Returns how much is transformed and how much of that absorbed.
    #[inline(always)]
    pub(crate) fn update_behind(
        &mut self,
        text: &mut [u8],
        mut transform: impl FnMut(&mut [u8; BLOCK_LEN]),
    ) -> (usize, usize) {
        let Some(group) = chunk_mut(text, 0) else {
            return (0, 0);
        };
        transform(group);
        let mut at = BLOCK_LEN;
        let first = self.room();
        self.update(text.get(..first).unwrap_or_default());
        let mut absorbed = first;
        while let Some(group) = chunk_mut(text, at) {
            transform(group);
            // A block that ends where the groups before this one do, or sooner.
            if absorbed + BLOCK_LEN <= at
                && let Some(block) = chunk(text, absorbed)
            {
                H::compress(&mut self.inner, slice::from_ref(block));
                absorbed += BLOCK_LEN;
            }
            at += BLOCK_LEN;
        }
        self.hashed = self.hashed.wrapping_add(as_u64(absorbed - first));
        (at, absorbed)
    }

    /// Fills `out` with the leading octets of the HMAC.
    pub(crate) fn finalize_into(mut self, out: &mut [u8]) {
        let bits = self.hashed.wrapping_add(as_u64(self.filled)).wrapping_mul(8);
        pad_and_compress::<H>(&mut self.inner, &mut self.buffer, self.filled, bits);
        let len = write_words(self.inner.as_ref(), &mut self.buffer);
        let bits = (64 + as_u64(len)) * 8;
        pad_and_compress::<H>(&mut self.outer, &mut self.buffer, len, bits);
        write_words(self.outer.as_ref(), &mut self.buffer);
        copy_prefix(out, &self.buffer);
    }

    /// Octets until the block in hand is full.
    fn room(&self) -> usize {
        if self.filled == 0 {
            0
        } else {
            BLOCK_LEN - self.filled
        }
    }
}

/// PBKDF2 (RFC 8018 section 5.2): fills `out`. After its first step each iteration is two blocks, whose padding never
/// changes; the `pbkdf2` crate, which knows no more of the hash than its interface, takes 1.4 times as long.
pub(crate) fn pbkdf2<H: Compression>(password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
    let prf = Hmac64::<H>::new(password);
    let len = prf.inner.as_ref().len() * 4;
    for (index, chunk) in (1u32..).zip(out.chunks_mut(len)) {
        let mut first = prf.clone();
        first.update(salt);
        first.update(&index.to_be_bytes());
        let mut block = Zeroizing::new([0; BLOCK_LEN]);
        first.finalize_into(&mut *block);
        mark_end(&mut block, len);
        set_length(&mut block, (64 + as_u64(len)) * 8);
        // The sum and the chaining value as words; both begin as the first step's result.
        let mut sum = Zeroizing::new(H::INITIAL);
        for (word, octets) in (*sum).as_mut().iter_mut().zip(block.as_chunks().0) {
            *word = u32::from_be_bytes(*octets);
        }
        let mut state = Zeroizing::new(H::INITIAL);
        for _ in 1..iterations {
            for start in [&prf.inner, &prf.outer] {
                (*state).clone_from(start);
                H::compress(&mut state, slice::from_ref(&*block));
                write_words((*state).as_ref(), &mut block);
            }
            for (sum, word) in (*sum).as_mut().iter_mut().zip((*state).as_ref()) {
                *sum ^= word;
            }
        }
        write_words((*sum).as_ref(), &mut block);
        copy_prefix(chunk, &*block);
    }
}

/// The hash of what is longer than a block, and its length.
fn hash<H: Compression>(data: &[u8]) -> (Zeroizing<[u8; BLOCK_LEN]>, usize) {
    let mut plain = Hmac64::<H> {
        inner: H::INITIAL,
        outer: H::INITIAL,
        buffer: [0; BLOCK_LEN],
        filled: 0,
        hashed: 0,
    };
    plain.update(data);
    let bits = as_u64(data.len()).wrapping_mul(8);
    pad_and_compress::<H>(&mut plain.inner, &mut plain.buffer, plain.filled, bits);
    let mut digest = Zeroizing::new([0; BLOCK_LEN]);
    let len = write_words(plain.inner.as_ref(), &mut digest);
    (digest, len)
}

/// The end of a message: its last octets, a one bit, zero bits and its length in bits.
fn pad_and_compress<H: Compression>(
    state: &mut H::State,
    buffer: &mut [u8; BLOCK_LEN],
    filled: usize,
    bits: u64,
) {
    mark_end(buffer, filled);
    if filled + 9 > BLOCK_LEN {
        H::compress(state, slice::from_ref(buffer));
        *buffer = [0; BLOCK_LEN];
    }
    set_length(buffer, bits);
    H::compress(state, slice::from_ref(buffer));
}

/// A one bit and zero bits behind the octets that fill a block.
fn mark_end(buffer: &mut [u8; BLOCK_LEN], filled: usize) {
    if let Some((first, rest)) = buffer.get_mut(filled..).and_then(<[u8]>::split_first_mut) {
        *first = 0x80;
        rest.fill(0);
    }
}

/// The message's length in bits at the end of its last block.
fn set_length(buffer: &mut [u8; BLOCK_LEN], bits: u64) {
    if let Some(end) = buffer.last_chunk_mut() {
        *end = bits.to_be_bytes();
    }
}

/// Writes a chaining value as the octets of a hash, and returns how many.
fn write_words(words: &[u32], out: &mut [u8; BLOCK_LEN]) -> usize {
    for (octets, word) in out.as_chunks_mut().0.iter_mut().zip(words) {
        *octets = word.to_be_bytes();
    }
    words.len() * 4
}

#[inline(always)]
fn chunk(text: &[u8], at: usize) -> Option<&[u8; BLOCK_LEN]> {
    text.get(at..).and_then(<[u8]>::first_chunk)
}

#[inline(always)]
fn chunk_mut(text: &mut [u8], at: usize) -> Option<&mut [u8; BLOCK_LEN]> {
    text.get_mut(at..).and_then(<[u8]>::first_chunk_mut)
}

/// A length as the hash counts; lengths of what is in memory fit.
fn as_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

impl<H: Compression> Clone for Hmac64<H> {
    #[inline]
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            outer: self.outer.clone(),
            buffer: self.buffer,
            filled: self.filled,
            hashed: self.hashed,
        }
    }
}

impl<H: Compression> Drop for Hmac64<H> {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
        self.buffer.zeroize();
    }
}

#[cfg(test)]
mod tests;
