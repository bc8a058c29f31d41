//! Keytab, credential cache and krb5.conf formats, bytes to types and back.
//!
//! | file | module |
//! |---|---|
//! | keytab | [`keytab`] |
//! | credential cache | [`ccache`], its credentials are [`Credential`]s |
//! | KRB-CRED (`kirbi`) | [`kirbi`] |
//! | krb5.conf, kdc.conf: the grammar | [`profile`] |
//! | krb5.conf, kdc.conf: what the relations mean | [`krb5_conf`], [`kdc_conf`], [`pkinit_conf`] |
//! | krb5.conf, kdc.conf: unknown and misspelt names | [`spelling`] |
//! | values in them | [`duration`], [`enctype_list`], [`keysalt`], [`host_string`], [`expansion`] |
//! | replay cache (`file2`) | [`replay_file`] |
//! | `.k5identity` | [`k5identity`] |
//! | local names, transited realms | [`auth_to_local`], [`transited`] |
//!
//! Nothing here opens a file, reads the environment or knows the time: bytes come in, bytes go out.
//! What is read is written back unchanged where it is not understood. Every length and count is
//! checked against what is left before anything is reserved for it.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod auth_to_local;
pub mod ccache;
mod credential;
pub mod duration;
pub mod enctype_list;
mod error;
pub mod expansion;
pub mod host_string;
pub mod k5identity;
pub mod kdc_conf;
pub mod keysalt;
pub mod keytab;
pub mod kirbi;
pub mod krb5_conf;
pub mod pkinit_conf;
pub mod profile;
mod reader;
mod relations;
pub mod replay_file;
pub mod spelling;
pub mod transited;

pub use ccache::CredentialCache;
pub use credential::Credential;
pub use error::{Cause, FileFormat, FormatError};
pub use kdc_conf::KdcConf;
pub use keytab::{Keytab, KeytabEntry, KeytabKey};
pub use kirbi::{Kirbi, KrbCredCause};
pub use krb5_conf::Krb5Conf;
pub use profile::{Profile, ProfileError};
