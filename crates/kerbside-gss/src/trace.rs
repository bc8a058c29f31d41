//! The acceptor's events for `tracing`, in the form of [`kerbside_protocol::trace`]; the initiator's are that crate's.

use kerbside_asn1::{ErrorCode, Principal};
use kerbside_crypto::{EncryptionType, Subkey};
use kerbside_protocol::trace::{Etype, KrbCode, MaybeKey, TARGET};
use kerbside_protocol::{DecryptedTicket, Now};

use crate::key_source::ServiceName;

/// One event: MIT's name of the trace point, the fields, MIT's line.
macro_rules! event {
    ($point:literal, { $($fields:tt)* }, $($line:tt)+) => {
        tracing::event!(name: $point, target: TARGET, tracing::Level::DEBUG, { $($fields)* }, $($line)+)
    };
}

/// The key of `server` opened the ticket.
pub(crate) fn ticket_decrypted(service: &ServiceName, server: &Principal, key: EncryptionType) {
    if matches!(service, ServiceName::Principal(_)) {
        event!(
            "rd_req_decrypt_specific",
            { server = %server, enctype = %Etype(key) },
            "Decrypted AP-REQ with specified server principal {server}: {}", Etype(key)
        );
    } else {
        event!(
            "rd_req_decrypt_any",
            { server = %server, enctype = %Etype(key) },
            "Decrypted AP-REQ with server principal {server}: {}", Etype(key)
        );
    }
}

/// No key of ours opened the ticket, or there was none to try.
pub(crate) fn ticket_not_decrypted(code: ErrorCode) {
    event!(
        "rd_req_decrypt_fail",
        { code = code.0, krb5_code = KrbCode(code).number() },
        "Failed to decrypt AP-REQ ticket: {}", KrbCode(code)
    );
}

/// What was in the ticket.
pub(crate) fn ticket(ticket: &DecryptedTicket, server: &Principal) {
    let (client, session_key) = (ticket.client(), Etype(ticket.session_key().enctype()));
    event!(
        "rd_req_ticket",
        { client = %client, server = %server, session_key = %session_key },
        "AP-REQ ticket: {client} -> {server}, session key {session_key}"
    );
}

/// What was in the authenticator: `enctype` is of the key that messages will be under.
pub(crate) fn authenticator(enctype: EncryptionType, subkey: Option<&Subkey>) {
    event!(
        "rd_req_negotiated_etype",
        { enctype = %Etype(enctype) },
        "Negotiated enctype based on authenticator: {}", Etype(enctype)
    );
    if let Some(subkey) = subkey {
        event!(
            "rd_req_subkey",
            { enctype = %Etype(subkey.enctype()) },
            "Authenticator contains subkey: {}", Etype(subkey.enctype())
        );
    }
}

/// The answer to an authenticator of `time`.
pub(crate) fn ap_rep(time: Now, subkey: Option<&Subkey>, seq_number: u32) {
    let (seconds, microseconds) = (time.seconds(), time.usec.get());
    event!(
        "mk_rep",
        { seconds, microseconds, subkey = %MaybeKey(subkey), seq_number },
        "Creating AP-REP, time {seconds}.{microseconds:06}, subkey {}, seqnum {seq_number}", MaybeKey(subkey)
    );
}
