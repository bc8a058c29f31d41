//! What to ask a ticket-granting service for: one constructor for each kind of ticket.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{AdType, AddressType, KdcOptions, KerberosTime, PaDataType, Principal, TicketFlags};
use kerbside_crypto::{EncryptionType, EnctypePolicy};
use kerbside_formats::Credential;

use crate::error::ProtocolError;
use crate::kdc_request::DEFAULT_SKEW_SECONDS;
use crate::s4u::{S4uUser, resource_based_delegation};
use crate::time::seconds;

/// Whose ticket it will be.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum TgsClient {
    /// The client of the ticket-granting ticket.
    #[default]
    Own,
    /// This user, for whom a service asks without any proof from the user (S4U2Self, MS-SFU 3.1.5.1.1).
    ForUser(S4uUser),
    /// The client of the evidence ticket among the additional tickets (S4U2Proxy, MS-SFU 3.1.5.2.1). It is what the
    /// reply must say: the evidence itself is under a key that only the service has.
    Evidence(Principal),
}

/// Whether a request goes in the armor that its own ticket makes (FAST, RFC 6113 5.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TgsArmor {
    /// No.
    #[default]
    Never,
    /// Yes, and beside it as a KDC wants it that knows no FAST. A KDC that knows it makes the reply key stronger, so that
    /// nobody can take the armor off its reply unseen. Off the request it can be taken: what the padata say then goes
    /// in clear, as to a KDC without FAST.
    Offered,
    /// Yes, and a reply without is refused: the KDC is known to know FAST. Only an error may come in clear, as it has to
    /// where the ticket itself is refused.
    Required,
}

/// What to ask a ticket-granting service for. Everything that a later extension adds to a request has its place here.
#[derive(Clone, Debug)]
pub struct TgsParams {
    /// The TGT; for renewal and validation the ticket itself. Shared between requests, its key keeps what it derived.
    pub tgt: Arc<Credential>,
    /// The service.
    pub server: Principal,
    /// Whose ticket it will be.
    pub client: TgsClient,
    /// Options, as they shall be sent.
    pub options: KdcOptions,
    /// The start of a postdated ticket.
    pub start: Option<KerberosTime>,
    /// When the ticket shall end; `None` is when the TGT does.
    pub till: Option<KerberosTime>,
    /// Until when it shall be renewable.
    pub renew_till: Option<KerberosTime>,
    /// The enctypes that the session key may have, best first.
    pub enctypes: Vec<EncryptionType>,
    /// Which of them may be used at all: weak ones need it said here as well.
    pub enctype_policy: EnctypePolicy,
    /// The addresses to bind the ticket to.
    pub addresses: Vec<(AddressType, Vec<u8>)>,
    /// Further padata, behind the PA-TGS-REQ.
    pub padata: Vec<(PaDataType, Vec<u8>)>,
    /// Authorization data for the ticket; it travels encrypted.
    pub authorization_data: Vec<(AdType, Vec<u8>)>,
    /// Further tickets, each the encoding of a `Ticket`.
    pub additional_tickets: Vec<Vec<u8>>,
    /// How far the KDC's clock is known to be ahead of ours, in seconds.
    pub clock_offset_seconds: i64,
    /// The largest difference between the clocks, in seconds.
    pub skew_seconds_max: i64,
    /// Whether the request is armored.
    pub armor: TgsArmor,
}

impl TgsParams {
    /// A ticket for `server` that lasts as long as the TGT and can what the TGT can, as MIT's library asks for it.
    pub fn new(tgt: impl Into<Arc<Credential>>, server: Principal) -> Self {
        let tgt = tgt.into();
        let mut options = inherited_options(tgt.flags);
        options.insert(KdcOptions::CANONICALIZE);
        let renew_till = (seconds(tgt.renew_till) != 0).then_some(tgt.renew_till);
        Self {
            server,
            client: TgsClient::Own,
            options,
            start: None,
            till: None,
            renew_till,
            enctypes: EncryptionType::SUPPORTED.to_vec(),
            enctype_policy: EnctypePolicy::DEFAULT,
            addresses: Vec::new(),
            padata: Vec::new(),
            authorization_data: Vec::new(),
            additional_tickets: Vec::new(),
            clock_offset_seconds: 0,
            skew_seconds_max: DEFAULT_SKEW_SECONDS,
            armor: TgsArmor::Never,
            tgt,
        }
    }

    /// The same ticket for another lifetime (RFC 4120 2.3).
    pub fn renew(ticket: impl Into<Arc<Credential>>) -> Self {
        Self::same_again(ticket, KdcOptions::RENEW)
    }

