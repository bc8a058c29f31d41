//! The KDC server: sockets, embedded database, administration, realms for tests.
//!
//! | module | what is in it |
//! |---|---|
//! | [`store`] | the principal database: one `redb` file, sealed records, grouped commits |
//! | [`admin`] | what `kadmin.local` does, as an API and over the KDC's own socket |
//! | [`KdcServer`] | UDP and TCP sockets over the engine of `kerbside-kdc`, the audit log |
//! | [`RealmConfig`] | what kdc.conf and krb5.conf say of a realm |
//! | [`create`] | a new realm: master key and first principals |
//! | [`Realm`] | a realm for tests, in one line |
//!
//! ```no_run
//! let realm = kerbside_server::Realm::builder()
//!     .name("EXAMPLE.TEST")
//!     .user("alice", "secret")
//!     .service("HTTP/localhost")
//!     .start()?;
//! println!("KRB5_CONFIG={}", realm.krb5_conf().display());
//! # Ok::<(), kerbside_server::ServerError>(())
//! ```

pub mod admin;
mod audit;
pub mod clock;
mod codec;
mod config;
pub mod create;
mod error;
mod kdc_server;
mod net;
mod random;
mod realm;
mod service;
pub mod store;

pub use audit::AuditTarget;
pub use config::RealmConfig;
pub use error::{Result, ServerError, Transport};
pub use kdc_server::{KdcServer, KdcServerConfig};
pub use net::Limits;
pub use net::listen::Listeners;
pub use random::{SystemRng, system_rng};
pub use realm::{Realm, RealmBuilder, check_realm_name, random_password};
