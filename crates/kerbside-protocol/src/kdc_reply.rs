//! What every reply of a KDC is checked for (RFC 4120 3.1.5, 3.3.4) before it becomes a credential.

use alloc::vec::Vec;

use kerbside_asn1::{
    AddressType, EncKdcRepPart, HostAddresses, KdcOptions, KerberosTime, Principal, Realm, Ticket,
    TicketFlags,
};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key, SessionKey};
use kerbside_formats::Credential;

use crate::PVNO;
use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::kdc_request::RequestTimes;
use crate::time::{at, seconds};

/// What was asked for, as far as the reply must fit it.
pub(crate) struct Asked<'a> {
    pub(crate) kdc: &'a Realm,
    pub(crate) nonce: u32,
    pub(crate) options: KdcOptions,
    pub(crate) times: RequestTimes,
    pub(crate) enctypes: &'a [EncryptionType],
    pub(crate) enctype_policy: &'a EnctypePolicy,
    /// Flags that the ticket may carry although no option asked for them.
    pub(crate) inherited: TicketFlags,
}

impl Asked<'_> {
    /// The KDC broke a rule.
    pub(crate) fn fault(&self, what: Misbehaviour) -> ProtocolError {
        ProtocolError::misbehaved(Refuser::Kdc(self.kdc.clone()), what)
    }

    fn require(&self, holds: bool, what: impl FnOnce() -> Misbehaviour) -> Result<(), ProtocolError> {
        if holds { Ok(()) } else { Err(self.fault(what())) }
    }

    /// All that does not depend on the kind of request: nonce, session key, times, flags, and that the ticket in clear
    /// bears the name that the encrypted part gives.
    pub(crate) fn verify(
        &self,
        enc: &EncKdcRepPart<'_>,
        ticket: &Ticket<'_>,
    ) -> Result<(Principal, SessionKey), ProtocolError> {
        let found = enc.nonce;
        self.require(found == self.nonce, || Misbehaviour::Nonce {
            expected: self.nonce,
            found,
        })?;
        self.require(ticket.tkt_vno == PVNO, || {
            Misbehaviour::Field("the ticket is not of version 5")
        })?;
        let server = Principal::from_wire(enc.srealm, &enc.sname);
        // The type of a name does not count.
        let is_on_ticket = enc.srealm == ticket.realm && enc.sname.name_string == ticket.sname.name_string;
        self.require(is_on_ticket, || Misbehaviour::TicketServer {
            expected: server.clone(),
            found: Principal::from_wire(ticket.realm, &ticket.sname),
        })?;
        self.verify_times(enc)?;
        self.verify_flags(enc.flags)?;
        let enctype = enc.key.keytype;
        self.require(self.enctypes.contains(&enctype), || {
            Misbehaviour::SessionKeyEnctype {
                expected: self.enctypes.to_vec(),
                found: enctype,
            }
        })?;
        let key = Key::with_policy(enctype, enc.key.keyvalue, self.enctype_policy)
            .map_err(ProtocolError::crypto("reading the session key"))?;
        Ok((server, SessionKey::from(key)))
    }

    fn verify_times(&self, enc: &EncKdcRepPart<'_>) -> Result<(), ProtocolError> {
        let start = enc.starttime.unwrap_or(enc.authtime);
        let time = |rule, limit, found| move || Misbehaviour::Time { rule, limit, found };
        self.require(
            seconds(enc.endtime) > seconds(start),
            time("end time after the start time", start, enc.endtime),
        )?;
        self.require(
            no_later(enc.endtime, self.times.till),
            time("end time no later than asked for", self.times.till, enc.endtime),
        )?;
        if let (Some(from), true) = (self.times.from, self.options.contains(KdcOptions::POSTDATED)) {
            self.require(start == from, time("start time as asked for", from, start))?;
        }
        self.verify_renew_till(enc)
    }

    /// A renewable ticket ends at last by `rtime` where RENEWABLE was asked for, by `till` where RENEWABLE-OK was.
    fn verify_renew_till(&self, enc: &EncKdcRepPart<'_>) -> Result<(), ProtocolError> {
        if !enc.flags.contains(TicketFlags::RENEWABLE) {
            return Ok(());
        }
        let Some(renew_till) = enc.renew_till else {
            return Err(self.fault(Misbehaviour::Field("a renewable ticket without renew-till")));
        };
        let by_rtime = (self.options.contains(KdcOptions::RENEWABLE)
            || self.inherited.contains(TicketFlags::RENEWABLE))
        .then_some(self.times.rtime.unwrap_or(at(0)));
        let by_till = self
            .options
            .contains(KdcOptions::RENEWABLE_OK)
            .then_some(self.times.till);
        let limits = [by_rtime, by_till];
        let allowed = limits.iter().flatten().any(|limit| no_later(renew_till, *limit));
        let limit = limits.into_iter().flatten().max().unwrap_or(at(0));
        self.require(allowed, || Misbehaviour::Time {
            rule: "renew-till no later than asked for",
            limit,
            found: renew_till,
        })
    }

    /// Flags that widen what the ticket can do, or that make it another kind of ticket, come only when asked for.
    fn verify_flags(&self, found: TicketFlags) -> Result<(), ProtocolError> {
        let mut unasked = TicketFlags::default();
        for (flag, options) in [
            (TicketFlags::FORWARDABLE, &[KdcOptions::FORWARDABLE][..]),
            (TicketFlags::FORWARDED, &[KdcOptions::FORWARDED][..]),
            (TicketFlags::PROXIABLE, &[KdcOptions::PROXIABLE][..]),
            (TicketFlags::PROXY, &[KdcOptions::PROXY][..]),
            (TicketFlags::MAY_POSTDATE, &[KdcOptions::ALLOW_POSTDATE][..]),
            (TicketFlags::POSTDATED, &[KdcOptions::POSTDATED][..]),
            (TicketFlags::INVALID, &[KdcOptions::POSTDATED][..]),
            (
                TicketFlags::RENEWABLE,
                &[KdcOptions::RENEWABLE, KdcOptions::RENEWABLE_OK][..],
            ),
        ] {
            let asked = options.iter().any(|option| self.options.contains(*option));
            if found.contains(flag) && !asked && !self.inherited.contains(flag) {
                unasked.insert(flag);
            }
        }
        self.require(unasked == TicketFlags::default(), || Misbehaviour::Flags {
            unasked,
        })
    }
}