    /// A postdated ticket made valid (RFC 4120 2.4).
    pub fn validate(ticket: impl Into<Arc<Credential>>) -> Self {
        Self::same_again(ticket, KdcOptions::VALIDATE)
    }

    fn same_again(ticket: impl Into<Arc<Credential>>, option: KdcOptions) -> Self {
        let ticket = ticket.into();
        let server = ticket.server.clone();
        let mut params = Self::exact(ticket, server);
        params.options.insert(option);
        params.till = params.renew_till;
        params
    }

    /// A ticket-granting ticket of the same client for another host (RFC 4120 2.6); no address binds it to none. The
    /// TGT has to be forwardable.
    pub fn forward(tgt: impl Into<Arc<Credential>>, addresses: Vec<(AddressType, Vec<u8>)>) -> Self {
        let tgt = tgt.into();
        let server = tgt.server.clone();
        let mut params = Self::exact(tgt, server);
        params.options.insert(KdcOptions::FORWARDED);
        params.addresses = addresses;
        params
    }

    /// A ticket for `server` that is used from another host (RFC 4120 2.5). The TGT has to be proxiable.
    pub fn proxy(
        tgt: impl Into<Arc<Credential>>,
        server: Principal,
        addresses: Vec<(AddressType, Vec<u8>)>,
    ) -> Self {
        let mut params = Self::exact(tgt, server);
        params.options.insert(KdcOptions::PROXY);
        params.addresses = addresses;
        params
    }

    /// A ticket for `server` that becomes valid at `start`, and has to be validated then (RFC 4120 2.4). The TGT has to
    /// be one that may be used for that.
    pub fn postdated(tgt: impl Into<Arc<Credential>>, server: Principal, start: KerberosTime) -> Self {
        let mut params = Self::exact(tgt, server);
        params.options.insert(KdcOptions::POSTDATED);
        params.start = Some(start);
        params
    }

    /// A ticket for `server` under the session key of that server's own ticket-granting ticket, `second`, whose
    /// encoding it gave us (RFC 4120 3.3.3, ENC-TKT-IN-SKEY).
    pub fn user_to_user(tgt: impl Into<Arc<Credential>>, server: Principal, second: Vec<u8>) -> Self {
        let mut params = Self::new(tgt, server);
        params.options.insert(KdcOptions::ENC_TKT_IN_SKEY);
        params.additional_tickets = alloc::vec![second];
        params
    }

    /// A ticket of `user` for the TGT's own client, a service (S4U2Self).
    pub fn s4u2self(tgt: impl Into<Arc<Credential>>, user: S4uUser) -> Self {
        let tgt = tgt.into();
        let server = tgt.client.clone();
        let mut params = Self::new(tgt, server);
        params.client = TgsClient::ForUser(user);
        params
    }

    /// A ticket of the client of `evidence` for `server`: `evidence` is that client's ticket for the TGT's own client,
    /// a service that may act for others (S4U2Proxy, by either side's permission).
    ///
    /// # Errors
    /// None in practice: [`ProtocolError::Encode`].
    pub fn s4u2proxy(
        tgt: impl Into<Arc<Credential>>,
        server: Principal,
        evidence: &Credential,
    ) -> Result<Self, ProtocolError> {
        let mut params = Self::new(tgt, server);
        params.options.insert(KdcOptions::CNAME_IN_ADDL_TKT);
        params.client = TgsClient::Evidence(evidence.client.clone());
        params.additional_tickets = alloc::vec![evidence.ticket.clone()];
        params.padata.push(resource_based_delegation()?);
        Ok(params)
    }

    /// A request that the KDC answers for this very name or not at all.
    fn exact(tgt: impl Into<Arc<Credential>>, server: Principal) -> Self {
        let mut params = Self::new(tgt, server);
        params.options.remove(KdcOptions::CANONICALIZE);
        params
    }
}

/// The options that ask for what the TGT itself can do.
fn inherited_options(flags: TicketFlags) -> KdcOptions {
    let mut options = KdcOptions::default();
    for (flag, option) in [
        (TicketFlags::FORWARDABLE, KdcOptions::FORWARDABLE),
        (TicketFlags::PROXIABLE, KdcOptions::PROXIABLE),
        (TicketFlags::MAY_POSTDATE, KdcOptions::ALLOW_POSTDATE),
        (TicketFlags::RENEWABLE, KdcOptions::RENEWABLE),
    ] {
        if flags.contains(flag) {
            options.insert(option);
        }
    }
    options
}
