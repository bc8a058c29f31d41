//! NEGOEX messages: published ones, every one altered, and ones that nobody should send.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use alloc::string::{String, ToString};
use alloc::vec;

use serde_json::Value;

use super::*;

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../../tests/vectors/negoex.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn bytes(entry: &Value, field: &str) -> Vec<u8> {
    hex::decode(entry[field].as_str().unwrap()).unwrap()
}

fn refusal(token: &[u8]) -> String {
    parse(token).unwrap_err().to_string()
}

fn check_body(body: &Body<'_>, expected: &Value) {
    let scheme = |guid: &Guid| assert_eq!(guid.to_string(), expected["auth_scheme"].as_str().unwrap());
    match body {
        Body::InitiatorNego(nego) | Body::AcceptorNego(nego) => {
            let schemes: Vec<String> = nego.auth_schemes.iter().map(ToString::to_string).collect();
            let wanted: Vec<&str> = expected["auth_schemes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|scheme| scheme.as_str().unwrap())
                .collect();
            assert_eq!(schemes, wanted);
            assert_eq!(
                nego.extensions.len() as u64,
                expected["extensions"].as_u64().unwrap()
            );
            if let Some(random) = expected["random_hex"].as_str() {
                assert_eq!(hex::encode(nego.random), random);
            }
        }
        Body::InitiatorMetaData(exchange)
        | Body::AcceptorMetaData(exchange)
        | Body::Challenge(exchange)
        | Body::ApRequest(exchange) => {
            scheme(&exchange.auth_scheme);
            assert_eq!(
                hex::encode(exchange.exchange),
                expected["exchange_hex"].as_str().unwrap()
            );
        }
        Body::Verify(verify) => {
            scheme(&verify.auth_scheme);
            let checksum = &expected["checksum"];
            assert_eq!(
                u64::from(verify.checksum_scheme),
                checksum["scheme"].as_u64().unwrap()
            );
            assert_eq!(
                u64::from(verify.checksum_type),
                checksum["type"].as_u64().unwrap()
            );
            assert_eq!(
                hex::encode(verify.checksum),
                checksum["value_hex"].as_str().unwrap()
            );
        }
        Body::Alert(_) => panic!("no vector has one"),
    }
}

#[test]
fn published_messages_are_read_and_written() {
    let mut count = 0;
    for entry in vectors() {
        let token = bytes(&entry, "message_hex");
        let messages = parse(&token).unwrap();
        let expected = entry["decoded"].as_array().unwrap();
        assert_eq!(messages.len(), expected.len(), "{}", entry["name"]);
        for (message, expected) in messages.iter().zip(expected) {
            assert_eq!(
                u64::from(message.sequence),
                expected["sequence"].as_u64().unwrap()
            );
            let conversation = expected["conversation_id"].as_str().unwrap();
            assert_eq!(message.conversation.to_string(), conversation);
            let kind = match message.body {
                Body::InitiatorNego(_) => 0,
                Body::AcceptorNego(_) => 1,
                Body::InitiatorMetaData(_) => 2,
                Body::AcceptorMetaData(_) => 3,
                Body::Challenge(_) => 4,
                Body::ApRequest(_) => 5,
                Body::Verify(_) => 6,
                Body::Alert(_) => 7,
            };
            assert_eq!(expected["message_type"].as_u64().unwrap(), kind);
            check_body(&message.body, expected);
            count += 1;
        }
        // MIT gives an empty vector an offset too.
        let plain = match entry["name"].as_str() {
            Some("mit_fuzz_establish_contexts_ex") => with(token.clone(), 86, &[0]),
            _ => token.clone(),
        };
        assert_eq!(encode(&messages).unwrap(), plain, "{}", entry["name"]);
    }
    assert_eq!(count, 10);
}

/// Extensions and alerts, which no published message has.
#[test]
fn messages_with_elements_read_back() {
    let scheme = Guid([7; 16]);
    let elements = vec![
        Element {
            kind: 1,
            value: b"one",
        },
        Element {
            kind: 0x8000_0001,
            value: b"",
        },
        Element {
            kind: 3,
            value: b"three",
        },
    ];
    assert!(!elements[0].is_critical() && elements[1].is_critical());
    let message = |sequence, body| Message {
        sequence,
        conversation: Guid([9; 16]),
        body,
    };
    let messages = vec![
        message(
            5,
            Body::AcceptorNego(Nego {
                random: [1; 32],
                auth_schemes: vec![scheme, Guid([8; 16])],
                extensions: elements.clone(),
            }),
        ),
        message(
            6,
            Body::Alert(Alert {
                auth_scheme: scheme,
                error_code: 0xc000_006d,
                alerts: elements,
            }),
        ),
    ];
    let token = encode(&messages).unwrap();
    assert_eq!(parse(&token).unwrap(), messages);
    assert_eq!(offered_schemes(&token), [scheme, Guid([8; 16])]);
    assert!(offered_schemes(&token[..token.len() - 1]).is_empty());
}

/// Each octet altered, each length, and octets behind: no panic, and what is still read is written again and read as the
/// same.
#[test]
fn altered_cut_and_extended() {
    for entry in vectors() {
        let token = bytes(&entry, "message_hex");
        for index in 0..token.len() {
            for change in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
                let mut altered = token.clone();
                altered[index] ^= change;
                if let Ok(messages) = parse(&altered) {
                    let again = encode(&messages).unwrap();
                    assert_eq!(parse(&again).unwrap(), messages);
                }
            }
        }
        let mut whole = 0;
        for length in 0..token.len() {
            whole += usize::from(parse(&token[..length]).is_ok());
        }
        let messages = entry["decoded"].as_array().unwrap().len();
        assert_eq!(
            whole,
            messages - 1,
            "a token is only cut unseen between two messages"
        );
        assert!(parse(&[&token[..], &[0]].concat()).is_err());
        assert!(
            parse(&[&token[..], &token[..]].concat()).is_err(),
            "numbered anew"
        );
    }
}

