#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use kerbside_asn1::{AdType, AuthorizationData, AuthorizationDataElement, ErrorCode, encode};
use kerbside_crypto::EncryptionType;

use super::{DEPTH_MAX, Element, from_tgt};
use crate::refusal::Denial;

fn from_request(plain: &[u8]) -> Result<Vec<Element>, Denial> {
    super::from_request(EncryptionType::AES256_CTS_HMAC_SHA1_96, plain)
}

fn list(elements: &[(AdType, &[u8])]) -> Vec<u8> {
    let elements = elements
        .iter()
        .map(|(ad_type, ad_data)| AuthorizationDataElement {
            ad_type: *ad_type,
            ad_data,
        })
        .collect();
    encode(&AuthorizationData(elements)).unwrap()
}

fn nested(depth: usize, inner: &[(AdType, &[u8])]) -> Vec<u8> {
    (0..depth).fold(list(inner), |inner, _| list(&[(AdType::AD_IF_RELEVANT, &inner)]))
}

#[test]
fn if_relevant_is_carried_as_it_is() {
    let inner = list(&[(AdType(4711), b"whatever")]);
    let carried = from_request(&list(&[(AdType::AD_IF_RELEVANT, &inner)])).unwrap();
    assert_eq!(carried, [(AdType::AD_IF_RELEVANT, inner)]);
}

#[test]
fn anything_else_at_the_top_is_refused() {
    for ad_type in [
        AdType(4711),
        AdType::AD_AND_OR,
        AdType::AD_MANDATORY_FOR_KDC,
        AdType::AD_WIN2K_PAC,
    ] {
        // Whatever is in it, a list as in AD-IF-RELEVANT too.
        for content in [&b"x"[..], &list(&[])] {
            let denial = from_request(&list(&[(ad_type, content)])).unwrap_err();
            assert_eq!(denial.code, ErrorCode::KDC_ERR_BADOPTION, "{ad_type}");
        }
        assert_eq!(
            from_tgt(&[(ad_type, vec![1])]).unwrap_err().code,
            ErrorCode::KDC_ERR_BADOPTION
        );
    }
}

#[test]
fn a_client_cannot_speak_for_the_kdc_at_any_depth() {
    for ad_type in [
        AdType::AD_WIN2K_PAC,
        AdType::AD_CAMMAC,
        AdType::AD_AUTH_INDICATOR,
        AdType::AD_SIGNTICKET,
    ] {
        for depth in 1..DEPTH_MAX {
            let denial =
                from_request(&nested(depth, &[(AdType(1), &list(&[])), (ad_type, b"x")])).unwrap_err();
            assert_eq!(denial.code, ErrorCode::KDC_ERR_POLICY, "{ad_type} at {depth}");
        }
    }
}

#[test]
fn nesting_is_bounded_and_malformed_data_refused() {
    assert!(from_request(&nested(DEPTH_MAX, &[])).is_ok());
    assert_eq!(
        from_request(&nested(DEPTH_MAX + 1, &[])).unwrap_err().code,
        ErrorCode::KDC_ERR_BADOPTION
    );
    for bytes in [
        &b""[..],
        b"\x30",
        b"rubbish",
        &list(&[(AdType::AD_IF_RELEVANT, b"rubbish")]),
    ] {
        assert_eq!(
            from_request(bytes).unwrap_err().code,
            ErrorCode::KDC_ERR_BADOPTION,
            "{bytes:?}"
        );
    }
}
