//! Armor for exchanges (FAST, RFC 6113): whose ticket makes it, and whether it has to be there.

use kerbside_asn1::{Principal, Realm};
use kerbside_formats::ccache::CredentialCache;
use kerbside_protocol::FastArmor;

use super::Core;
use crate::driver::Driver;
use crate::error::Error;
use crate::names::CacheName;
use crate::request::{ServiceTicketOptions, TgtRequest};
use crate::trace;

/// A cache's word that the KDC of a ticket knows FAST: MIT's name for it.
const FAST_AVAIL: &str = "fast_avail";

/// Armor for one realm, and how far its KDC's clock is ahead of ours by the armor cache's word.
pub(crate) struct Armor {
    pub(crate) armor: FastArmor,
    pub(crate) clock_offset_seconds: i64,
}

impl<D: Driver> Core<D> {
    /// The armor that `request` names, for the KDC of `realm`: the cache's ticket for that realm's ticket-granting
    /// service, got from realm to realm where it is not there. As with MIT it has to be used where the cache remembers
    /// that the KDC knows FAST; else the KDC is asked.
    pub(crate) async fn armor_for(
        &self,
        request: &TgtRequest,
        realm: &Realm,
    ) -> Result<Option<Armor>, Error> {
        match &request.armor {
            Some(name) => {
                let armor = self.read_armor(name, realm, request.armor_required).await;
                armor.map(Some).map_err(|error| Error::Armor(Box::new(error)))
            }
            None if request.armor_required => Err(Error::NoArmor),
            None => Ok(None),
        }
    }

    async fn read_armor(&self, name: &CacheName, realm: &Realm, required: bool) -> Result<Armor, Error> {
        let cache = self.read_cache(name).await?;
        let known = knows_fast(&cache, realm);
        trace::armor_cache(name, realm, known, required);
        let tgs = Principal::krbtgt(realm, realm);
        let options = ServiceTicketOptions::default();
        // Boxed: a service's ticket may be got by a login, which would be a part of itself.
        let got = Box::pin(self.service(name, &tgs, &options)).await?;
        Ok(Armor {
            armor: FastArmor {
                ticket: got.credential,
                required: required || known,
            },
            clock_offset_seconds: self.offset_of(&cache),
        })
    }
}

/// Whether the cache remembers that the KDC of `realm` knows FAST.
fn knows_fast(cache: &CredentialCache, realm: &Realm) -> bool {
    let tgs = Principal::krbtgt(realm, realm);
    cache
        .config(FAST_AVAIL, Some(&tgs))
        .is_some_and(|value| !value.is_empty())
}

/// Keeps in a new cache what MIT's programs look for there: that the KDC of the first ticket knows FAST, and by which
/// pre-authentication it was got.
pub(crate) fn remember(cache: &mut CredentialCache, ticket: &crate::request::InitialTicket) {
    let server = &ticket.credential.server;
    if ticket.fast_avail {
        cache.set_config(FAST_AVAIL, Some(server), b"yes");
    }
    if let Some(preauth) = ticket.preauth_type {
        cache.set_config("pa_type", Some(server), preauth.0.to_string().as_bytes());
    }
}