fn nego() -> Vec<u8> {
    bytes(&vectors()[0], "message_hex")
}

fn with(mut message: Vec<u8>, at: usize, octets: &[u8]) -> Vec<u8> {
    message[at..at + octets.len()].copy_from_slice(octets);
    message
}

fn le(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

/// CVE-2026-40355 and CVE-2026-40356 of pitfalls.md section 1: a header length below 40, vectors without elements.
#[test]
fn cve_2026_40355_cve_2026_40356_header_lengths_and_empty_vectors() {
    for length in 0..40 {
        assert!(refusal(&with(nego(), 16, &le(length))).contains("do not fit each other"));
    }
    for length in [41, 64, 95, 97, 112] {
        assert!(refusal(&with(nego(), 16, &le(length))).contains("not that of its type"));
    }
    assert!(refusal(&with(nego(), 16, &le(113))).contains("do not fit each other"));
    for length in [0, 39, 40, 95] {
        assert!(refusal(&with(nego(), 20, &le(length))).contains("do not fit each other"));
    }
    for length in [113, 0x7fff_ffff, u32::MAX] {
        assert!(refusal(&with(nego(), 20, &le(length))).contains("shorter than its header says"));
    }
    // No schemes: read as an empty list, whatever the offset is.
    for offset in [0, 96, 5000, u32::MAX] {
        let empty = with(with(nego(), 84, &[0, 0]), 80, &le(offset));
        let messages = parse(&empty).unwrap();
        let Body::InitiatorNego(nego) = &messages[0].body else {
            panic!()
        };
        assert!(nego.auth_schemes.is_empty());
    }
    let exchange = encode(&[Message {
        sequence: 0,
        conversation: Guid([1; 16]),
        body: Body::ApRequest(Exchange {
            auth_scheme: Guid([2; 16]),
            exchange: b"",
        }),
    }])
    .unwrap();
    assert_eq!(parse(&exchange).unwrap().len(), 1);
}

#[test]
fn every_offset_and_count_is_checked() {
    for (offset, text) in [
        (0, "points into its fixed part"),
        (95, "points into its fixed part"),
        (97, "points out of it"),
        (112, "points out of it"),
        (0xffff_fff0, "points out of it"),
        (u32::MAX, "points out of it"),
    ] {
        assert!(refusal(&with(nego(), 80, &le(offset))).contains(text), "{offset}");
    }
    for (count, text) in [
        (2_u16, "points out of it"),
        (64, "points out of it"),
        (65, "more elements than any"),
        (u16::MAX, "more elements than any"),
    ] {
        assert!(
            refusal(&with(nego(), 84, &count.to_le_bytes())).contains(text),
            "{count}"
        );
    }
    // The other vector of the message, and an element's value.
    assert!(refusal(&with(nego(), 90, &[1, 0])).contains("points into its fixed part"));
    let extended = encode(&[Message {
        sequence: 0,
        conversation: Guid([1; 16]),
        body: Body::InitiatorNego(Nego {
            random: [0; 32],
            auth_schemes: vec![],
            extensions: vec![Element {
                kind: 1,
                value: b"value",
            }],
        }),
    }])
    .unwrap();
    assert!(parse(&extended).is_ok());
    assert!(refusal(&with(extended.clone(), 100, &le(95))).contains("points into its fixed part"));
    assert!(refusal(&with(extended.clone(), 100, &le(109))).contains("points out of it"));
    assert!(refusal(&with(extended, 104, &le(u32::MAX))).contains("points out of it"));
}

#[test]
fn what_else_is_refused() {
    assert_eq!(refusal(b""), "NEGOEX message: expected one, but found none");
    assert!(refusal(&with(nego(), 0, b"n")).contains("does not begin with NEGOEXTS"));
    assert!(refusal(&with(nego(), 8, &le(8))).contains("expected a type of 0 to 7"));
    assert!(refusal(&with(nego(), 72, &[1])).contains("protocol version 0"));
    let verify = bytes(&vectors()[2], "message_hex");
    assert!(refusal(&with(verify.clone(), 333 + 56, &le(16))).contains("checksum header of 20 octets"));
    assert!(refusal(&with(verify.clone(), 128 + 24, &[0xff])).contains("one conversation"));
    assert!(refusal(&with(verify, 128 + 12, &le(2))).contains("one after the other"));
    assert!(refusal(&vec![0; 200_000]).contains("at most 131072 octets"));
    let mut many = Vec::new();
    for sequence in 0..33 {
        many.extend_from_slice(&with(nego(), 12, &le(sequence)));
        assert_eq!(parse(&many).is_ok(), sequence < 32);
    }
    assert!(refusal(&many).contains("more of them than any token has"));
}

/// What is too long to be read is not written.
#[test]
fn what_is_not_written() {
    let message = |body| Message {
        sequence: 0,
        conversation: Guid([0; 16]),
        body,
    };
    let long = vec![0; MAX_CONTEXT_TOKEN_LEN + 1];
    let element = Element {
        kind: 1,
        value: &long[..40_000],
    };
    let alert = |count| {
        message(Body::Alert(Alert {
            auth_scheme: Guid([0; 16]),
            error_code: 0,
            alerts: vec![element; count],
        }))
    };
    let exchange = |exchange| {
        message(Body::Challenge(Exchange {
            auth_scheme: Guid([0; 16]),
            exchange,
        }))
    };
    assert!(encode(&[alert(3)]).is_ok());
    assert!(encode(&[alert(4)]).is_err());
    assert!(encode(&[alert(65)]).is_err());
    assert!(encode(&[exchange(&long)]).is_err());
    assert!(encode(&[exchange(&long[..70_000]), exchange(&long[..70_000])]).is_err());
}
