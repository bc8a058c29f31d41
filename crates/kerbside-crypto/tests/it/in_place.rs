//! Messages in pieces: the same octets whatever the pieces, and what is signed only is signed.

use kerbside_crypto::{CryptoError, Key, KeyUsage, Segment, SegmentError};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use crate::support::{Fixed, one_of_each, padded, seeded};

const USAGE: KeyUsage = KeyUsage::GSS_INITIATOR_SEAL;

/// A message's octets, cut into header, random pieces of data and padding, and trailer.
fn cut<'a>(key: &Key, message: &'a mut [u8], rng: &mut ChaCha20Rng) -> Vec<Segment<'a>> {
    let (header, rest) = message.split_at_mut(key.header_len());
    let (mut data, trailer) = rest.split_at_mut(rest.len() - key.trailer_len());
    let mut segments = vec![Segment::Header(header)];
    let longest = [1, 7, 16, 33][rng.next_u32() as usize % 4];
    while !data.is_empty() {
        let (piece, later) = data.split_at_mut((rng.next_u32() as usize % (longest + 1)).min(data.len()));
        data = later;
        segments.push(if rng.next_u32().is_multiple_of(2) {
            Segment::Data(piece)
        } else {
            Segment::Padding(piece)
        });
    }
    // A trailer may stand anywhere behind the header.
    let at = 1 + rng.next_u32() as usize % segments.len();
    segments.insert(at, Segment::Trailer(trailer));
    segments
}

#[test]
fn any_pieces_give_the_octets_that_one_piece_gives() {
    let mut rng = seeded(10);
    for key in one_of_each() {
        for len in 0..=200 {
            let mut plaintext = vec![0; len];
            rng.fill_bytes(&mut plaintext);
            // In the header of rc4-hmac the checksum comes first.
            let header_len = key.header_len();
            let mut confounder = vec![0; header_len + key.trailer_len() - key.checksum_len()];
            rng.fill_bytes(&mut confounder);
            let expected = key.encrypt(USAGE, &plaintext, &mut Fixed(&confounder)).unwrap();

            let mut message = vec![0; key.encrypted_len(len)];
            message[header_len..header_len + len].copy_from_slice(&plaintext);
            let mut segments = cut(&key, &mut message, &mut rng);
            key.encrypt_in_place(USAGE, &mut segments, &mut Fixed(&confounder))
                .unwrap();
            assert_eq!(message, expected, "{} {len}", key.enctype());

            let mut segments = cut(&key, &mut message, &mut rng);
            key.decrypt_in_place(USAGE, &mut segments).unwrap();
            assert_eq!(message[header_len - confounder.len()..header_len], confounder);
            let text = &message[header_len..message.len() - key.trailer_len()];
            assert_eq!(text, padded(&key, &plaintext));
        }
    }
}

/// Encrypts data with `sign_only` around it, and decrypts with `other`.
fn sign_only_round_trip(key: &Key, sign_only: [&[u8]; 2], other: [&[u8]; 2]) -> Result<(), CryptoError> {
    let (mut header, mut data, mut trailer) = (
        vec![0; key.header_len()],
        *b"data of 16 bytes",
        vec![0; key.trailer_len()],
    );
    let segments = &mut [
        Segment::Header(&mut header),
        Segment::SignOnly(sign_only[0]),
        Segment::Data(&mut data),
        Segment::SignOnly(sign_only[1]),
        Segment::Trailer(&mut trailer),
    ];
    key.encrypt_in_place(USAGE, segments, &mut seeded(11))?;
    assert_ne!(data, *b"data of 16 bytes");
    let segments = &mut [
        Segment::Header(&mut header),
        Segment::SignOnly(other[0]),
        Segment::Data(&mut data),
        Segment::SignOnly(other[1]),
        Segment::Trailer(&mut trailer),
    ];
    key.decrypt_in_place(USAGE, segments)?;
    assert_eq!(data, *b"data of 16 bytes");
    Ok(())
}

#[test]
fn what_is_signed_only_is_under_the_checksum_at_its_place() {
    for key in one_of_each() {
        let refused = Err(CryptoError::IntegrityFailure {
            enctype: key.enctype(),
        });
        assert_eq!(sign_only_round_trip(&key, [b"ab", b"c"], [b"ab", b"c"]), Ok(()));
        assert_eq!(sign_only_round_trip(&key, [b"ab", b"c"], [b"ab", b"d"]), refused);
        assert_eq!(sign_only_round_trip(&key, [b"ab", b"c"], [b"c", b"ab"]), refused);
        assert_eq!(sign_only_round_trip(&key, [b"ab", b"c"], [b"ab", b""]), refused);
    }
}

#[test]
fn malformed_lists_are_refused_and_nothing_is_changed() {
    for key in one_of_each() {
        let (mut header, mut data) = (vec![7; key.header_len()], [7; 20]);
        let segments = &mut [Segment::Header(&mut header), Segment::Data(&mut data)];
        let expected = Err(CryptoError::Segments(SegmentError::NoTrailer));
        assert_eq!(key.encrypt_in_place(USAGE, segments, &mut seeded(12)), expected);
        assert_eq!(key.decrypt_in_place(USAGE, segments), expected);
        assert_eq!((&header[..], data), (&vec![7; key.header_len()][..], [7; 20]));

        let mut trailer = vec![7; key.trailer_len() + 1];
        let segments = &mut [Segment::Header(&mut header), Segment::Trailer(&mut trailer)];
        let expected = SegmentError::TrailerLength {
            expected: key.trailer_len(),
            found: key.trailer_len() + 1,
        };
        assert_eq!(
            key.decrypt_in_place(USAGE, segments),
            Err(CryptoError::Segments(expected))
        );
        assert_eq!(header, vec![7; key.header_len()]);
    }
}

#[test]
fn one_key_serves_many_threads_and_usages() {
    for key in one_of_each() {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let key = &key;
                scope.spawn(move || {
                    for usage in (1..=30).map(KeyUsage) {
                        let sealed = key.encrypt(usage, b"text", &mut seeded(thread)).unwrap();
                        assert_eq!(*key.decrypt(usage, &sealed).unwrap(), padded(key, b"text"));
                        let tag = key.checksum(usage, &[b"text"]).unwrap();
                        key.verify_checksum(usage, key.checksum_type(), &[b"text"], tag.as_bytes())
                            .unwrap();
                    }
                });
            }
        });
    }
}

#[test]
fn two_encryptions_of_one_text_differ() {
    let mut rng = seeded(13);
    for key in one_of_each() {
        let one = key.encrypt(USAGE, b"text", &mut rng).unwrap();
        assert_ne!(one, key.encrypt(USAGE, b"text", &mut rng).unwrap());
    }
}

#[test]
fn triple_des_wants_whole_blocks_in_place() {
    for key in one_of_each() {
        let (mut header, mut data) = (vec![7; key.header_len()], [7; 20]);
        let mut trailer = vec![7; key.trailer_len()];
        let segments = &mut [
            Segment::Header(&mut header),
            Segment::Data(&mut data),
            Segment::Trailer(&mut trailer),
        ];
        let result = key.encrypt_in_place(USAGE, segments, &mut seeded(14));
        if key.padding_len(20) == 0 {
            assert_eq!(result, Ok(()));
            continue;
        }
        let expected = SegmentError::PaddingLength {
            multiple: 8,
            found: 28,
        };
        assert_eq!(result, Err(CryptoError::Segments(expected)));
        assert_eq!((&header[..], data), (&[7; 8][..], [7; 20]));
    }
}
