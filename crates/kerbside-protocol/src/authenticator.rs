//! The authenticator (RFC 4120 5.5.1): the client's fresh proof that it knows the session key.

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AdType, Authenticator, AuthorizationData, AuthorizationDataElement, Checksum,
    EncryptedData, EncryptionKey, Principal,
};
use kerbside_crypto::{
    ChecksumType, CryptoError, CryptoRng, EnctypePolicy, Key, KeyUsage, Subkey, Zeroizing,
};

use crate::PVNO;
use crate::error::ProtocolError;
use crate::plaintext::decode_plaintext;
use crate::subkey;
use crate::ticket::owned_authorization_data;
use crate::time::Now;

/// What an authenticator says, but for the client's name: that is compared with the ticket's and then forgotten.
#[derive(Debug)]
#[non_exhaustive]
pub struct AuthenticatorFacts {
    /// The client's clock.
    pub client_time: Now,
    /// The checksum, whatever it is over: for GSS-API its type is 0x8003 and it holds flags and channel bindings.
    pub checksum: Option<(ChecksumType, Vec<u8>)>,
    /// The key the client chose.
    pub subkey: Option<Subkey>,
    /// The client's first sequence number.
    pub seq_number: Option<u32>,
    /// The authorization data.
    pub authorization_data: Vec<(AdType, Vec<u8>)>,
}

impl AuthenticatorFacts {
    /// Decrypts an authenticator; a subkey in it has to be of a type that `policy` permits. Gives the client it names as well.
    pub(crate) fn decrypt(
        data: &EncryptedData<'_>,
        key: &Key,
        usage: KeyUsage,
        policy: &EnctypePolicy,
    ) -> Result<(Principal, Self), ProtocolError> {
        if data.etype != key.enctype() {
            let source = CryptoError::IntegrityFailure { enctype: data.etype };
            return Err(ProtocolError::Crypto {
                doing: "decrypting the authenticator",
                source,
            });
        }
        let plain = key
            .decrypt(usage, data.cipher)
            .map_err(ProtocolError::crypto("decrypting the authenticator"))?;
        let authenticator: Authenticator<'_> = decode_plaintext(data.etype, &plain)?;
        if authenticator.authenticator_vno != PVNO {
            let found = authenticator.authenticator_vno;
            return Err(ProtocolError::Version {
                message: "authenticator",
                found,
            });
        }
        let subkey = subkey::received(authenticator.subkey.as_ref(), policy)
            .map_err(ProtocolError::crypto("reading the subkey"))?;
        let facts = Self {
            client_time: Now {
                time: authenticator.ctime,
                usec: authenticator.cusec,
            },
            checksum: authenticator
                .cksum
                .as_ref()
                .map(|sum| (sum.cksumtype, sum.checksum.to_vec())),
            subkey,
            seq_number: authenticator.seq_number,
            authorization_data: owned_authorization_data(authenticator.authorization_data.as_ref()),
        };
        Ok((
            Principal::from_wire(authenticator.crealm, &authenticator.cname),
            facts,
        ))
    }
}

/// An authenticator about to be made.
pub(crate) struct NewAuthenticator<'a> {
    pub(crate) client: &'a Principal,
    pub(crate) client_time: Now,
    pub(crate) checksum: Option<(ChecksumType, &'a [u8])>,
    pub(crate) subkey: Option<&'a Subkey>,
    pub(crate) seq_number: Option<u32>,
    pub(crate) authorization_data: &'a [(AdType, Vec<u8>)],
}

impl NewAuthenticator<'_> {
    /// The ciphertext under `key`.
    pub(crate) fn encrypt(
        self,
        key: &Key,
        usage: KeyUsage,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, ProtocolError> {
        let elements = self.authorization_data.iter();
        let elements = elements.map(|(ad_type, ad_data)| AuthorizationDataElement {
            ad_type: *ad_type,
            ad_data,
        });
        let authenticator = Authenticator {
            authenticator_vno: PVNO,
            crealm: self.client.realm.to_wire(),
            cname: self.client.name.to_wire(),
            cksum: self
                .checksum
                .map(|(cksumtype, checksum)| Checksum { cksumtype, checksum }),
            cusec: self.client_time.usec,
            ctime: self.client_time.time,
            subkey: self.subkey.map(|key| EncryptionKey {
                keytype: key.enctype(),
                keyvalue: key.expose_secret(),
            }),
            seq_number: self.seq_number,
            authorization_data: (!self.authorization_data.is_empty())
                .then(|| AuthorizationData(elements.collect())),
        };
        let plain = Zeroizing::new(asn1::encode(&authenticator)?);
        key.encrypt(usage, &plain, rng)
            .map_err(ProtocolError::crypto("encrypting the authenticator"))
    }
}
