//! Realms between the client's and the service's (RFC 4120 section 2.7).

use alloc::sync::Arc;
use core::fmt;

use kerbside_asn1::{Realm, TicketFlags, TransitedType};
use kerbside_protocol::{ApRefusal, DecryptedTicket};

/// How a ticket came from the client's realm to the service's.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Transited<'a> {
    /// The client's realm.
    pub client: &'a Realm,
    /// The service's realm.
    pub server: &'a Realm,
    /// How the realms between are written.
    pub tr_type: TransitedType,
    /// The realms between.
    pub contents: &'a [u8],
}

/// A caller's own judgement of the realms between.
type Check = dyn Fn(&Transited<'_>) -> bool + Send + Sync;

/// What becomes of tickets that passed realms between the client's and the service's. Tickets that passed none are not
/// asked about.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum TransitedPolicy {
    /// The service's KDC must have judged the path: the ticket's flag transited-policy-checked.
    #[default]
    ByKdc,
    /// The KDC, or this function where it did not: the service's own `[capaths]`.
    ByKdcOr(Arc<Check>),
    /// Any path will do: realms of Active Directory, whose KDCs do not set the flag (MS-KILE 3.1.5.4).
    Any,
}

impl fmt::Debug for TransitedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByKdc => "ByKdc",
            Self::ByKdcOr(_) => "ByKdcOr(..)",
            Self::Any => "Any",
        })
    }
}

pub(super) fn check(policy: &TransitedPolicy, ticket: &DecryptedTicket) -> Result<(), ApRefusal> {
    let (tr_type, contents) = ticket.transited();
    if contents.is_empty() || ticket.flags().contains(TicketFlags::TRANSITED_POLICY_CHECKED) {
        return Ok(());
    }
    let refuse = |reason| {
        let client = ticket.client().clone();
        Err(ApRefusal::Transited { client, reason })
    };
    match policy {
        TransitedPolicy::Any => Ok(()),
        TransitedPolicy::ByKdc => refuse("the KDC did not judge them (transited-policy-checked)"),
        TransitedPolicy::ByKdcOr(check) => {
            let path = Transited {
                client: &ticket.client().realm,
                server: &ticket.server().realm,
                tr_type,
                contents,
            };
            if check(&path) {
                return Ok(());
            }
            refuse("they are not permitted here")
        }
    }
}
