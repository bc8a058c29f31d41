//! Keytabs: missing, foreign, damaged, without the key.

use kerbside_asn1::Principal;
use kerbside_client::{FileFault, KeytabFault, KeytabName};
use kerbside_crypto::EncryptionType;
use kerbside_formats::FormatError;

use super::Doing;
use crate::output::Report;

/// Lines shown of a keytab that has many keys.
const LINES_SHOWN: usize = 12;

pub(super) fn explain(name: &KeytabName, fault: &KeytabFault, doing: &Doing<'_>) -> Report {
    let file = name.residual();
    match fault {
        KeytabFault::File(FileFault::NotFound) => doing
            .failed(format!("Key table file '{file}' not found"))
            .hint("name the keytab with -t, KRB5_KTNAME or KRB5_CLIENT_KTNAME")
            .hint(format!("kadmin.local writes one: ktadd -k {file} PRINCIPAL")),
        KeytabFault::File(FileFault::System { reason, .. }) if reason == "permission denied" => doing
            .failed(format!("Permission denied reading key table file '{file}'"))
            .evidence(format!("{name}: {fault}"))
            .hint("run as the keytab's owner, or use a keytab of your own"),
        KeytabFault::Format(FormatError::NotThisFormat { .. } | FormatError::Version { .. }) => doing
            .failed("Unsupported key table format version number")
            .evidence(format!("{name}: {fault}"))
            .hint("the file is no keytab and was left as it is: name another one"),
        KeytabFault::Format(_) => doing
            .failed(format!("Key table file '{file}' is damaged"))
            .evidence(format!("{name}: {fault}"))
            .hint("the file was left as it is; restore it, or write a new one elsewhere with ktadd"),
        KeytabFault::TypeNotBuilt(kind) => doing.failed("Unknown Key table type").evidence(format!(
            "{name}: keytabs of type {kind} are not built yet; FILE is"
        )),
        KeytabFault::NoKey {
            principal,
            enctypes,
            present,
        } => no_key(name, principal, enctypes, present, doing),
        other => doing
            .failed(format!("Key table file '{file}' cannot be used"))
            .evidence(format!("{name}: {other}")),
    }
}

fn no_key(
    name: &KeytabName,
    principal: &Principal,
    enctypes: &[EncryptionType],
    present: &[(Principal, u32, EncryptionType)],
    doing: &Doing<'_>,
) -> Report {
    let mut report = doing.failed(format!("Keytab contains no suitable keys for {principal}"));
    let wanted: Vec<String> = enctypes.iter().map(ToString::to_string).collect();
    report.evidence.push(format!(
        "{name}: looked for {principal} with {}",
        wanted.join(" or ")
    ));
    let held = grouped(present);
    report.evidence.extend(
        held.iter()
            .take(LINES_SHOWN)
            .map(|line| format!("{name}: has {line}")),
    );
    if held.is_empty() {
        report.evidence.push(format!("{name}: has no key at all"));
    } else if held.len() > LINES_SHOWN {
        report
            .evidence
            .push(format!("{name}: has keys of {} more", held.len() - LINES_SHOWN));
    }
    let same_name = present.iter().any(|(held, ..)| held == principal);
    let closed = present.iter().find_map(|(held, _, enctype)| {
        let relation = opener(*enctype)?;
        (held == principal).then_some((enctype, relation))
    });
    let similar = present
        .iter()
        .find(|(held, ..)| held.to_string().eq_ignore_ascii_case(&principal.to_string()));
    match (same_name, closed, similar) {
        (true, Some((enctype, relation)), _) => report.hint(format!(
            "keys of {enctype} are not used unless krb5.conf says {relation} = true in [libdefaults]; stronger ones are better: write the keytab again with ktadd"
        )),
        (true, None, _) => {
            report.hint("the keytab has keys of this principal, but of other enctypes: write it again with ktadd")
        }
        (false, _, Some((held, ..))) => report.hint(format!("capitals count: the keytab has keys of {held}")),
        (false, _, None) => {
            report.hint("type a principal that the keytab has, capitals and realm included; klist -k lists them")
        }
    }
}

/// The relation of krb5.conf that opens a weak enctype.
pub(super) fn opener(enctype: EncryptionType) -> Option<&'static str> {
    match enctype {
        EncryptionType::RC4_HMAC => Some("allow_rc4"),
        EncryptionType::DES3_CBC_SHA1_KD => Some("allow_des3"),
        _ => None,
    }
}

/// One line for each principal and key version, with its enctypes.
pub(super) fn grouped(present: &[(Principal, u32, EncryptionType)]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut last = None;
    for (principal, kvno, enctype) in present {
        match lines.last_mut() {
            Some(line) if last == Some((principal, kvno)) => line.push_str(&format!(" {enctype}")),
            _ => lines.push(format!("{principal} kvno {kvno}: {enctype}")),
        }
        last = Some((principal, kvno));
    }
    lines
}
