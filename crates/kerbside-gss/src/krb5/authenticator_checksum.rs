//! The checksum of type 0x8003, which is no checksum: channel bindings and flags (RFC 4121 4.1.1).

use alloc::vec::Vec;

use crate::channel_bindings::BindingHash;
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;

/// Length of the `Bnd` field, which the `Lgth` field must say.
const BINDINGS_LEN: u32 = 16;

/// Option identifier of delegation.
const DELEGATION_OPTION: u16 = 1;

/// The longest KRB-CRED that the field's length has room for. A ticket-granting ticket with a PAC of thousands of groups
/// is longer.
pub(crate) const MAX_KRB_CRED_LEN: usize = u16::MAX as usize;

/// What the checksum says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AuthenticatorChecksum<'a> {
    pub(crate) bindings: BindingHash,
    pub(crate) flags: ContextFlags,
    /// The delegated credentials: there if and only if the flags say so.
    pub(crate) krb_cred: Option<&'a [u8]>,
}

impl<'a> AuthenticatorChecksum<'a> {
    /// A checksum without delegation.
    pub(crate) fn new(bindings: BindingHash, flags: ContextFlags) -> Self {
        Self {
            bindings,
            flags: flags.without(ContextFlags::DELEGATION),
            krb_cred: None,
        }
    }

    /// The same with a KRB-CRED of at most [`MAX_KRB_CRED_LEN`] octets.
    pub(crate) fn with_krb_cred(self, krb_cred: &'a [u8]) -> Self {
        Self {
            flags: self.flags | ContextFlags::DELEGATION,
            krb_cred: Some(krb_cred),
            ..self
        }
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(28 + self.krb_cred.map_or(0, <[u8]>::len));
        bytes.extend_from_slice(&BINDINGS_LEN.to_le_bytes());
        bytes.extend_from_slice(self.bindings.as_bytes());
        bytes.extend_from_slice(&self.flags.0.to_le_bytes());
        if let Some(krb_cred) = self.krb_cred {
            let length = u16::try_from(krb_cred.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&DELEGATION_OPTION.to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(krb_cred);
        }
        bytes
    }

    /// Reads the fields. With the delegation flag those of delegation must be whole; extensions behind it all are
    /// ignored, as RFC 4121 4.1.1 demands.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, GssError> {
        let (length, rest) = take::<4>(bytes, "shorter than 24 octets")?;
        if u32::from_le_bytes(*length) != BINDINGS_LEN {
            return Err(wrong("expected a Lgth of 16").into());
        }
        let (bindings, rest) = take::<16>(rest, "shorter than 24 octets")?;
        let (flags, rest) = take::<4>(rest, "shorter than 24 octets")?;
        let flags = ContextFlags(u32::from_le_bytes(*flags));
        let krb_cred = if flags.contains(ContextFlags::DELEGATION) {
            Some(delegated(rest)?)
        } else {
            None
        };
        Ok(Self {
            bindings: BindingHash::new(*bindings),
            flags,
            krb_cred,
        })
    }
}

fn delegated(bytes: &[u8]) -> Result<&[u8], GssError> {
    let (option, rest) = take::<2>(bytes, "expected delegation fields, but it ends before them")?;
    if u16::from_le_bytes(*option) != DELEGATION_OPTION {
        return Err(wrong("expected a DlgOpt of 1").into());
    }
    let (length, rest) = take::<2>(rest, "expected delegation fields, but it ends before them")?;
    rest.get(..usize::from(u16::from_le_bytes(*length)))
        .ok_or_else(|| wrong("delegated credentials are cut off").into())
}

fn take<'a, const N: usize>(
    bytes: &'a [u8],
    reason: &'static str,
) -> Result<(&'a [u8; N], &'a [u8]), GssError> {
    bytes.split_first_chunk::<N>().ok_or_else(|| wrong(reason).into())
}

fn wrong(reason: &'static str) -> Cause {
    Cause::AuthenticatorChecksum { reason }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn sample(flags: ContextFlags) -> Vec<u8> {
        AuthenticatorChecksum {
            bindings: BindingHash::new([7; 16]),
            flags,
            krb_cred: None,
        }
        .to_bytes()
    }

    #[test]
    fn fields_of_rfc_4121() {
        let flags = ContextFlags::MUTUAL | ContextFlags::INTEGRITY;
        let bytes = sample(flags);
        let mut expected = alloc::vec![16, 0, 0, 0];
        expected.extend([7; 16]);
        expected.extend([0x22, 0, 0, 0]);
        assert_eq!(bytes, expected);
        let parsed = AuthenticatorChecksum::parse(&bytes).unwrap();
        assert_eq!(parsed.flags, flags);
        assert!(parsed.bindings.matches(&BindingHash::new([7; 16])));
    }

    #[test]
    fn every_shorter_length_is_refused() {
        let bytes = sample(ContextFlags::MUTUAL);
        for length in 0..bytes.len() {
            assert!(
                AuthenticatorChecksum::parse(bytes.get(..length).unwrap()).is_err(),
                "{length}"
            );
        }
    }

    #[test]
    fn extensions_are_ignored_and_delegation_must_be_whole() {
        let mut bytes = sample(ContextFlags::MUTUAL);
        bytes.extend([9; 5]);
        assert!(AuthenticatorChecksum::parse(&bytes).is_ok());

        let mut bytes = sample(ContextFlags::DELEGATION);
        assert!(AuthenticatorChecksum::parse(&bytes).is_err());
        bytes.extend([1, 0, 3, 0, 1, 2]);
        assert!(AuthenticatorChecksum::parse(&bytes).is_err());
        bytes.push(3);
        let parsed = AuthenticatorChecksum::parse(&bytes).unwrap();
        assert_eq!(parsed.krb_cred, Some(&[1, 2, 3][..]));
        assert_eq!(
            AuthenticatorChecksum::new(BindingHash::new([7; 16]), ContextFlags::NONE)
                .with_krb_cred(&[1, 2, 3])
                .to_bytes(),
            bytes
        );
        *bytes.get_mut(24).unwrap() = 2;
        assert!(AuthenticatorChecksum::parse(&bytes).is_err());
    }

    #[test]
    fn another_length_of_bindings_is_refused() {
        let mut bytes = sample(ContextFlags::MUTUAL);
        *bytes.first_mut().unwrap() = 15;
        assert!(AuthenticatorChecksum::parse(&bytes).is_err());
    }
}
