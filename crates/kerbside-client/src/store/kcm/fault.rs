//! What goes wrong between us and a cache daemon.

use std::fmt;
use std::path::PathBuf;

use super::call::{MAX_REPLY_BYTES, Operation, PATIENCE};
use crate::error::CacheFault;

/// Codes of the protocol, which are those of krb5's own tables.
const NO_SUCH_FILE: i32 = 2;
const KRB5_CC_NOTFOUND: i32 = -1_765_328_243;
const KRB5_CC_END: i32 = -1_765_328_242;
const KRB5_FCC_PERM: i32 = -1_765_328_190;
const KRB5_FCC_NOFILE: i32 = -1_765_328_189;
const KRB5_FCC_INTERNAL: i32 = -1_765_328_188;
const KRB5_CC_NOSUPP: i32 = -1_765_328_137;

/// What goes wrong between us and a cache daemon (`sssd-kcm`, Heimdal's `kcm`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KcmFault {
    /// krb5.conf says `kcm_socket = -`: no daemon is to be asked.
    SwitchedOff,
    /// Nobody listens at the socket.
    NoDaemon {
        /// The socket, `kcm_socket` of krb5.conf.
        socket: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The connection broke.
    Broken {
        /// What was asked.
        operation: &'static str,
        /// The system's words.
        reason: String,
    },
    /// The daemon did not answer in time.
    Silent {
        /// What was asked.
        operation: &'static str,
    },
    /// The answer is longer than any.
    TooLong {
        /// What was asked.
        operation: &'static str,
        /// The announced length in bytes.
        announced: u32,
    },
    /// The answer is not what the protocol says.
    Malformed {
        /// What was asked.
        operation: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// The daemon refused.
    Refused {
        /// What was asked.
        operation: &'static str,
        /// Its code, of krb5's tables or the system's.
        code: i32,
    },
    /// The cache's name holds a zero byte, which ends names in the protocol.
    Name,
}

impl KcmFault {
    /// The daemon says that what was asked for is not there.
    pub(super) fn means_none(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if [NO_SUCH_FILE, KRB5_CC_NOTFOUND, KRB5_CC_END, KRB5_FCC_NOFILE].contains(code))
    }

    /// The daemon may not know the operation.
    pub(super) fn means_unsupported(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if [KRB5_FCC_INTERNAL, KRB5_CC_NOSUPP].contains(code))
    }
}

impl From<KcmFault> for CacheFault {
    fn from(fault: KcmFault) -> Self {
        Self::Kcm(Box::new(fault))
    }
}

impl fmt::Display for KcmFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SwitchedOff => f.write_str("kcm_socket in krb5.conf is \"-\": no cache daemon is asked"),
            Self::NoDaemon { socket, reason } => {
                write!(f, "no cache daemon at {}: {reason}", socket.display())
            }
            Self::Broken { operation, reason } => {
                write!(
                    f,
                    "the cache daemon's answer to {operation} did not come: {reason}"
                )
            }
            Self::Silent { operation } => write!(
                f,
                "the cache daemon did not answer {operation} within {} s",
                PATIENCE.as_secs()
            ),
            Self::TooLong { operation, announced } => write!(
                f,
                "the cache daemon's answer to {operation}: expected at most {MAX_REPLY_BYTES} bytes, but found \
                 {announced}"
            ),
            Self::Malformed { operation, expected } => write!(
                f,
                "the cache daemon's answer to {operation}: expected {expected}, but found something else"
            ),
            Self::Refused { operation, code } => {
                write!(f, "the cache daemon refused {operation}: {}", Code(*code))
            }
            Self::Name => f.write_str("expected a name without zero bytes, but found one with them"),
        }
    }
}

/// A code with its registry's name where it is one that daemons send.
struct Code(i32);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            KRB5_CC_NOTFOUND => "KRB5_CC_NOTFOUND",
            KRB5_CC_END => "KRB5_CC_END",
            KRB5_FCC_PERM => "KRB5_FCC_PERM",
            KRB5_FCC_NOFILE => "KRB5_FCC_NOFILE",
            KRB5_FCC_INTERNAL => "KRB5_FCC_INTERNAL",
            KRB5_CC_NOSUPP => "KRB5_CC_NOSUPP",
            code if code > 0 => {
                let words = crate::transport::io_words(&std::io::Error::from_raw_os_error(code));
                return write!(f, "{words} ({code})");
            }
            code => return write!(f, "code {code}"),
        };
        write!(f, "{name} ({})", self.0)
    }
}

/// Which operation a fault is about.
pub(super) fn malformed(operation: Operation, expected: &'static str) -> KcmFault {
    KcmFault::Malformed {
        operation: operation.name(),
        expected,
    }
}