/// Whether `time` is no later than `limit`, where zero is no limit.
fn no_later(time: KerberosTime, limit: KerberosTime) -> bool {
    seconds(limit) == 0 || seconds(time) <= seconds(limit)
}

/// The owned form of a list of addresses.
pub(crate) fn owned_addresses(addresses: Option<&HostAddresses<'_>>) -> Vec<(AddressType, Vec<u8>)> {
    addresses
        .map(|hosts| hosts.0.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|host| (host.addr_type, host.address.to_vec()))
        .collect()
}

/// Whether two lists hold the same addresses, in any order.
pub(crate) fn same_addresses(one: &[(AddressType, Vec<u8>)], other: &[(AddressType, Vec<u8>)]) -> bool {
    one.len() == other.len()
        && one.iter().all(|address| other.contains(address))
        && other.iter().all(|address| one.contains(address))
}

/// The credential that a verified reply gives.
pub(crate) fn credential(
    client: Principal,
    server: Principal,
    session_key: SessionKey,
    enc: &EncKdcRepPart<'_>,
    ticket: Vec<u8>,
) -> Credential {
    Credential {
        client,
        server,
        session_key,
        auth_time: enc.authtime,
        start_time: enc.starttime.unwrap_or(at(0)),
        end_time: enc.endtime,
        renew_till: enc.renew_till.unwrap_or(at(0)),
        is_skey: false,
        flags: enc.flags,
        addresses: owned_addresses(enc.caddr.as_ref()),
        authdata: Vec::new(),
        ticket,
        second_ticket: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use kerbside_asn1::AddressType;

    use super::same_addresses;

    #[test]
    fn addresses_are_the_same_in_any_order_and_number_for_number() {
        let one = || (AddressType::IPV4, vec![192, 0, 2, 1]);
        let two = || (AddressType::IPV4, vec![192, 0, 2, 2]);
        let other_type = || (AddressType::IPV6, vec![192, 0, 2, 1]);
        assert!(same_addresses(&[], &[]));
        assert!(same_addresses(&[one(), two()], &[two(), one()]));
        for (a, b) in [
            (vec![one()], vec![]),
            (vec![one()], vec![two()]),
            (vec![one()], vec![other_type()]),
            (vec![one()], vec![one(), one()]),
            (vec![one(), two()], vec![one(), one()]),
        ] {
            assert!(!same_addresses(&a, &b), "{a:?} {b:?}");
            assert!(!same_addresses(&b, &a), "{b:?} {a:?}");
        }
    }
}
