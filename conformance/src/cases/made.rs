//! Service tickets for another host and for later (PROXY and POSTDATED, RFC 4120 2.4 and 2.5), by the library.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kerbside_asn1::{AddressType, ErrorCode, KerberosTime, TicketFlags};
use kerbside_client::{CacheName, Client, Config, Environment, Error};
use kerbside_protocol::{Credential, ProtocolError};

use super::{case, expect, full_case};
use crate::realm::{Options, PASSWORD, Realm, Side, program, write};
use crate::run::Env;
use crate::{Case, Suite};

const SERVICE: &str = "HTTP/localhost";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "made: proxied and postdated service tickets are refused by MIT's KDC, or its answer is",
            mit,
        ),
        full_case(
            "made: proxied and postdated service tickets at Heimdal's KDC",
            heimdal,
        ),
    ]
}

/// Logs alice in with `flags` by a configuration that holds `text`, and gives back a client with it.
fn login(
    suite: &Suite,
    dir: &Path,
    env: &Env,
    text: &str,
    flags: &str,
    password: &str,
) -> Result<Client, String> {
    let conf = dir.join("made.conf");
    write(&conf, text)?;
    let env = env
        .with("KRB5_CONFIG", &conf)
        .with("KRB5CCNAME", format!("FILE:{}", dir.join("made.cc").display()));
    program(Side::Ours, &suite.bin, "kinit")
        .args(&format!("{flags} alice"))
        .stdin(&format!("{password}\n"))
        .ok(&env)?;
    let config = Config::from_text(text, "krb5.conf", Environment::default()).map_err(words)?;
    Ok(Client::new(Arc::new(config)))
}

fn cache(dir: &Path) -> CacheName {
    CacheName::File(dir.join("made.cc"))
}

/// The configuration with ALLOW-POSTDATE in each request: bit 5 of the KDC options (RFC 4120 5.4.1).
fn may_postdate(text: &str) -> String {
    let added = "[libdefaults]\n  kdc_default_options = 0x04000000";
    text.replacen("[libdefaults]", added, 1)
}

/// A ticket that begins in an hour.
fn ask_postdated(client: &Client, dir: &Path) -> Result<Result<Credential, Error>, String> {
    let server = client.config().parse_principal(SERVICE).map_err(words)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|e| e.to_string())?;
    let now = i64::try_from(now.as_secs()).map_err(|e| e.to_string())?;
    let start = KerberosTime::from_unix_seconds(now + 3600);
    let won = client.postdated(&cache(dir), &server, start);
    if let Ok(ticket) = &won {
        let ticket = &ticket.credential;
        let flags = TicketFlags::POSTDATED | TicketFlags::INVALID;
        expect(
            ticket.flags.contains(flags) && ticket.start_time == start && ticket.server == server,
            &format!("another ticket: {ticket:?}"),
        )?;
    }
    Ok(won.map(|ticket| ticket.credential))
}

/// Asks for a ticket bound to an address, and for one that is not.
fn proxied(client: &Client, dir: &Path, refusal: Option<ErrorCode>) -> Result<(), String> {
    let server = client.config().parse_principal(SERVICE).map_err(words)?;
    for addresses in [vec![], vec![(AddressType::IPV4, vec![127, 0, 0, 1])]] {
        match (client.proxy(&cache(dir), &server, addresses.clone()), refusal) {
            (Ok(ticket), None) => {
                let ticket = ticket.credential;
                expect(
                    ticket.flags.contains(TicketFlags::PROXY)
                        && ticket.addresses == addresses
                        && ticket.server == server,
                    &format!("another ticket: {ticket:?}"),
                )?;
            }
            (Err(error), Some(code)) => refused(&error, code)?,
            (other, _) => return Err(format!("refusal: {refusal:?}, but found {other:?}")),
        }
    }
    Ok(())
}

/// MIT's KDC gives no service tickets by PROXY at all, and to POSTDATED a ticket that begins now, which is refused.
fn mit(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let dir = realm.path("");
    let text = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let client = login(suite, &dir, &realm.env, &may_postdate(&text), "-p", PASSWORD)?;
    proxied(&client, &dir, Some(ErrorCode::KDC_ERR_SERVER_NOMATCH))?;
    let at_once = ask_postdated(&client, &dir)?;
    let told = at_once
        .map(drop)
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    expect(
        told.contains("start time as asked for"),
        &format!("the ticket begins at once and should be refused, but found {told:?}"),
    )
}

fn heimdal(suite: &Suite) -> Result<(), String> {
    let heimdal = suite.shared.heimdal()?;
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let text = std::fs::read_to_string(heimdal.path("krb5.conf")).map_err(|e| e.to_string())?;
    let client = login(
        suite,
        dir.path(),
        &heimdal.env,
        &may_postdate(&text),
        "-p",
        "Passw0rd-alice",
    )?;
    proxied(&client, dir.path(), None)?;
    let ticket = ask_postdated(&client, dir.path())?.map_err(words)?;
    let early = client.validate(ticket, 0).map(drop).err();
    refused(
        &early.ok_or("it was validated before its time")?,
        ErrorCode::KDC_ERR_POLICY,
    )?;

    let client = login(suite, dir.path(), &heimdal.env, &text, "-P", "Passw0rd-alice")?;
    proxied(&client, dir.path(), Some(ErrorCode::KDC_ERR_BADOPTION))?;
    let error = ask_postdated(&client, dir.path())?.map(drop).err();
    refused(
        &error.ok_or("a TGT that may not postdate did")?,
        ErrorCode::KDC_ERR_BADOPTION,
    )
}

fn refused(error: &Error, code: ErrorCode) -> Result<(), String> {
    let by_the_kdc = matches!(error, Error::Exchange { source, .. }
        if matches!(&**source, ProtocolError::Refused(refusal) if refusal.code == code));
    expect(
        by_the_kdc,
        &format!("the KDC should have said {code}, but found {error}"),
    )
}

fn words(error: Error) -> String {
    error.to_string()
}
