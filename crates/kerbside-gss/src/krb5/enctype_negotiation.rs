//! A better type of key than the ticket's, where both ends have one (RFC 4537).

use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{AdType, AuthorizationData, AuthorizationDataElement, EtypeList, decode, encode};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key};

use super::has_older_tokens;
use crate::error::GssError;

/// In which order types are preferred where the policy has no list: MIT's, so that both choose alike.
const PREFERRED: [EncryptionType; 8] = [
    EncryptionType::AES256_CTS_HMAC_SHA1_96,
    EncryptionType::AES128_CTS_HMAC_SHA1_96,
    EncryptionType::AES256_CTS_HMAC_SHA384_192,
    EncryptionType::AES128_CTS_HMAC_SHA256_128,
    EncryptionType::DES3_CBC_SHA1_KD,
    EncryptionType::RC4_HMAC,
    EncryptionType::CAMELLIA128_CTS_CMAC,
    EncryptionType::CAMELLIA256_CTS_CMAC,
];

fn preferred(policy: &EnctypePolicy) -> impl Iterator<Item = EncryptionType> {
    let list = policy.permitted.as_deref().unwrap_or(&PREFERRED);
    list.iter().copied().filter(|enctype| policy.permits(*enctype))
}

/// The authorization data by which an initiator asks for a better key than its ticket has: where that is of a type with
/// known weaknesses, or where the policy's own list begins with others. A key of another modern type is none the better
/// for it: it travels under the ticket's.
pub(super) fn offer(
    policy: &EnctypePolicy,
    session: EncryptionType,
) -> Result<Vec<(AdType, Vec<u8>)>, GssError> {
    if policy.permitted.is_none() && !has_older_tokens(session) {
        return Ok(Vec::new());
    }
    let mut better: Vec<EncryptionType> = preferred(policy)
        .take_while(|enctype| *enctype != session)
        .filter(|enctype| !has_older_tokens(*enctype))
        .collect();
    if better.is_empty() {
        return Ok(Vec::new());
    }
    better.push(session);
    let list = encode(&EtypeList(better))?;
    let container = encode(&AuthorizationData(vec![AuthorizationDataElement {
        ad_type: AdType::AD_ETYPE_NEGOTIATION,
        ad_data: &list,
    }]))?;
    Ok(vec![(AdType::AD_IF_RELEVANT, container)])
}

/// The type of the acceptor's key: the first of its own preference that the initiator has too, and the initiator's key's
/// where nothing was asked.
pub(super) fn choose(
    policy: &EnctypePolicy,
    authorization_data: &[(AdType, Vec<u8>)],
    initiator_key: &Key,
) -> EncryptionType {
    let own = initiator_key.enctype();
    let Some(offered) = offered(authorization_data) else {
        return own;
    };
    preferred(policy)
        .find(|enctype| *enctype == own || offered.0.contains(enctype))
        .unwrap_or(own)
}

fn offered(authorization_data: &[(AdType, Vec<u8>)]) -> Option<EtypeList> {
    let containers = authorization_data
        .iter()
        .filter(|(ad_type, _)| *ad_type == AdType::AD_IF_RELEVANT);
    containers
        .filter_map(|(_, data)| decode::<AuthorizationData<'_>>(data).ok())
        .find_map(|elements| {
            let mut elements = elements.0.iter();
            let list = elements.find(|element| element.ad_type == AdType::AD_ETYPE_NEGOTIATION)?;
            decode(list.ad_data).ok()
        })
}
