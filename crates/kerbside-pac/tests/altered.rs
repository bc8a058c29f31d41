//! Real PACs and their buffers with every octet altered, cut off at every length, and extended.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use kerbside_asn1::{EncTicketPart, decode, encode};
use kerbside_crypto::Key;
use kerbside_pac::*;
use support::*;

/// What one octet is altered by.
const FLIPS: [u8; 3] = [0x01, 0x80, 0xff];

fn altered(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).flat_map(move |position| {
        FLIPS.into_iter().map(move |flip| {
            let mut bytes = bytes.to_vec();
            bytes[position] ^= flip;
            (position, bytes)
        })
    })
}

fn cut_and_extended(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let extended = [&[0][..], &[0; 8], &[0xff; 16]].map(|more| [bytes, more].concat());
    (0..bytes.len()).map(|len| bytes[..len].to_vec()).chain(extended)
}

fn verify(bytes: &[u8], server: &Key) -> Result<(), PacError> {
    Pac::parse(bytes)?.verify_server(server).map(drop)
}

#[test]
fn the_server_signature_covers_every_octet_but_the_kdc_signature_s() {
    let mut checked = 0;
    for entry in vectors()["pacs"].as_array().unwrap() {
        let Some(server) = key(&entry["server_key"]) else {
            continue;
        };
        let bytes = pac_bytes(entry);
        assert_eq!(verify(&bytes, &server), Ok(()));
        let kdc = Pac::parse(&bytes)
            .unwrap()
            .buffer(PacBufferType::KDC_SIGNATURE)
            .unwrap()
            .len()
            - 4;
        let start = buffer_offset(entry, 7) + 4;
        let uncovered = start..start + kdc;
        for (position, altered) in altered(&bytes) {
            let verified = verify(&altered, &server);
            assert_eq!(
                verified.is_ok(),
                uncovered.contains(&position),
                "{} {position}: {verified:?}",
                entry["name"]
            );
        }
        for other in cut_and_extended(&bytes) {
            assert!(
                verify(&other, &server).is_err(),
                "{} {}",
                entry["name"],
                other.len()
            );
        }
        checked += 1;
    }
    assert_eq!(checked, 11);
}

#[test]
fn with_the_kdc_signature_nothing_is_uncovered() {
    let mut checked = 0;
    for entry in vectors()["pacs"].as_array().unwrap() {
        let (Some(server), Some(kdc)) = (key(&entry["server_key"]), key(&entry["kdc_key"])) else {
            continue;
        };
        let bytes = pac_bytes(entry);
        let verify = |bytes: &[u8]| {
            let verified = Pac::parse(bytes)?.verify_server(&server)?;
            verified.verify_kdc(&kdc, Demand::IfPresent).map(drop)
        };
        assert_eq!(verify(&bytes), Ok(()));
        for (position, altered) in altered(&bytes) {
            assert!(verify(&altered).is_err(), "{} {position}", entry["name"]);
        }
        checked += 1;
    }
    assert_eq!(checked, 2);
}

#[test]
fn the_ticket_signature_covers_the_ticket_around_the_pac() {
    let (entry, bytes) = pac("mit_w2022_ticket_pac");
    let (server, kdc) = (
        key(&entry["server_key"]).unwrap(),
        key(&entry["kdc_key"]).unwrap(),
    );
    let verified = Pac::parse(&bytes).unwrap().verify_server(&server).unwrap();
    let verified = verified.verify_kdc(&kdc, Demand::Required).unwrap();
    let ticket = hex_of(&entry["ticket"]["enc_ticket_part_hex"]);
    let verify = |ticket: &[u8]| match decode::<EncTicketPart<'_>>(ticket) {
        Ok(ticket) => verified
            .clone()
            .verify_ticket(&ticket, Demand::Required)
            .map(drop),
        Err(error) => Err(PacError::AuthorizationData(error)),
    };
    assert_eq!(verify(&ticket), Ok(()));
    for (position, altered) in altered(&ticket) {
        // The count of unused bits in the flags says nothing: what is read is the same ticket.
        if verify(&altered).is_ok() {
            let again = encode(&decode::<EncTicketPart<'_>>(&altered).unwrap()).unwrap();
            assert_eq!((position, again), (12, ticket.clone()));
        }
    }
    for other in cut_and_extended(&ticket) {
        assert!(verify(&other).is_err(), "{}", other.len());
    }
}

/// Reads a buffer whatever is in it, down to the last value.
fn read(buffer: PacBuffer<'_>) {
    let _ = KerbValidationInfo::from_bytes(buffer.bytes);
    let _ = PacClientInfo::from_bytes(buffer.bytes);
    let _ = UpnDnsInfo::from_bytes(buffer.bytes);
    let _ = PacSignatureData::from_bytes(buffer.bytes);
    let _ = ClaimsSetMetadata::from_bytes(buffer.bytes).and_then(|metadata| metadata.claims_set());
}

#[test]
fn no_buffer_makes_a_reader_panic() {
    for name in ["mit_w2022_ticket_pac", "gokrb5_authdata_ms", "mit_s4u_ent_xrealm"] {
        let (_, bytes) = pac(name);
        for buffer in Pac::parse(&bytes).unwrap().buffers() {
            let others = altered(buffer.bytes).map(|(_, bytes)| bytes);
            for bytes in others.chain(cut_and_extended(buffer.bytes)) {
                read(PacBuffer {
                    buffer_type: buffer.buffer_type,
                    bytes: &bytes,
                });
            }
        }
    }
    for buffer in vectors()["single_buffers"].as_array().unwrap() {
        let bytes = hex_of(&buffer["data_hex"]);
        for (_, bytes) in altered(&bytes) {
            read(PacBuffer {
                buffer_type: PacBufferType::CLIENT_CLAIMS,
                bytes: &bytes,
            });
        }
    }
}
