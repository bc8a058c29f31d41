//! Changing and setting passwords (RFC 3244): the frames of port 464 and what is in them.

use alloc::vec::Vec;

use crate::codec::sequence;
use crate::registry::registry;
use crate::{KerberosString, MsgType, PrincipalName, peek_message};

sequence! {
    /// The new password and whose it is, in the user data of a KRB-PRIV. Debug does not show the password.
    ///
    /// ```text
    /// ChangePasswdData ::= SEQUENCE {
    ///         newpasswd[0]   OCTET STRING,
    ///         targname[1]    PrincipalName OPTIONAL,
    ///         targrealm[2]   Realm OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 3244 2.
    #[derive(Clone)]
    pub struct ChangePasswdData<'a> {
        /// The new password, UTF-8.
        pub newpasswd: &'a [u8] = [0],
        /// Whose; absent means the ticket's client.
        pub targname: Option<PrincipalName<'a>> = [1],
        /// In which realm.
        pub targrealm: Option<KerberosString<'a>> = [2],
    }
}

impl core::fmt::Debug for ChangePasswdData<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ChangePasswdData")
            .field("targname", &self.targname)
            .field("targrealm", &self.targrealm)
            .finish_non_exhaustive()
    }
}

/// The version of a request whose user data is a [`ChangePasswdData`] (RFC 3244).
pub const SET_PASSWORD_VERSION: u16 = 0xff80;

/// The version of replies, and of requests whose user data is the new password alone (draft-ietf-cat-kerb-chg-password).
pub const CHANGE_PASSWORD_VERSION: u16 = 1;

/// The octets of a frame before its messages.
const HEADER_LEN: usize = 6;

/// A request (RFC 3244 2).
///
/// ```text
/// message length (2) | protocol version (2) | AP-REQ length (2) | AP-REQ | KRB-PRIV
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KpasswdRequest<'a> {
    /// [`SET_PASSWORD_VERSION`] or [`CHANGE_PASSWORD_VERSION`].
    pub version: u16,
    /// An AP-REQ.
    pub ap_req: &'a [u8],
    /// A KRB-PRIV with the new password.
    pub krb_priv: &'a [u8],
}

/// A reply (RFC 3244 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KpasswdReply<'a> {
    /// Under the request's keys.
    ///
    /// ```text
    /// message length (2) | protocol version (2) | AP-REP length (2) | AP-REP | KRB-PRIV
    /// ```
    Protected {
        /// [`CHANGE_PASSWORD_VERSION`], from some peers [`SET_PASSWORD_VERSION`].
        version: u16,
        /// An AP-REP.
        ap_rep: &'a [u8],
        /// A KRB-PRIV with a [`KpasswdResult`].
        krb_priv: &'a [u8],
    },
    /// A KRB-ERROR, whose `e-data` is a [`KpasswdResult`]. By the RFC it stands in a frame with an AP-REP length of 0; Windows also
    /// sends it bare, and so it is taken, too.
    Error(&'a [u8]),
}

/// The version, the first message and the second of a frame; `None` when the lengths are not those of what is there.
fn split_frame(frame: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (len, rest) = frame.split_first_chunk()?;
    let (version, rest) = rest.split_first_chunk()?;
    let (ap_len, rest) = rest.split_first_chunk()?;
    if usize::from(u16::from_be_bytes(*len)) != frame.len() {
        return None;
    }
    let (ap, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*ap_len)))?;
    Some((u16::from_be_bytes(*version), ap, rest))
}

/// Puts two messages into a frame; `None` when they are too long for one.
fn join_frame(version: u16, ap: &[u8], rest: &[u8]) -> Option<Vec<u8>> {
    let len = HEADER_LEN.checked_add(ap.len())?.checked_add(rest.len())?;
    let ap_len = u16::try_from(ap.len()).ok()?.to_be_bytes();
    let mut frame = Vec::with_capacity(len);
    frame.extend_from_slice(&u16::try_from(len).ok()?.to_be_bytes());
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&ap_len);
    frame.extend_from_slice(ap);
    frame.extend_from_slice(rest);
    Some(frame)
}

impl<'a> KpasswdRequest<'a> {
    /// Takes a frame apart; `None` when its lengths are not those of what is there, or one of the messages is missing.
    pub fn parse(frame: &'a [u8]) -> Option<Self> {
        let (version, ap_req, krb_priv) = split_frame(frame)?;
        (!ap_req.is_empty() && !krb_priv.is_empty()).then_some(Self {
            version,
            ap_req,
            krb_priv,
        })
    }

    /// Puts the messages into a frame; `None` when they are too long for one.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        join_frame(self.version, self.ap_req, self.krb_priv)
    }
}

impl<'a> KpasswdReply<'a> {
    /// Takes a frame apart; `None` when its lengths are not those of what is there, or a message is missing.
    pub fn parse(frame: &'a [u8]) -> Option<Self> {
        if peek_message(frame) == Some(MsgType::KRB_ERROR) {
            return Some(Self::Error(frame));
        }
        let (version, ap_rep, rest) = split_frame(frame)?;
        if rest.is_empty() {
            None
        } else if ap_rep.is_empty() {
            Some(Self::Error(rest))
        } else {
            Some(Self::Protected {
                version,
                ap_rep,
                krb_priv: rest,
            })
        }
    }

