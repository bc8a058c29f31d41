//! Input made to hurt: every vector cut, extended and altered, and what no vector has.

use std::time::{Duration, Instant};

use kerbside_asn1::limits::*;
use kerbside_asn1::*;
use kerbside_crypto::EncryptionType;

use crate::corpus::{process, read, samples};

#[test]
fn every_vector_cut_at_every_length_is_refused() {
    let samples = samples();
    assert!(samples.len() > 100);
    for sample in samples {
        for len in 0..sample.bytes.len() {
            let outcome = process(sample.kind, &sample.bytes[..len]).unwrap();
            let error = outcome.expect_err(&sample.name);
            assert!(error.offset <= len, "{} cut at {len}: {error}", sample.name);
        }
    }
}

#[test]
fn every_vector_with_more_behind_it_is_refused() {
    for mut sample in samples() {
        // The last is a whole element, in which nothing is wrong but its place.
        let len = sample.bytes.len();
        for more in [&[0x00][..], &[0x30], &[0x05, 0x00]] {
            sample.bytes.extend_from_slice(more);
            assert!(
                process(sample.kind, &sample.bytes).unwrap().is_err(),
                "{}",
                sample.name
            );
            sample.bytes.truncate(len);
        }
    }
}

#[test]
fn every_vector_with_any_octet_altered_is_refused_or_stable() {
    for mut sample in samples() {
        for index in 0..sample.bytes.len() {
            for bit in [0x01, 0x80] {
                sample.bytes[index] ^= bit;
                if let Ok((tree, encoded)) = process(sample.kind, &sample.bytes).unwrap() {
                    // What was taken keeps its meaning through another round.
                    let (again, _) = process(sample.kind, &encoded).unwrap().unwrap();
                    assert_eq!(again, tree, "{} octet {index}", sample.name);
                }
                sample.bytes[index] ^= bit;
            }
        }
    }
}

#[test]
fn every_token_cut_extended_or_altered_does_no_harm() {
    for name in [
        "kn_ticket_containing_delegation",
        "pyspnego_initial_context_token_neg_token_init2",
    ] {
        let mut token = read(&format!("bin/tokens/{name}.bin"));
        for len in 0..token.len() {
            assert!(gss_token::unwrap(&token[..len]).is_err());
            let _ = gss_token::peek(&token[..len]);
        }
        token.push(0);
        assert!(gss_token::unwrap(&token).is_err());
        token.pop();
        for index in 0..token.len().min(64) {
            for octet in 0..=u8::MAX {
                let old = std::mem::replace(&mut token[index], octet);
                let _ = gss_token::peek(&token);
                if let Ok((_, inner)) = gss_token::unwrap(&token) {
                    let _ = decode::<NegotiationToken<'_>>(inner);
                }
                token[index] = old;
            }
        }
    }
}

fn refusal<'a, T: Decode<'a>>(bytes: &'a [u8]) -> DecodeError {
    match decode::<T>(bytes) {
        Ok(_) => panic!("taken: {}", hex::encode(bytes.get(..64).unwrap_or(bytes))),
        Err(error) => error,
    }
}

#[test]
fn a_mebibyte_of_indefinite_lengths_is_refused_at_once() {
    let bytes = [0x30, 0x80].repeat(MAX_MESSAGE_LEN / 2);
    let start = Instant::now();
    let error = refusal::<MethodData<'_>>(&bytes);
    assert_eq!(error.kind, DecodeErrorKind::IndefiniteLength);
    assert_eq!(
        error.to_string(),
        "MethodData: expected a definite length, but found an indefinite one at DER byte 1"
    );
    assert!(start.elapsed() < Duration::from_secs(1));
}

