//! `add_entry`: a key from a password with the default salt, a given one or the KDC's; or a key typed as digits.

use std::io::IsTerminal as _;
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_client::{Client, Config, Environment, Error, TgtRequest};
use kerbside_crypto::{EncryptionType, IterationLimits, Key, LongTermKey, Password};
use kerbside_formats::keytab::KeytabEntry;
use kerbside_protocol::KeyParams;
use zeroize::Zeroizing;

use super::Refused;
use crate::diagnosis::{Doing, explain};
use crate::output::{self, Report};
use crate::prompt;

/// MIT's ending of each message.
const WHAT: &str = "while adding new entry";

/// Where the key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Password,
    Key,
}

/// The salt of a password's key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SaltOf {
    Default,
    Given(String),
    Kdc,
}

#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    from: Source,
    principal: String,
    kvno: String,
    enctype: Option<String>,
    salt: SaltOf,
}

fn parse(words: &[String]) -> Option<Arguments> {
    let (mut from, mut principal, mut kvno, mut enctype) = (None, None, None, None);
    let (mut salt, mut fetch) = (None, false);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-password" if from.is_none() => from = Some(Source::Password),
            "-key" if from.is_none() => from = Some(Source::Key),
            "-p" if principal.is_none() => principal = Some(rest.next()?.clone()),
            "-k" if kvno.is_none() => kvno = Some(rest.next()?.clone()),
            "-e" if enctype.is_none() => enctype = Some(rest.next()?.clone()),
            "-s" if salt.is_none() => salt = Some(rest.next()?.clone()),
            "-f" if !fetch => fetch = true,
            _ => return None,
        }
    }
    let salt = match (salt, fetch) {
        (None, false) => SaltOf::Default,
        (Some(salt), false) => SaltOf::Given(salt),
        (None, true) => SaltOf::Kdc,
        (Some(_), true) => return None,
    };
    Some(Arguments {
        from: from?,
        principal: principal?,
        kvno: kvno?,
        enctype,
        salt,
    })
}

/// The entry that the words of the request ask for.
pub(super) fn entry(request: &str, words: &[String]) -> Result<KeytabEntry, Refused> {
    let Some(arguments) = parse(words) else {
        return Err(Refused::line(format!(
            "usage: {request} (-key | -password) -p principal -k kvno [-e enctype] [-f|-s salt]"
        )));
    };
    if arguments.enctype.is_none() && arguments.salt != SaltOf::Kdc {
        return Err(Refused::line("enctype must be specified if not using -f"));
    }
    made(request, &arguments)
}

fn made(request: &str, arguments: &Arguments) -> Result<KeytabEntry, Refused> {
    let failed = |error: &Error| Refused::from(explain(error, &Doing::new(WHAT)));
    let config = Config::load(Environment::from_process()).map_err(|error| failed(&error))?;
    let checked = checked(request, arguments, &config);
    if checked.is_err() && !std::io::stdin().is_terminal() {
        // The secret's line would be taken for a request, and shown.
        let _ = prompt::password("");
    }
    let (principal, kvno, enctype) = checked?;
    let shown = output::escape(&principal.to_string());
    let ask = |text: String| {
        prompt::password(&text).map_err(|error| {
            Refused::from(Report::new(format!("Cannot read password {WHAT}")).evidence(error.to_string()))
        })
    };
    let key = match arguments.from {
        Source::Password => {
            let password = ask(format!("Password for {shown}: "))?;
            let params = params(arguments, &principal, enctype, &config)?;
            derive(&params, &password, &config)?
        }
        Source::Key => {
            let digits = ask(format!("Key for {shown} (hex): "))?;
            let Some(enctype) = enctype else {
                return Err(Refused::line("enctype must be specified if not using -f"));
            };
            typed(request, enctype, digits.expose_secret(), &config)?
        }
    };
    // Keytabs count seconds in 32 bits.
    let now = u32::try_from(kerbside_client::now().seconds()).unwrap_or(0);
    Ok(KeytabEntry::new(principal, kvno, now, key))
}

