//! What came of asking a KDC.

use std::time::Duration;

use kerbside_asn1::{ErrorCode, PaDataType, Realm};
use kerbside_client::{Attempt, ServerNotFound};
use kerbside_crypto::CryptoError;
use kerbside_protocol::{ProtocolError, Refusal, Refuser};

use super::{Doing, Proof, answered};
use crate::output::{Report, duration, escape, timestamp};

/// No KDC answered: each address, transport, time.
pub(super) fn unreachable(realm: &Realm, attempts: &[Attempt], took: Duration, doing: &Doing<'_>) -> Report {
    let mut report = doing.failed(format!("Cannot contact any KDC for realm '{realm}'"));
    report.evidence.extend(answered(attempts));
    if took >= Duration::from_secs(1) {
        report
            .evidence
            .push(format!("gave up after {:.1} s", took.as_secs_f64()));
    }
    for file in doing.config.iter().flat_map(|config| config.files_read()) {
        report
            .evidence
            .push(format!("kdc lines of [realms] {realm} are in {}", file.display()));
    }
    report.hint("check that the KDC runs and listens at these addresses, and that no firewall is between")
}

/// No password server answered: each address, transport, time.
pub(super) fn kpasswd_unreachable(
    realm: &Realm,
    attempts: &[Attempt],
    took: Duration,
    doing: &Doing<'_>,
) -> Report {
    let mut report = doing.failed(format!("Cannot contact any password server for realm '{realm}'"));
    report.evidence.extend(answered(attempts));
    if took >= Duration::from_secs(1) {
        report
            .evidence
            .push(format!("gave up after {:.1} s", took.as_secs_f64()));
    }
    report
        .hint("check that kadmind runs there: kpasswd_server of [realms], else port 464 of admin_server")
        .hint("a request may have arrived all the same: try the new password, then the old one")
}

pub(super) fn explain(
    realm: &Realm,
    source: &ProtocolError,
    attempts: &[Attempt],
    doing: &Doing<'_>,
) -> Report {
    let mut report = cause(realm, source, doing);
    let hints = std::mem::take(&mut report.hints);
    report.evidence.extend(answered(attempts));
    report.hints = hints;
    report
}

/// No KDC knows the service: which names were tried, and where they came from.
pub(super) fn server_not_found(found: &ServerNotFound, doing: &Doing<'_>) -> Report {
    let mut report = super::explain(&found.last, doing);
    if let [only] = found.tried.as_slice()
        && only.server == found.asked
        && only.refused == only.server
    {
        return report;
    }
    report.evidence.extend(
        found
            .tried
            .iter()
            .map(|tried| format!("tried {}", escape(&tried.to_string()))),
    );
    if let Some(tried) = found.tried.last()
        && let Some(far) = tried.refused.name.krbtgt_realm()
    {
        let (from, far) = (&tried.refused_by, String::from_utf8_lossy(far));
        report.hints = vec![
            format!("realm {from} shares no key with realm {}", escape(&far)),
            "name the host's realm in [domain_realm], and the realms on the way in [capaths]".to_owned(),
        ];
    }
    report
}

fn cause(realm: &Realm, source: &ProtocolError, doing: &Doing<'_>) -> Report {
    match source {
        ProtocolError::Refused(refusal) => refused(refusal, doing),
        ProtocolError::UnarmoredRefusal(refusal) => refused(refusal, doing)
            .evidence("nobody vouches for this answer: the request was armored (FAST), it is not")
            .hint("the KDC may be unable to open the armor: get a new ticket into the cache of -T"),
        ProtocolError::ArmorExpired { .. } => doing
            .failed("Error constructing AP-REQ armor: Ticket expired")
            .evidence(source.to_string())
            .hint("get a new ticket into the cache of -T"),
        ProtocolError::WrongReplyKey { .. } => wrong_secret(source.to_string(), doing),
        ProtocolError::ClockSkew { ahead_seconds, allowed_seconds, .. } => {
            skew(realm, *ahead_seconds, Some(*allowed_seconds), doing)
        }
        ProtocolError::NoCommonEnctype { .. } => doing
            .failed("KDC has no support for encryption type")
            .evidence(source.to_string())
            .evidence_of(asked_by(doing))
            .hint("the principal's keys are of other enctypes than permitted_enctypes and default_tkt_enctypes allow: change its password, or widen the list"),
        ProtocolError::NoCommonPreauth { offered, .. } => {
            let report = doing
                .failed("Generic preauthentication failure")
                .evidence(source.to_string());
            missing_preauth(offered, report)
        }
        ProtocolError::NotBuilt { .. } => Report::new(source.to_string()),
        ProtocolError::Misbehaved {
            by: Refuser::Service(_),
            ..
        } => doing
            .failed("Password server's reply did not match expectations")
            .evidence(source.to_string())
            .hint("somebody changed the messages on their way: try the new password, then the old one"),
        ProtocolError::Misbehaved { .. } | ProtocolError::UnexpectedMessage { .. } => doing
            .failed("KDC reply did not match expectations")
            .evidence(source.to_string())
            .hint("somebody changed the messages on their way, or the KDC is broken"),
        ProtocolError::Decode(_) => doing
            .failed("KDC reply cannot be decoded")
            .evidence(source.to_string())
            .hint("what answers at that address may not be a KDC"),
        ProtocolError::Crypto {
            source: CryptoError::RefusedByPolicy { enctype },
            ..
        } => doing.failed(source.to_string()).hint_of(
            super::keytab::opener(*enctype)
                .map(|relation| format!("{relation} = true in [libdefaults] of krb5.conf opens this weak type")),
        ),
        other => doing.failed(other.to_string()),
    }
}

