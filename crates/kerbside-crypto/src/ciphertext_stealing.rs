//! CBC with ciphertext stealing (CBC-CS3 of NIST SP 800-38A addendum) over segments, as RFC 3962 section 5 and
//! RFC 8009 section 5 use it: no initial vector but zero, the last two blocks always exchanged.

use zeroize::Zeroizing;

use crate::cipher::{AesCipher, BLOCK_LEN, Block, xor_block};
use crate::segment::Segment;

/// Encrypts the `total` octets of the encrypted segments as one string, in place.
pub(crate) fn encrypt(cipher: &AesCipher, segments: &mut [Segment<'_>], total: usize) {
    let shape = Shape::of(total);
    let mut chain = Block::default();
    let at = for_each_run(segments, shape.bulk, |blocks| {
        cipher.cbc_encrypt(&mut chain, blocks)
    });
    shape.with_final_pair(segments, at, |[last_but_one, last], _| {
        xor_block(last_but_one, &chain);
        cipher.encrypt_block(last_but_one);
        xor_block(last, last_but_one);
        cipher.encrypt_block(last);
        core::mem::swap(last_but_one, last);
    });
}

/// Decrypts the `total` octets of the encrypted segments as one string, in place.
pub(crate) fn decrypt(cipher: &AesCipher, segments: &mut [Segment<'_>], total: usize) {
    let shape = Shape::of(total);
    let mut chain = Block::default();
    let at = for_each_run(segments, shape.bulk, |blocks| {
        cipher.cbc_decrypt(&mut chain, blocks)
    });
    shape.with_final_pair(segments, at, |[last_but_one, last], stolen| {
        // The full block comes first; decrypted, it is the short plaintext mixed with the short ciphertext, and
        // behind that the octets that were stolen from the other block.
        cipher.decrypt_block(last_but_one);
        for (short, full) in last.iter_mut().zip(last_but_one.iter_mut()).skip(stolen) {
            *short = *full;
        }
        xor_block(last_but_one, last);
        cipher.decrypt_block(last);
        xor_block(last, &chain);
        core::mem::swap(last_but_one, last);
    });
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

/// A place in the string that the encrypted segments make.
#[derive(Clone, Copy)]
struct Position {
    segment: usize,
    offset: usize,
}

/// Calls `f` with runs of whole blocks, `len` octets in all: in place where a segment holds whole blocks, through a
/// block on the stack where one lies across segments.
fn for_each_run(segments: &mut [Segment<'_>], len: usize, mut f: impl FnMut(&mut [Block])) -> Position {
    let mut at = Position {
        segment: 0,
        offset: 0,
    };
    let mut blocks_left = len / BLOCK_LEN;
    while blocks_left > 0 {
        let Some(segment) = segments.get_mut(at.segment) else {
            break;
        };
        let rest = segment
            .encrypted_mut()
            .and_then(|bytes| bytes.get_mut(at.offset..))
            .unwrap_or_default();
        if rest.is_empty() {
            at = Position {
                segment: at.segment + 1,
                offset: 0,
            };
            continue;
        }
        let whole = Block::slice_as_chunks_mut(rest).0;
        let count = whole.len().min(blocks_left);
        if let Some(run) = whole.get_mut(..count).filter(|run| !run.is_empty()) {
            f(run);
            at.offset += count * BLOCK_LEN;
            blocks_left -= count;
        } else {
            let mut across = Zeroizing::new([0u8; BLOCK_LEN]);
            gather(segments, at, &mut *across);
            f(Block::slice_as_chunks_mut(&mut *across).0);
            at = scatter(segments, at, &*across);
            blocks_left -= 1;
        }
    }
    at
}

/// Copies the octets at `at` out of the segments.
fn gather(segments: &[Segment<'_>], at: Position, mut out: &mut [u8]) {
    let mut offset = at.offset;
    for segment in segments.iter().skip(at.segment) {
        let rest = segment
            .encrypted()
            .and_then(|bytes| bytes.get(offset..))
            .unwrap_or_default();
        offset = 0;
        let (now, later) = out.split_at_mut(rest.len().min(out.len()));
        for (to, from) in now.iter_mut().zip(rest) {
            *to = *from;
        }
        out = later;
        if out.is_empty() {
            break;
        }
    }
}

/// Copies octets into the segments at `at` and returns the place behind them.
fn scatter(segments: &mut [Segment<'_>], mut at: Position, mut text: &[u8]) -> Position {
    while !text.is_empty() {
        let Some(segment) = segments.get_mut(at.segment) else {
            break;
        };
        let rest = segment
            .encrypted_mut()
            .and_then(|bytes| bytes.get_mut(at.offset..))
            .unwrap_or_default();
        let count = rest.len().min(text.len());
        let (now, later) = text.split_at(count);
        for (to, from) in rest.iter_mut().zip(now) {
            *to = *from;
        }
        text = later;
        at = if text.is_empty() {
            Position {
                segment: at.segment,
                offset: at.offset + count,
            }
        } else {
            Position {
                segment: at.segment + 1,
                offset: 0,
            }
        };
    }
    at
}

#[cfg(test)]
mod tests;
