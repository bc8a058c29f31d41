//! The engine and its synchronous front.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::Principal;
use kerbside_crypto::CryptoRng;

use crate::{Gather, KdcPolicy, Outcome, PrincipalEntry, RequestContext, StoreError};

/// The longest request taken, in bytes. A TGS-REQ with a large PAC in its TGT stays well below.
pub const REQUEST_BYTES_MAX: usize = 128 * 1024;

/// The protocol's version, in every message (RFC 4120 5.4.1).
pub(crate) const PVNO: i32 = 5;

/// What a lookup gives: the entry, `None` when there is none, or why the store could not tell.
pub type Found = Result<Option<Arc<PrincipalEntry>>, StoreError>;

/// A KDC of one realm: policy and nothing else. Shared freely between threads.
#[derive(Debug)]
pub struct Kdc {
    policy: KdcPolicy,
    /// `krbtgt/REALM@REALM`.
    tgs: Principal,
}

impl Kdc {
    /// An engine for the realm of `policy`.
    #[must_use]
    pub fn new(policy: KdcPolicy) -> Kdc {
        let tgs = Principal::krbtgt(&policy.realm, &policy.realm);
        Kdc { policy, tgs }
    }

    /// The realm's rules.
    #[must_use]
    pub fn policy(&self) -> &KdcPolicy {
        &self.policy
    }

    /// The realm's own ticket-granting service, `krbtgt/REALM@REALM`.
    #[must_use]
    pub fn tgs(&self) -> &Principal {
        &self.tgs
    }

    /// Runs one request through gather, check and issue, with a synchronous lookup.
    ///
    /// `lookup` gets a principal's name, canonical or an alias, and returns its entry, `None` when
    /// there is none. It is called at most once per name and round, in at most
    /// [`LOOKUP_ROUNDS_MAX`](crate::LOOKUP_ROUNDS_MAX) rounds.
    pub fn handle_with(
        &self,
        request: &[u8],
        context: &RequestContext,
        lookup: &mut dyn FnMut(&Principal) -> Found,
        rng: &mut dyn CryptoRng,
    ) -> Outcome {
        let mut gather = self.gather(request, context);
        loop {
            gather = match gather {
                Gather::Finished(outcome) => return *outcome,
                Gather::Ready(facts) => {
                    return match facts.check() {
                        Ok(approved) => approved.issue(rng),
                        Err(refusal) => refusal.into_outcome(),
                    };
                }
                Gather::Lookup(pending) => {
                    let found: Result<Vec<_>, StoreError> = pending.names().map(&mut *lookup).collect();
                    match found {
                        Ok(found) => pending.found(found),
                        Err(error) => return pending.store_failed(&error),
                    }
                }
            };
        }
    }
}
