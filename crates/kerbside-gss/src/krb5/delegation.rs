//! The KRB-CRED in an authenticator's checksum (RFC 4121 4.1.1.1).
//!
//! It is encrypted with the ticket's session key, as RFC 4121 demands. Taken are those under the initiator's subkey too,
//! which old peers send, and those that are not encrypted a second time, which Heimdal sends: the authenticator around
//! them is encrypted.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use kerbside_asn1::{KerberosTime, Principal, TicketFlags};
use kerbside_crypto::{CryptoRng, EnctypePolicy, Key, Subkey};
use kerbside_formats::ccache::CacheEntry;
use kerbside_formats::kirbi::Kirbi;
use kerbside_protocol::{Credential, Now};

use super::authenticator_checksum::MAX_KRB_CRED_LEN;
use crate::delegation::{DelegatedCredential, Delegation, DelegationPolicy, is_tgt};
use crate::error::{Cause, GssError};

/// The message for the service of `credential`; none where the policy is against it.
pub(super) fn krb_cred(
    delegation: &Delegation,
    credential: &Credential,
    now: KerberosTime,
    rng: &mut dyn CryptoRng,
) -> Result<Option<Vec<u8>>, GssError> {
    let tgt = &delegation.credential;
    if !is_tgt(&tgt.server) {
        let reason = "the ticket to delegate is not a ticket-granting ticket";
        return Err(Cause::Misuse { reason }.into());
    }
    if tgt.client != credential.client {
        let reason = "the ticket to delegate is another client's than the service ticket";
        return Err(Cause::Misuse { reason }.into());
    }
    if delegation.policy == DelegationPolicy::OkAsDelegate
        && !credential.flags.contains(TicketFlags::OK_AS_DELEGATE)
    {
        return Ok(None);
    }
    if tgt.end_time <= now {
        return Err(Cause::CredentialExpired {
            server: alloc::boxed::Box::new(tgt.server.clone()),
            end_time: tgt.end_time,
            now,
        }
        .into());
    }
    let message = Kirbi::new([tgt.clone()])
        .to_encrypted_bytes(&credential.session_key, rng)
        .map_err(|error| refused(&error.to_string()))?;
    if message.len() > MAX_KRB_CRED_LEN {
        return Err(Cause::TokenTooLong {
            token: "KRB-CRED in the authenticator's checksum",
            length: message.len(),
            most: MAX_KRB_CRED_LEN,
        }
        .into());
    }
    Ok(Some(message))
}

/// What the authenticated `client` hands on in `message`.
pub(super) fn receive(
    message: &[u8],
    session_key: &Key,
    subkey: Option<&Subkey>,
    client: &Principal,
    now: Now,
    skew_seconds: i64,
) -> Result<DelegatedCredential, GssError> {
    // Which types its tickets may be used with is for who uses them to say.
    let open = |key: &Key| Kirbi::parse_with_policy(message, Some(key), &EnctypePolicy::ALLOW_ALL);
    let opened = open(session_key).or_else(|error| subkey.map_or(Err(error), |subkey| open(subkey)));
    let kirbi = opened.map_err(|error| refused(&error.to_string()))?;
    let mut credentials = Vec::with_capacity(kirbi.entries.len());
    for entry in kirbi.entries {
        let CacheEntry::Credential(credential) = entry else {
            return Err(refused("its session key is of a type that is not supported"));
        };
        if credential.client != *client {
            return Err(refused(&format!(
                "expected a ticket of {client}, but found one of {}",
                credential.client
            )));
        }
        let end_time = credential.end_time;
        if end_time != KerberosTime::EPOCH && end_time.saturating_add_seconds(skew_seconds) < now.time {
            return Err(refused(&format!("the ticket ended at {end_time}")));
        }
        credentials.push(*credential);
    }
    DelegatedCredential::new(credentials).ok_or_else(|| refused("there is no ticket-granting ticket in it"))
}

fn refused(reason: &str) -> GssError {
    Cause::DelegatedCredential {
        reason: reason.to_string(),
    }
    .into()
}
