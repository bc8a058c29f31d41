//! Pre-authentication by encrypted timestamp (RFC 4120 5.2.7.2), and how the KDC says which key it wants (5.2.7.5). What
//! SPAKE adds is in `spake.rs`.

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, EncryptedData, EtypeInfo, EtypeInfo2, EtypeInfo2Entry, EtypeInfoEntry, MethodData, PaData,
    PaDataType, PaEncTsEnc, Principal,
};
use kerbside_crypto::{
    CryptoError, CryptoRng, EncryptionType, EnctypePolicy, IterationLimits, Key, KeyUsage, LongTermKey,
    Password,
};

use crate::error::ProtocolError;
use crate::plaintext::decode_plaintext;
use crate::time::Now;

/// How a long-term key comes out of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyParams {
    /// The key's enctype.
    pub enctype: EncryptionType,
    /// The salt: the KDC's, or the principal's default where the KDC named none.
    pub salt: Vec<u8>,
    /// The parameters of string-to-key; `None` is the enctype's default.
    pub s2kparams: Option<Vec<u8>>,
}

impl KeyParams {
    /// The key that `password` gives with these parameters.
    ///
    /// # Errors
    /// [`ProtocolError::Crypto`] for an iteration count outside of `limits`, an enctype that is not permitted, a
    /// password that is too long.
    pub fn derive(
        &self,
        password: &Password,
        limits: &IterationLimits,
    ) -> Result<LongTermKey, ProtocolError> {
        self.derive_with_policy(password, limits, &EnctypePolicy::DEFAULT)
    }

    /// As [`derive`](Self::derive), for an enctype that `policy` permits.
    ///
    /// # Errors
    /// As [`derive`](Self::derive).
    pub fn derive_with_policy(
        &self,
        password: &Password,
        limits: &IterationLimits,
        policy: &EnctypePolicy,
    ) -> Result<LongTermKey, ProtocolError> {
        Key::from_password_with_policy(
            self.enctype,
            password,
            &self.salt,
            self.s2kparams.as_deref(),
            limits,
            policy,
        )
        .map(LongTermKey::from)
        .map_err(ProtocolError::crypto("deriving the key from the password"))
    }
}

/// What an AS exchange asks its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// The key of `principal` of one of the enctypes of `candidates`, which stand in the KDC's order of preference.
    LongTermKey {
        /// Whose key.
        principal: Principal,
        /// The keys that would do. A password is turned into the first of them.
        candidates: Vec<KeyParams>,
    },
}

/// What the caller answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// A password; the exchange derives what key it needs.
    Password(Password),
    /// A key, from a keytab; its enctype is one of the candidates'.
    Key(LongTermKey),
}

/// One entry of ETYPE-INFO2 or ETYPE-INFO.
pub(crate) struct HintEntry {
    enctype: EncryptionType,
    /// Absent means the default salt; present and empty means an empty one.
    salt: Option<Vec<u8>>,
    s2kparams: Option<Vec<u8>>,
}

/// What the KDC says about pre-authentication, of METHOD-DATA or of a reply's padata.
#[derive(Default)]
pub(crate) struct Hints {
    /// All the types named.
    pub(crate) offered: Vec<PaDataType>,
    /// ETYPE-INFO2, or ETYPE-INFO where only that was there: enctype, salt, parameters, in the KDC's order.
    entries: Option<Vec<HintEntry>>,
    /// Whether the entries are those of ETYPE-INFO2.
    pub(crate) has_etype_info2: bool,
    /// PA-PW-SALT: the salt of whatever key it is, for KDCs that know no better way to say so.
    pw_salt: Option<Vec<u8>>,
    /// An opaque value that the next request has to bring back (RFC 6113 5.2).
    pub(crate) cookie: Option<Vec<u8>>,
    /// The first PA-SPAKE, as sent: empty where the KDC only says that it knows it.
    pub(crate) spake: Option<Vec<u8>>,
}

impl Hints {
    /// Reads the METHOD-DATA of a KRB-ERROR.
    pub(crate) fn of_method_data(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let methods: MethodData<'_> = asn1::decode(bytes)?;
        Self::of_padata(&methods.0)
    }

