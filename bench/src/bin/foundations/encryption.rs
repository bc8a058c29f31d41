//! kerbside-crypto beside the parts it is made of: `cts` and `hmac` with prepared keys, each on its own, on the same
//! octets, and `pbkdf2`.

use core::convert::Infallible;
use core::hint::black_box;

use aes::{Aes128, Aes256};
use cts::cipher::common::BlockSizeUser;
use cts::cipher::consts::U16;
use cts::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, InnerIvInit};
use cts::{CbcCs3, Decrypt as _, Encrypt as _};
use hmac::{Hmac, KeyInit, Mac};
use kerbside_crypto::{EncryptionType, IterationLimits, Key, KeyUsage, Password, Segment};
use rand_core::{TryCryptoRng, TryRng};
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use crate::stopwatch::{Cost, Subject, in_turns};

const USAGE: KeyUsage = KeyUsage::KRB_PRIV;
const HEADER_LEN: usize = 16;
const SIZES: [(usize, &str); 4] = [
    (100, "100 B"),
    (1500, "1500 B"),
    (16 << 10, "16 KiB"),
    (1 << 20, "1 MiB"),
];
/// What the whole may cost beside the sum of its parts.
const GOAL: f64 = 1.25;
const STRING_TO_KEY_GOAL: f64 = 1.05;