/// A KRB-ERROR.
fn refused(refusal: &Refusal, doing: &Doing<'_>) -> Report {
    let evidence = refusal.to_string();
    match refusal.code {
        ErrorCode::KDC_ERR_PREAUTH_FAILED => wrong_secret(evidence, doing),
        // What Heimdal's KDC says of an encrypted challenge by another key.
        ErrorCode::KRB_AP_ERR_BAD_INTEGRITY if !matches!(doing.proof, Proof::None) => {
            wrong_secret(evidence, doing)
        }
        ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN => {
            let name = client_name(refusal, doing);
            doing
                .failed(format!("Client '{name}' not found in Kerberos database"))
                .evidence(evidence)
                .hint("check the spelling; capitals count, in the realm too")
                .hint(format!("kadmin.local adds a principal: addprinc {name}"))
        }
        ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN => doing
            // MIT names the server in a TGS exchange only.
            .failed(match &doing.client {
                Some(_) => "Server not found in Kerberos database".to_owned(),
                None => format!("Server {} not found in Kerberos database", refusal.server),
            })
            .evidence(evidence)
            .hint("the name was asked for as typed, without DNS: check service, host and realm; capitals count")
            .hint(format!("kadmin.local adds a service: addprinc -randkey {}", refusal.server)),
        ErrorCode::KRB_AP_ERR_SKEW => {
            let ours = kerbside_client::now().seconds();
            skew_refused(refusal.server_time.seconds().saturating_sub(ours), evidence, doing)
        }
        ErrorCode::KDC_ERR_KEY_EXP => described(refusal, doing)
            .hint("kpasswd changes an expired password, and so does kinit without a keytab"),
        ErrorCode::KDC_ERR_CLIENT_REVOKED => {
            let name = client_name(refusal, doing);
            described(refusal, doing)
                .hint(format!("the principal is locked out or disabled: kadmin.local: getprinc {name} shows failed attempts and attributes"))
                .hint(format!("modprinc -unlock {name} ends a lock-out, modprinc +allow_tix {name} enables it"))
        }
        ErrorCode::KDC_ERR_NAME_EXP => {
            let name = client_name(refusal, doing);
            described(refusal, doing).hint(format!(
                "the principal has expired, not its password: kadmin.local: modprinc -expire never {name}"
            ))
        }
        ErrorCode::KDC_ERR_BADOPTION => described(refusal, doing)
            .hint("the ticket does not allow what was asked: klist -f shows its flags and how long it can be renewed"),
        ErrorCode::KRB_AP_ERR_TKT_EXPIRED => {
            described(refusal, doing).hint(format!("{} gets a new ticket", doing.kinit))
        }
        ErrorCode::KRB_AP_ERR_TKT_NYV => described(refusal, doing)
            .hint("the ticket is postdated: klist shows when it begins, and kinit -v makes it valid then"),
        ErrorCode::KDC_ERR_CANNOT_POSTDATE => described(refusal, doing)
            .hint("the principal, its realm's krbtgt or the KDC does not allow postdated tickets (kadmin.local: modprinc +allow_postdated)"),
        ErrorCode::KRB_AP_ERR_BADADDR => described(refusal, doing)
            .hint("the ticket is bound to addresses, and the request came from another one: klist -a shows them, and kinit -A gets a ticket that is good from anywhere"),
        ErrorCode::KDC_ERR_ETYPE_NOSUPP => described(refusal, doing)
            .evidence_of(asked_by(doing))
            .hint(format!(
                "the KDC has no key of {} of an enctype that was asked for (kadmin.local: getprinc shows which it has): make new keys, or widen permitted_enctypes in [libdefaults]",
                client_name(refusal, doing)
            )),
        _ => described(refusal, doing),
    }
}

