//! The options of `add_principal`, `modify_principal` and `change_password`.

use jiff::tz::TimeZone;
use kerbside_asn1::KerberosTime;
use kerbside_crypto::Password;
use kerbside_formats::keysalt::{KeySalt, parse_keysalts};
use kerbside_server::admin::{KeyChoice, PrincipalChange};
use kerbside_server::clock;

use super::dates;

/// Where a principal's keys are to come from.
#[derive(Clone, Debug, Default)]
pub(super) enum Keys {
    /// A password that is asked for.
    #[default]
    Ask,
    /// One of the others.
    Given(KeyChoice),
}

/// What `add_principal` and `modify_principal` are told.
#[derive(Debug, Default)]
pub(super) struct PrincipalOptions {
    pub(super) keys: Keys,
    pub(super) keysalts: Option<Vec<KeySalt>>,
    pub(super) change: PrincipalChange,
    /// `-clearpolicy`: no remark about a policy that is not there.
    pub(super) no_policy_wanted: bool,
    pub(super) name: String,
}

/// Why options are refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// They make no sense; the usage is shown.
    Usage,
    /// Something is said first, then the usage is shown.
    Said(String),
    /// Understood, but not offered.
    NotBuilt(String),
}

/// Whose options these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    Add,
    Modify,
}

pub(super) fn parse(words: &[String], whose: For) -> Result<PrincipalOptions, Refused> {
    let now = clock::now().time;
    let zone = TimeZone::system();
    let mut found = PrincipalOptions::default();
    let mut rest = words.iter();
    let mut name = None;
    while let Some(word) = rest.next() {
        if name.is_some() {
            // MIT takes the last word alone for the name.
            return Err(Refused::Usage);
        }
        let mut value = || rest.next().map(String::as_str).ok_or(Refused::Usage);
        match word.as_str() {
            "-expire" => found.change.expiration = Some(date(value()?, now, &zone)?),
            "-pwexpire" => found.change.pw_expiration = Some(date(value()?, now, &zone)?),
            "-maxlife" => found.change.max_life = Some(length(value()?, now, &zone)?),
            "-maxrenewlife" => found.change.max_renewable_life = Some(length(value()?, now, &zone)?),
            "-kvno" => {
                let text = value()?;
                let kvno = text.parse().ok().filter(|kvno| *kvno > 0);
                let kvno =
                    kvno.ok_or_else(|| Refused::Said(format!("Invalid key version number \"{text}\".")))?;
                found.change.kvno = Some(kvno);
            }
            "-policy" => {
                return Err(Refused::NotBuilt(format!(
                    "-policy {}: policies are not built yet",
                    value()?
                )));
            }
            "-clearpolicy" => found.no_policy_wanted = true,
            "-x" => {
                return Err(Refused::NotBuilt(format!(
                    "-x {}: arguments of other databases are not built",
                    value()?
                )));
            }
            "-unlock" if whose == For::Modify => found.change.unlock = true,
            "-pw" if whose == For::Add => {
                found.keys = Keys::Given(KeyChoice::Password(Password::from(value()?)));
            }
            "-randkey" if whose == For::Add => found.keys = Keys::Given(KeyChoice::Random),
            "-nokey" if whose == For::Add => found.keys = Keys::Given(KeyChoice::NoKey),
            "-e" if whose == For::Add => found.keysalts = Some(keysalts(value()?)?),
            flag if flag.len() > 1 && flag.starts_with(['+', '-']) => {
                if !found.change.flag(flag) {
                    return Err(Refused::Usage);
                }
            }
            other => name = Some(other.to_owned()),
        }
    }
    found.name = name.ok_or(Refused::Usage)?;
    Ok(found)
}

/// A keysalt list; what kerbside does not compute is named.
pub(super) fn keysalts(text: &str) -> Result<Vec<KeySalt>, Refused> {
    parse_keysalts(text).map_err(|error| Refused::NotBuilt(format!("-e {text}: {error}")))
}

fn date(text: &str, now: KerberosTime, zone: &TimeZone) -> Result<Option<KerberosTime>, Refused> {
    dates::date(text, now, zone).ok_or_else(|| invalid(text))
}

fn length(text: &str, now: KerberosTime, zone: &TimeZone) -> Result<i64, Refused> {
    dates::length(text, now, zone).ok_or_else(|| invalid(text))
}

fn invalid(text: &str) -> Refused {
    Refused::Said(format!("Invalid date specification \"{text}\"."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerbside_kdc::Attributes;

    fn parsed(line: &str, whose: For) -> Result<PrincipalOptions, Refused> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        parse(&words, whose)
    }

    #[test]
    fn options_in_any_order_before_the_name() -> Result<(), Refused> {
        let found = parsed(
            "-pw x +requires_preauth -maxlife 1h -e aes256-cts:normal -allow_svr alice",
            For::Add,
        )?;
        assert_eq!(found.name, "alice");
        assert_eq!(found.change.max_life, Some(3600));
        assert_eq!(
            found.change.set,
            Attributes::REQUIRES_PRE_AUTH | Attributes::DISALLOW_SVR
        );
        assert_eq!(found.keysalts.map(|list| list.len()), Some(1));
        assert!(matches!(found.keys, Keys::Given(KeyChoice::Password(_))));
        Ok(())
    }

    #[test]
    fn what_is_refused_and_how() {
        for (line, whose) in [
            ("-foo x", For::Add),
            ("+foo x", For::Modify),
            ("-pw x", For::Add),
            ("-pw x y", For::Modify),
            ("a b", For::Add),
            ("-unlock a", For::Add),
        ] {
            assert_eq!(parsed(line, whose).err(), Some(Refused::Usage), "{line}");
        }
        assert!(matches!(
            parsed("-policy p a", For::Add),
            Err(Refused::NotBuilt(_))
        ));
        assert!(matches!(
            parsed("-e des-cbc-md5 a", For::Add),
            Err(Refused::NotBuilt(_))
        ));
        let said = Refused::Said("Invalid date specification \"foo\".".to_owned());
        assert_eq!(parsed("-expire foo a", For::Modify).err(), Some(said));
        assert!(matches!(parsed("-kvno 0 a", For::Add), Err(Refused::Said(_))));
    }
}
