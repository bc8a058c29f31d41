//! May this AS-REQ have a ticket? (RFC 4120 3.1.3)

use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{ErrorCode, KdcOptions, PaDataType, TicketFlags};

use crate::gather::{AsFacts, AsRequest};
use crate::issue::{Grant, HeldKey, ReplyKeySource};
use crate::lifetime::{self, TicketTimes};
use crate::options::{self, asked_times, times_denial};
use crate::pre_authentication::{self, Verified};
use crate::refusal::{Denial, Refusal};
use crate::{Approved, Attributes, KdcPolicy, PrincipalEntry, StoreUpdate, enctype_choice};

/// Decides on an AS-REQ.
pub(crate) fn check(facts: AsFacts<'_>) -> Result<Approved<'_>, Refusal> {
    let policy = facts.request.kdc.policy();
    let at = facts.request.subject.context.now.time;
    match decide(&facts, policy) {
        Ok((grant, proved)) => {
            let updates = match facts.client {
                Some(entry) if proved && policy.record_last_success => {
                    alloc::vec![StoreUpdate::PreAuthSucceeded { entry, at }]
                }
                _ => Vec::new(),
            };
            Ok(Approved::new(facts.request.subject, grant, updates))
        }
        Err(denial) => {
            let updates = match facts.client {
                Some(entry) if denial.failed_proof && policy.record_failures => {
                    alloc::vec![StoreUpdate::PreAuthFailed { entry, at }]
                }
                _ => Vec::new(),
            };
            Err(Refusal::new(facts.request.subject, denial, updates))
        }
    }
}

/// What is granted, and whether the client proved its key.
fn decide<'a>(facts: &AsFacts<'a>, policy: &KdcPolicy) -> Result<(Grant<'a>, bool), Denial> {
    let request = &facts.request;
    let now = request.subject.context.now.seconds();
    let options = request.message.req_body.kdc_options;
    let client = facts
        .client
        .as_ref()
        .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, "CLIENT_NOT_FOUND"))?;
    let server = facts
        .server
        .as_ref()
        .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, "SERVER_NOT_FOUND"))?;
    options::refuse_in_as(options)?;
    client_is_usable(client, server, now)?;
    options::server_is_usable(server, now)?;
    options::refuse_foreign_tgs(&server.principal, request.kdc.tgs())?;
    options::refuse_offline_guessing(client, server, policy)?;
    let etypes = &request.subject.etypes;
    let reply_key = enctype_choice::reply_key(client, etypes, policy)
        .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_ETYPE_NOSUPP, "CANT_FIND_CLIENT_KEY"))?;
    let verified = pre_authenticate(request, client, server, policy, now)?;
    let session = enctype_choice::session_enctype(server, is_own_tgs(request, server), etypes, policy)
        .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_ETYPE_NOSUPP, "BAD_ENCRYPTION_TYPE"))?;
    let ticket_key = enctype_choice::ticket_key(server, policy)
        .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_ETYPE_NOSUPP, "CANT_FIND_SERVER_KEY"))?;
    let asked = asked_times(&request.message.req_body);
    let times = lifetime::initial(&asked, client, server, policy, now).map_err(times_denial)?;
    let canonicalize = options.contains(KdcOptions::CANONICALIZE);
    let grant = Grant {
        request: request.bytes,
        nonce: request.message.req_body.nonce,
        enc_pa_rep: pre_authentication::find(&request.message.padata, PaDataType::PA_REQ_ENC_PA_REP)
            .is_some(),
        client: options::client_name(client, &request.client, canonicalize),
        server: request.server.clone(),
        padata: pre_authentication::etype_info2(client, &[reply_key]),
        reply_key: ReplyKeySource::Client(HeldKey::new(Arc::clone(client), reply_key)),
        ticket_key: HeldKey::new(Arc::clone(server), ticket_key),
        session_enctype: session,
        flags: flags(options, client, server, &times, verified.as_ref()),
        authtime: now,
        times,
        transited: Vec::new(),
        addresses: options::owned_addresses(request.message.req_body.addresses.as_ref()),
        authorization_data: Vec::new(),
        key_expiration: key_expiration(client),
    };
    Ok((grant, verified.is_some()))
}

