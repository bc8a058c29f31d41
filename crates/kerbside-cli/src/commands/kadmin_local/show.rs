//! What `get_principal` prints.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kerbside_asn1::KerberosTime;
use kerbside_server::admin::PrincipalFacts;

use crate::commands::kadmin_local::console::shown;
use crate::output::{escape, etype_name};

/// A principal for people, as MIT prints it.
pub(super) fn full(facts: &PrincipalFacts, zone: &TimeZone) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail, so the results below say nothing.
    let w = &mut text;
    let never =
        |time: Option<KerberosTime>| time.map_or_else(|| "[never]".to_owned(), |time| date(time, zone));
    let _ = writeln!(w, "Principal: {}", shown(&facts.principal));
    let _ = writeln!(w, "Expiration date: {}", never(facts.expiration));
    let _ = writeln!(w, "Last password change: {}", never(facts.last_pw_change));
    let _ = writeln!(w, "Password expiration date: {}", never(facts.pw_expiration));
    let _ = writeln!(w, "Maximum ticket life: {}", life(facts.max_life));
    let _ = writeln!(w, "Maximum renewable life: {}", life(facts.max_renewable_life));
    let by = facts
        .mod_by
        .as_ref()
        .map_or_else(|| "[unknown]".to_owned(), shown);
    let _ = writeln!(w, "Last modified: {} ({by})", date(facts.mod_time, zone));
    let _ = writeln!(w, "Last successful authentication: {}", never(facts.last_success));
    let _ = writeln!(w, "Last failed authentication: {}", never(facts.last_failed));
    let _ = writeln!(w, "Failed password attempts: {}", facts.fail_auth_count);
    let _ = writeln!(w, "Number of keys: {}", facts.keys.len());
    for key in &facts.keys {
        let salt = if key.salt.is_empty() {
            String::new()
        } else {
            format!(":{}", key.salt)
        };
        let _ = writeln!(w, "Key: vno {}, {}{salt}", key.kvno, etype_name(key.enctype));
    }
    let _ = writeln!(w, "MKey: vno {}", facts.master_kvno);
    let mut attributes = String::from("Attributes:");
    for name in facts.attributes.names() {
        attributes.push(' ');
        attributes.push_str(name);
    }
    let _ = writeln!(w, "{attributes}");
    let policy = facts
        .policy
        .as_deref()
        .map_or_else(|| "[none]".to_owned(), escape);
    let _ = writeln!(w, "Policy: {policy}");
    text
}

/// A principal for programs: fields with tabs between them (`-terse`).
pub(super) fn terse(facts: &PrincipalFacts) -> String {
    let time = |time: Option<KerberosTime>| time.map_or(0, KerberosTime::unix_seconds);
    let by = facts.mod_by.as_ref().map_or_else(String::new, shown);
    let kvno = facts.keys.iter().map(|key| key.kvno).max().unwrap_or(0);
    let mut text = format!(
        "\"{}\"\t{}\t{}\t{}\t{}\t\"{by}\"\t{}\t{}\t{kvno}\t{}\t\"{}\"\t{}\t{}\t{}\t{}\t{}",
        shown(&facts.principal),
        time(facts.expiration),
        time(facts.last_pw_change),
        time(facts.pw_expiration),
        facts.max_life,
        facts.mod_time.unix_seconds(),
        facts.attributes.0,
        facts.master_kvno,
        facts
            .policy
            .as_deref()
            .map_or_else(|| "[none]".to_owned(), escape),
        facts.max_renewable_life,
        time(facts.last_success),
        time(facts.last_failed),
        facts.fail_auth_count,
        facts.keys.len(),
    );
    for key in &facts.keys {
        let salt = match key.salt.as_str() {
            "" => 0,
            "norealm" => 2,
            "onlyrealm" => 3,
            _ => 4,
        };
        let version = if salt == 0 { 1 } else { 2 };
        let _ = write!(text, "\t{version}\t{}\t{}\t{salt}", key.kvno, key.enctype.0);
    }
    text.push('\n');
    text
}

/// `Tue Nov 24 23:11:34 UTC 2026`
fn date(time: KerberosTime, zone: &TimeZone) -> String {
    match Timestamp::from_second(time.unix_seconds()) {
        Ok(time) => time
            .to_zoned_datetime(zone.clone())
            .strftime("%a %b %d %H:%M:%S %Z %Y")
            .to_string(),
        Err(_) => format!("@{}", time.unix_seconds()),
    }
}

/// `1 day 02:00:00`
fn life(seconds: i64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let unit = if days == 1 { "day" } else { "days" };
    format!(
        "{days} {unit} {:02}:{:02}:{:02}",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use kerbside_asn1::Principal;
    use kerbside_crypto::EncryptionType;
    use kerbside_kdc::Attributes;
    use kerbside_server::admin::KeyFacts;

    use super::*;

    fn facts() -> PrincipalFacts {
        let at = |seconds| KerberosTime::from_unix_seconds(seconds);
        PrincipalFacts {
            principal: Principal::new("EXAMPLE.TEST", &["alice"]),
            aliases: Vec::new(),
            keys: [(5, 18, ""), (4, 17, "norealm")]
                .map(|(kvno, enctype, salt)| KeyFacts {
                    kvno,
                    enctype: EncryptionType(enctype),
                    salt: salt.to_owned(),
                })
                .to_vec(),
            master_kvno: 1,
            attributes: Attributes(1_049_152),
            max_life: 3600,
            max_renewable_life: 0,
            expiration: Some(at(1_798_761_600)),
            pw_expiration: None,
            last_pw_change: Some(at(1_795_561_894)),
            last_success: None,
            last_failed: None,
            fail_auth_count: 0,
            mod_time: at(1_795_561_894),
            mod_by: Some(Principal::new("EXAMPLE.TEST", &["root", "admin"])),
            policy: None,
            strings: std::collections::BTreeMap::new(),
        }
    }

    /// The text MIT krb5 1.20.1 prints for the same principal.
    #[test]
    fn as_mit_prints_it() {
        assert_eq!(
            full(&facts(), &TimeZone::UTC),
            "\
Principal: alice@EXAMPLE.TEST
Expiration date: Fri Jan 01 00:00:00 UTC 2027
Last password change: Tue Nov 24 23:11:34 UTC 2026
Password expiration date: [never]
Maximum ticket life: 0 days 01:00:00
Maximum renewable life: 0 days 00:00:00
Last modified: Tue Nov 24 23:11:34 UTC 2026 (root/admin@EXAMPLE.TEST)
Last successful authentication: [never]
Last failed authentication: [never]
Failed password attempts: 0
Number of keys: 2
Key: vno 5, aes256-cts-hmac-sha1-96
Key: vno 4, aes128-cts-hmac-sha1-96:norealm
MKey: vno 1
Attributes: DISALLOW_ALL_TIX REQUIRES_PWCHANGE OK_AS_DELEGATE
Policy: [none]
"
        );
        assert_eq!(
            terse(&facts()),
            "\"alice@EXAMPLE.TEST\"\t1798761600\t1795561894\t0\t3600\t\"root/admin@EXAMPLE.TEST\"\t1795561894\t1049152\
             \t5\t1\t\"[none]\"\t0\t0\t0\t0\t2\t1\t5\t18\t0\t2\t4\t17\t2\n"
        );
        assert_eq!(life(93_600), "1 day 02:00:00");
    }
}
