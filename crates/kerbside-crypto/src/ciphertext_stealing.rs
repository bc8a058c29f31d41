//! CBC with ciphertext stealing (CBC-CS3 of NIST SP 800-38A addendum) over segments, as RFC 3962 section 5,
//! RFC 8009 section 5 and RFC 6803 section 6 use it: no initial vector but zero, the last two blocks always exchanged.

use zeroize::Zeroizing;

use crate::cipher::{BLOCK_LEN, Block, Cipher, xor_block};
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
    let mut pass = EncryptAndMac(Encrypting::new(cipher, mac));
    encrypt(&mut pass, segments, total);
}

/// Encrypts likewise, and feeds the MAC with the signed segments as they are then (RFC 8009).
pub(crate) fn encrypt_then_mac(
    cipher: &Cipher,
    mac: &mut MacState,
    segments: &mut [Segment<'_>],
    total: usize,
) {
    let end = Position::start_of(segments.len());
    let mut pass = EncryptThenMac(Encrypting::new(cipher, mac));
    encrypt(&mut pass, segments, total);
    pass.0.mac_up_to(segments, end);
}

fn encrypt<'a, P: Pass + AsMut<Encrypting<'a>>>(pass: &mut P, segments: &mut [Segment<'_>], total: usize) {
    let shape = Shape::of(total);
    let at = for_each_run(segments, shape.bulk, pass);
    pass.before_across(segments, Position::start_of(segments.len()));
    let Encrypting { cipher, chain, .. } = pass.as_mut();
    shape.with_final_pair(segments, at, |[last_but_one, last], _| {
        xor_block(last_but_one, chain);
        cipher.encrypt_block(last_but_one);
        xor_block(last, last_but_one);
        cipher.encrypt_block(last);
        core::mem::swap(last_but_one, last);
    });
}

/// Decrypts the `total` octets of the encrypted segments as one string, in place.
pub(crate) fn decrypt(cipher: &Cipher, segments: &mut [Segment<'_>], total: usize) {
    let shape = Shape::of(total);
    let mut pass = Decrypt {
        cipher,
        chain: Block::default(),
    };
    let at = for_each_run(segments, shape.bulk, &mut pass);
    shape.with_final_pair(segments, at, |[last_but_one, last], stolen| {
        // The full block comes first; decrypted, it is the short plaintext mixed with the short ciphertext, and
        // behind that the octets that were stolen from the other block.
        cipher.decrypt_block(last_but_one);
        for (short, full) in last.iter_mut().zip(last_but_one.iter_mut()).skip(stolen) {
            *short = *full;
        }
        xor_block(last_but_one, last);
        cipher.decrypt_block(last);
        xor_block(last, &pass.chain);
        core::mem::swap(last_but_one, last);
    });
}

/// What is done in one pass over the plain CBC part of a message.
trait Pass {
    /// Before the whole blocks at `at` in one segment.
    fn before_run(&mut self, _segments: &[Segment<'_>], _at: Position) {}
    /// Whole blocks in place, from `at` to `end`.
    fn run(&mut self, blocks: &mut [Block], at: Position, end: Position);
    /// Before octets up to `end` that lie across segments are changed.
    fn before_across(&mut self, _segments: &[Segment<'_>], _end: Position) {}
    /// A block from across segments.
    fn across(&mut self, block: &mut [Block]);
}

struct Decrypt<'a> {
    cipher: &'a Cipher,
    chain: Block,
}

impl Pass for Decrypt<'_> {
    fn run(&mut self, blocks: &mut [Block], _at: Position, _end: Position) {
        self.cipher.cbc_decrypt(&mut self.chain, blocks);
    }

    fn across(&mut self, block: &mut [Block]) {
        self.cipher.cbc_decrypt(&mut self.chain, block);
    }
}

/// An encryption under way, and how far the MAC has come in the same string.
struct Encrypting<'a> {
    cipher: &'a Cipher,
    chain: Block,
    mac: &'a mut MacState,
    mac_at: Position,
}

impl<'a> Encrypting<'a> {
    fn new(cipher: &'a Cipher, mac: &'a mut MacState) -> Self {
        Self {
            cipher,
            chain: Block::default(),
            mac,
            mac_at: Position::START,
        }
    }

    fn mac_up_to(&mut self, segments: &[Segment<'_>], to: Position) {
        if self.mac_at < to {
            for_each_signed(segments, self.mac_at, to, |text| self.mac.update(text));
            self.mac_at = to;
        }
    }
}

/// The MAC runs ahead of the cipher: nothing is encrypted that it has not seen.
struct EncryptAndMac<'a>(Encrypting<'a>);

impl Pass for EncryptAndMac<'_> {
    fn before_run(&mut self, segments: &[Segment<'_>], at: Position) {
        self.0.mac_up_to(segments, at);
    }

    fn run(&mut self, blocks: &mut [Block], _at: Position, end: Position) {
        let this = &mut self.0;
        this.cipher.cbc_encrypt_and_mac(&mut this.chain, blocks, this.mac);
        this.mac_at = end;
    }

    fn before_across(&mut self, segments: &[Segment<'_>], end: Position) {
        self.0.mac_up_to(segments, end);
    }

    fn across(&mut self, block: &mut [Block]) {
        self.0.cipher.cbc_encrypt(&mut self.0.chain, block);
    }
}

/// The MAC runs behind the cipher: it sees nothing that is not encrypted.
struct EncryptThenMac<'a>(Encrypting<'a>);

impl Pass for EncryptThenMac<'_> {
    fn before_run(&mut self, segments: &[Segment<'_>], at: Position) {
        self.0.mac_up_to(segments, at);
    }

    fn run(&mut self, blocks: &mut [Block], _at: Position, end: Position) {
        let this = &mut self.0;
        this.cipher
            .cbc_encrypt_then_mac(&mut this.chain, blocks, this.mac);
        this.mac_at = end;
    }

    fn across(&mut self, block: &mut [Block]) {
        self.0.cipher.cbc_encrypt(&mut self.0.chain, block);
    }
}

impl<'a> AsMut<Encrypting<'a>> for EncryptAndMac<'a> {
    fn as_mut(&mut self) -> &mut Encrypting<'a> {
        &mut self.0
    }
}

impl<'a> AsMut<Encrypting<'a>> for EncryptThenMac<'a> {
    fn as_mut(&mut self) -> &mut Encrypting<'a> {
        &mut self.0
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
            pass.run(Block::slice_as_chunks_mut(run).0, at, end);
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
