//! Events of the AS exchange.

use kerbside_asn1::{ErrorCode, PaDataType, Realm, SpakeGroup};
use kerbside_crypto::{EncryptionType, Subkey};
use kerbside_formats::Credential;

use super::{Counted, Etype, Hex, KrbCode, PaType, PaTypes, event};
use crate::preauth::KeyParams;
use crate::time::Now;

pub(crate) fn preauth_none() {
    event!("init_creds_preauth_none", {}, "Sending unauthenticated request");
}

pub(crate) fn error_reply(code: ErrorCode) {
    event!(
        "init_creds_error_reply",
        { code = code.0, krb5_code = KrbCode(code).number() },
        "Received error from KDC: {}", KrbCode(code)
    );
}

pub(crate) fn using_method_data() {
    event!(
        "init_creds_preauth",
        {},
        "Preauthenticating using KDC method data"
    );
}

pub(crate) fn preauth_more(mechanism: PaDataType) {
    event!(
        "init_creds_preauth_more",
        { padata_type = mechanism.0 },
        "Continuing preauth mech {}",
        PaType(mechanism)
    );
}

pub(crate) fn preauth_input(types: &[PaDataType]) {
    event!(
        "preauth_input",
        { padata_types = %PaTypes(types) },
        "Processing preauth types: {}", PaTypes(types)
    );
}

pub(crate) fn selected_etype_info(params: &KeyParams) {
    event!(
        "preauth_etype_info",
        { enctype = %Etype(params.enctype), salt = %Counted(&params.salt), params = %s2kparams(params) },
        "Selected etype info: etype {}, salt \"{}\", params \"{}\"",
        Etype(params.enctype), Counted(&params.salt), s2kparams(params)
    );
}

pub(crate) fn cookie(cookie: Option<&[u8]>) {
    if let Some(cookie) = cookie {
        event!(
            "preauth_cookie",
            { bytes = cookie.len() },
            "Received cookie: {}",
            Counted(cookie)
        );
    }
}

/// The client's key is there, and the time was encrypted under it, or under one made of it and the armor's.
pub(crate) fn key_proof(padata_type: PaDataType, enctype: EncryptionType, time: Now) {
    if padata_type == PaDataType::PA_ENC_TIMESTAMP {
        event!(
            "preauth_enc_ts_key_gak",
            { enctype = %Etype(enctype) },
            "AS key obtained for encrypted timestamp: {}", Etype(enctype)
        );
        event!(
            "preauth_enc_ts",
            { seconds = time.seconds(), microseconds = time.usec.get() },
            "Encrypted timestamp (for {}.{:06})", time.seconds(), time.usec.get()
        );
    }
    preauth_module(padata_type);
}

/// A mechanism made what the next request shall bring, or took what came.
pub(crate) fn preauth_module(padata_type: PaDataType) {
    let module = match padata_type {
        PaDataType::PA_ENC_TIMESTAMP => "encrypted_timestamp",
        PaDataType::PA_ENCRYPTED_CHALLENGE => "encrypted_challenge",
        _ => "spake",
    };
    event!(
        "preauth_process",
        { module, padata_type = padata_type.0, krb5_code = 0 },
        "Preauth module {module} ({}) (real) returned: 0/Success", padata_type.0
    );
}

/// What the next request brings: the KDC's cookie, if it gave one, and a proof.
pub(crate) fn preauth_output(cookie: bool, proof: PaDataType) {
    let types = [PaDataType::PA_FX_COOKIE, proof];
    produced(if cookie { &types } else { &types[1..] });
}

/// Nothing is to be brought any more.
pub(crate) fn preauth_output_none() {
    produced(&[]);
}

fn produced(types: &[PaDataType]) {
    event!(
        "preauth_output",
        { padata_types = %PaTypes(types) },
        "Produced preauth for next request: {}", PaTypes(types)
    );
}

pub(crate) fn spake_support() {
    event!("spake_send_support", {}, "Sending SPAKE support message");
}

pub(crate) fn spake_challenge(group: SpakeGroup, pubkey: &[u8]) {
    event!(
        "spake_receive_challenge",
        { group = group.0, pubkey = %Hex(pubkey) },
        "SPAKE challenge received with group {}, pubkey {}", group.0, Hex(pubkey)
    );
}

