//! Authorization data on its way from TGT and request into the new ticket (RFC 4120 5.2.6).
//!
//! Authorization data restricts what a ticket may be used for, so none of it is dropped: the TGT's
//! elements and the request's go into the derived ticket as they are. What we cannot carry without
//! understanding it is refused. The request's elements are the client's own words, so types that
//! only a KDC may issue are refused there at any depth.

use alloc::vec::Vec;

use kerbside_asn1::{AdIfRelevant, AdType, AuthorizationData, DecodeError, ErrorCode};
use kerbside_crypto::EncryptionType;
use kerbside_protocol::decode_plaintext;

use crate::refusal::Denial;

/// One element on its own.
pub(crate) type Element = (AdType, Vec<u8>);

/// How deep AD-IF-RELEVANT may nest.
const DEPTH_MAX: usize = 8;

/// Types that say something in the KDC's name.
const KDC_ISSUED: [AdType; 7] = [
    AdType::AD_KDC_ISSUED,
    AdType::AD_INITIAL_VERIFIED_CAS,
    AdType::AD_CAMMAC,
    AdType::AD_AUTH_INDICATOR,
    AdType::AD_AUTHENTICATION_STRENGTH,
    AdType::AD_WIN2K_PAC,
    AdType::AD_SIGNTICKET,
];

/// The elements of the TGT, to be carried on. Outside of AD-IF-RELEVANT there is no type that this
/// KDC issues or understands, so any is refused.
pub(crate) fn from_tgt(elements: &[Element]) -> Result<Vec<Element>, Denial> {
    match elements
        .iter()
        .find(|element| element.0 != AdType::AD_IF_RELEVANT)
    {
        Some(element) => Err(unknown(element.0)),
        None => Ok(elements.to_vec()),
    }
}

/// The elements the client adds, from the `enc-authorization-data` that a key of `enctype` decrypted.
pub(crate) fn from_request(enctype: EncryptionType, plain: &[u8]) -> Result<Vec<Element>, Denial> {
    let list: AuthorizationData<'_> = decode_plaintext(enctype, plain).map_err(malformed)?;
    let mut carried = Vec::with_capacity(list.0.len());
    for element in &list.0 {
        if element.ad_type != AdType::AD_IF_RELEVANT {
            return Err(unknown(element.ad_type));
        }
        refuse_kdc_issued(element.ad_data, DEPTH_MAX)?;
        carried.push((element.ad_type, element.ad_data.to_vec()));
    }
    Ok(carried)
}

/// Looks for types that only a KDC may issue.
fn refuse_kdc_issued(if_relevant: &[u8], depth: usize) -> Result<(), Denial> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(bad_option().detail(format_args!("authorization data nested deeper than {DEPTH_MAX}")));
    };
    let list: AdIfRelevant<'_> = decode(if_relevant)?;
    for element in &list.0 {
        if KDC_ISSUED.contains(&element.ad_type) {
            return Err(
                Denial::new(ErrorCode::KDC_ERR_POLICY, "KDC_ISSUED_AUTHDATA").detail(format_args!(
                    "the request brings {}, which only a KDC issues",
                    element.ad_type
                )),
            );
        }
        if element.ad_type == AdType::AD_IF_RELEVANT {
            refuse_kdc_issued(element.ad_data, depth)?;
        }
    }
    Ok(())
}

fn decode(bytes: &[u8]) -> Result<AuthorizationData<'_>, Denial> {
    kerbside_asn1::decode(bytes).map_err(malformed)
}

fn malformed(error: DecodeError) -> Denial {
    bad_option().detail(error)
}

fn unknown(ad_type: AdType) -> Denial {
    bad_option().detail(format_args!(
        "authorization data {ad_type} outside of AD-IF-RELEVANT is not understood"
    ))
}

fn bad_option() -> Denial {
    Denial::new(ErrorCode::KDC_ERR_BADOPTION, "BAD_AUTHDATA")
}

#[cfg(test)]
mod tests;
