//! CBC with ciphertext stealing (CBC-CS3 of NIST SP 800-38A addendum) over segments, as RFC 3962 section 5,
//! RFC 8009 section 5 and RFC 6803 section 6 use it: no initial vector but zero, the last two blocks always exchanged.

use aes::cipher::common::BlockSizeUser;
use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherEncBackend, BlockCipherEncClosure,
};
use zeroize::Zeroizing;

use crate::cbc::{self, xor_block};
use crate::cipher::{BLOCK_LEN, Block, Cipher};
use crate::mac::MacState;
use crate::segment::Segment;
use crate::segment_text::{Position, advance, for_each_signed, gather, scatter};

/// Encrypts the `total` octets of the encrypted segments as one string, in place, and feeds the MAC with the signed
/// segments as they were before (RFC 3962, RFC 6803).
pub(crate) fn encrypt_and_mac(
    cipher: &Cipher,
    mac: &mut MacState,
    segments: &mut [Segment<'_>],
    total: usize,
) {
    cipher.encrypt_with(EncryptMessage::<true> { mac, segments, total });
}

/// Encrypts likewise, and feeds the MAC with the signed segments as they are then (RFC 8009).
pub(crate) fn encrypt_then_mac(
    cipher: &Cipher,
    mac: &mut MacState,
    segments: &mut [Segment<'_>],
    total: usize,
) {
    cipher.encrypt_with(EncryptMessage::<false> { mac, segments, total });
}

/// Decrypts the `total` octets of the encrypted segments as one string, in place.
pub(crate) fn decrypt(cipher: &Cipher, segments: &mut [Segment<'_>], total: usize) {
    cipher.decrypt_with(DecryptMessage { segments, total });
}

/// The MAC runs ahead of the cipher and sees plaintext, or behind it and sees ciphertext.
struct EncryptMessage<'a, 'b, const AHEAD: bool> {
    mac: &'a mut MacState,
    segments: &'a mut [Segment<'b>],
    total: usize,
}

impl<const AHEAD: bool> BlockSizeUser for EncryptMessage<'_, '_, AHEAD> {
    type BlockSize = U16;
}

impl<const AHEAD: bool> BlockCipherEncClosure for EncryptMessage<'_, '_, AHEAD> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let shape = Shape::of(self.total);
        let end = Position::start_of(self.segments.len());
        let mut pass = Encrypting::<B, AHEAD> {
            backend,
            chain: Block::default(),
            mac: self.mac,
            mac_at: Position::START,
        };
        let at = for_each_run(self.segments, shape.bulk, &mut pass);
        if AHEAD {
            pass.mac_up_to(self.segments, end);
        }
        shape.with_final_pair(self.segments, at, |[last_but_one, last], _| {
            xor_block(last_but_one, &pass.chain);
            backend.encrypt_block_inplace(last_but_one);
            xor_block(last, last_but_one);
            backend.encrypt_block_inplace(last);
            core::mem::swap(last_but_one, last);
        });
        pass.mac_up_to(self.segments, end);
    }
}

struct DecryptMessage<'a, 'b> {
    segments: &'a mut [Segment<'b>],
    total: usize,
}

impl BlockSizeUser for DecryptMessage<'_, '_> {
    type BlockSize = U16;
}

impl BlockCipherDecClosure for DecryptMessage<'_, '_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        let shape = Shape::of(self.total);
        let mut pass = Decrypting {
            backend,
            chain: Block::default(),
        };
        let at = for_each_run(self.segments, shape.bulk, &mut pass);
        shape.with_final_pair(self.segments, at, |[last_but_one, last], stolen| {
            // The full block comes first; decrypted, it is the short plaintext mixed with the short ciphertext, and
            // behind that the octets that were stolen from the other block.
            backend.decrypt_block_inplace(last_but_one);
            for (short, full) in last.iter_mut().zip(last_but_one.iter_mut()).skip(stolen) {
                *short = *full;
            }
            xor_block(last_but_one, last);
            backend.decrypt_block_inplace(last);
            xor_block(last, &pass.chain);
            core::mem::swap(last_but_one, last);
        });
    }
}

