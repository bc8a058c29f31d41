//! May this TGS-REQ have a ticket? (RFC 4120 3.3.3)

use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{ErrorCode, KdcOptions, PaDataType, TicketFlags};
use kerbside_crypto::{Key, KeyUsage};
use kerbside_protocol::DecryptedTicket;

use crate::authorization_data::{self, Element};
use crate::issue::{Grant, HeldKey, ReplyKeySource};
use crate::lifetime::{self, TicketTimes};
use crate::options::{self, Address, asked_times, times_denial};
use crate::pre_authentication;
use crate::refusal::{Denial, Refusal};
use crate::tgs_gather::TgsFacts;
use crate::{Approved, Attributes, KdcPolicy, PrincipalEntry, enctype_choice};

/// Flags that a derived ticket has because its TGT has them: how the client authenticated, and that
/// the TGT was forwarded.
const INHERITED: TicketFlags = TicketFlags::PRE_AUTHENT
    .with(TicketFlags::HW_AUTHENT)
    .with(TicketFlags::FORWARDED);

/// Decides on a TGS-REQ.
pub(crate) fn check(facts: TgsFacts<'_>) -> Result<Approved<'_>, Refusal> {
    let policy = facts.request.kdc.policy();
    match decide(&facts, policy) {
        Ok(grant) => Ok(Approved::new(facts.request.subject, grant, Vec::new())),
        Err(denial) => Err(Refusal::new(facts.request.subject, denial, Vec::new())),
    }
}

fn decide<'a>(facts: &TgsFacts<'a>, policy: &KdcPolicy) -> Result<Grant<'a>, Denial> {
    let (request, tgt) = (&facts.request, facts.tgt.ticket());
    let tgt_times = times_of(tgt);
    let body = &request.message.req_body;
    let now = request.subject.context.now.seconds();
    refuse_s4u(facts)?;
    let client = facts.client.as_ref().ok_or_else(|| {
        Denial::new(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, "CLIENT_NOT_FOUND")
            .detail("the TGT's client is no longer in the database")
    })?;
    let server = facts
        .server
        .as_ref()
        .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, "UNKNOWN_SERVER"))?;
    options::client_is_not_revoked(client, now)?;
    options::server_is_usable(server, now)?;
    options::refuse_foreign_tgs(&server.principal, request.kdc.tgs())?;
    server_takes_tgt(server, tgt.flags())?;
    options::refuse_offline_guessing(client, server, policy)?;
    let is_own_tgs = server.principal == *request.kdc.tgs();
    options_fit_tgt(body.kdc_options, tgt.flags(), client, server, is_own_tgs)?;
    let session = enctype_choice::session_enctype(server, is_own_tgs, &request.subject.etypes, policy)
        .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_ETYPE_NOSUPP, "BAD_ENCRYPTION_TYPE"))?;
    let ticket_key = enctype_choice::ticket_key(server, policy)
        .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_ETYPE_NOSUPP, "CANT_FIND_SERVER_KEY"))?;
    let renew = body.kdc_options.contains(KdcOptions::RENEW);
    let times = if renew {
        lifetime::renewed(&tgt_times, now)
    } else {
        lifetime::derived(&asked_times(body), &tgt_times, server, policy, now)
    }
    .map_err(times_denial)?;
    let flags = if renew {
        tgt.flags()
    } else {
        flags(body.kdc_options, tgt.flags(), client, server, &times)
    };
    Ok(Grant {
        request: request.bytes,
        nonce: body.nonce,
        enc_pa_rep: pre_authentication::find(&request.message.padata, PaDataType::PA_REQ_ENC_PA_REP)
            .is_some(),
        client: tgt.client().clone(),
        server: request.server.clone(),
        padata: None,
        reply_key: ReplyKeySource::Session(Arc::clone(&facts.tgt)),
        ticket_key: HeldKey::new(Arc::clone(server), ticket_key),
        session_enctype: session,
        flags,
        authtime: tgt.authtime().unix_seconds(),
        times,
        transited: tgt.transited().1.to_vec(),
        addresses: addresses(facts),
        authorization_data: carried_authorization_data(facts)?,
        key_expiration: None,
    })
}

/// S4U2Self changes whose ticket it is: a service that asked for it must not get a ticket in its
/// own name instead, so here an unknown padata is not ignored.
fn refuse_s4u(facts: &TgsFacts<'_>) -> Result<(), Denial> {
    let s4u = [PaDataType::PA_FOR_USER, PaDataType::PA_S4U_X509_USER];
    if s4u
        .iter()
        .any(|pa| pre_authentication::find(&facts.request.message.padata, *pa).is_some())
    {
        return Err(
            Denial::new(ErrorCode::KDC_ERR_PADATA_TYPE_NOSUPP, "S4U2SELF_NOT_OFFERED")
                .text("S4U2Self is not offered by this KDC"),
        );
    }
    Ok(())
}

/// What the server demands of the TGT its clients come with.
fn server_takes_tgt(server: &PrincipalEntry, tgt: TicketFlags) -> Result<(), Denial> {
    let policy = |status| Denial::new(ErrorCode::KDC_ERR_POLICY, status);
    if server.attributes.contains(Attributes::DISALLOW_TGT_BASED) {
        return Err(policy("TGT BASED NOT ALLOWED"));
    }
    if server.attributes.contains(Attributes::REQUIRES_HW_AUTH) && !tgt.contains(TicketFlags::HW_AUTHENT) {
        return Err(policy("NO HW PREAUTH"));
    }
    if server.attributes.contains(Attributes::REQUIRES_PRE_AUTH) && !tgt.contains(TicketFlags::PRE_AUTHENT) {
        return Err(policy("NO PREAUTH"));
    }
    Ok(())
}

