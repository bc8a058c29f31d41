//! Credentials handed on in a context: what an initiator sends and an acceptor receives (RFC 4121 4.1.1.1).

use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::Principal;
use kerbside_formats::ccache::CredentialCache;
use kerbside_protocol::Credential;

/// When an initiator hands its ticket-granting ticket on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DelegationPolicy {
    /// To this service, whatever the realm thinks of it (`GSS_C_DELEG_FLAG`).
    Always,
    /// Only if the realm marks the service as trusted with it: the service ticket has the flag ok-as-delegate
    /// (`GSS_C_DELEG_POLICY_FLAG`). Without the flag the context is made without delegation.
    OkAsDelegate,
}

/// What an initiator hands on, and when.
#[derive(Debug, Clone)]
pub(crate) struct Delegation {
    pub(crate) credential: Credential,
    pub(crate) policy: DelegationPolicy,
}

/// The ticket-granting ticket of an initiator, in the hands of the acceptor that it was sent to: a program can act as that
/// client with it, until the ticket ends.
///
/// Its client is the context's. Debug shows no key.
#[derive(Debug, Clone)]
pub struct DelegatedCredential {
    tgt: Credential,
    others: Vec<Credential>,
}

impl DelegatedCredential {
    /// `credentials` are all of `client`; none when there is no ticket-granting ticket among them.
    pub(crate) fn new(credentials: Vec<Credential>) -> Option<Self> {
        let place = credentials
            .iter()
            .position(|credential| is_tgt(&credential.server))?;
        let mut others = credentials;
        let tgt = others.remove(place);
        Some(Self { tgt, others })
    }

    /// Whose it is.
    #[must_use]
    pub fn client(&self) -> &Principal {
        &self.tgt.client
    }

    /// The ticket-granting ticket.
    #[must_use]
    pub fn tgt(&self) -> &Credential {
        &self.tgt
    }

    /// Other tickets that came with it; clients send none.
    #[must_use]
    pub fn others(&self) -> &[Credential] {
        &self.others
    }

    /// All tickets as a cache, for a client to use: nothing is written anywhere.
    #[must_use]
    pub fn to_cache(&self) -> CredentialCache {
        let mut cache = CredentialCache::new(self.tgt.client.clone());
        let all = vec![self.tgt.clone()]
            .into_iter()
            .chain(self.others.iter().cloned());
        cache.entries.extend(
            all.map(|credential| kerbside_formats::ccache::CacheEntry::Credential(credential.into())),
        );
        cache
    }
}

/// Whether it is a realm's ticket-granting service, of any realm.
pub(crate) fn is_tgt(server: &Principal) -> bool {
    server.name.components.len() == 2 && server.name.component(0) == Some(b"krbtgt".as_slice())
}