/// `depth` SEQUENCEs, one in another.
fn nested(depth: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for _ in 0..depth {
        let mut outer = vec![0x30];
        match bytes.len() {
            len @ 0..=0x7f => outer.push(len as u8),
            len => {
                outer.push(0x82);
                outer.extend_from_slice(&(len as u16).to_be_bytes());
                if len < 0x100 {
                    outer = vec![0x30, 0x81, len as u8];
                }
            }
        }
        outer.append(&mut bytes);
        bytes = outer;
    }
    bytes
}

#[test]
fn deep_nesting_is_refused_before_anything_is_decoded() {
    let error = refusal::<MethodData<'_>>(&nested(MAX_DEPTH + 1));
    assert_eq!(error.kind, DecodeErrorKind::TooDeep { max: MAX_DEPTH });
    assert_ne!(refusal::<MethodData<'_>>(&nested(MAX_DEPTH)).kind, error.kind);
    assert_eq!(refusal::<MethodData<'_>>(&nested(10_000)).kind, error.kind);
}

#[test]
fn lengths_beyond_the_input_are_refused_without_allocation() {
    for bytes in [
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..],
        &[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x30],
        &[0x30, 0x82, 0x10, 0x00, 0x30],
        &[0x30, 0x05, 0x30, 0x04],
        &[0x30, 0x04, 0x30, 0x04, 0x30, 0x00],
    ] {
        let error = refusal::<MethodData<'_>>(bytes);
        assert!(matches!(error.kind, DecodeErrorKind::Overrun { .. }), "{error}");
    }
    assert_eq!(
        refusal::<MethodData<'_>>(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).to_string(),
        "MethodData: expected 4294967301 octets, but found 6 at DER byte 0"
    );
}

#[test]
fn lengths_not_in_their_shortest_form_are_refused() {
    for bytes in [
        &[0x30, 0x81, 0x00][..],
        &[0x30, 0x82, 0x00, 0x00],
        &[0x30, 0x84, 0x00, 0x00, 0x00, 0x00],
        &[0x30, 0x85, 0x00, 0x00, 0x00, 0x00, 0x00],
        &[0x30, 0xff],
    ] {
        let error = refusal::<MethodData<'_>>(bytes);
        assert_eq!((error.kind, error.offset), (DecodeErrorKind::BadLength, 1));
    }
}

#[test]
fn a_message_over_the_limit_is_refused() {
    let mut bytes = vec![0x04, 0x83];
    bytes.extend_from_slice(&(MAX_MESSAGE_LEN as u32 - 5).to_be_bytes()[1..]);
    bytes.resize(MAX_MESSAGE_LEN, 0);
    assert_eq!(decode::<&[u8]>(&bytes).unwrap().len(), MAX_MESSAGE_LEN - 5);
    bytes.push(0);
    let error = refusal::<&[u8]>(&bytes);
    assert_eq!(
        error.kind,
        DecodeErrorKind::TooLong {
            len: MAX_MESSAGE_LEN + 1,
            max: MAX_MESSAGE_LEN
        }
    );
    assert!(gss_token::unwrap(&bytes).is_err());
    // An octet string that ends where the input does has nothing else wrong with it.
    bytes[2..5].copy_from_slice(&(MAX_MESSAGE_LEN as u32 - 4).to_be_bytes()[1..]);
    assert_eq!(refusal::<&[u8]>(&bytes), error);
}

#[test]
fn high_tag_numbers_are_refused() {
    let error = refusal::<MethodData<'_>>(&[0x30, 0x03, 0x7f, 0x81, 0x00]);
    assert_eq!(error.offset, 2);
}

fn list_of<T: Encode + Clone>(element: T, count: usize) -> Vec<u8> {
    encode(&vec![element; count]).unwrap()
}

/// A list of `max` elements is taken, one of `max + 1` refused.
fn assert_cap<'a, L: Decode<'a>>(full: &'a [u8], over: &'a [u8], max: usize) {
    assert!(decode::<L>(full).is_ok());
    assert_eq!(refusal::<L>(over).kind, DecodeErrorKind::TooMany { max });
}

macro_rules! assert_list_cap {
    ($list:ty, $element:expr, $max:expr) => {
        assert_cap::<$list>(&list_of($element, $max), &list_of($element, $max + 1), $max);
    };
}

#[test]
fn lists_over_their_cap_are_refused() {
    let octets: &[u8] = &[];
    let padata = PaData {
        padata_type: PaDataType::PA_NONE,
        padata_value: octets,
    };
    assert_list_cap!(MethodData<'_>, padata.clone(), MAX_PADATA);
    assert_list_cap!(Vec<PaData<'_>>, padata.clone(), MAX_PADATA);
    let typed = TypedDataElement {
        data_type: PaDataType::PA_NONE,
        data_value: None,
    };
    assert_list_cap!(TypedData<'_>, typed.clone(), MAX_PADATA);
    let element = AuthorizationDataElement {
        ad_type: AdType::AD_IF_RELEVANT,
        ad_data: octets,
    };
    assert_list_cap!(AuthorizationData<'_>, element.clone(), MAX_AUTHORIZATION_DATA);
    let address = HostAddress {
        addr_type: AddressType::IPV4,
        address: octets,
    };
    assert_list_cap!(HostAddresses<'_>, address.clone(), MAX_ADDRESSES);
    assert_list_cap!(Vec<EncryptionType>, EncryptionType(18), MAX_ETYPES);
    let entry = EtypeInfo2Entry {
        etype: EncryptionType(18),
        salt: None,
        s2kparams: None,
    };
    assert_list_cap!(EtypeInfo2<'_>, entry.clone(), MAX_ETYPES);
    let entry = EtypeInfoEntry {
        etype: EncryptionType(18),
        salt: None,
    };
    assert_list_cap!(EtypeInfo<'_>, entry.clone(), MAX_ETYPES);
    assert_list_cap!(Vec<KerberosString<'_>>, KerberosString(octets), MAX_COMPONENTS);
    let last = LastReqEntry {
        lr_type: LrType::LR_NONE,
        lr_value: KerberosTime::EPOCH,
    };
    assert_list_cap!(LastReq, last.clone(), MAX_LAST_REQ);
    assert_list_cap!(Vec<ObjectIdentifier>, oids::KRB5, MAX_MECH_TYPES);
    let ticket = samples()
        .into_iter()
        .find(|sample| sample.kind == "Ticket")
        .unwrap()
        .bytes;
    let ticket: Raw<'_, Ticket<'_>> = Raw::parse(&ticket).unwrap();
    assert_list_cap!(Vec<Ticket<'_>>, ticket.value().clone(), MAX_TICKETS);
    assert_list_cap!(Vec<Raw<'_, Ticket<'_>>>, ticket.clone(), MAX_TICKETS);
}

#[test]
fn errors_name_type_field_and_offset() {
    let sample = |kind: &str| {
        samples()
            .into_iter()
            .find(|sample| sample.kind == kind)
            .unwrap()
            .bytes
    };
    // The tag of another message.
    assert_eq!(
        refusal::<AsRep<'_>>(&sample("AS-REQ")).to_string(),
        "AsRep: expected APPLICATION [11] (constructed), but found APPLICATION [10] (constructed) at DER byte 0"
    );
    // A string of another kind deep inside: the realm's tag stands at octet 18 of MIT's ticket.
    let mut ticket = sample("Ticket");
    assert_eq!(ticket[11], 0x1b);
    ticket[11] = 0x0c;
    assert_eq!(
        refusal::<Ticket<'_>>(&ticket).to_string(),
        "Ticket (Ticket.realm): expected GeneralString, but found UTF8String at DER byte 11"
    );
    // A field that must be there: PA-ENC-TS-ENC with the microseconds alone.
    assert_eq!(
        refusal::<PaEncTsEnc>(&[0x30, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x00]).to_string(),
        "PaEncTsEnc (PaEncTsEnc.patimestamp): expected the mandatory field [0], but it is absent at DER byte 2"
    );
    // A field that is not known.
    assert_eq!(
        refusal::<EncryptionKey<'_>>(&hex::decode("300da003020111a1020400a202040000").unwrap()[..15])
            .to_string(),
        "EncryptionKey: expected the end, but found 4 more octets at DER byte 11"
    );
    // The innermost field is the one that is named.
    let mut request = sample("AS-REQ");
    let at = request
        .windows(2)
        .position(|window| window == [0x18, 0x0f])
        .unwrap();
    request[at + 2] = b'x';
    assert_eq!(
        refusal::<AsReq<'_>>(&request).to_string(),
        format!(
            "AsReq (KdcReqBody.from): expected a time YYYYMMDDHHMMSSZ of the years 1970 to 9999, \
             but found another value at DER byte {at}"
        )
    );
}

#[test]
fn values_outside_their_range_are_refused() {
    let time = |text: &str| {
        let mut bytes = vec![0x18, text.len() as u8];
        bytes.extend_from_slice(text.as_bytes());
        decode::<KerberosTime>(&bytes).ok()
    };
    assert_eq!(time("19700101000000Z"), Some(KerberosTime::EPOCH));
    assert_eq!(time("99991231235959Z"), Some(KerberosTime::MAX));
    assert!(time("20240229000000Z").is_some());
    for text in [
        "",
        "Z",
        "19691231235959Z",
        "20230229000000Z",
        "21000229000000Z",
        "20230431000000Z",
        "20231301000000Z",
        "20230001000000Z",
        "20230100000000Z",
        "20230101240000Z",
        "20230101006000Z",
        "20230101000060Z",
        "20230101000000",
        "20230101000000.0Z",
        "20230101000000+0000",
        "2023010100000Z",
        "-2230101000000Z",
    ] {
        assert_eq!(time(text), None, "{text}");
    }
    assert_eq!(
        decode::<Microseconds>(&[0x02, 0x03, 0x0f, 0x42, 0x3f]),
        Ok(Microseconds::MAX)
    );
    assert!(decode::<Microseconds>(&[0x02, 0x03, 0x0f, 0x42, 0x40]).is_err());
    assert!(decode::<Microseconds>(&[0x02, 0x01, 0xff]).is_err());
    for bytes in [
        &[0x02, 0x00][..],
        &[0x02, 0x05, 0x01, 0, 0, 0, 0],
        &[0x02, 0x05, 0xff, 0x7f, 0xff, 0xff, 0xff],
        &[0x02, 0x09, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ] {
        assert!(decode::<u32>(bytes).is_err(), "{bytes:?}");
    }
    for bytes in [
        &[0x02, 0x00][..],
        &[0x02, 0x02, 0x00, 0x05],
        &[0x02, 0x05, 0, 0x80, 0, 0, 0],
    ] {
        assert!(decode::<i32>(bytes).is_err(), "{bytes:?}");
    }
    for bytes in [&[0x03, 0x00][..], &[0x03, 0x01, 0x01], &[0x03, 0x02, 0x08, 0x00]] {
        assert!(decode::<TicketFlags>(bytes).is_err(), "{bytes:?}");
    }
    for bytes in [&[0x0a, 0x00][..], &[0x0a, 0x01, 0x80], &[0x0a, 0x02, 0x00, 0x01]] {
        assert!(decode::<NegState>(bytes).is_err(), "{bytes:?}");
    }
    assert!(decode::<bool>(&[0x01, 0x01, 0x01]).is_err());
}

#[test]
fn times_without_an_encoding_are_refused() {
    for seconds in [-1, KerberosTime::MAX.unix_seconds() + 1, i64::MIN, i64::MAX] {
        let error = encode(&KerberosTime::from_unix_seconds(seconds)).unwrap_err();
        assert_eq!(error.type_name, "KerberosTime");
    }
}
