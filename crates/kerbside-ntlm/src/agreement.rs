//! What the flags of the two sides come to, and what policy refuses of it.

use kerbside_gss::ContextFlags;

use crate::av_pairs::{AvId, AvPairs};
use crate::error::{NtlmError, malformed};
use crate::flags::NegotiateFlags;
use crate::policy::{KeyStrength, NtlmPolicy};

const fn all(flags: &[NegotiateFlags]) -> NegotiateFlags {
    let mut sum = NegotiateFlags::NONE;
    let mut rest = flags;
    while let [first, others @ ..] = rest {
        sum = sum.with(*first, true);
        rest = others;
    }
    sum
}

/// What an initiator offers in any case. 56-bit keys are offered beside 128-bit ones, as everybody does, so that old
/// servers answer at all; what they choose is then checked.
pub(crate) const OFFER: NegotiateFlags = all(&[
    NegotiateFlags::UNICODE,
    NegotiateFlags::REQUEST_TARGET,
    NegotiateFlags::NTLM,
    NegotiateFlags::ALWAYS_SIGN,
    NegotiateFlags::EXTENDED_SESSIONSECURITY,
    NegotiateFlags::TARGET_INFO,
    NegotiateFlags::VERSION,
    NegotiateFlags::KEY_128,
    NegotiateFlags::KEY_EXCH,
    NegotiateFlags::KEY_56,
]);

/// What an acceptor gives if it is asked.
const SUPPORTED: NegotiateFlags = all(&[
    NegotiateFlags::UNICODE,
    NegotiateFlags::SIGN,
    NegotiateFlags::SEAL,
    NegotiateFlags::EXTENDED_SESSIONSECURITY,
    NegotiateFlags::IDENTIFY,
    NegotiateFlags::VERSION,
    NegotiateFlags::KEY_128,
    NegotiateFlags::KEY_EXCH,
    NegotiateFlags::KEY_56,
]);

/// What an acceptor says in any case.
const ACCEPTORS: NegotiateFlags = all(&[
    NegotiateFlags::REQUEST_TARGET,
    NegotiateFlags::NTLM,
    NegotiateFlags::ALWAYS_SIGN,
    NegotiateFlags::TARGET_INFO,
]);

/// What decides how messages are protected, and how strings are read.
const DECISIVE: NegotiateFlags = all(&[
    NegotiateFlags::UNICODE,
    NegotiateFlags::OEM,
    NegotiateFlags::SIGN,
    NegotiateFlags::SEAL,
    NegotiateFlags::EXTENDED_SESSIONSECURITY,
    NegotiateFlags::IDENTIFY,
    NegotiateFlags::KEY_128,
    NegotiateFlags::KEY_EXCH,
    NegotiateFlags::KEY_56,
]);

/// What nobody sends back: it says what the CHALLENGE's name is.
const TARGET_TYPES: NegotiateFlags = all(&[
    NegotiateFlags::TARGET_TYPE_DOMAIN,
    NegotiateFlags::TARGET_TYPE_SERVER,
]);

/// The wishes that NTLM cannot fulfil.
pub(crate) fn check_context_flags(flags: ContextFlags, anonymous: bool) -> Result<(), NtlmError> {
    let refuse = |reason| Err(NtlmError::Flags { reason });
    if flags.contains(ContextFlags::DELEGATION) {
        return refuse("delegation of credentials: NTLM has none to give");
    }
    if flags.contains(ContextFlags::MUTUAL) {
        return refuse("mutual authentication: NTLM does not authenticate the acceptor");
    }
    if flags.contains(ContextFlags::DCE_STYLE) {
        return refuse("DCE style: NTLM's contexts have three legs without it");
    }
    if flags.contains(ContextFlags::ANONYMOUS) != anonymous {
        return refuse("anonymity: it is asked for by credentials without a user");
    }
    if anonymous && flags.contains(ContextFlags::CONFIDENTIALITY) {
        return refuse("encryption of messages: an anonymous context has no key");
    }
    Ok(())
}

/// The flags of the context, to a caller.
pub(crate) fn context_flags(flags: NegotiateFlags, anonymous: bool) -> ContextFlags {
    let mut given = ContextFlags::NONE;
    if flags.contains(NegotiateFlags::SIGN) {
        given |= ContextFlags::INTEGRITY | ContextFlags::REPLAY | ContextFlags::SEQUENCE;
    }
    if flags.contains(NegotiateFlags::SEAL) {
        given |= ContextFlags::CONFIDENTIALITY;
    }
    if flags.contains(NegotiateFlags::IDENTIFY) {
        given |= ContextFlags::IDENTIFY;
    }
    if anonymous {
        given |= ContextFlags::ANONYMOUS;
    }
    given
}

