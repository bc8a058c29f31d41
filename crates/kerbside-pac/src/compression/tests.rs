//! The examples of MS-XCA section 3, and streams that break the formats.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

const FORMATS: [CompressionFormat; 3] = [
    CompressionFormat::LZNT1,
    CompressionFormat::XPRESS,
    CompressionFormat::XPRESS_HUFF,
];

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

const NOTES: &[u8] =
    b"F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# \
G F# E D E A F# F# G A A G F# E D D E F# E D D\0";

/// A table of Huffman code lengths, and what follows it.
fn huffman(lengths: &[(usize, u8)], stream: &str) -> Vec<u8> {
    let mut bytes = vec![0; 256];
    for &(symbol, length) in lengths {
        bytes[symbol / 2] |= length << (4 * (symbol % 2));
    }
    bytes.extend(hex::decode(stream).unwrap());
    bytes
}

fn examples() -> Vec<(CompressionFormat, Vec<u8>, Vec<u8>)> {
    let abc = b"abc".repeat(100);
    let mut alphabet: Vec<(usize, u8)> = (b'a'..=b'z').map(|letter| (letter.into(), 5)).collect();
    // Section 3.2: 50 55 .. 55 45 44 04 for a to z.
    for short in [b'w', b'x', b'y', b'z'] {
        alphabet[usize::from(short - b'a')].1 = 4;
    }
    alphabet.push((256, 4));
    vec![
        (
            CompressionFormat::XPRESS,
            hex::decode("3f0000006162636465666768696a6b6c6d6e6f707172737475767778797a").unwrap(),
            ALPHABET.to_vec(),
        ),
        (
            CompressionFormat::XPRESS,
            hex::decode("ffffff1f61626317000fff2601").unwrap(),
            abc.clone(),
        ),
        (
            CompressionFormat::XPRESS_HUFF,
            huffman(&alphabet, "d8523ed794115be9195ff9d67cdf8d0400000000"),
            ALPHABET.to_vec(),
        ),
        (
            CompressionFormat::XPRESS_HUFF,
            huffman(&[(97, 3), (98, 3), (99, 2), (256, 2), (287, 2)], "a8dc0000ff2601"),
            abc,
        ),
        (
            CompressionFormat::LZNT1,
            hex::decode(
                concat!(
                    "38b08846232000204720410010a24701a045204400084501507900c045200524",
                    "138805b4024a44ef0358028c0916014845 00be009e0004011890 00"
                )
                .replace(' ', ""),
            )
            .unwrap(),
            NOTES.to_vec(),
        ),
    ]
}

fn run(format: CompressionFormat, compressed: &[u8], len: usize) -> Result<Vec<u8>, PacError> {
    decompress(format, compressed, len.try_into().unwrap())
}

fn reason(result: Result<Vec<u8>, PacError>) -> &'static str {
    match result {
        Err(PacError::Malformed {
            kind: Malformed::Compression { reason },
            ..
        }) => reason,
        other => panic_with(&other),
    }
}

#[allow(clippy::panic, reason = "a test fails by panicking")]
fn panic_with(result: &Result<Vec<u8>, PacError>) -> &'static str {
    panic!("expected a broken stream, but found {result:?}")
}

#[test]
fn the_specification_s_examples() {
    for (format, compressed, plain) in examples() {
        assert_eq!(
            run(format, &compressed, plain.len()).as_deref(),
            Ok(&plain[..]),
            "{format}"
        );
    }
}

#[test]
fn another_length_than_announced_is_refused() {
    for (format, compressed, plain) in examples() {
        assert!(run(format, &compressed, plain.len() + 1).is_err(), "{format}");
    }
}

#[test]
fn truncated_and_altered_streams_never_panic_and_never_grow() {
    for (format, compressed, plain) in examples() {
        for len in 0..compressed.len() {
            if let Ok(output) = run(format, &compressed[..len], plain.len()) {
                assert_eq!(output.len(), plain.len());
            }
        }
        for octet in 0..compressed.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut altered = compressed.clone();
                altered[octet] ^= flip;
                for format in FORMATS {
                    if let Ok(output) = run(format, &altered, plain.len()) {
                        assert_eq!(output.len(), plain.len());
                    }
                }
            }
        }
    }
}

