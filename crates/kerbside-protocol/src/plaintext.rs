//! What a decryption gives, decoded.

use kerbside_asn1::{self as asn1, Decode};
use kerbside_crypto::EncryptionType;

/// Octets of a triple-DES block, less one: the most padding a sender has reason to add.
const PADDING_MAX: usize = 7;

/// Decodes a message from what a key of `enctype` decrypted.
///
/// Triple DES fills the plaintext up to its block and does not say by how much (RFC 3961 section 6.3): for that type
/// alone the message is the outer element, and up to 7 octets behind it do not count. All other types give back what
/// was encrypted, and octets behind the message are an error.
///
/// # Errors
/// As [`asn1::decode`].
pub fn decode_plaintext<'a, T: Decode<'a>>(
    enctype: EncryptionType,
    plain: &'a [u8],
) -> Result<T, asn1::DecodeError> {
    let message = match enctype {
        EncryptionType::DES3_CBC_SHA1_KD => without_padding(plain),
        _ => plain,
    };
    asn1::decode(message)
}

/// The outer element without the padding behind it; all of it where there is no such element.
fn without_padding(plain: &[u8]) -> &[u8] {
    outer_len(plain)
        .filter(|len| {
            plain
                .len()
                .checked_sub(*len)
                .is_some_and(|rest| rest <= PADDING_MAX)
        })
        .and_then(|len| plain.get(..len))
        .unwrap_or(plain)
}

/// The length of an element with a tag of one octet, by its own header.
fn outer_len(bytes: &[u8]) -> Option<usize> {
    let first = usize::from(*bytes.get(1)?);
    if first < 0x80 {
        return first.checked_add(2);
    }
    let count = first & 0x7f;
    let octets = bytes.get(2..count.checked_add(2)?).filter(|_| count > 0)?;
    let len = octets.iter().try_fold(0_usize, |len, octet| {
        len.checked_mul(256)?.checked_add(usize::from(*octet))
    })?;
    len.checked_add(2)?.checked_add(count)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use alloc::vec::Vec;

    use kerbside_asn1::{self as asn1, PaEncTsEnc};
    use kerbside_crypto::EncryptionType;

    use super::{decode_plaintext, outer_len};
    use crate::fake_kdc::now;

    #[test]
    fn padding_is_ignored_for_triple_des_alone_and_up_to_a_block() {
        let stamp = PaEncTsEnc {
            patimestamp: now(5).time,
            pausec: Some(now(5).usec),
        };
        let message = asn1::encode(&stamp).unwrap();
        for enctype in (0..=26).map(EncryptionType) {
            for fill in [0, 0xff] {
                for count in 0..16 {
                    let mut plain: Vec<u8> = message.clone();
                    plain.resize(message.len() + count, fill);
                    let read: Result<PaEncTsEnc, _> = decode_plaintext(enctype, &plain);
                    let taken = count == 0 || (enctype == EncryptionType::DES3_CBC_SHA1_KD && count < 8);
                    assert_eq!(read.is_ok(), taken, "{enctype}, {count} octets of {fill:#x}");
                }
            }
        }
    }

    #[test]
    fn a_message_that_is_cut_short_stays_an_error() {
        let stamp = PaEncTsEnc {
            patimestamp: now(5).time,
            pausec: Some(now(5).usec),
        };
        let message = asn1::encode(&stamp).unwrap();
        for len in 0..message.len() {
            let cut = message.get(..len).unwrap();
            assert!(decode_plaintext::<PaEncTsEnc>(EncryptionType::DES3_CBC_SHA1_KD, cut).is_err());
        }
    }

    #[test]
    fn lengths_of_all_forms() {
        assert_eq!(outer_len(&[0x30, 0x7f]), Some(0x81));
        assert_eq!(outer_len(&[0x30, 0x81, 0x80]), Some(0x83));
        assert_eq!(outer_len(&[0x30, 0x82, 1, 2]), Some(0x106));
        assert_eq!(outer_len(&[0x30, 0x80]), None);
        assert_eq!(outer_len(&[0x30, 0x82, 1]), None);
        assert_eq!(outer_len(&[0x30]), None);
        assert_eq!(outer_len(&[0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(
            outer_len(&[0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255]),
            None
        );
    }
}