pub(crate) fn spake_challenge_rejected(group: SpakeGroup) {
    event!(
        "spake_reject_challenge",
        { group = group.0 },
        "SPAKE challenge with group {} rejected",
        group.0
    );
}

/// The client's share is there: a public value.
pub(crate) fn spake_share(pubkey: &[u8]) {
    event!(
        "spake_keygen",
        { pubkey = %Hex(pubkey) },
        "SPAKE key generated with pubkey {}", Hex(pubkey)
    );
}

pub(crate) fn spake_response(transcript: &[u8]) {
    event!(
        "spake_client_thash",
        { transcript = %Hex(transcript) },
        "SPAKE final transcript hash: {}", Hex(transcript)
    );
    event!("spake_send_response", {}, "Sending SPAKE response");
}

/// A key of these parameters is needed for the reply.
pub(crate) fn getting_as_key(params: &KeyParams) {
    event!(
        "init_creds_gak",
        { salt = %Counted(&params.salt), params = %s2kparams(params) },
        "Getting AS key, salt \"{}\", params \"{}\"", Counted(&params.salt), s2kparams(params)
    );
}

pub(crate) fn as_key_obtained(enctype: EncryptionType) {
    event!(
        "init_creds_as_key_gak",
        { enctype = %Etype(enctype) },
        "AS key obtained from gak_fct: {}", Etype(enctype)
    );
}

pub(crate) fn as_key_of_preauth(enctype: EncryptionType) {
    event!(
        "init_creds_as_key_preauth",
        { enctype = %Etype(enctype) },
        "AS key determined by preauth: {}", Etype(enctype)
    );
}

/// MIT tells of it where the key had been of use before the reply.
pub(crate) fn as_reply_not_decrypted(preauthenticated: bool) {
    if preauthenticated {
        event!(
            "init_creds_preauth_decrypt_fail",
            { code = ErrorCode::KRB_AP_ERR_BAD_INTEGRITY.0 },
            "Decrypt with preauth AS key failed: {}",
            KrbCode(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
        );
    }
}

pub(crate) fn decrypted_as_reply(session_key: EncryptionType) {
    event!(
        "init_creds_decrypted_reply",
        { enctype = %Etype(session_key) },
        "Decrypted AS reply; session key is: {}", Etype(session_key)
    );
}

/// Whether the KDC says, where nobody can have changed it, that it does FAST.
pub(crate) fn fast_negotiation(available: bool) {
    event!(
        "fast_nego",
        { available },
        "FAST negotiation: {}available",
        if available { "" } else { "un" }
    );
}

/// Armor was made with a ticket.
pub(crate) fn armor(ticket: &Credential, subkey: &Subkey, armor_key: EncryptionType) {
    let session_key = ticket.session_key.enctype();
    event!(
        "fast_armor_ccache_key",
        { enctype = %Etype(session_key) },
        "Armor ccache session key: {}", Etype(session_key)
    );
    super::authenticator(&ticket.client, &ticket.server, None, Some(subkey), session_key);
    event!("fast_armor_key", { enctype = %Etype(armor_key) }, "FAST armor key: {}", Etype(armor_key));
}

pub(crate) fn fast_encode() {
    event!(
        "fast_encode",
        {},
        "Encoding request body and padata into FAST request"
    );
}

pub(crate) fn fast_decode() {
    event!("fast_decode", {}, "Decoding FAST response");
}

pub(crate) fn fast_reply_key(enctype: EncryptionType) {
    event!("fast_reply_key", { enctype = %Etype(enctype) }, "FAST reply key: {}", Etype(enctype));
}

pub(crate) fn upgrading_to_fast() {
    event!(
        "fast_padata_upgrade",
        {},
        "Upgrading to FAST due to presence of PA_FX_FAST in reply"
    );
    event!("init_creds_restart_fast", {}, "Restarting to upgrade to FAST");
}

pub(crate) fn client_referral(realm: &Realm) {
    event!("init_creds_referral", { realm = %realm }, "Following referral to realm {realm}");
}

/// Where the answer, or its announcement by the KDC, is too big for a datagram.
pub(crate) fn retry_tcp() {
    event!(
        "init_creds_retry_tcp",
        {},
        "Request or response is too big for UDP; retrying with TCP"
    );
}

fn s2kparams(params: &KeyParams) -> Counted<'_> {
    Counted(params.s2kparams.as_deref().unwrap_or_default())
}