fn client_name(refusal: &Refusal, doing: &Doing<'_>) -> String {
    let client = doing.client.as_ref().or(refusal.client.as_ref());
    client.map(ToString::to_string).unwrap_or_default()
}

/// The enctypes that are asked for, and which line of krb5.conf says so.
fn asked_by(doing: &Doing<'_>) -> Option<String> {
    let config = doing.config?;
    let libdefaults = &config.krb5_conf().libdefaults;
    let (relation, list) = if doing.client.is_some() {
        ("default_tkt_enctypes", &libdefaults.default_tkt_enctypes)
    } else {
        ("default_tgs_enctypes", &libdefaults.default_tgs_enctypes)
    };
    let names: Vec<String> = list.enctypes.iter().map(ToString::to_string).collect();
    let section = config.krb5_conf().profile().section(&["libdefaults"]);
    let line = [relation, "permitted_enctypes"].iter().find_map(|name| {
        let found = section.as_ref()?.relation(name)?;
        Some(format!("by {name} in line {} of {}", found.line, found.file))
    });
    let line = line.unwrap_or_else(|| "by default".to_owned());
    Some(format!("asked for, {line}: {}", names.join(", ")))
}

/// What would be needed for the pre-authentication that the KDC wants.
fn missing_preauth(offered: &[PaDataType], report: Report) -> Report {
    let offers = |types: &[PaDataType]| types.iter().any(|kind| offered.contains(kind));
    let mut report = report;
    if offers(&[PaDataType::PA_PK_AS_REQ, PaDataType::PA_PK_AS_REQ_OLD]) {
        report = report.hint("the KDC wants a certificate (PKINIT), which is not built yet");
    }
    if offers(&[PaDataType::PA_OTP_CHALLENGE]) {
        report = report.hint("the KDC wants a one-time password (OTP), which is not built yet");
    }
    if offers(&[PaDataType::PA_ENC_TIMESTAMP]) {
        report = report
            .hint("the KDC takes an encrypted timestamp, which disable_encrypted_timestamp in krb5.conf or the cache of -I forbids");
    }
    if offers(&[PaDataType::PA_SPAKE]) {
        report = report
            .hint("the KDC takes SPAKE, which spake_preauth_groups in krb5.conf or the cache of -I forbids");
    }
    report
}

/// The code's own description, in MIT's words.
fn described(refusal: &Refusal, doing: &Doing<'_>) -> Report {
    let text = match refusal.code.description().filter(|text| !text.is_empty()) {
        Some(description) => description.to_owned(),
        None => refusal.code.to_string(),
    };
    doing.failed(text).evidence(refusal.to_string())
}

fn wrong_secret(evidence: String, doing: &Doing<'_>) -> Report {
    match doing.proof {
        Proof::Password => doing
            .failed("Password incorrect")
            .evidence(evidence)
            .hint("type the password again: capitals count, and so does the keyboard's layout"),
        Proof::Keytab(secret) => {
            let mut report = doing.failed("Preauthentication failed").evidence(evidence);
            if let Some(client) = &doing.client {
                let held: Vec<_> = secret
                    .keys_of(client)
                    .map(|(kvno, enctype)| (client.clone(), kvno, enctype))
                    .collect();
                let lines = super::keytab::grouped(&held);
                report
                    .evidence
                    .extend(lines.iter().map(|line| format!("{}: has {line}", secret.name())));
            }
            report.hint("the KDC has newer keys than the keytab: write it again with ktadd (-norandkey keeps the keys)")
        }
        Proof::None => doing.failed("Preauthentication failed").evidence(evidence),
    }
}

fn skew(realm: &Realm, ahead_seconds: i64, allowed_seconds: Option<i64>, doing: &Doing<'_>) -> Report {
    let allowed = allowed_seconds
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map_or_else(String::new, |seconds| format!(", allowed {}", duration(seconds)));
    skew_refused(
        ahead_seconds,
        format!("the KDC of {realm}: its clock differs{allowed}"),
        doing,
    )
}

fn skew_refused(ahead_seconds: i64, evidence: String, doing: &Doing<'_>) -> Report {
    skew_at(kerbside_client::now().seconds(), ahead_seconds, evidence, doing)
}

/// The same, with our clock as an argument.
pub(super) fn skew_at(ours: i64, ahead_seconds: i64, evidence: String, doing: &Doing<'_>) -> Report {
    let side = if ahead_seconds < 0 { "behind" } else { "ahead of" };
    doing
        .failed("Clock skew too great")
        .evidence(evidence)
        .evidence(format!(
            "the KDC's clock: {}, {} {side} ours: {}",
            timestamp(ours.saturating_add(ahead_seconds)),
            duration(ahead_seconds.unsigned_abs()),
            timestamp(ours)
        ))
        .hint("set the clocks right; NTP keeps them so")
}