/// What an initiator goes on with. What it offered and the acceptor did not choose is refused where it matters: a flag
/// that was taken out on the way looks the same as an old server.
pub(crate) fn of_initiator(
    offered: NegotiateFlags,
    chosen: NegotiateFlags,
    policy: &NtlmPolicy,
) -> Result<NegotiateFlags, NtlmError> {
    let mut flags = offered.intersection(chosen);
    if flags.contains(NegotiateFlags::UNICODE) {
        flags = flags.without(NegotiateFlags::OEM);
    }
    for (wanted, missing) in [
        (NegotiateFlags::SIGN, "signing of messages"),
        (NegotiateFlags::SEAL, "encryption of messages"),
        (NegotiateFlags::IDENTIFY, "identification only"),
    ] {
        if offered.contains(wanted) && !flags.contains(wanted) {
            return Err(NtlmError::TooWeak { missing });
        }
    }
    check(chosen, flags, policy)?;
    Ok(flags.without(TARGET_TYPES))
}

/// What an acceptor chooses of a client's offer.
pub(crate) fn of_acceptor(offered: NegotiateFlags, policy: &NtlmPolicy) -> Result<NegotiateFlags, NtlmError> {
    let mut flags = offered.intersection(SUPPORTED) | ACCEPTORS;
    if !flags.contains(NegotiateFlags::UNICODE) {
        flags = flags.with(NegotiateFlags::OEM, offered.contains(NegotiateFlags::OEM));
    }
    check(offered, flags, policy)?;
    Ok(flags)
}

/// What the context is to have, of an AUTHENTICATE message's flags. Only a client whose MIC verified may take less than
/// it was given: without one, somebody on the way could have taken it.
pub(crate) fn of_authenticate(
    chosen: NegotiateFlags,
    found: NegotiateFlags,
    has_mic: bool,
    policy: &NtlmPolicy,
) -> Result<NegotiateFlags, NtlmError> {
    let flags = chosen.intersection(found);
    let differing = NegotiateFlags(chosen.intersection(DECISIVE).0 ^ found.intersection(DECISIVE).0);
    let more = differing.without(chosen);
    // Clients that know both character sets say so still, when one was chosen.
    let more = more.without(NegotiateFlags::OEM);
    if more != NegotiateFlags::NONE {
        return Err(malformed(
            "AUTHENTICATE_MESSAGE",
            "NegotiateFlags",
            "it has more than the CHALLENGE gave",
        ));
    }
    if !has_mic && chosen.intersection(DECISIVE) != flags.intersection(DECISIVE) {
        return Err(NtlmError::TooWeak {
            missing: "the flags of the CHALLENGE",
        });
    }
    check(found, flags, policy)?;
    Ok(flags)
}

/// The rules for either side: `theirs` is what the peer said, `flags` what came of it.
fn check(theirs: NegotiateFlags, flags: NegotiateFlags, policy: &NtlmPolicy) -> Result<(), NtlmError> {
    if theirs.contains(NegotiateFlags::DATAGRAM) {
        return Err(NtlmError::Unsupported {
            what: "connectionless (datagram) authentication",
        });
    }
    if !flags.contains(NegotiateFlags::UNICODE) {
        let oem = flags.contains(NegotiateFlags::OEM);
        if !oem {
            return Err(malformed("NegotiateFlags", "UNICODE, OEM", "neither is set"));
        }
        if !policy.allow_oem {
            return Err(NtlmError::TooWeak { missing: "Unicode" });
        }
    }
    if !flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY)
        && !policy.allow_without_extended_session_security
    {
        return Err(NtlmError::TooWeak {
            missing: "extended session security",
        });
    }
    if flags.contains(NegotiateFlags::SEAL) && !flags.contains(NegotiateFlags::SIGN) {
        return Err(NtlmError::TooWeak {
            missing: "signing beside encryption",
        });
    }
    if flags.contains(NegotiateFlags::SIGN) && strength(flags) < policy.key_strength_min {
        return Err(NtlmError::TooWeak {
            missing: "keys of the strength",
        });
    }
    Ok(())
}

/// Without extended session security the whole session key is RC4's (MS-NLMP 3.4.5.3), but no one calls it strong.
fn strength(flags: NegotiateFlags) -> KeyStrength {
    if flags.contains(NegotiateFlags::KEY_128) {
        KeyStrength::Bits128
    } else if flags.contains(NegotiateFlags::KEY_56) {
        KeyStrength::Bits56
    } else {
        KeyStrength::Bits40
    }
}

/// MS-NLMP 3.1.5.1.2: a context that protects messages, as all of ours with a user do, needs a server that says its names.
pub(crate) fn check_target_info(pairs: &AvPairs<'_>) -> Result<(), NtlmError> {
    let names = [AvId::NB_COMPUTER_NAME, AvId::NB_DOMAIN_NAME];
    if names.iter().any(|id| pairs.get(*id).is_none()) {
        return Err(NtlmError::TooWeak {
            missing: "target information with its names",
        });
    }
    Ok(())
}
