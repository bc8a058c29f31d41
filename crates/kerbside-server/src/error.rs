//! What goes wrong in the server: cause, evidence, and what to do about it

use core::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use kerbside_crypto::CryptoError;

/// Result of the server's operations
pub type Result<T, E = ServerError> = core::result::Result<T, E>;

/// Which transport a listener speaks
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams
    Udp,
    /// Streams with a length in front of each message (RFC 4120 7.2.2)
    Tcp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        })
    }
}

/// An error of the store, its master key, the sockets or the configuration
///
/// `Display` gives cause and evidence, [`ServerError::hint`] what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    // --- the database file
    /// There is no file where the database should be
    DatabaseMissing {
        /// where it was looked for
        path: PathBuf,
    },
    /// The file is not a database of ours; it was not touched
    DatabaseForeign {
        /// the file
        path: PathBuf,
        /// what it looks like
        found: String,
    },
    /// The file is ours but its contents do not hold together; it was not touched
    DatabaseDamaged {
        /// the file
        path: PathBuf,
        /// what was found
        detail: String,
    },
    /// Another process holds the database
    DatabaseInUse {
        /// the file
        path: PathBuf,
    },
    /// The file was written by a newer version of this program
    DatabaseVersion {
        /// the file
        path: PathBuf,
        /// its format version
        found: u32,
        /// the newest version understood
        expected: u32,
    },
    /// The database belongs to another realm
    DatabaseRealm {
        /// the file
        path: PathBuf,
        /// the realm that was asked for
        expected: String,
        /// the realm written in the file
        found: String,
    },
    /// A file is already there, so none is created
    DatabaseExists {
        /// the file
        path: PathBuf,
    },
    /// Reading or writing the database failed
    DatabaseIo {
        /// the file
        path: PathBuf,
        /// what the store or the system said
        detail: String,
    },
    /// A record decrypts, but says it is another principal's
    RecordSwapped {
        /// whose record was looked up
        wanted: String,
        /// whose record was found there
        found: String,
    },
    /// A record neither decrypts nor decodes
    RecordDamaged {
        /// whose record
        principal: String,
        /// why
        detail: String,
    },

    // --- the master key
    /// The master key does not open this database
    WrongMasterKey {
        /// the database
        path: PathBuf,
        /// where the key came from
        from: String,
    },
    /// The stash file cannot be used
    Stash {
        /// the stash file
        path: PathBuf,
        /// why
        detail: String,
    },
    /// The stash file exists, so it is not written
    StashExists {
        /// the stash file
        path: PathBuf,
    },

    // --- sockets and configuration
    /// Something else listens there
    AddressTaken {
        /// the address
        address: SocketAddr,
        /// the transport
        transport: Transport,
    },
    /// Listening failed for another reason
    Listen {
        /// the address
        address: String,
        /// the transport
        transport: Transport,
        /// the system's reason
        source: io::Error,
    },
    /// A relation of kdc.conf or krb5.conf cannot be used
    Config {
        /// file and relation
        place: String,
        /// why
        detail: String,
    },
    /// The administration socket failed
    AdminSocket {
        /// the socket
        path: PathBuf,
        /// why
        detail: String,
    },
    /// A file could not be read or written
    File {
        /// the file
        path: PathBuf,
        /// what was being done: "read", "create"
        action: &'static str,
        /// the system's reason
        source: io::Error,
    },
    /// A cryptographic operation failed
    Crypto(CryptoError),
    /// A thread could not be started or has ended
    Thread {
        /// which
        name: &'static str,
        /// why
        detail: String,
    },
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ServerError as E;
        match self {
            E::DatabaseMissing { path } => write!(f, "there is no database at {}", path.display()),
            E::DatabaseForeign { path, found } => {
                write!(
                    f,
                    "{} is not a kerbside database: expected one, but found {found}",
                    path.display()
                )
            }
            E::DatabaseDamaged { path, detail } => {
                write!(f, "the database {} is damaged: {detail}", path.display())
            }
            E::DatabaseInUse { path } => {
                write!(f, "the database {} is in use by another process", path.display())
            }
            E::DatabaseVersion {
                path,
                found,
                expected,
            } => write!(
                f,
                "the database {} has format version {found}, but this program reads up to {expected}",
                path.display()
            ),
            E::DatabaseRealm {
                path,
                expected,
                found,
            } => write!(
                f,
                "the database {} belongs to realm {found}, expected {expected}",
                path.display()
            ),
            E::DatabaseExists { path } => {
                write!(f, "{} already exists and is left as it is", path.display())
            }
            E::DatabaseIo { path, detail } => write!(f, "the database {}: {detail}", path.display()),
            E::RecordSwapped { wanted, found } => {
                write!(f, "the record stored under {wanted} is the one of {found}")
            }
            E::RecordDamaged { principal, detail } => {
                write!(f, "the record of {principal} is damaged: {detail}")
            }
            E::WrongMasterKey { path, from } => {
                write!(
                    f,
                    "the master key {from} does not open the database {}",
                    path.display()
                )
            }
            E::Stash { path, detail } => write!(f, "the stash file {}: {detail}", path.display()),
            E::StashExists { path } => {
                write!(
                    f,
                    "the stash file {} already exists and is left as it is",
                    path.display()
                )
            }
            E::AddressTaken { address, transport } => {
                write!(f, "cannot listen on {address} ({transport}): the port is taken")
            }
            E::Listen {
                address, transport, ..
            } => {
                write!(f, "cannot listen on {address} ({transport})")
            }
            E::Config { place, detail } => write!(f, "{place}: {detail}"),
            E::AdminSocket { path, detail } => {
                write!(f, "the administration socket {}: {detail}", path.display())
            }
            E::File { path, action, .. } => write!(f, "cannot {action} {}", path.display()),
            E::Crypto(_) => f.write_str("a cryptographic operation failed"),
            E::Thread { name, detail } => write!(f, "the thread {name}: {detail}"),
        }
    }
}

