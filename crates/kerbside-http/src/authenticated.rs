//! What a handler finds in the request's extensions.

use std::sync::Arc;

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_gss::{ContextFacts, ContextFlags};

/// The client of an authenticated request. Only [`crate::NegotiateLayer`] makes one, after the token verified.
#[derive(Debug, Clone)]
pub struct Authenticated {
    facts: Arc<ContextFacts>,
}

impl Authenticated {
    pub(crate) fn new(facts: ContextFacts) -> Self {
        Self {
            facts: Arc::new(facts),
        }
    }

    /// Who the client is: all components and the realm, from the decrypted ticket.
    #[must_use]
    pub fn client(&self) -> &Principal {
        &self.facts.client
    }

    /// Which service the ticket is for.
    #[must_use]
    pub fn server(&self) -> &Principal {
        &self.facts.server
    }

    /// What the context offers; [`ContextFlags::CHANNEL_BOUND`] tells whether it is bound to the channel.
    #[must_use]
    pub fn flags(&self) -> ContextFlags {
        self.facts.flags
    }

    /// Until when the client's credentials are good, if they end.
    #[must_use]
    pub fn expires(&self) -> Option<KerberosTime> {
        self.facts.expires
    }

    /// Everything that was settled: times, ticket flags, enctypes, mechanism.
    #[must_use]
    pub fn facts(&self) -> &ContextFacts {
        &self.facts
    }
}
