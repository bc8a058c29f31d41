//! Pre-authentication of an AS-REQ (RFC 4120 5.2.7).

use alloc::vec::Vec;

use kerbside_asn1::{
    EncryptedData, ErrorCode, EtypeInfo2, EtypeInfo2Entry, KerberosString, MethodData, PaData, PaDataType,
    PaEncTsEnc, TicketFlags,
};
use kerbside_crypto::{EncryptionType, KeyUsage};
use kerbside_protocol::decode_plaintext;

use crate::enctype_choice::client_keys;
use crate::principal_entry::KeyData;
use crate::refusal::Denial;
use crate::{KdcPolicy, PrincipalEntry};

/// The client proved its key. Only [`verify`] makes one, and only from it come the flags that tell
/// services so (CVE-2015-2694: a mechanism that had set nothing counted as success).
#[derive(Debug)]
pub(crate) struct Verified {
    method: Method,
}

/// How the client proved its key.
#[derive(Clone, Copy, Debug)]
enum Method {
    EncryptedTimestamp,
}

impl Verified {
    /// The ticket flags that say so.
    pub(crate) fn flags(&self) -> TicketFlags {
        match self.method {
            Method::EncryptedTimestamp => TicketFlags::PRE_AUTHENT,
        }
    }
}

/// The value of the padata of one type, the first if there are several.
pub(crate) fn find<'a>(padata: &Option<Vec<PaData<'a>>>, padata_type: PaDataType) -> Option<&'a [u8]> {
    kerbside_asn1::find_padata(padata.as_deref().unwrap_or_default(), padata_type)
}

/// Checks what pre-authentication the request brings: `None` when it brings none that we know.
/// Types that we do not know are ignored (RFC 4120 5.2.7).
pub(crate) fn verify(
    padata: &Option<Vec<PaData<'_>>>,
    client: &PrincipalEntry,
    policy: &KdcPolicy,
    now: i64,
) -> Result<Option<Verified>, Denial> {
    match find(padata, PaDataType::PA_ENC_TIMESTAMP) {
        Some(value) => verify_timestamp(value, client, policy, now).map(Some),
        None => Ok(None),
    }
}

/// PA-ENC-TIMESTAMP (RFC 4120 5.2.7.2): the time, encrypted with one of the client's current keys.
fn verify_timestamp(
    value: &[u8],
    client: &PrincipalEntry,
    policy: &KdcPolicy,
    now: i64,
) -> Result<Verified, Denial> {
    let failed = || Denial::new(ErrorCode::KDC_ERR_PREAUTH_FAILED, "PREAUTH_FAILED");
    let encrypted: EncryptedData<'_> =
        kerbside_asn1::decode(value).map_err(|error| failed().detail(error))?;
    let etype = encrypted.etype;
    let key = client
        .current_key(etype)
        .filter(|_| policy.permits(etype))
        .ok_or_else(|| {
            failed().detail(format_args!(
                "the client has no current key of enctype {etype} ({})",
                etype.0
            ))
        })?;
    let plain = key
        .key
        .decrypt(KeyUsage::AS_REQ_PA_ENC_TIMESTAMP, encrypted.cipher)
        .map_err(|error| {
            let mut denial = failed().detail(error);
            denial.failed_proof = true;
            denial
        })?;
    let stamp: PaEncTsEnc = decode_plaintext(etype, &plain).map_err(|error| failed().detail(error))?;
    let ahead = stamp.patimestamp.unix_seconds().saturating_sub(now);
    if ahead.unsigned_abs() > policy.clockskew_seconds.unsigned_abs() {
        return Err(
            Denial::new(ErrorCode::KRB_AP_ERR_SKEW, "CLOCK_SKEW").detail(format_args!(
                "the client's clock is {ahead} s ahead, allowed {} s",
                policy.clockskew_seconds
            )),
        );
    }
    Ok(Verified {
        method: Method::EncryptedTimestamp,
    })
}

/// The METHOD-DATA that says how to pre-authenticate: the keys the client may use, and that an
/// encrypted timestamp is taken. `None` when client and request have no enctype in common.
pub(crate) fn hints(
    client: &PrincipalEntry,
    requested: &[EncryptionType],
    policy: &KdcPolicy,
) -> Option<Vec<u8>> {
    let keys: Vec<&KeyData> = client_keys(client, requested, policy).collect();
    let info = etype_info2(client, &keys)?;
    let method = |padata_type, padata_value| PaData {
        padata_type,
        padata_value,
    };
    let methods = MethodData(alloc::vec![
        method(PaDataType::PA_ETYPE_INFO2, info.as_slice()),
        method(PaDataType::PA_ENC_TIMESTAMP, &[]),
    ]);
    kerbside_asn1::encode(&methods).ok()
}

/// ETYPE-INFO2 with one entry for each of `keys`. The salt is always written out: a client that
/// came by an alias would guess another one.
pub(crate) fn etype_info2(client: &PrincipalEntry, keys: &[&KeyData]) -> Option<Vec<u8>> {
    if keys.is_empty() {
        return None;
    }
    let salts: Vec<Vec<u8>> = keys
        .iter()
        .map(|key| match &key.salt {
            Some(salt) => salt.bytes(&client.principal),
            None => client.principal.default_salt(),
        })
        .collect();
    let entries = keys
        .iter()
        .zip(&salts)
        .map(|(key, salt)| EtypeInfo2Entry {
            etype: key.key.enctype(),
            salt: Some(KerberosString::new(salt)),
            s2kparams: key.s2kparams.as_deref(),
        })
        .collect();
    kerbside_asn1::encode(&EtypeInfo2(entries)).ok()
}
