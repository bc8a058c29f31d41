//! The client driver: what the sans-IO exchanges of `kerbside-protocol` leave to somebody with a
//! clock, sockets and files.
//!
//! | module | what is in it |
//! |---|---|
//! | `environment`, `config` | environment variables and krb5.conf, each read in one place |
//! | `locate`, `dns` | the KDCs and password servers of a realm: the lines of krb5.conf, else DNS; which of them answered last |
//! | `hostname` | canonical names of hosts |
//! | `password` | changing and setting passwords over port 464 |
//! | `schedule`, `transport` | UDP with retransmission, TCP, KDC proxies by HTTPS, deadlines; one plan, two fronts |
//! | `store`, `names` | FILE, DIR, MEMORY, KEYRING and KCM credential caches and their collections, keytab files |
//! | `core`, `client` | the exchanges written once; [`Client`] blocks, [`AsyncClient`] runs on tokio |
//! | `service_host` | the host in a service's name: as typed, or as the resolver calls it |
//! | `secret` | passwords, prompts, keytabs |
//! | `key_params` | how a principal's keys come out of its password, asked of the KDC |
//! | `addresses` | the addresses of this machine, for tickets that are bound to them |
//! | `acquire`, `select`, `renewer` | an identity by client keytab, the cache for a service (`.k5identity`), tickets kept alive in the background |
//! | `gss` | credentials for security contexts: [`CredentialStore`], [`InitiatorCredential`], [`AcceptorCredential`] |
//! | `flights` | what several callers want at one time is asked for once |
//! | `clock`, `random` | times that never come twice; the operating system's generator |
//! | `trace` | `KRB5_TRACE`: lines in MIT's wording, from `tracing` events |
//! | `replay_cache`, `keytab_keys` | what a service's acceptor needs: [`MemoryReplayCache`], [`FileReplayCache`], [`KeytabKeys`] |
//!
//! The default time limits are MIT's: a KDC that is silent is asked three times by UDP and once by
//! TCP, in about 18 seconds; see [`Timing`].

mod acquire;
mod addresses;
mod attempt;
mod client;
mod clock;
mod config;
mod core;
mod dns;
mod driver;
mod environment;
mod error;
mod flights;
mod gss;
mod hostname;
mod key_params;
mod keytab_keys;
mod locate;
mod names;
mod password;
mod random;
mod renewer;
mod replay_cache;
mod request;
mod schedule;
mod secret;
mod select;
mod service_host;
mod store;
mod trace;
mod transport;

pub use acquire::{AcquireOptions, Acquired};
pub use attempt::{Attempt, AttemptOutcome, Transport};
pub use client::{AsyncClient, Client};
pub use clock::now;
pub use config::{Config, LoadedProfile, load_profile};
pub use dns::{DnsKind, DnsOutcome, DnsQuery};
pub use environment::Environment;
pub use error::{CacheFault, Error, KeytabFault, NameOrigin, ServerNotFound, TriedServer};
pub use gss::{AcceptorCredential, CredentialStore, InitiatorCredential};
pub use keytab_keys::KeytabKeys;
pub use locate::DnsTrail;
pub use names::{CacheName, KeytabName};
pub use password::{PasswordReply, PasswordRequest};
pub use random::OsRandom;
pub use renewer::{Renewer, RenewerEvent, RenewerLogin, RenewerOptions, RenewerStatus};
pub use replay_cache::{FileReplayCache, MemoryReplayCache, ReplayCacheName, SharedReplayCache};
pub use request::{InitialTicket, ServiceTicket, ServiceTicketOptions, TgtRequest};
pub use schedule::Timing;
pub use secret::{KeytabSecret, Prompt, Secret};
pub use select::{SelectedBy, Selection};
pub use store::{
    CacheStore, FileFault, KcmFault, KeyringFault, KeytabWarning, OpenedKeytab, read_keytab,
    read_keytab_with_policy, rehearse_keytab_update, update_keytab,
};
pub use trace::{TraceError, TraceWriter, install_krb5_trace, krb5_trace_from_env};
pub use transport::MAX_REPLY_BYTES;
