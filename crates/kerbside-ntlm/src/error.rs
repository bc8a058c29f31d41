//! Why a message, a login or a file was refused.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use kerbside_gss::{Cause, GssError, Major};

/// Why a message, a login or a file was refused. Carries names and lengths, never keys, hashes, passwords or responses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NtlmError {
    /// Bytes that are not the message they should be.
    Malformed {
        /// The message or structure, by MS-NLMP's name.
        message: &'static str,
        /// The part of it.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A message longer than any that is looked at.
    TooLong {
        /// The message or field.
        what: &'static str,
        /// Its length in octets.
        length: usize,
        /// The most that is accepted.
        most: usize,
    },
    /// A message that is not due now.
    Unexpected {
        /// The message that is due.
        expected: &'static str,
        /// MessageType of the one that came.
        found: u32,
    },
    /// Something of the protocol that is not built.
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// The peer did not agree to something that this side's policy demands.
    TooWeak {
        /// What is missing.
        missing: &'static str,
    },
    /// No such user, or another password: which of the two is not said.
    LoginFailed {
        /// The domain that the client named.
        domain: String,
        /// The user that the client named.
        user: String,
    },
    /// NTLM v1, which a policy must allow.
    V1Refused,
    /// A client without a name, which a policy must allow.
    AnonymousRefused,
    /// AUTHENTICATE has no MIC, and policy demands one.
    MicMissing,
    /// The MIC is not the one of the three messages: one of them was altered on the way.
    MicWrong,
    /// Channel bindings are missing or different.
    BadBindings {
        /// How.
        reason: &'static str,
    },
    /// The client wants to talk to another service, or does not say to which.
    WrongTarget {
        /// What the client says.
        found: Option<String>,
    },
    /// A service principal name with a marshalled target behind it, by which a client is led back to itself
    /// (CVE-2025-33073).
    MarshalledTarget,
    /// The response's time is not the one of the challenge, or too far from this side's clock.
    Timestamp {
        /// How.
        reason: &'static str,
    },
    /// The answer to a challenge came too late.
    ChallengeExpired {
        /// How old the challenge is, in seconds.
        age: i64,
        /// How old one may be.
        most: i64,
    },
    /// The challenge was issued by this program itself: somebody reflects it (CVE-2008-4037).
    OwnChallenge,
    /// A message that is not the next one: NTLM's keys go on with each, so that no other can be read.
    OutOfSequence {
        /// The number that is due.
        expected: u32,
        /// The number in the token, which nothing protects until it verified.
        found: u32,
    },
    /// Something that this context has no key for.
    NotNegotiated {
        /// What.
        what: &'static str,
    },
    /// The source of NT hashes does not work.
    Source {
        /// What it says.
        reason: String,
    },
    /// A user file with a line that is no user's.
    UserFile {
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A context flag that this mechanism cannot give.
    Flags {
        /// Which one, and why.
        reason: &'static str,
    },
}

impl NtlmError {
    /// The kind of failure in RFC 2743's terms.
    #[must_use]
    pub fn major(&self) -> Major {
        match self {
            Self::Malformed { .. } | Self::TooLong { .. } | Self::Unexpected { .. } => Major::DefectiveToken,
            Self::MicMissing | Self::MicWrong | Self::OutOfSequence { .. } => Major::BadMic,
            Self::BadBindings { .. } => Major::BadBindings,
            Self::LoginFailed { .. } => Major::NoCredential,
            Self::Unsupported { .. } | Self::Flags { .. } | Self::NotNegotiated { .. } => Major::Unavailable,
            Self::ChallengeExpired { .. } => Major::CredentialsExpired,
            _ => Major::Failure,
        }
    }
}

impl From<NtlmError> for GssError {
    fn from(error: NtlmError) -> Self {
        let major = error.major();
        Cause::Mechanism {
            major,
            error: Box::new(error),
        }
        .into()
    }
}

impl core::error::Error for NtlmError {}

impl fmt::Display for NtlmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed {
                message,
                field,
                reason,
            } => write!(f, "NTLM: {message}: {field}: {reason}"),
            Self::TooLong { what, length, most } => {
                write!(
                    f,
                    "NTLM: {what}: expected at most {most} octets, but found {length}"
                )
            }
            Self::Unexpected { expected, found } => {
                write!(
                    f,
                    "NTLM: expected {expected}, but found a message of type {found}"
                )
            }
            Self::Unsupported { what } => write!(f, "NTLM: {what} is not supported"),
            Self::TooWeak { missing } => {
                write!(
                    f,
                    "NTLM: the peer did not agree to {missing}, which policy demands"
                )
            }
            // Names come from strangers: quoted, so that no control character of theirs reaches a log.
            Self::LoginFailed { domain, user } => write!(
                f,
                "NTLM: no user {user:?} of domain {domain:?}, or another password than the user's"
            ),
            Self::V1Refused => f.write_str("NTLM: the response is of version 1, which is not allowed here"),
            Self::AnonymousRefused => f.write_str("NTLM: the client is anonymous, which is not allowed here"),
            Self::MicMissing => {
                f.write_str("NTLM: expected a MIC in the AUTHENTICATE message, but found none")
            }
            Self::MicWrong => f.write_str("NTLM: the MIC does not verify: a message was altered on the way"),
            Self::BadBindings { reason } => write!(f, "NTLM: channel bindings: {reason}"),
            Self::WrongTarget { found: Some(found) } => {
                write!(
                    f,
                    "NTLM: the client's target is {found:?}, which is not served here"
                )
            }
            Self::WrongTarget { found: None } => f.write_str("NTLM: the client does not say its target"),
            Self::MarshalledTarget => {
                f.write_str("NTLM: the target has another target marshalled into its name")
            }
            Self::Timestamp { reason } => write!(f, "NTLM: timestamp: {reason}"),
            Self::ChallengeExpired { age, most } => write!(
                f,
                "NTLM: expected an answer to the challenge within {most} s, but found one after {age} s"
            ),
            Self::OwnChallenge => {
                f.write_str("NTLM: the challenge is one of this program's own (reflection)")
            }
            Self::OutOfSequence { expected, found } => {
                write!(f, "NTLM: expected message {expected}, but found message {found}")
            }
            Self::NotNegotiated { what } => write!(f, "NTLM: {what} was not negotiated"),
            Self::Source { reason } => write!(f, "NTLM: looking for the user's NT hash: {reason}"),
            Self::UserFile { line, reason } => write!(f, "NTLM: user file, line {line}: {reason}"),
            Self::Flags { reason } => write!(f, "NTLM: {reason}"),
        }
    }
}

/// A structure that is not what it should be.
pub(crate) const fn malformed(message: &'static str, field: &'static str, reason: &'static str) -> NtlmError {
    NtlmError::Malformed {
        message,
        field,
        reason,
    }
}
