//! CBC over runs of whole blocks, inside a cipher's backend, with a MAC in between.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherDecBackend, BlockCipherEncBackend, ParBlocks};

use crate::cipher::Block;
use crate::mac::MacState;

/// Blocks that are encrypted and hashed in turn where the two cannot be laid into each other: what a processor keeps
/// close to it.
const CHUNK_BLOCKS: usize = 256;
/// Blocks decrypted at once behind the last whole group that the processor takes.
const TAIL_BLOCKS: usize = 8;

/// `to ^= with`, as one machine word where there is one.
#[inline(always)]
pub(crate) fn xor_block(to: &mut Block, with: &Block) {
    to.0 = (u128::from_ne_bytes(to.0) ^ u128::from_ne_bytes(with.0)).to_ne_bytes();
}

/// CBC in place; `chain` is the block before the run and becomes its last ciphertext block.
#[inline(always)]
pub(crate) fn encrypt<B: BlockCipherEncBackend<BlockSize = U16>>(
    backend: &B,
    chain: &mut Block,
    blocks: &mut [Block],
) {
    let mut link = *chain;
    for block in blocks {
        xor_block(&mut link, block);
        backend.encrypt_block_inplace(&mut link);
        *block = link;
    }
    *chain = link;
}

/// CBC in place and, at the same time, the MAC over the run's plaintext.
///
/// For HMAC-SHA1 four blocks and 64 octets of the hash take turns. The chain of CBC and the chain of the hash are both
/// bound by latency and do not depend on each other, so an out-of-order processor runs the two at once.
#[inline(always)]
pub(crate) fn encrypt_and_mac<B: BlockCipherEncBackend<BlockSize = U16>>(
    backend: &B,
    chain: &mut Block,
    blocks: &mut [Block],
    mac: &mut MacState,
) {
    if let MacState::Sha1(hmac) = mac {
        let text = Block::slice_as_flattened_mut(blocks);
        let mut link = *chain;
        let done = hmac.update_ahead_of(text, |group| {
            encrypt(backend, &mut link, Block::slice_as_chunks_mut(group).0);
        });
        *chain = link;
        let rest = text.get_mut(done..).unwrap_or_default();
        encrypt(backend, chain, Block::slice_as_chunks_mut(rest).0);
        return;
    }
    for chunk in blocks.chunks_mut(CHUNK_BLOCKS) {
        mac.update(Block::slice_as_flattened(chunk));
        encrypt(backend, chain, chunk);
    }
}

/// CBC in place and, at the same time, the MAC over the run's ciphertext; HMAC-SHA256 a group of blocks behind.
#[inline(always)]
pub(crate) fn encrypt_then_mac<B: BlockCipherEncBackend<BlockSize = U16>>(
    backend: &B,
    chain: &mut Block,
    blocks: &mut [Block],
    mac: &mut MacState,
) {
    if let MacState::Sha256(hmac) = mac {
        let text = Block::slice_as_flattened_mut(blocks);
        let mut link = *chain;
        let (done, absorbed) = hmac.update_behind(text, |group| {
            encrypt(backend, &mut link, Block::slice_as_chunks_mut(group).0);
        });
        *chain = link;
        let rest = text.get_mut(done..).unwrap_or_default();
        encrypt(backend, chain, Block::slice_as_chunks_mut(rest).0);
        hmac.update(text.get(absorbed..).unwrap_or_default());
        return;
    }
    for chunk in blocks.chunks_mut(CHUNK_BLOCKS) {
        encrypt(backend, chain, chunk);
        mac.update(Block::slice_as_flattened(chunk));
    }
}

/// CBC in place, as many blocks at a time as the processor takes; `chain` as in encryption.
#[inline(always)]
pub(crate) fn decrypt<B: BlockCipherDecBackend<BlockSize = U16>>(
    backend: &B,
    chain: &mut Block,
    blocks: &mut [Block],
) {
    let (groups, tail) = ParBlocks::<B>::slice_as_chunks_mut(blocks);
    for group in groups {
        let ciphertext = group.clone();
        backend.decrypt_par_blocks_inplace(group);
        unchain(chain, group, &ciphertext);
    }
    for blocks in tail.chunks_mut(TAIL_BLOCKS) {
        let mut ciphertext = [Block::default(); TAIL_BLOCKS];
        for (to, from) in ciphertext.iter_mut().zip(blocks.iter()) {
            *to = *from;
        }
        backend.decrypt_tail_blocks_inplace(blocks);
        unchain(chain, blocks, &ciphertext);
    }
}

/// The second half of CBC decryption: each decrypted block is mixed with the ciphertext before it.
#[inline(always)]
fn unchain(chain: &mut Block, plaintext: &mut [Block], ciphertext: &[Block]) {
    for (block, next) in plaintext.iter_mut().zip(ciphertext) {
        xor_block(block, chain);
        *chain = *next;
    }
}
