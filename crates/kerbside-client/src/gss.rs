//! Credentials for security contexts: whose tickets an initiator shows, which service an acceptor is.
//!
//! A [`CredentialStore`] says where they are, by key and value. What is made of it is a value: [`InitiatorCredential`] by
//! [`Client::initiator_credential`](crate::Client::initiator_credential), [`AcceptorCredential`] by
//! [`AcceptorCredential::acquire`]. Contexts themselves are in `kerbside-gss`.

mod acceptor;
mod initiator;
mod store;
#[cfg(test)]
mod tests;

pub use acceptor::AcceptorCredential;
pub use initiator::InitiatorCredential;
pub(crate) use initiator::{PrivateCache, Source};
pub use store::CredentialStore;

use kerbside_gss::{GssName, GssNameError};

use crate::error::Error;

/// A name that is of no use here.
pub(crate) fn bad_name(name: &GssName, error: &GssNameError) -> Error {
    Error::BadName {
        name: name.to_string(),
        reason: error.to_string(),
    }
}