/// What is done in one pass over the plain CBC part of a message.
trait Pass {
    /// Before the whole blocks at `at` in one segment.
    fn before_run(&mut self, _segments: &[Segment<'_>], _at: Position) {}
    /// Whole blocks in place, which end at `end`.
    fn run(&mut self, blocks: &mut [Block], end: Position);
    /// Before octets up to `end` that lie across segments are changed.
    fn before_across(&mut self, _segments: &[Segment<'_>], _end: Position) {}
    /// A block from across segments.
    fn across(&mut self, block: &mut [Block]);
}

struct Decrypting<'a, B> {
    backend: &'a B,
    chain: Block,
}

impl<B: BlockCipherDecBackend<BlockSize = U16>> Pass for Decrypting<'_, B> {
    #[inline(always)]
    fn run(&mut self, blocks: &mut [Block], _end: Position) {
        cbc::decrypt(self.backend, &mut self.chain, blocks);
    }

    #[inline(always)]
    fn across(&mut self, block: &mut [Block]) {
        cbc::decrypt(self.backend, &mut self.chain, block);
    }
}

/// An encryption under way, and how far the MAC has come in the same string. Ahead of the cipher, nothing is encrypted
/// that the MAC has not seen; behind it, the MAC sees nothing that is not encrypted.
struct Encrypting<'a, B, const AHEAD: bool> {
    backend: &'a B,
    chain: Block,
    mac: &'a mut MacState,
    mac_at: Position,
}

impl<B, const AHEAD: bool> Encrypting<'_, B, AHEAD> {
    fn mac_up_to(&mut self, segments: &[Segment<'_>], to: Position) {
        if self.mac_at < to {
            for_each_signed(segments, self.mac_at, to, |text| self.mac.update(text));
            self.mac_at = to;
        }
    }
}

impl<B: BlockCipherEncBackend<BlockSize = U16>, const AHEAD: bool> Pass for Encrypting<'_, B, AHEAD> {
    fn before_run(&mut self, segments: &[Segment<'_>], at: Position) {
        self.mac_up_to(segments, at);
    }

    #[inline(always)]
    fn run(&mut self, blocks: &mut [Block], end: Position) {
        if AHEAD {
            cbc::encrypt_and_mac(self.backend, &mut self.chain, blocks, self.mac);
        } else {
            cbc::encrypt_then_mac(self.backend, &mut self.chain, blocks, self.mac);
        }
        self.mac_at = end;
    }

    fn before_across(&mut self, segments: &[Segment<'_>], end: Position) {
        if AHEAD {
            self.mac_up_to(segments, end);
        }
    }

    #[inline(always)]
    fn across(&mut self, block: &mut [Block]) {
        cbc::encrypt(self.backend, &mut self.chain, block);
    }
}

/// Which octets are plain CBC and which are the pair of blocks at the end.
struct Shape {
    /// Octets before the final pair, whole blocks.
    bulk: usize,
    /// Octets of the last block, 1 to 16; 0 when the message is one block, which has nothing to steal from.
    last: usize,
}

impl Shape {
    fn of(total: usize) -> Self {
        if total <= BLOCK_LEN {
            return Self { bulk: total, last: 0 };
        }
        let last = (total - 1) % BLOCK_LEN + 1;
        Self {
            bulk: total - BLOCK_LEN - last,
            last,
        }
    }

    /// Lets `f` change the final pair, its second block filled up with zero octets; `f` also gets the number of octets
    /// of that block.
    #[inline(always)]
    fn with_final_pair(
        &self,
        segments: &mut [Segment<'_>],
        at: Position,
        f: impl FnOnce([&mut Block; 2], usize),
    ) {
        let mut pair = Zeroizing::new([0u8; 2 * BLOCK_LEN]);
        let Some(text) = pair.get_mut(..BLOCK_LEN + self.last) else {
            return;
        };
        if self.last == 0 {
            return;
        }
        gather(segments, at, text);
        if let [first, second] = Block::slice_as_chunks_mut(&mut *pair).0 {
            f([first, second], self.last);
        }
        scatter(
            segments,
            at,
            pair.get(..BLOCK_LEN + self.last).unwrap_or_default(),
        );
    }
}

/// Leads `pass` over runs of whole blocks, `len` octets in all: in place where a segment holds whole blocks, through a
/// block on the stack where one lies across segments.
#[inline(always)]
fn for_each_run(segments: &mut [Segment<'_>], len: usize, pass: &mut impl Pass) -> Position {
    let mut at = Position::START;
    let mut blocks_left = len / BLOCK_LEN;
    while blocks_left > 0 && at.segment < segments.len() {
        let rest = segments
            .get(at.segment)
            .and_then(Segment::encrypted)
            .map_or(0, <[u8]>::len)
            .saturating_sub(at.offset);
        if rest == 0 {
            at = Position::start_of(at.segment + 1);
            continue;
        }
        let count = (rest / BLOCK_LEN).min(blocks_left);
        if count > 0 {
            let end = Position {
                segment: at.segment,
                offset: at.offset + count * BLOCK_LEN,
            };
            pass.before_run(segments, at);
            let run = segments
                .get_mut(at.segment)
                .and_then(Segment::encrypted_mut)
                .and_then(|bytes| bytes.get_mut(at.offset..end.offset))
                .unwrap_or_default();
            pass.run(Block::slice_as_chunks_mut(run).0, end);
            at = end;
            blocks_left -= count;
        } else {
            let end = advance(segments, at, BLOCK_LEN);
            pass.before_across(segments, end);
            let mut across = Zeroizing::new([0u8; BLOCK_LEN]);
            gather(segments, at, &mut *across);
            pass.across(Block::slice_as_chunks_mut(&mut *across).0);
            scatter(segments, at, &*across);
            at = end;
            blocks_left -= 1;
        }
    }
    at
}

#[cfg(test)]
mod tests;