/// What can be refused before anybody types a secret.
fn checked(
    request: &str,
    arguments: &Arguments,
    config: &Config,
) -> Result<(Principal, u32, Option<EncryptionType>), Refused> {
    let principal = config
        .parse_principal(arguments.principal.as_bytes())
        .map_err(|error| explain(&error, &Doing::new(WHAT)))?;
    let kvno = arguments.kvno.parse().map_err(|_| {
        Refused::line(format!(
            "{request}: key version number: expected a number from 0 to {}, but found \"{}\" {WHAT}",
            u32::MAX,
            arguments.kvno
        ))
    })?;
    let enctype = match &arguments.enctype {
        None => None,
        Some(name) => Some(
            EncryptionType::from_name(name)
                .filter(|enctype| enctype.is_implemented())
                .ok_or_else(|| Refused::line(format!("{request}: Bad encryption type {WHAT}")))?,
        ),
    };
    Ok((principal, kvno, enctype))
}

fn params(
    arguments: &Arguments,
    principal: &Principal,
    enctype: Option<EncryptionType>,
    config: &Config,
) -> Result<KeyParams, Refused> {
    let of = |enctype, salt| KeyParams {
        enctype,
        salt,
        s2kparams: None,
    };
    match (&arguments.salt, enctype) {
        (SaltOf::Default, Some(enctype)) => Ok(of(enctype, principal.default_salt())),
        (SaltOf::Given(salt), Some(enctype)) => Ok(of(enctype, salt.clone().into_bytes())),
        (SaltOf::Kdc, _) => fetched(principal, enctype, config),
        (_, None) => Err(Refused::line("enctype must be specified if not using -f")),
    }
}

/// The KDC's first choice among the enctypes asked for.
fn fetched(
    principal: &Principal,
    enctype: Option<EncryptionType>,
    config: &Config,
) -> Result<KeyParams, Refused> {
    let mut doing = Doing::new(WHAT).with_config(config);
    doing.client = Some(principal.clone());
    let client = Client::new(Arc::new(config.clone()));
    let request = TgtRequest::new(principal.clone());
    let candidates = client
        .get_key_params(&request, enctype.map(|enctype| vec![enctype]))
        .map_err(|error| explain(&error, &doing))?;
    candidates
        .into_iter()
        .next()
        .ok_or_else(|| Report::new(format!("KDC has no support for encryption type {WHAT}")).into())
}

fn derive(params: &KeyParams, password: &Password, config: &Config) -> Result<LongTermKey, Refused> {
    params
        .derive_with_policy(password, &IterationLimits::default(), &config.enctype_policy())
        .map_err(|error| Report::new(format!("{error} {WHAT}")).into())
}

fn typed(
    request: &str,
    enctype: EncryptionType,
    digits: &[u8],
    config: &Config,
) -> Result<LongTermKey, Refused> {
    let illegal = || Refused::line(format!("{request}: Illegal character in key."));
    let nibble = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    // Reserved at once: a growing vector would leave copies behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks(2) {
        let &[high, low] = pair else { return Err(illegal()) };
        let (high, low) = (
            nibble(high).ok_or_else(illegal)?,
            nibble(low).ok_or_else(illegal)?,
        );
        octets.push(high << 4 | low);
    }
    Key::with_policy(enctype, &octets, &config.enctype_policy())
        .map(LongTermKey::from)
        .map_err(|error| Report::new(format!("{error} {WHAT}")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<Arguments> {
        parse(&crate::words::split(line).unwrap_or_default())
    }

    #[test]
    fn options_are_mits() {
        assert_eq!(
            parsed("-password -p alice -k 3 -e aes128-cts -s \"my salt\""),
            Some(Arguments {
                from: Source::Password,
                principal: "alice".to_owned(),
                kvno: "3".to_owned(),
                enctype: Some("aes128-cts".to_owned()),
                salt: SaltOf::Given("my salt".to_owned()),
            })
        );
        assert_eq!(
            parsed("-password -p alice -k 3 -f").map(|found| found.salt),
            Some(SaltOf::Kdc)
        );
        for wrong in [
            "",
            "-p alice -k 1 -e aes128-cts",
            "-password -key -p alice -k 1 -e aes128-cts",
            "-password -k 1 -e aes128-cts",
            "-password -p alice -e aes128-cts",
            "-password -p alice -k",
            "-password -p alice -k 1 -s a -f",
            "-password -p alice -k 1 -e aes128-cts extra",
        ] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
