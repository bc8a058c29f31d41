//! Events of the AP exchange.

use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, Subkey};

use super::{Etype, MaybeKey, event};
use crate::time::Now;

/// An authenticator for a service was made.
pub(crate) fn authenticator(
    client: &Principal,
    server: &Principal,
    seq_number: Option<u32>,
    subkey: Option<&Subkey>,
    session_key: EncryptionType,
) {
    let seq_number = seq_number.unwrap_or(0);
    event!(
        "mk_req",
        {
            client = %client, server = %server, seq_number,
            subkey = %MaybeKey(subkey), session_key = %Etype(session_key)
        },
        "Creating authenticator for {client} -> {server}, seqnum {seq_number}, subkey {}, session key {}",
        MaybeKey(subkey), Etype(session_key)
    );
}

/// The service's answer was opened and checked.
pub(crate) fn read_ap_rep(time: Now, subkey: Option<&Subkey>, seq_number: Option<u32>) {
    let (seconds, microseconds) = (time.seconds(), time.usec.get());
    let seq_number = seq_number.unwrap_or(0);
    event!(
        "rd_rep",
        { seconds, microseconds, subkey = %MaybeKey(subkey), seq_number },
        "Read AP-REP, time {seconds}.{microseconds:06}, subkey {}, seqnum {seq_number}", MaybeKey(subkey)
    );
}

/// An AP-REP was made by an initiator: the third leg of DCE style.
pub(crate) fn made_ap_rep(time: Now, subkey: Option<&Subkey>, seq_number: Option<u32>) {
    let (seconds, microseconds) = (time.seconds(), time.usec.get());
    let seq_number = seq_number.unwrap_or(0);
    event!(
        "mk_rep",
        { seconds, microseconds, subkey = %MaybeKey(subkey), seq_number },
        "Creating AP-REP, time {seconds}.{microseconds:06}, subkey {}, seqnum {seq_number}", MaybeKey(subkey)
    );
}

/// The initiator's AP-REP, the third leg of DCE style, was opened and checked.
pub(crate) fn read_third_leg(time: Now, seq_number: Option<u32>) {
    let (seconds, microseconds) = (time.seconds(), time.usec.get());
    let seq_number = seq_number.unwrap_or(0);
    event!(
        "rd_rep_dce",
        { seconds, microseconds, seq_number },
        "Read DCE-style AP-REP, time {seconds}.{microseconds:06}, seqnum {seq_number}"
    );
}