impl core::error::Error for ServerError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            ServerError::Listen { source, .. } | ServerError::File { source, .. } => Some(source),
            ServerError::Crypto(source) => Some(source),
            _ => None,
        }
    }
}

impl ServerError {
    /// What the reader can do about it, where there is something
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        use ServerError as E;
        Some(match self {
            E::DatabaseMissing { .. } => {
                "create it with `kdb5_util create -s`, or check database_name in kdc.conf and KRB5_KDC_PROFILE"
                    .to_owned()
            }
            E::DatabaseForeign { .. } => {
                "it was left untouched; give another database_name in kdc.conf, or move the file away".to_owned()
            }
            E::DatabaseDamaged { .. } => {
                "it was left untouched; restore it from a backup".to_owned()
            }
            E::RecordDamaged { .. } | E::RecordSwapped { .. } => {
                "somebody changed the database file from outside: restore it from a backup".to_owned()
            }
            E::DatabaseInUse { .. } => {
                "stop the program that uses it; a running krb5kdc is administered through its socket beside the database"
                    .to_owned()
            }
            E::DatabaseVersion { .. } => "use the newer kerbside that wrote it".to_owned(),
            E::DatabaseRealm { found, .. } => {
                format!("say -r {found}, or name this realm's own database in kdc.conf")
            }
            E::DatabaseExists { .. } => {
                "remove it with `kdb5_util destroy` if it is no longer needed, or give another name with -d".to_owned()
            }
            E::WrongMasterKey { .. } => {
                "the stash file and the database must come from the same `kdb5_util create`; check key_stash_file in kdc.conf"
                    .to_owned()
            }
            E::Stash { .. } => {
                "write it again with `kdb5_util -m stash`, or check key_stash_file in kdc.conf".to_owned()
            }
            E::StashExists { .. } => {
                "it may be the only copy of another database's master key: move it away, or name another with -sf"
                    .to_owned()
            }
            E::AddressTaken { address, .. } => format!(
                "see who listens with `ss -lnp 'sport = :{}'`, or change kdc_listen in kdc.conf",
                address.port()
            ),
            E::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "ports below 1024 need root or CAP_NET_BIND_SERVICE; change kdc_listen in kdc.conf for another port"
                    .to_owned()
            }
            _ => return None,
        })
    }
}

impl From<CryptoError> for ServerError {
    fn from(error: CryptoError) -> Self {
        ServerError::Crypto(error)
    }
}
