//! AES with ready key schedules, and CBC over runs of whole blocks.

use aes::cipher::common::{BlockSizeUser, ParBlocks};
use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, KeyInit,
};
use aes::{Aes128, Aes256};
use zeroize::Zeroizing;

/// One cipher block.
pub(crate) type Block = Array<u8, U16>;
/// Octets of a cipher block.
pub(crate) const BLOCK_LEN: usize = 16;

/// AES with the schedules of both directions, zeroized on drop by the `aes` crate.
pub(crate) enum AesCipher {
    Aes128(Aes128),
    Aes256(Aes256),
}

impl AesCipher {
    /// Takes a 16- or 32-octet key.
    pub(crate) fn new(key: &[u8]) -> Self {
        // The two sizes are all that profiles have; a short slice would be filled up with zero octets.
        let mut padded = Zeroizing::new([0u8; 32]);
        for (to, from) in padded.iter_mut().zip(key) {
            *to = *from;
        }
        match padded.first_chunk::<16>() {
            Some(short) if key.len() <= 16 => Self::Aes128(Aes128::new(short.into())),
            _ => Self::Aes256(Aes256::new((&*padded).into())),
        }
    }

    pub(crate) fn encrypt_block(&self, block: &mut Block) {
        match self {
            Self::Aes128(aes) => aes.encrypt_block(block),
            Self::Aes256(aes) => aes.encrypt_block(block),
        }
    }

    pub(crate) fn decrypt_block(&self, block: &mut Block) {
        match self {
            Self::Aes128(aes) => aes.decrypt_block(block),
            Self::Aes256(aes) => aes.decrypt_block(block),
        }
    }

    /// CBC in place; `chain` is the block before the run and becomes its last ciphertext block.
    pub(crate) fn cbc_encrypt(&self, chain: &mut Block, blocks: &mut [Block]) {
        match self {
            Self::Aes128(aes) => aes.encrypt_with_backend(CbcEncrypt { chain, blocks }),
            Self::Aes256(aes) => aes.encrypt_with_backend(CbcEncrypt { chain, blocks }),
        }
    }

    /// CBC in place, as many blocks at a time as the processor takes; `chain` as in encryption.
    pub(crate) fn cbc_decrypt(&self, chain: &mut Block, blocks: &mut [Block]) {
        match self {
            Self::Aes128(aes) => aes.decrypt_with_backend(CbcDecrypt { chain, blocks }),
            Self::Aes256(aes) => aes.decrypt_with_backend(CbcDecrypt { chain, blocks }),
        }
    }
}

/// `to ^= with`, as one machine word where there is one.
#[inline(always)]
pub(crate) fn xor_block(to: &mut Block, with: &Block) {
    to.0 = (u128::from_ne_bytes(to.0) ^ u128::from_ne_bytes(with.0)).to_ne_bytes();
}

/// The loops run inside the cipher's own backend, so that the choice of instructions is made once per run and the
/// round keys stay in registers.
struct CbcEncrypt<'a> {
    chain: &'a mut Block,
    blocks: &'a mut [Block],
}

impl BlockSizeUser for CbcEncrypt<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for CbcEncrypt<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut chain = *self.chain;
        for block in self.blocks {
            xor_block(&mut chain, block);
            backend.encrypt_block_inplace(&mut chain);
            *block = chain;
        }
        *self.chain = chain;
    }
}

struct CbcDecrypt<'a> {
    chain: &'a mut Block,
    blocks: &'a mut [Block],
}

impl BlockSizeUser for CbcDecrypt<'_> {
    type BlockSize = U16;
}

impl BlockCipherDecClosure for CbcDecrypt<'_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        let mut chain = *self.chain;
        let (groups, tail) = ParBlocks::<B>::slice_as_chunks_mut(self.blocks);
        for group in groups {
            let ciphertext = group.clone();
            backend.decrypt_par_blocks_inplace(group);
            unchain(&mut chain, group, &ciphertext);
        }
        if !tail.is_empty() {
            let mut ciphertext = ParBlocks::<B>::default();
            for (to, from) in ciphertext.iter_mut().zip(tail.iter()) {
                *to = *from;
            }
            backend.decrypt_tail_blocks_inplace(tail);
            unchain(&mut chain, tail, &ciphertext);
        }
        *self.chain = chain;
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