#[test]
fn bombs_are_bounded() {
    // A match of 2^32 - 1 octets: more than announced is never written, whatever is announced.
    let xpress = hex::decode("ffffff7f6107000fff0000ffffffff").unwrap();
    assert_eq!(reason(run(CompressionFormat::XPRESS, &xpress, 1000)), TOO_LONG);
    let huff = huffman(&[(97, 1), (271, 1)], "00400000ff0000ffffffff");
    assert_eq!(reason(run(CompressionFormat::XPRESS_HUFF, &huff, 1000)), TOO_LONG);
    // Sixteen chunks of 4096 octets each.
    let lznt1 = hex::decode("03b00261fc0f").unwrap().repeat(16);
    assert_eq!(
        run(CompressionFormat::LZNT1, &lznt1, 4096).map(drop),
        Err(PacError::malformed(
            WHAT,
            12,
            Malformed::Compression { reason: TOO_LONG }
        ))
    );
    for format in FORMATS {
        assert_eq!(
            decompress(format, &xpress, u32::MAX).unwrap_err().to_string(),
            "compressed claims: expected at most 1048576 uncompressed octets, but found 4294967295 at byte 0"
        );
    }
}

#[test]
fn each_rule_of_the_formats_is_kept() {
    use CompressionFormat as F;
    let before = "refers to before its beginning";
    for (format, stream, len, expected) in [
        (F::XPRESS, "ffffffff0000", 3, before),
        (F::XPRESS, "ffffff7f610800", 4, before),
        (
            F::XPRESS,
            "ffffff7f6107000fff1500",
            100,
            "long length that is short",
        ),
        (
            F::XPRESS,
            "ffffff7f6107000fff000015000000",
            100,
            "long length that is short",
        ),
        (F::XPRESS, "ffffff7f61070", 100, TRUNCATED),
        (F::XPRESS, "0000", 1, TRUNCATED),
        (F::LZNT1, "0020 61", 1, "chunk without LZNT1's signature"),
        (F::LZNT1, "0130 61", 2, TRUNCATED),
        (F::LZNT1, "02b0 01 0000", 3, "refers to before its chunk"),
        (F::LZNT1, "0030 61 02b0 01 0000", 4, "refers to before its chunk"),
        (
            F::LZNT1,
            "03b0 02 61 ff0f",
            5000,
            "chunk of more than 4096 octets",
        ),
        (
            F::LZNT1,
            "0030 61 0000 ffff",
            2,
            "ends before the announced length",
        ),
        (F::LZNT1, "0130 6161", 1, TOO_LONG),
        (F(1), "00", 1, "unknown compression format"),
        (F(0), "00", 1, "unknown compression format"),
    ] {
        let stream = stream.replace(' ', "");
        let stream = hex::decode(&stream[..stream.len() & !1]).unwrap();
        assert_eq!(
            reason(run(format, &stream, len)),
            expected,
            "{format} {stream:02x?}"
        );
    }
    for (lengths, stream, len, expected) in [
        (&[(97, 1)][..], "00000000", 1, "code lengths that make no code"),
        (
            &[(97, 1), (98, 1), (99, 1)],
            "00000000",
            1,
            "code lengths that make no code",
        ),
        (&[(97, 1), (256, 1)], "0080 0000", 4, before),
        (&[(97, 1), (272, 1)], "0040 0000", 4, before),
        (
            &[(97, 1), (271, 1)],
            "0040 0000 ff0e00",
            100,
            "long length that is short",
        ),
        (&[(97, 1), (98, 1)], "0000 0000", 33, TRUNCATED),
        (&[(97, 1), (98, 1)], "0000", 1, TRUNCATED),
    ] {
        let stream = huffman(lengths, &stream.replace(' ', ""));
        assert_eq!(
            reason(run(F::XPRESS_HUFF, &stream, len)),
            expected,
            "{lengths:?} {len}"
        );
    }
}

#[test]
fn huffman_blocks_follow_each_other() {
    // 65536 times "a" by a match that is long, then a second block of two "b".
    let mut stream = huffman(&[(97, 1), (271, 1)], "00400000ff fcff".replace(' ', "").as_str());
    stream.extend(huffman(&[(98, 1), (99, 1)], "00000000"));
    let plain = run(CompressionFormat::XPRESS_HUFF, &stream, 65_538).unwrap();
    assert!(plain[..65_536].iter().all(|octet| *octet == b'a'));
    assert_eq!(&plain[65_536..], b"bb");
    // LZNT1: a match does not see the chunk before, and an uncompressed chunk is one of several.
    let stream = hex::decode("0030 61 04b0 02 62 0000 0130 6364".replace(' ', "")).unwrap();
    assert!(run(CompressionFormat::LZNT1, &stream, 7).is_err());
    let stream = hex::decode("0030 61 03b0 02 62 0000 0130 6364".replace(' ', "")).unwrap();
    assert_eq!(
        run(CompressionFormat::LZNT1, &stream, 7).as_deref(),
        Ok(&b"abbbbcd"[..])
    );
}
