//! What the authenticator's checksum asks for, held against what the acceptor wants (RFC 4121 4.1.1, RFC 2743 1.1.6).

use alloc::vec::Vec;

use kerbside_asn1::{AdType, AuthorizationData, TicketFlags, decode};
use kerbside_crypto::{ChecksumType, KeyUsage};
use kerbside_protocol::{Now, ReplayChecked};

use super::authenticator_checksum::AuthenticatorChecksum;
use super::delegation;
use crate::acceptor::AcceptorParams;
use crate::channel_bindings::{BindingHash, BindingPolicy, BindingState};
use crate::delegation::DelegatedCredential;
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;

/// Flag of AD-AUTH-DATA-AP-OPTIONS: the client's channel bindings are in the checksum (MS-KILE 2.2.5, 3.2.5.8).
const KERB_AP_OPTIONS_CBT: u32 = 0x4000;

/// How deep AD-IF-RELEVANT is looked into.
const MAX_CONTAINERS: u32 = 4;

/// What a context is established with.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) flags: ContextFlags,
    pub(super) bindings: BindingState,
    pub(super) delegated: Option<DelegatedCredential>,
}

pub(super) fn agree(params: &AcceptorParams, checked: &ReplayChecked, now: Now) -> Result<Agreed, GssError> {
    let asked = read_checksum(checked)?;
    let declares_bindings = || declares_bindings(&checked.authenticator().authorization_data, MAX_CONTAINERS);
    let bindings = check_bindings(params, &asked.bindings, declares_bindings)?;
    let mut flags = asked.flags.intersection(ContextFlags::SUPPORTED);
    if bindings == BindingState::Bound {
        flags |= ContextFlags::CHANNEL_BOUND;
    }
    // The ticket says who is anonymous, and nobody else.
    if checked.client().name.is_anonymous() || checked.ticket().flags().contains(TicketFlags::ANONYMOUS) {
        flags |= ContextFlags::ANONYMOUS;
    }
    if flags.contains(ContextFlags::DCE_STYLE) {
        flags |= ContextFlags::MUTUAL;
    }
    let delegated = asked
        .krb_cred
        .map(|message| {
            let (key, subkey) = (checked.session_key(), checked.initiator_subkey());
            delegation::receive(
                message,
                key,
                subkey,
                checked.client(),
                now,
                params.skew_seconds_max,
            )
        })
        .transpose()?;
    if delegated.is_some() {
        flags |= ContextFlags::DELEGATION;
    }
    Ok(Agreed {
        flags,
        bindings,
        delegated,
    })
}

/// The fields of the 0x8003 checksum.
///
/// An authenticator without a checksum is refused: nothing would say what the initiator wants. A real checksum of the
/// session key over no data, which is what Samba and some others send, is verified and stands for mutual authentication
/// with replay and sequence detection and no bindings, as in MIT's acceptor. Any other type is refused.
fn read_checksum(checked: &ReplayChecked) -> Result<AuthenticatorChecksum<'_>, GssError> {
    let checksum = checked.authenticator().checksum.as_ref();
    let (checksum_type, bytes) = checksum.ok_or(Cause::AuthenticatorChecksum {
        reason: "there is none",
    })?;
    if *checksum_type == ChecksumType::GSS_AUTHENTICATOR {
        return AuthenticatorChecksum::parse(bytes);
    }
    let key = checked.session_key();
    key.verify_checksum(KeyUsage::AP_REQ_AUTH_CKSUM, *checksum_type, &[], bytes)
        .map_err(|_| Cause::AuthenticatorChecksum {
            reason: "expected type 0x8003, or the session key's own over no data",
        })?;
    let flags = ContextFlags::MUTUAL | ContextFlags::REPLAY | ContextFlags::SEQUENCE;
    Ok(AuthenticatorChecksum::new(BindingHash::NONE, flags))
}

fn check_bindings(
    params: &AcceptorParams,
    sent: &BindingHash,
    declares_bindings: impl FnOnce() -> bool,
) -> Result<BindingState, GssError> {
    let refuse = |reason| Err(Cause::BadBindings { reason }.into());
    let own = match (params.binding_policy, &params.channel_bindings) {
        (BindingPolicy::Off, _) | (BindingPolicy::WhenSupported, None) => {
            return Ok(BindingState::NotChecked);
        }
        (BindingPolicy::Required, None) => {
            return refuse("they are required, but the acceptor was given none to compare with");
        }
        (BindingPolicy::WhenSupported | BindingPolicy::Required, Some(own)) => own.hash()?,
    };
    if sent.matches(&own) {
        return Ok(BindingState::Bound);
    }
    if !sent.is_none() {
        return refuse("the initiator's are of another channel");
    }
    if params.binding_policy == BindingPolicy::Required {
        return refuse("they are required, but the initiator sent none");
    }
    if declares_bindings() {
        return refuse("the initiator says that it sends them (KERB_AP_OPTIONS_CBT), but sent none");
    }
    Ok(BindingState::InitiatorSentNone)
}

/// Whether AD-AUTH-DATA-AP-OPTIONS with the flag is among the elements. Everything else in there is tolerated: it
/// restricts the client, not the acceptor.
fn declares_bindings(elements: &[(AdType, Vec<u8>)], depth: u32) -> bool {
    elements
        .iter()
        .any(|(ad_type, data)| element_declares_bindings(*ad_type, data, depth))
}

fn element_declares_bindings(ad_type: AdType, data: &[u8], depth: u32) -> bool {
    if ad_type == AdType::AD_AP_OPTIONS {
        return data
            .first_chunk()
            .is_some_and(|options| u32::from_le_bytes(*options) & KERB_AP_OPTIONS_CBT != 0);
    }
    let Some(deeper) = depth.checked_sub(1) else {
        return false;
    };
    if ad_type != AdType::AD_IF_RELEVANT {
        return false;
    }
    decode::<AuthorizationData<'_>>(data).is_ok_and(|elements| {
        elements
            .0
            .iter()
            .any(|element| element_declares_bindings(element.ad_type, element.ad_data, deeper))
    })
}
