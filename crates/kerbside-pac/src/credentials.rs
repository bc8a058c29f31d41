//! PAC credentials (MS-PAC section 2.6).

use alloc::vec::Vec;
use core::fmt;

use kerbside_crypto::{CryptoError, CryptoRng, EncryptionType, Key, KeyUsage};
use zeroize::Zeroizing;

use crate::error::PacError;
use crate::ndr::{NdrReader, NdrWriter, RpcUnicodeString, StringHeader, Trailing};
use crate::reader::Reader;

const WHAT: &str = "PAC_CREDENTIAL_DATA";

/// Credentials of other protocols, encrypted for the client: what a KDC adds to the PAC of a client that used PKINIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacCredentialInfo<'a> {
    /// How they are encrypted.
    pub encryption_type: EncryptionType,
    /// The ciphertext.
    pub serialized_data: &'a [u8],
}

impl<'a> PacCredentialInfo<'a> {
    /// Reads the buffer.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, PacError> {
        let mut reader = Reader::new("PAC_CREDENTIAL_INFO", bytes);
        let version = reader.u32()?;
        if version != 0 {
            return Err(reader.value_error("version 0", version));
        }
        let encryption_type = EncryptionType(reader.u32()?.cast_signed());
        Ok(Self {
            encryption_type,
            serialized_data: reader.rest(),
        })
    }

    /// The buffer.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from([0; 4]);
        bytes.extend(self.encryption_type.0.to_le_bytes());
        bytes.extend(self.serialized_data);
        bytes
    }

    /// Decrypts with the AS reply key, key usage 16.
    ///
    /// # Errors
    /// [`PacError::Crypto`] for another key, [`PacError::Malformed`].
    pub fn decrypt(&self, reply_key: &Key) -> Result<PacCredentialData, PacError> {
        let failed = |source| PacError::Crypto {
            doing: "decrypting the PAC's credentials",
            source,
        };
        if self.encryption_type != reply_key.enctype() {
            return Err(failed(CryptoError::IntegrityFailure {
                enctype: self.encryption_type,
            }));
        }
        let plain = reply_key
            .decrypt(KeyUsage::APPLICATION_ENC, self.serialized_data)
            .map_err(failed)?;
        PacCredentialData::from_bytes(&plain)
    }
}

/// The credentials, decrypted. Zeroized on drop.
#[derive(Clone, Debug, Default)]
pub struct PacCredentialData {
    /// One for each security package.
    pub credentials: Vec<SecpkgSupplementalCred>,
}

/// A security package's credentials (MS-PAC section 2.6.3).
#[derive(Clone)]
pub struct SecpkgSupplementalCred {
    /// The package; Microsoft's KDCs know `NTLM`.
    pub package_name: RpcUnicodeString,
    credentials: Zeroizing<Vec<u8>>,
}

impl SecpkgSupplementalCred {
    /// A package and its credentials.
    #[must_use]
    pub const fn new(package_name: RpcUnicodeString, credentials: Zeroizing<Vec<u8>>) -> Self {
        Self {
            package_name,
            credentials,
        }
    }

    /// The credentials in the package's own form.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.credentials
    }
}

impl fmt::Debug for SecpkgSupplementalCred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SecpkgSupplementalCred({:?}, {} octets)",
            self.package_name,
            self.credentials.len()
        )
    }
}

/// Octets of the part of a SECPKG_SUPPLEMENTAL_CRED that stands in its array.
const CRED_LEN: usize = StringHeader::LEN + 8;

