//! A service asks for tickets of others: the padata of S4U2Self and S4U2Proxy (MS-SFU 2.2).

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, Checksum, KerberosString, NameType, PaData, PaDataType, PaForUser, PaPacOptions,
    PaS4uX509User, PacOptions, Principal, Raw, S4uOptions, S4uUserId, s4u_byte_array,
};
use kerbside_crypto::{ChecksumType, EncryptionType, Key, KeyUsage, SessionKey, Subkey};

use crate::error::ProtocolError;

/// The only package that Kerberos has a name for (MS-SFU 2.2.1).
const AUTH_PACKAGE: &str = "Kerberos";

/// A user for whom a service asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S4uUser {
    /// The user; an enterprise name is one that the KDC may answer with another.
    pub principal: Principal,
}

impl S4uUser {
    /// This user.
    pub fn new(principal: Principal) -> Self {
        Self { principal }
    }

    /// Whether the KDC answers with the name as it was asked.
    pub(crate) fn is_exact(&self) -> bool {
        self.principal.name.name_type != NameType::NT_ENTERPRISE
    }

    /// PA-S4U-X509-USER and PA-FOR-USER, for KDCs that know the one or the other. For an RC4 key there is only the
    /// second: the checksum of the first would have no key in it (MS-SFU 2.2.2).
    pub(crate) fn request_padata(
        &self,
        session_key: &SessionKey,
        subkey: &Subkey,
        nonce: u32,
    ) -> Result<Vec<(PaDataType, Vec<u8>)>, ProtocolError> {
        let mut padata = Vec::new();
        if subkey.enctype() != EncryptionType::RC4_HMAC {
            padata.push((PaDataType::PA_S4U_X509_USER, self.x509_user(subkey, nonce)?));
        }
        padata.push((PaDataType::PA_FOR_USER, self.for_user(session_key)?));
        Ok(padata)
    }

    fn x509_user(&self, subkey: &Key, nonce: u32) -> Result<Vec<u8>, ProtocolError> {
        let user_id = asn1::encode(&S4uUserId {
            nonce,
            cname: Some(self.principal.name.to_wire()),
            crealm: self.principal.realm.to_wire(),
            subject_certificate: None,
            options: Some(S4uOptions::USE_REPLY_KEY_USAGE),
        })?;
        let checksum = subkey
            .checksum(KeyUsage::PA_S4U_X509_USER_REQUEST, &[&user_id])
            .map_err(ProtocolError::crypto("making the checksum of PA-S4U-X509-USER"))?;
        Ok(asn1::encode(&PaS4uX509User {
            user_id: Raw::parse(&user_id)?,
            checksum: Checksum {
                cksumtype: subkey.checksum_type(),
                checksum: checksum.as_bytes(),
            },
        })?)
    }

    /// The checksum is HMAC-MD5 with a key of any type (MS-SFU 2.2.1).
    fn for_user(&self, session_key: &Key) -> Result<Vec<u8>, ProtocolError> {
        let user_name = self.principal.name.to_wire();
        let user_realm = self.principal.realm.to_wire();
        let auth_package = KerberosString::from(AUTH_PACKAGE);
        let covered = s4u_byte_array(&user_name, user_realm, auth_package);
        let checksum = session_key.hmac_md5_checksum(KeyUsage::APPLICATION_CKSUM, &[&covered]);
        Ok(asn1::encode(&PaForUser {
            user_name,
            user_realm,
            cksum: Checksum {
                cksumtype: ChecksumType::HMAC_MD5_RC4,
                checksum: checksum.as_bytes(),
            },
            auth_package,
        })?)
    }
}

/// Checks the PA-S4U-X509-USER of a reply against the request's `nonce`, under the reply's key. A KDC that knows
/// PA-FOR-USER alone sends none, but it has none in the encrypted part either. What comes back is the user that the KDC
/// names in it, under its checksum.
///
/// # Errors
/// [`ProtocolError::Decode`], and what is wrong with it.
pub(crate) fn verify_reply(
    nonce: u32,
    subkey: &Key,
    in_clear: Option<&[PaData<'_>]>,
    encrypted: Option<&[PaData<'_>]>,
) -> Result<Result<Option<Principal>, &'static str>, ProtocolError> {
    let find = |padata: Option<&'_ [PaData<'_>]>| {
        padata
            .into_iter()
            .flatten()
            .find(|padata| padata.padata_type == PaDataType::PA_S4U_X509_USER)
            .map(|padata| padata.padata_value.to_vec())
    };
    let Some(value) = find(in_clear) else {
        return Ok(match find(encrypted) {
            None => Ok(None),
            Some(_) => {
                Err("PA-S4U-X509-USER is in the encrypted part of the reply and was taken from the reply")
            }
        });
    };
    let reply: PaS4uX509User<'_> = asn1::decode(&value)?;
    if reply.user_id.nonce != nonce {
        return Ok(Err("PA-S4U-X509-USER of the reply is of another request"));
    }
    let options = reply.user_id.options.unwrap_or_default();
    let usage = if options.contains(S4uOptions::USE_REPLY_KEY_USAGE) {
        KeyUsage::PA_S4U_X509_USER_REPLY
    } else {
        KeyUsage::PA_S4U_X509_USER_REQUEST
    };
    let Checksum { cksumtype, checksum } = &reply.checksum;
    let verified = subkey.verify_checksum(usage, *cksumtype, &[reply.user_id.bytes()], checksum);
    if verified.is_err() {
        return Ok(Err("PA-S4U-X509-USER of the reply was changed on its way"));
    }
    let name = reply.user_id.cname.as_ref();
    Ok(Ok(
        name.map(|name| Principal::from_wire(reply.user_id.crealm, name))
    ))
}

/// PA-PAC-OPTIONS that says: the service asked for may be the one that permits the delegation (MS-KILE 2.2.10).
pub(crate) fn resource_based_delegation() -> Result<(PaDataType, Vec<u8>), ProtocolError> {
    let value = asn1::encode(&PaPacOptions {
        flags: PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION,
    })?;
    Ok((PaDataType::PA_PAC_OPTIONS, value))
}