/// Confounders for nothing: drawing them is no part of what is measured.
struct Counter(u64);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0 += 1;
        Ok(u32::try_from(self.0 & 0xffff_ffff).unwrap_or_default())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 += 1;
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0 += 1;
        for chunk in out.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.0.to_le_bytes()) {
                *to = from;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

/// The table of encryption and decryption.
pub(crate) fn messages() -> Result<String, String> {
    let mut table = String::from(
        "| encryption type | | size | kerbside: min / median | `cts` | `hmac` | to the sum of both: min, median | goal |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let (short, long) = (&[7; 16][..], &[7; 32][..]);
    type Part<'a> = (i32, &'a [u8], bool);
    let parts: [Part<'_>; 4] = [
        (18, long, false),
        (20, long, true),
        (17, short, false),
        (19, short, true),
    ];
    for (number, key, over_ciphertext) in parts {
        let enctype = EncryptionType(number);
        for (size, name) in SIZES {
            let lines = match number {
                17 => of_parts::<Aes128, Hmac<Sha1>>(enctype, key, size, over_ciphertext),
                18 => of_parts::<Aes256, Hmac<Sha1>>(enctype, key, size, over_ciphertext),
                19 => of_parts::<Aes128, Hmac<Sha256>>(enctype, key, size, over_ciphertext),
                _ => of_parts::<Aes256, Hmac<Sha384>>(enctype, key, size, over_ciphertext),
            }?;
            for (direction, [ours, cts, hmac]) in lines {
                table.push_str(&format!(
                    "| {enctype} | {direction} | {name} | {ours} | {cts} | {hmac} | {} |\n",
                    beside(ours, cts + hmac, GOAL)
                ));
            }
        }
    }
    Ok(table)
}

/// The ratios, and whether the goal is kept: by the least, since what else the machine does can only add.
fn beside(ours: Cost, theirs: Cost, goal: f64) -> String {
    let ratio = ours.min / theirs.min;
    let kept = if ratio <= goal { "kept" } else { "MISSED" };
    format!("{ratio:.2}, {:.2} | {goal}: {kept}", ours.median / theirs.median)
}

type Lines = [(&'static str, [Cost; 3]); 2];

fn of_parts<C, M>(
    enctype: EncryptionType,
    key: &[u8],
    size: usize,
    over_ciphertext: bool,
) -> Result<Lines, String>
where
    C: KeyInit + BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + BlockCipherDecrypt,
    M: Mac + KeyInit + Clone,
{
    let failed = |error: &dyn core::fmt::Display| format!("{enctype}: {error}");
    let ours = Key::new(enctype, key).map_err(|error| failed(&error))?;
    let cipher = C::new_from_slice(key).map_err(|error| failed(&error))?;
    let mac = <M as KeyInit>::new_from_slice(key).map_err(|error| failed(&error))?;
    let iv = Array::<u8, U16>::default();

    let mut message = vec![0x61; HEADER_LEN + size + ours.trailer_len()];
    let mut text = vec![0x61; HEADER_LEN + size];
    let signed = text.clone();
    let tag_with = || {
        let mut mac = mac.clone();
        if over_ciphertext {
            mac.update(&iv);
        }
        mac.update(black_box(&signed));
        black_box(mac.finalize().into_bytes());
    };
    let mut rng = Counter(0);
    let encrypting: [Subject<'_>; 3] = [
        Box::new(|| {
            let done = ours.encrypt_in_place(USAGE, &mut cut(black_box(&mut message), &ours), &mut rng);
            black_box(done).unwrap_or_default();
        }),
        Box::new(|| {
            let done = CbcCs3::inner_iv_init(&cipher, &iv).encrypt(black_box(&mut text));
            black_box(done).unwrap_or_default();
        }),
        Box::new(tag_with),
    ];
    let encrypting = in_turns(encrypting);

    // Decryption in place leaves plaintext, so each call takes a fresh copy; what copying costs is measured and taken
    // off both sides.
    let good = message.clone();
    let mut plaintexts_refused = 0u32;
    let mut copied = message.clone();
    let decrypting: [Subject<'_>; 5] = [
        Box::new(|| {
            message.copy_from_slice(black_box(&good));
            let done = ours.decrypt_in_place(USAGE, &mut cut(black_box(&mut message), &ours));
            plaintexts_refused += u32::from(black_box(done).is_err());
        }),
        Box::new(|| {
            text.copy_from_slice(black_box(&signed));
            let done = CbcCs3::inner_iv_init(&cipher, &iv).decrypt(black_box(&mut text));
            black_box(done).unwrap_or_default();
        }),
        Box::new(tag_with),
        Box::new(|| {
            copied.copy_from_slice(black_box(&good));
            black_box(&mut copied);
        }),
        Box::new(|| ()),
    ];
    let [ours, cts, hmac, copy, _] = in_turns(decrypting);
    if plaintexts_refused > 0 {
        return Err(failed(&"a message of our own was refused"));
    }
    let without = |cost: Cost| Cost {
        min: cost.min - copy.min,
        median: cost.median - copy.median,
    };
    Ok([
        ("encrypt", encrypting),
        ("decrypt", [without(ours), without(cts), hmac]),
    ])
}

fn cut<'a>(message: &'a mut [u8], key: &Key) -> [Segment<'a>; 3] {
    let (header, rest) = message.split_at_mut(HEADER_LEN);
    let (data, trailer) = rest.split_at_mut(rest.len() - key.trailer_len());
    [
        Segment::Header(header),
        Segment::Data(data),
        Segment::Trailer(trailer),
    ]
}

/// The table of string-to-key.
pub(crate) fn string_to_key() -> Result<String, String> {
    let mut table = String::from(
        "| encryption type | iterations | kerbside: min / median | `pbkdf2` | to that: min, median | goal |\n\
         |---|---|---|---|---|---|\n",
    );
    let password = Password::from("correct horse battery staple");
    let salt = b"EXAMPLE.COMalice";
    for number in [18, 20, 17, 19] {
        let enctype = EncryptionType(number);
        let iterations = enctype.default_iterations().ok_or("a type without iterations")?;
        let mut out = [0; 32];
        let out = out
            .get_mut(..enctype.key_len().ok_or("a type without keys")?)
            .ok_or("a long key")?;
        let ours: Subject<'_> = Box::new(|| {
            let key = Key::from_password(
                enctype,
                black_box(&password),
                salt,
                None,
                &IterationLimits::default(),
            );
            black_box(key).ok();
        });
        let bare: Subject<'_> = Box::new(|| {
            let password = black_box(password.expose_secret());
            match number {
                19 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, out),
                20 => pbkdf2::pbkdf2_hmac::<Sha384>(password, salt, iterations, out),
                _ => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, out),
            }
            black_box(&out);
        });
        let [ours, bare] = in_turns([ours, bare]);
        table.push_str(&format!(
            "| {enctype} | {iterations} | {ours} | {bare} | {} |\n",
            beside(ours, bare, STRING_TO_KEY_GOAL)
        ));
    }
    Ok(table)
}