/// Options that need something of the TGT.
fn options_fit_tgt(
    options: KdcOptions,
    tgt: TicketFlags,
    client: &PrincipalEntry,
    server: &PrincipalEntry,
    is_own_tgs: bool,
) -> Result<(), Denial> {
    let bad = |status| Denial::new(ErrorCode::KDC_ERR_BADOPTION, status);
    let allowed = |attribute| !(client.attributes | server.attributes).contains(attribute);
    if options.contains(KdcOptions::RENEW) {
        if options.intersects(KdcOptions::FORWARDED | KdcOptions::PROXY) {
            return Err(bad("INVALID TGS OPTIONS"));
        }
        if !is_own_tgs {
            return Err(Denial::new(ErrorCode::KDC_ERR_SERVER_NOMATCH, "SERVER_NOMATCH")
                .text("the ticket to be renewed is the TGT, and the server asked for is another"));
        }
        if !tgt.contains(TicketFlags::RENEWABLE) || !allowed(Attributes::DISALLOW_RENEWABLE) {
            return Err(bad("TICKET NOT RENEWABLE"));
        }
    }
    if options.contains(KdcOptions::FORWARDED)
        && !(tgt.contains(TicketFlags::FORWARDABLE) && allowed(Attributes::DISALLOW_FORWARDABLE))
    {
        return Err(bad("TGT NOT FORWARDABLE"));
    }
    if options.contains(KdcOptions::PROXY) {
        if is_own_tgs {
            return Err(bad("PROXY OF A TGT"));
        }
        if !(tgt.contains(TicketFlags::PROXIABLE) && allowed(Attributes::DISALLOW_PROXIABLE)) {
            return Err(bad("TGT NOT PROXIABLE"));
        }
    }
    Ok(())
}

/// The flags of a derived ticket. Nothing the TGT lacks can be had from it.
fn flags(
    options: KdcOptions,
    tgt: TicketFlags,
    client: &PrincipalEntry,
    server: &PrincipalEntry,
    times: &TicketTimes,
) -> TicketFlags {
    let allowed = |attribute| !(client.attributes | server.attributes).contains(attribute);
    // The TGT is our own, so there is no transited realm to be checked any more.
    let mut flags = (tgt & INHERITED) | TicketFlags::ENC_PA_REP | TicketFlags::TRANSITED_POLICY_CHECKED;
    for (option, flag, attribute) in [
        (
            KdcOptions::FORWARDABLE,
            TicketFlags::FORWARDABLE,
            Attributes::DISALLOW_FORWARDABLE,
        ),
        (
            KdcOptions::PROXIABLE,
            TicketFlags::PROXIABLE,
            Attributes::DISALLOW_PROXIABLE,
        ),
    ] {
        flags.set(
            flag,
            options.contains(option) && tgt.contains(flag) && allowed(attribute),
        );
    }
    if options.contains(KdcOptions::FORWARDED) {
        flags |= TicketFlags::FORWARDED;
    }
    if options.contains(KdcOptions::PROXY) {
        flags |= TicketFlags::PROXY;
    }
    flags.set(TicketFlags::RENEWABLE, times.renew_till.is_some());
    flags.set(
        TicketFlags::OK_AS_DELEGATE,
        server.attributes.contains(Attributes::OK_AS_DELEGATE),
    );
    flags
}

/// The TGT's times. A TGT without the renewable flag has no renew-till, whatever it says.
fn times_of(tgt: &DecryptedTicket) -> TicketTimes {
    let renewable = tgt.flags().contains(TicketFlags::RENEWABLE);
    TicketTimes {
        starttime: tgt.starttime().unwrap_or(tgt.authtime()).unix_seconds(),
        endtime: tgt.endtime().unix_seconds(),
        renew_till: tgt
            .renew_till()
            .filter(|_| renewable)
            .map(|till| till.unix_seconds()),
    }
}

/// The TGT's addresses; those of the request only in a forwarded ticket or a proxy.
fn addresses(facts: &TgsFacts<'_>) -> Vec<Address> {
    let body = &facts.request.message.req_body;
    if body
        .kdc_options
        .intersects(KdcOptions::FORWARDED | KdcOptions::PROXY)
    {
        options::owned_addresses(body.addresses.as_ref())
    } else {
        facts.tgt.ticket().addresses().to_vec()
    }
}

/// The TGT's authorization data and the request's.
fn carried_authorization_data(facts: &TgsFacts<'_>) -> Result<Vec<Element>, Denial> {
    let mut carried = authorization_data::from_tgt(facts.tgt.ticket().authorization_data())?;
    if let Some(encrypted) = &facts.request.message.req_body.enc_authorization_data {
        let (key, usage): (&Key, _) = match &facts.tgt.authenticator().subkey {
            Some(subkey) => (subkey, KeyUsage::TGS_REQ_AD_SUBKEY),
            None => (facts.tgt.ticket().session_key(), KeyUsage::TGS_REQ_AD_SESSKEY),
        };
        if encrypted.etype != key.enctype() {
            return Err(Denial::new(
                ErrorCode::KDC_ERR_ETYPE_NOSUPP,
                "BAD_AUTHDATA_ENCTYPE",
            ));
        }
        let plain = key.decrypt(usage, encrypted.cipher).map_err(|error| {
            Denial::new(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY, "BAD_AUTHDATA").detail(error)
        })?;
        carried.extend(authorization_data::from_request(encrypted.etype, &plain)?);
    }
    Ok(carried)
}
