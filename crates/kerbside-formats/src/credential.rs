//! The one owned credential type of the workspace: what an exchange wins and a cache keeps.

use alloc::vec::Vec;

use kerbside_asn1::{AdType, AddressType, KerberosTime, Principal, TicketFlags};
use kerbside_crypto::SessionKey;

/// A ticket with its session key and what the KDC said of it (RFC 4120 5.4.2, `EncKDCRepPart`).
///
/// Debug shows the session key's encryption type only.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The principal the ticket was issued to.
    pub client: Principal,
    /// The service the ticket is for.
    pub server: Principal,
    /// The session key shared with that service.
    pub session_key: SessionKey,
    /// When the client authenticated.
    pub auth_time: KerberosTime,
    /// When the ticket becomes valid; 0 when the KDC left it out, then [`auth_time`](Self::auth_time) counts.
    pub start_time: KerberosTime,
    /// When the ticket ends.
    pub end_time: KerberosTime,
    /// How long it can be renewed; 0 when it cannot.
    pub renew_till: KerberosTime,
    /// The ticket is encrypted in another ticket's session key (user-to-user).
    pub is_skey: bool,
    /// The ticket's flags.
    pub flags: TicketFlags,
    /// Addresses the ticket is bound to; empty when it is not.
    pub addresses: Vec<(AddressType, Vec<u8>)>,
    /// Authorization data the client asked to be included.
    pub authdata: Vec<(AdType, Vec<u8>)>,
    /// The DER encoding of the `Ticket`.
    pub ticket: Vec<u8>,
    /// The second ticket's DER encoding for user-to-user; empty when there is none.
    pub second_ticket: Vec<u8>,
}

impl Credential {
    /// When the ticket becomes valid: its start time or, without one, the time of authentication.
    pub fn valid_from(&self) -> KerberosTime {
        if self.start_time == KerberosTime::EPOCH {
            self.auth_time
        } else {
            self.start_time
        }
    }
}