    /// Puts the messages into a frame; `None` when they are too long for one.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Protected {
                version,
                ap_rep,
                krb_priv,
            } => join_frame(*version, ap_rep, krb_priv),
            Self::Error(error) => join_frame(CHANGE_PASSWORD_VERSION, &[], error),
        }
    }
}

registry! {
    /// What became of a change of password (RFC 3244 2).
    pub struct KpasswdResultCode {
        KRB5_KPASSWD_SUCCESS = 0, "KRB5_KPASSWD_SUCCESS", "Success";
        KRB5_KPASSWD_MALFORMED = 1, "KRB5_KPASSWD_MALFORMED", "Malformed request error";
        KRB5_KPASSWD_HARDERROR = 2, "KRB5_KPASSWD_HARDERROR", "Server error";
        KRB5_KPASSWD_AUTHERROR = 3, "KRB5_KPASSWD_AUTHERROR", "Authentication error";
        KRB5_KPASSWD_SOFTERROR = 4, "KRB5_KPASSWD_SOFTERROR", "Password change rejected";
        KRB5_KPASSWD_ACCESSDENIED = 5, "KRB5_KPASSWD_ACCESSDENIED", "Access denied";
        KRB5_KPASSWD_BAD_VERSION = 6, "KRB5_KPASSWD_BAD_VERSION", "Wrong protocol version";
        KRB5_KPASSWD_INITIAL_FLAG_NEEDED = 7, "KRB5_KPASSWD_INITIAL_FLAG_NEEDED", "Initial password required";
        KRB5_KPASSWD_UNKNOWN_ERROR = 0xffff, "KRB5_KPASSWD_UNKNOWN_ERROR", "Unknown error";
    }
}

/// The outcome, in the user data of a reply's KRB-PRIV or the `e-data` of its KRB-ERROR: two octets of code, then text or an
/// [`AdPasswordPolicy`] (RFC 3244 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KpasswdResult<'a> {
    /// What became of it.
    pub code: KpasswdResultCode,
    /// Why: UTF-8 by the RFC, anything in practice.
    pub text: &'a [u8],
}

impl<'a> KpasswdResult<'a> {
    /// Reads a result; `None` when it has no code.
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let (code, text) = octets.split_first_chunk()?;
        let code = KpasswdResultCode(i32::from(u16::from_be_bytes(*code)));
        Some(Self { code, text })
    }

    /// Writes a result; `None` when the code does not fit two octets.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let code = u16::try_from(self.code.0).ok()?;
        Some([&code.to_be_bytes()[..], self.text].concat())
    }

    /// The policy in place of a text, as Active Directory sends it.
    pub fn policy(&self) -> Option<AdPasswordPolicy> {
        AdPasswordPolicy::from_octets(self.text)
    }
}

/// Why Active Directory refused a password: 30 octets, most significant first, in place of a result's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AdPasswordPolicy {
    /// The least length, in characters.
    pub min_length: u32,
    /// How many old passwords may not be used again.
    pub history: u32,
    /// Bit 0: the password must be complex.
    pub properties: u32,
    /// How long a password is good, in units of 100 ns.
    pub expire: u64,
    /// How long a password must be kept, in units of 100 ns.
    pub min_age: u64,
}

impl AdPasswordPolicy {
    /// The bit of [`properties`](Self::properties) for characters of several kinds.
    pub const DOMAIN_PASSWORD_COMPLEX: u32 = 1;

    /// Octets of a policy.
    const LEN: usize = 30;

    /// Reads a policy; `None` when it is something else, such as a text.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        if octets.len() != Self::LEN {
            return None;
        }
        let (zero, rest) = octets.split_first_chunk()?;
        let (min_length, rest) = rest.split_first_chunk()?;
        let (history, rest) = rest.split_first_chunk()?;
        let (properties, rest) = rest.split_first_chunk()?;
        let (expire, rest) = rest.split_first_chunk()?;
        (*zero == [0, 0]).then_some(Self {
            min_length: u32::from_be_bytes(*min_length),
            history: u32::from_be_bytes(*history),
            properties: u32::from_be_bytes(*properties),
            expire: u64::from_be_bytes(*expire),
            min_age: u64::from_be_bytes(rest.try_into().ok()?),
        })
    }

    /// Writes a policy.
    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(Self::LEN);
        octets.extend_from_slice(&[0, 0]);
        octets.extend_from_slice(&self.min_length.to_be_bytes());
        octets.extend_from_slice(&self.history.to_be_bytes());
        octets.extend_from_slice(&self.properties.to_be_bytes());
        octets.extend_from_slice(&self.expire.to_be_bytes());
        octets.extend_from_slice(&self.min_age.to_be_bytes());
        octets
    }
}