impl PacCredentialData {
    /// Reads the decrypted structure. The cipher's padding may follow it.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(plain: &[u8]) -> Result<Self, PacError> {
        NdrReader::object(WHAT, plain, Trailing::Ignored, |reader| {
            // A structure with a conformant array at its end has the array's count in front of it.
            let conformance = reader.u32()?;
            let count = reader.u32()?;
            if conformance != count {
                return Err(reader.value_error("as many credentials as the array has", count));
            }
            let len = reader.room_for(count, CRED_LEN)?;
            let mut headers = Vec::with_capacity(len);
            for _ in 0..len {
                headers.push((StringHeader::read(reader)?, reader.u32()?, reader.pointer()?));
            }
            let credentials = headers.into_iter().map(|(name, size, present)| {
                Ok(SecpkgSupplementalCred {
                    package_name: name.referent(reader)?,
                    credentials: Zeroizing::new(reader.bytes(present, size)?.to_vec()),
                })
            });
            Ok(Self {
                credentials: credentials.collect::<Result<_, PacError>>()?,
            })
        })
    }

    /// The structure, as it is encrypted.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, PacError> {
        NdrWriter::object(WHAT, |writer| {
            writer.count(WHAT, self.credentials.len())?;
            writer.count(WHAT, self.credentials.len())?;
            for credential in &self.credentials {
                writer.string_header(&credential.package_name);
                writer.count(WHAT, credential.credentials.len())?;
                writer.pointer(true);
            }
            for credential in &self.credentials {
                writer.string_referent(&credential.package_name)?;
                writer.count(WHAT, credential.credentials.len())?;
                writer.octets(&credential.credentials);
            }
            Ok(())
        })
        .map(Zeroizing::new)
    }

    /// The buffer CREDENTIALS: encrypted with the AS reply key, key usage 16.
    ///
    /// # Errors
    /// [`PacError::Crypto`], [`PacError::TooLongToEncode`].
    pub fn encrypt(&self, reply_key: &Key, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, PacError> {
        let ciphertext = reply_key
            .encrypt(KeyUsage::APPLICATION_ENC, &self.to_bytes()?, rng)
            .map_err(|source| PacError::Crypto {
                doing: "encrypting the PAC's credentials",
                source,
            })?;
        Ok(PacCredentialInfo {
            encryption_type: reply_key.enctype(),
            serialized_data: &ciphertext,
        }
        .to_bytes())
    }

    /// The NTLM credentials, if there are some.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn ntlm(&self) -> Result<Option<NtlmSupplementalCredential>, PacError> {
        self.credentials
            .iter()
            .find(|credential| credential.package_name.eq_ignore_ascii_case("NTLM"))
            .map(|credential| NtlmSupplementalCredential::from_bytes(&credential.credentials))
            .transpose()
    }
}

/// A hash that is as good as a password to NTLM.
#[derive(Clone)]
pub struct OwfPassword(Zeroizing<[u8; 16]>);

impl OwfPassword {
    /// A hash of its octets.
    #[must_use]
    pub fn new(octets: [u8; 16]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// The hash's octets.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for OwfPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwfPassword")
    }
}

/// NTLM's credentials (NTLM_SUPPLEMENTAL_CREDENTIAL, MS-PAC section 2.6.4).
#[derive(Clone, Debug, Default)]
pub struct NtlmSupplementalCredential {
    /// The LM hash, if it is there.
    pub lm_password: Option<OwfPassword>,
    /// The NT hash, if it is there.
    pub nt_password: Option<OwfPassword>,
}

impl NtlmSupplementalCredential {
    const LM: u32 = 0x1;
    const NT: u32 = 0x2;

    /// Reads the structure, which has no header of its own.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        let mut reader = Reader::new("NTLM_SUPPLEMENTAL_CREDENTIAL", bytes);
        let version = reader.u32()?;
        if version != 0 {
            return Err(reader.value_error("version 0", version));
        }
        let flags = reader.u32()?;
        let (lm, nt) = (
            OwfPassword::new(reader.array()?),
            OwfPassword::new(reader.array()?),
        );
        reader.end()?;
        Ok(Self {
            lm_password: (flags & Self::LM != 0).then_some(lm),
            nt_password: (flags & Self::NT != 0).then_some(nt),
        })
    }

    /// The structure.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let bit = |hash: &Option<OwfPassword>, bit| if hash.is_some() { bit } else { 0 };
        let flags: u32 = bit(&self.lm_password, Self::LM) | bit(&self.nt_password, Self::NT);
        // Room for all of it, so that no copy is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(40));
        bytes.extend([0; 4]);
        bytes.extend(flags.to_le_bytes());
        for hash in [&self.lm_password, &self.nt_password] {
            match hash {
                Some(hash) => bytes.extend(hash.expose_secret()),
                None => bytes.extend([0; 16]),
            }
        }
        bytes
    }
}