    /// Reads the padata of a reply.
    pub(crate) fn of_padata(padata: &[PaData<'_>]) -> Result<Self, ProtocolError> {
        let mut hints = Self::default();
        for element in padata {
            hints.offered.push(element.padata_type);
            match element.padata_type {
                PaDataType::PA_ETYPE_INFO2 if !hints.has_etype_info2 => {
                    let info: EtypeInfo2<'_> = asn1::decode(element.padata_value)?;
                    hints.entries = Some(info.0.iter().map(owned_entry).collect());
                    hints.has_etype_info2 = true;
                }
                // The newer form takes precedence, wherever it stands (RFC 4120 5.2.7.5).
                PaDataType::PA_ETYPE_INFO if hints.entries.is_none() => {
                    let info: EtypeInfo<'_> = asn1::decode(element.padata_value)?;
                    hints.entries = Some(info.0.iter().map(owned_old_entry).collect());
                }
                PaDataType::PA_PW_SALT if hints.pw_salt.is_none() => {
                    hints.pw_salt = Some(element.padata_value.to_vec());
                }
                PaDataType::PA_SPAKE if hints.spake.is_none() => {
                    hints.spake = Some(element.padata_value.to_vec());
                }
                PaDataType::PA_FX_COOKIE => hints.cookie = Some(element.padata_value.to_vec()),
                _ => {}
            }
        }
        Ok(hints)
    }

    /// Whether it says how a key comes out of a password.
    pub(crate) fn tells_salt(&self) -> bool {
        self.entries.is_some() || self.pw_salt.is_some()
    }

    /// The keys that would do: those of the KDC's list that are among `asked`, in the KDC's order. Without a list, all
    /// of `asked`. An absent salt is the default salt of `principal`; one that is present and empty is empty. PA-PW-SALT
    /// counts where there is no list.
    pub(crate) fn candidates(&self, asked: &[EncryptionType], principal: &Principal) -> Vec<KeyParams> {
        let Some(entries) = &self.entries else {
            let salted = |enctype| KeyParams {
                salt: self.pw_salt.clone().unwrap_or_else(|| principal.default_salt()),
                ..default_params(enctype, principal)
            };
            return asked.iter().map(|&enctype| salted(enctype)).collect();
        };
        let mut candidates: Vec<KeyParams> = Vec::new();
        for entry in entries {
            let seen = candidates
                .iter()
                .any(|candidate| candidate.enctype == entry.enctype);
            if asked.contains(&entry.enctype) && !seen {
                candidates.push(KeyParams {
                    enctype: entry.enctype,
                    salt: entry.salt.clone().unwrap_or_else(|| principal.default_salt()),
                    s2kparams: entry.s2kparams.clone(),
                });
            }
        }
        candidates
    }

    /// The enctypes of the KDC's list.
    pub(crate) fn enctypes(&self) -> Vec<EncryptionType> {
        self.entries.iter().flatten().map(|entry| entry.enctype).collect()
    }
}

fn owned_entry(entry: &EtypeInfo2Entry<'_>) -> HintEntry {
    HintEntry {
        enctype: entry.etype,
        salt: entry.salt.map(|salt| salt.as_bytes().to_vec()),
        s2kparams: entry.s2kparams.map(<[u8]>::to_vec),
    }
}

fn owned_old_entry(entry: &EtypeInfoEntry<'_>) -> HintEntry {
    HintEntry {
        enctype: entry.etype,
        salt: entry.salt.map(<[u8]>::to_vec),
        s2kparams: None,
    }
}

/// What applies when the KDC says nothing: the default salt, the enctype's own iteration count.
pub(crate) fn default_params(enctype: EncryptionType, principal: &Principal) -> KeyParams {
    KeyParams {
        enctype,
        salt: principal.default_salt(),
        s2kparams: None,
    }
}

/// The value of a PA-ENC-TIMESTAMP made at `now`: the client's half of the proof that it knows `key`.
///
/// # Errors
/// When the time cannot be encoded or encryption fails.
pub fn enc_timestamp(key: &Key, now: Now, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, ProtocolError> {
    let plain = asn1::encode(&PaEncTsEnc {
        patimestamp: now.time,
        pausec: Some(now.usec),
    })?;
    let cipher = key
        .encrypt(KeyUsage::AS_REQ_PA_ENC_TIMESTAMP, &plain, rng)
        .map_err(ProtocolError::crypto("encrypting the timestamp"))?;
    Ok(asn1::encode(&EncryptedData {
        etype: key.enctype(),
        kvno: None,
        cipher: &cipher,
    })?)
}

/// Opens a PA-ENC-TIMESTAMP's value with the client's `key`: the KDC's half. Gives the time in it; whether that is
/// near enough is the caller's decision.
///
/// # Errors
/// [`ProtocolError::Crypto`] when `key` is not the one it was made with, [`ProtocolError::Decode`] for bad bytes.
pub fn decrypt_enc_timestamp(key: &Key, padata_value: &[u8]) -> Result<Now, ProtocolError> {
    let data: EncryptedData<'_> = asn1::decode(padata_value)?;
    if data.etype != key.enctype() {
        let source = CryptoError::IntegrityFailure { enctype: data.etype };
        return Err(ProtocolError::Crypto {
            doing: "decrypting the timestamp",
            source,
        });
    }
    let plain = key
        .decrypt(KeyUsage::AS_REQ_PA_ENC_TIMESTAMP, data.cipher)
        .map_err(ProtocolError::crypto("decrypting the timestamp"))?;
    let stamp: PaEncTsEnc = decode_plaintext(key.enctype(), &plain)?;
    Ok(Now {
        time: stamp.patimestamp,
        usec: stamp.pausec.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test that fails may panic"
    )]

    use kerbside_asn1::{self as asn1, EncryptedData};
    use kerbside_crypto::CryptoError;

    use super::{decrypt_enc_timestamp, enc_timestamp};
    use crate::error::ProtocolError;
    use crate::fake_kdc::{AES128, AES256, key, now, rng};

    #[test]
    fn a_timestamp_opens_with_its_key_alone() {
        let made = enc_timestamp(&key(AES256, 1), now(5), &mut rng(2)).unwrap();
        assert_eq!(decrypt_enc_timestamp(&key(AES256, 1), &made).unwrap(), now(5));
        let refused = |bytes: &[u8], with| match decrypt_enc_timestamp(&with, bytes) {
            Err(ProtocolError::Crypto { source, .. }) => {
                matches!(source, CryptoError::IntegrityFailure { .. })
            }
            _ => false,
        };
        assert!(refused(&made, key(AES256, 2)));
        assert!(refused(&made, key(AES128, 1)));
        // The enctype in clear is not protected, but it has to be the key's.
        let data: EncryptedData<'_> = asn1::decode(&made).unwrap();
        let relabelled = asn1::encode(&EncryptedData {
            etype: AES128,
            ..data
        })
        .unwrap();
        assert!(refused(&relabelled, key(AES256, 1)));
        for index in 0..made.len() {
            let mut altered = made.clone();
            altered[index] ^= 1 << (index % 8);
            assert!(
                decrypt_enc_timestamp(&key(AES256, 1), &altered).is_err(),
                "octet {index}"
            );
        }
    }
}
