//! Events of the TGS exchange.

use kerbside_asn1::{ErrorCode, KdcOptions, Principal, Realm};
use kerbside_crypto::EncryptionType;
use kerbside_formats::Credential;

use super::{Counted, Etype, Etypes, KrbCode, event};
use crate::krb_error::KrbErrorFacts;
use crate::tgs_exchange::{TgsClient, TgsParams};

/// A ticket is asked for, with or without the wish to be referred elsewhere; or the same ticket again.
pub(crate) fn tgs_request(params: &TgsParams) {
    let (tgt, server) = (&params.tgt.server, &params.server);
    let canonicalize = params.options.contains(KdcOptions::CANONICALIZE);
    if is_service_request(params) && server.is_krbtgt() {
        event!(
            "tkt_creds_tgt_req",
            { tgt = %tgt, server = %server },
            "Requesting TGT {server} using TGT {tgt}"
        );
    } else if is_service_request(params) {
        event!(
            "tkt_creds_service_req",
            { server = %server, referrals = canonicalize },
            "Requesting tickets for {server}, referrals {}", on(canonicalize)
        );
    } else {
        event!(
            "get_cred_via_tkt_ext",
            { tgt = %tgt, server = %server, canonicalize },
            "Get cred via TGT {tgt} after requesting {server} (canonicalize {})", on(canonicalize)
        );
    }
}

/// What MIT's library does by a function of its own, with lines of its own: renewing, validating, forwarding, proxying,
/// acting for others.
fn is_service_request(params: &TgsParams) -> bool {
    let own = KdcOptions::RENEW | KdcOptions::VALIDATE | KdcOptions::FORWARDED | KdcOptions::PROXY;
    !params.options.intersects(own) && matches!(params.client, TgsClient::Own)
}

pub(crate) fn tgs_subkey(enctype: EncryptionType) {
    event!(
        "send_tgs_subkey",
        { enctype = %Etype(enctype) },
        "Generated subkey for TGS request: {}", Etype(enctype)
    );
}

pub(crate) fn tgs_etypes(enctypes: &[EncryptionType]) {
    event!(
        "send_tgs_etypes",
        { enctypes = %Etypes(enctypes) },
        "etypes requested in TGS request: {}", Etypes(enctypes)
    );
}

/// The reply was opened and checked.
pub(crate) fn tgs_reply(client: &Principal, server: &Principal, session_key: EncryptionType) {
    event!(
        "tgs_reply",
        { client = %client, server = %server, enctype = %Etype(session_key) },
        "TGS reply is for {client} -> {server} with session key {}", Etype(session_key)
    );
}

/// The reply did not open with the subkey.
pub(crate) fn trying_session_key(session_key: EncryptionType) {
    event!(
        "tgs_reply_decode_session",
        { enctype = %Etype(session_key) },
        "TGS reply didn't decode with subkey; trying session key ({})", Etype(session_key)
    );
}

/// What a KDC refuses, with its own words where the code has none.
pub(crate) fn tgs_error(params: &TgsParams, error: &KrbErrorFacts) {
    match &error.e_text {
        Some(text) if error.code == ErrorCode::KRB_ERR_GENERIC && is_service_request(params) => {
            let krb5_code = KrbCode(error.code).number();
            let text = Counted(text);
            event!(
                "tkt_creds_response_code",
                { code = error.code.0, krb5_code, server = %params.server, text = %text },
                "TGS request result: {krb5_code}/KDC returned error string: {text}"
            );
        }
        _ => tgs_result(params, error.code),
    }
}

pub(crate) fn tgs_result(params: &TgsParams, code: ErrorCode) {
    let (server, krb5_code) = (&params.server, KrbCode(code).number());
    if !is_service_request(params) {
        event!(
            "get_cred_via_tkt_ext_return",
            { code = code.0, krb5_code },
            "Got cred; {}", KrbCode(code)
        );
    } else if code == ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN {
        event!(
            "tkt_creds_response_code",
            { code = code.0, krb5_code, server = %server },
            "TGS request result: {krb5_code}/Server {server} not found in Kerberos database"
        );
    } else {
        event!(
            "tkt_creds_response_code",
            { code = code.0, krb5_code, server = %server },
            "TGS request result: {}", KrbCode(code)
        );
    }
}

pub(crate) fn tgs_retry_tcp() {
    event!(
        "tkt_creds_retry_tcp",
        {},
        "Request or response is too big for UDP; retrying with TCP"
    );
}

/// A TGT to start from: `point` and `line` are those of where it was found.
macro_rules! tgt_event {
    ($(#[$doc:meta])* $name:ident, $point:literal, $line:literal) => {
        $(#[$doc])*
        pub(crate) fn $name(tgt: &Credential) {
            event!(
                $point,
                { client = %tgt.client, server = %tgt.server },
                concat!($line, "{} -> {}"), tgt.client, tgt.server
            );
        }
    };
}

tgt_event!(
    local_tgt,
    "tkt_creds_local_tgt",
    "Starting with TGT for client realm: "
);
tgt_event!(
    cached_service_tgt,
    "tkt_creds_cached_service_tgt",
    "Found cached TGT for service realm: "
);
tgt_event!(
    cached_intermediate_tgt,
    "tkt_creds_cached_intermediate_tgt",
    "Found cached TGT for intermediate realm: "
);

pub(crate) fn referral_realm(server: &Principal) {
    event!(
        "tkt_creds_referral_realm",
        { server = %server },
        "Server has referral realm; starting with {server}"
    );
}

pub(crate) fn closer_realm(realm: &Realm) {
    event!(
        "tkt_creds_closer_realm",
        { realm = %realm },
        "Trying next closer realm in path: {realm}"
    );
}

pub(crate) fn received_service_tgt(tgt: &Credential) {
    event!(
        "tkt_creds_target_tgt",
        { server = %tgt.server },
        "Received TGT for service realm: {}", tgt.server
    );
}

/// A TGT of a realm on the way, or of one that is not on the path that was worked out.
pub(crate) fn received_tgt(tgt: &Credential, on_path: bool) {
    let realm = Counted(tgt.server.name.krbtgt_realm().unwrap_or_default());
    if on_path {
        event!(
            "tkt_creds_advance",
            { realm = %realm },
            "Received TGT for {realm}; advancing current realm"
        );
    } else {
        event!(
            "tkt_creds_offpath",
            { realm = %realm },
            "Received TGT for offpath realm {realm}"
        );
    }
}

pub(crate) fn following_referral(tgt: &Credential) {
    event!(
        "tkt_creds_referral",
        { server = %tgt.server },
        "Following referral TGT {}", tgt.server
    );
}

/// The ticket that was looked for is there.
pub(crate) fn service_ticket(server: &Principal) {
    event!(
        "tkt_creds_complete",
        { server = %server },
        "Received creds for desired service {server}"
    );
}

fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
