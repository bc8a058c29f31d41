//! Readers of the vector files, and sources of randomness that a test controls.

use core::convert::Infallible;

use kerbside_crypto::{CryptoError, EncryptionType, EnctypePolicy, IterationLimits, Key, Password};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{SeedableRng, TryCryptoRng, TryRng};
use serde_json::Value;

pub(crate) fn seeded(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Gives the octets it was made of, once: a confounder from a vector.
pub(crate) struct Fixed<'a>(pub(crate) &'a [u8]);

impl TryRng for Fixed<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only octets are asked for")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only octets are asked for")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let (now, later) = self.0.split_at(out.len());
        out.copy_from_slice(now);
        self.0 = later;
        Ok(())
    }
}

impl TryCryptoRng for Fixed<'_> {}

pub(crate) fn read(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn list<'a>(file: &'a Value, field: &str) -> &'a [Value] {
    file[field].as_array().unwrap()
}

pub(crate) fn octets(vector: &Value, field: &str) -> Vec<u8> {
    hex::decode(vector[field].as_str().unwrap()).unwrap()
}

pub(crate) fn number(vector: &Value, field: &str) -> i32 {
    vector[field].as_i64().unwrap().try_into().unwrap()
}

pub(crate) fn enctype(vector: &Value) -> EncryptionType {
    EncryptionType(number(vector, "etype"))
}

/// A key of any implemented type.
pub(crate) fn key(enctype: EncryptionType, octets: &[u8]) -> Result<Key, CryptoError> {
    Key::with_policy(enctype, octets, &EnctypePolicy::ALLOW_ALL)
}

/// string-to-key for any implemented type.
pub(crate) fn from_password(
    enctype: EncryptionType,
    password: &Password,
    salt: &[u8],
    params: Option<&[u8]>,
    limits: &IterationLimits,
) -> Result<Key, CryptoError> {
    Key::from_password_with_policy(enctype, password, salt, params, limits, &EnctypePolicy::ALLOW_ALL)
}

/// Counts of one vector file: what ran, and what was refused by name as it must be.
#[derive(Default)]
pub(crate) struct Tally {
    run: u64,
    refused: u64,
}

impl Tally {
    /// The key, or the refusal counted after checking that it names the type.
    pub(crate) fn key(&mut self, result: Result<Key, CryptoError>, asked: EncryptionType) -> Option<Key> {
        if asked.is_implemented() {
            self.run += 1;
            return Some(result.unwrap());
        }
        assert_eq!(result.unwrap_err(), CryptoError::Unsupported { enctype: asked });
        self.refused += 1;
        None
    }

    /// One more that ran.
    pub(crate) fn ran(&mut self) {
        self.run += 1;
    }

    /// One more that was refused.
    pub(crate) fn refused(&mut self) {
        self.refused += 1;
    }

    /// Each vector of the file was run or refused, in the numbers expected.
    pub(crate) fn finish(self, file: &Value, run: u64, refused: u64) {
        assert_eq!((self.run, self.refused), (run, refused));
        assert_eq!(self.run + self.refused, file["count"].as_u64().unwrap());
    }
}

/// A key for each implemented type, octets counting up.
pub(crate) fn one_of_each() -> impl Iterator<Item = Key> {
    EncryptionType::IMPLEMENTED.into_iter().map(|enctype| {
        let octets: Vec<u8> = (1..).step_by(3).take(enctype.key_len().unwrap()).collect();
        key(enctype, &octets).unwrap()
    })
}

/// What decryption gives for a plaintext: triple DES tells no padding from data.
pub(crate) fn padded(key: &Key, plaintext: &[u8]) -> Vec<u8> {
    let mut padded = plaintext.to_vec();
    padded.resize(plaintext.len() + key.padding_len(plaintext.len()), 0);
    padded
}