fn is_own_tgs(request: &AsRequest<'_>, server: &PrincipalEntry) -> bool {
    server.principal == *request.kdc.tgs()
}

/// Attributes and dates of the client, in the order in which MIT's KDC looks at them.
fn client_is_usable(client: &PrincipalEntry, server: &PrincipalEntry, now: i64) -> Result<(), Denial> {
    options::client_is_not_revoked(client, now)?;
    let passed =
        |time: Option<kerbside_asn1::KerberosTime>| time.is_some_and(|time| time.unix_seconds() <= now);
    if server.attributes.contains(Attributes::PWCHANGE_SERVICE) {
        return Ok(());
    }
    if passed(client.pw_expiration) {
        return Err(Denial::new(ErrorCode::KDC_ERR_KEY_EXP, "CLIENT KEY EXPIRED"));
    }
    if client.attributes.contains(Attributes::REQUIRES_PWCHANGE) {
        return Err(Denial::new(ErrorCode::KDC_ERR_KEY_EXP, "REQUIRED PWCHANGE"));
    }
    Ok(())
}

/// The proof of the client's key, where it is offered or required.
fn pre_authenticate(
    request: &AsRequest<'_>,
    client: &PrincipalEntry,
    server: &PrincipalEntry,
    policy: &KdcPolicy,
    now: i64,
) -> Result<Option<Verified>, Denial> {
    let attributes = client.attributes | server.attributes;
    if attributes.contains(Attributes::REQUIRES_HW_AUTH) {
        return Err(Denial::new(ErrorCode::KDC_ERR_POLICY, "NEEDED_HW_PREAUTH")
            .text("hardware pre-authentication is required, and this KDC does not offer it"));
    }
    let with_hints = |mut denial: Denial| {
        denial.e_data = pre_authentication::hints(client, &request.subject.etypes, policy);
        denial
    };
    match pre_authentication::verify(&request.message.padata, client, policy, now) {
        Ok(None) if attributes.contains(Attributes::REQUIRES_PRE_AUTH) => Err(with_hints(Denial::new(
            ErrorCode::KDC_ERR_PREAUTH_REQUIRED,
            "NEEDED_PREAUTH",
        ))),
        Err(denial) if denial.code == ErrorCode::KDC_ERR_PREAUTH_FAILED => Err(with_hints(denial)),
        other => other,
    }
}

/// The flags of an initial ticket.
fn flags(
    options: KdcOptions,
    client: &PrincipalEntry,
    server: &PrincipalEntry,
    times: &TicketTimes,
    verified: Option<&Verified>,
) -> TicketFlags {
    // RFC 6806 section 11: a KDC that knows the mechanism says so in every ticket.
    let mut flags = TicketFlags::INITIAL | TicketFlags::ENC_PA_REP;
    let attributes = client.attributes | server.attributes;
    if options.contains(KdcOptions::FORWARDABLE) && !attributes.contains(Attributes::DISALLOW_FORWARDABLE) {
        flags |= TicketFlags::FORWARDABLE;
    }
    if options.contains(KdcOptions::PROXIABLE) && !attributes.contains(Attributes::DISALLOW_PROXIABLE) {
        flags |= TicketFlags::PROXIABLE;
    }
    if times.renew_till.is_some() {
        flags |= TicketFlags::RENEWABLE;
    }
    if server.attributes.contains(Attributes::OK_AS_DELEGATE) {
        flags |= TicketFlags::OK_AS_DELEGATE;
    }
    if let Some(verified) = verified {
        flags |= verified.flags();
    }
    flags
}

/// When the client's password or the client itself expires, whichever is first.
fn key_expiration(client: &PrincipalEntry) -> Option<i64> {
    [client.expiration, client.pw_expiration]
        .into_iter()
        .flatten()
        .map(|time| time.unix_seconds())
        .min()
}
