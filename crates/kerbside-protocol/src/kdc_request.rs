//! What AS-REQ and TGS-REQ have in common (RFC 4120 5.4.1): the body, its times, its nonce.

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AddressType, EncryptedData, HostAddress, HostAddresses, KdcOptions, KdcReqBody,
    KerberosTime, Principal,
};
use kerbside_crypto::{CryptoRng, EncryptionType, EnctypePolicy};

use crate::error::ProtocolError;
use crate::time::{Now, plus};

/// The clock skew allowed where nobody says otherwise, in seconds (RFC 4120 section 8.2 recommends five minutes).
pub const DEFAULT_SKEW_SECONDS: i64 = 300;

/// How a request has to travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Constraints {
    /// Over a stream (TCP) alone: the KDC said that its reply is too big for a datagram.
    pub stream_only: bool,
    /// To a KDC that sees changes first, alone.
    pub primary_only: bool,
}

/// The times a request asks for. Zero in `till` is "as long as possible".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestTimes {
    pub(crate) from: Option<KerberosTime>,
    pub(crate) till: KerberosTime,
    pub(crate) rtime: Option<KerberosTime>,
}

impl RequestTimes {
    /// Times counted from `start`, or from `now` where there is none.
    pub(crate) fn counted(
        now: Now,
        start: Option<KerberosTime>,
        lifetime_seconds: i64,
        renew_lifetime_seconds: Option<i64>,
    ) -> Result<Self, ProtocolError> {
        let begin = start.unwrap_or(now.time);
        let rtime = renew_lifetime_seconds
            .map(|seconds| plus(begin, seconds))
            .transpose()?;
        Ok(Self {
            from: start,
            till: plus(begin, lifetime_seconds)?,
            rtime,
        })
    }
}

/// A KDC-REQ-BODY about to be encoded.
pub(crate) struct Body<'a> {
    pub(crate) options: KdcOptions,
    pub(crate) client: Option<&'a Principal>,
    pub(crate) server: &'a Principal,
    pub(crate) times: RequestTimes,
    pub(crate) nonce: u32,
    pub(crate) enctypes: &'a [EncryptionType],
    pub(crate) addresses: &'a [(AddressType, Vec<u8>)],
    pub(crate) enc_authorization_data: Option<EncryptedData<'a>>,
    pub(crate) additional_tickets: &'a [Vec<u8>],
}

impl Body<'_> {
    /// The encoded body: the bytes that are checksummed and sent.
    pub(crate) fn encode(self) -> Result<Vec<u8>, ProtocolError> {
        let tickets = self
            .additional_tickets
            .iter()
            .map(|ticket| asn1::decode(ticket))
            .collect::<Result<Vec<_>, _>>()?;
        let body = KdcReqBody {
            kdc_options: self.options,
            cname: self.client.map(|client| client.name.to_wire()),
            realm: self.server.realm.to_wire(),
            sname: Some(self.server.name.to_wire()),
            from: self.times.from,
            till: self.times.till,
            rtime: self.times.rtime,
            nonce: self.nonce,
            etype: self.enctypes.to_vec(),
            addresses: host_addresses(self.addresses),
            enc_authorization_data: self.enc_authorization_data,
            additional_tickets: if tickets.is_empty() { None } else { Some(tickets) },
        };
        Ok(asn1::encode(&body)?)
    }
}

/// The wire's form of a list of addresses; none is no field.
pub(crate) fn host_addresses(addresses: &[(AddressType, Vec<u8>)]) -> Option<HostAddresses<'_>> {
    if addresses.is_empty() {
        return None;
    }
    let hosts = addresses.iter().map(|(addr_type, address)| HostAddress {
        addr_type: *addr_type,
        address,
    });
    Some(HostAddresses(hosts.collect()))
}

/// Refuses to ask for what the policy does not permit: a KDC that answers with it would have done as it was told.
pub(crate) fn permitted(enctypes: &[EncryptionType], policy: &EnctypePolicy) -> Result<(), ProtocolError> {
    enctypes
        .iter()
        .try_for_each(|enctype| policy.check(*enctype))
        .map_err(ProtocolError::crypto("asking for enctypes"))
}

/// A nonce of 31 bits: minimal and positive for every peer (Windows KDCs trip over others).
pub(crate) fn nonce(rng: &mut dyn CryptoRng) -> u32 {
    rng.next_u32() & 0x7fff_ffff
}
