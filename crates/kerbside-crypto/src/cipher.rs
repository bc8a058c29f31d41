//! The ciphers with blocks of 16 octets: ready key schedules, and CBC over runs of whole blocks, with or without
//! hashing in between.

use aes::cipher::common::{BlockSizeUser, ParBlocks};
use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, KeyInit, KeySizeUser,
};
use aes::{Aes128, Aes256};
use camellia::{Camellia128, Camellia256};
use zeroize::Zeroize;

use crate::hmac_64::{Compression, Hmac64};
use crate::mac::MacState;

/// One cipher block.
pub(crate) type Block = Array<u8, U16>;
/// Octets of a cipher block.
pub(crate) const BLOCK_LEN: usize = 16;
/// Blocks that are encrypted and hashed in turn where the two cannot be laid into each other: what a processor keeps
/// close to it.
const CHUNK_BLOCKS: usize = 256;

/// A cipher with the schedules of both directions, zeroized on drop by its crate.
pub(crate) enum Cipher {
    Aes128(Aes128),
    Aes256(Aes256),
    Camellia128(Camellia128),
    Camellia256(Camellia256),
}

/// Calls a method that all ciphers have.
macro_rules! with_cipher {
    ($self:expr, $cipher:ident => $call:expr) => {
        match $self {
            Cipher::Aes128($cipher) => $call,
            Cipher::Aes256($cipher) => $call,
            Cipher::Camellia128($cipher) => $call,
            Cipher::Camellia256($cipher) => $call,
        }
    };
}

impl Cipher {
    /// AES with a 16- or 32-octet key.
    pub(crate) fn aes(key: &[u8]) -> Self {
        if key.len() <= 16 {
            Self::Aes128(keyed(key))
        } else {
            Self::Aes256(keyed(key))
        }
    }

    /// Camellia with a 16- or 32-octet key.
    pub(crate) fn camellia(key: &[u8]) -> Self {
        if key.len() <= 16 {
            Self::Camellia128(keyed(key))
        } else {
            Self::Camellia256(keyed(key))
        }
    }

    pub(crate) fn encrypt_block(&self, block: &mut Block) {
        with_cipher!(self, cipher => BlockCipherEncrypt::encrypt_block(cipher, block));
    }

    pub(crate) fn decrypt_block(&self, block: &mut Block) {
        with_cipher!(self, cipher => BlockCipherDecrypt::decrypt_block(cipher, block));
    }

    /// CBC in place; `chain` is the block before the run and becomes its last ciphertext block.
    pub(crate) fn cbc_encrypt(&self, chain: &mut Block, blocks: &mut [Block]) {
        with_cipher!(self, cipher => cipher.encrypt_with_backend(CbcEncrypt { chain, blocks }));
    }

    /// CBC in place, as many blocks at a time as the processor takes; `chain` as in encryption.
    pub(crate) fn cbc_decrypt(&self, chain: &mut Block, blocks: &mut [Block]) {
        with_cipher!(self, cipher => cipher.decrypt_with_backend(CbcDecrypt { chain, blocks }));
    }

    /// CBC in place and, at the same time, the MAC over the run's plaintext.
    pub(crate) fn cbc_encrypt_and_mac(&self, chain: &mut Block, blocks: &mut [Block], mac: &mut MacState) {
        if let (Self::Aes128(_) | Self::Aes256(_), MacState::Sha1(hmac)) = (self, &mut *mac) {
            let run = AndHash { chain, blocks, hmac };
            with_cipher!(self, cipher => cipher.encrypt_with_backend(run));
            return;
        }
        for chunk in blocks.chunks_mut(CHUNK_BLOCKS) {
            mac.update(Block::slice_as_flattened(chunk));
            self.cbc_encrypt(chain, chunk);
        }
    }

    /// CBC in place and, at the same time, the MAC over the run's ciphertext.
    pub(crate) fn cbc_encrypt_then_mac(&self, chain: &mut Block, blocks: &mut [Block], mac: &mut MacState) {
        if let (Self::Aes128(_) | Self::Aes256(_), MacState::Sha256(hmac)) = (self, &mut *mac) {
            let run = ThenHash { chain, blocks, hmac };
            with_cipher!(self, cipher => cipher.encrypt_with_backend(run));
            return;
        }
        for chunk in blocks.chunks_mut(CHUNK_BLOCKS) {
            self.cbc_encrypt(chain, chunk);
            mac.update(Block::slice_as_flattened(chunk));
        }
    }
}

/// A cipher from a key of its size: profiles have no others, and a short one would be filled up with zero octets.
pub(crate) fn keyed<C: KeyInit + KeySizeUser>(key: &[u8]) -> C {
    let mut array = aes::cipher::Key::<C>::default();
    for (to, from) in array.iter_mut().zip(key) {
        *to = *from;
    }
    let cipher = C::new(&array);
    array.as_mut_slice().zeroize();
    cipher
}

/// `to ^= with`, as one machine word where there is one.
#[inline(always)]
pub(crate) fn xor_block(to: &mut Block, with: &Block) {
    to.0 = (u128::from_ne_bytes(to.0) ^ u128::from_ne_bytes(with.0)).to_ne_bytes();
}

/// CBC of a few blocks inside a cipher's backend.
#[inline(always)]
fn chain_blocks<B: BlockCipherEncBackend<BlockSize = U16>>(
    backend: &B,
    chain: &mut Block,
    blocks: &mut [Block],
) {
    for block in blocks {
        xor_block(chain, block);
        backend.encrypt_block_inplace(chain);
        *block = *chain;
    }
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
        chain_blocks(backend, &mut chain, self.blocks);
        *self.chain = chain;
    }
}

/// Encryption of four blocks and hashing of 64 octets in turns. The chain of CBC and the chain of the hash are both
/// bound by latency and do not depend on each other, so the processor runs the two at once.
struct AndHash<'a, H: Compression> {
    chain: &'a mut Block,
    blocks: &'a mut [Block],
    hmac: &'a mut Hmac64<H>,
}

impl<H: Compression> BlockSizeUser for AndHash<'_, H> {
    type BlockSize = U16;
}

impl<H: Compression> BlockCipherEncClosure for AndHash<'_, H> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut chain = *self.chain;
        let text = Block::slice_as_flattened_mut(self.blocks);
        let done = self.hmac.update_ahead_of(text, |group| {
            chain_blocks(backend, &mut chain, Block::slice_as_chunks_mut(group).0);
        });
        let rest = text.get_mut(done..).unwrap_or_default();
        chain_blocks(backend, &mut chain, Block::slice_as_chunks_mut(rest).0);
        *self.chain = chain;
    }
}

/// The same with the hash over the ciphertext, a group behind.
struct ThenHash<'a, H: Compression> {
    chain: &'a mut Block,
    blocks: &'a mut [Block],
    hmac: &'a mut Hmac64<H>,
}

impl<H: Compression> BlockSizeUser for ThenHash<'_, H> {
    type BlockSize = U16;
}

impl<H: Compression> BlockCipherEncClosure for ThenHash<'_, H> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut chain = *self.chain;
        let text = Block::slice_as_flattened_mut(self.blocks);
        let (done, absorbed) = self.hmac.update_behind(text, |group| {
            chain_blocks(backend, &mut chain, Block::slice_as_chunks_mut(group).0);
        });
        let rest = text.get_mut(done..).unwrap_or_default();
        chain_blocks(backend, &mut chain, Block::slice_as_chunks_mut(rest).0);
        self.hmac.update(text.get(absorbed..).unwrap_or_default());
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
