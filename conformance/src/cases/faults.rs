//! A real KDC behind a faulty network: a login survives it, or reports it within its deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kerbside_client::{CacheName, Client, Config, Environment, Error, Secret, TgtRequest, Timing};
use kerbside_crypto::Password;

use super::{case, expect, full_case};
use crate::fault::{Datagrams, Relay, Streams, Way, honest, lost};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::{Case, Suite};

/// Short, so that each fault takes a second at most.
const TIMING: Timing = Timing {
    per_address: Duration::from_millis(100),
    first_pause: Duration::from_millis(100),
    passes: 4,
    total: Duration::from_millis(1500),
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "faults: datagrams lost, doubled, late and out of order are survived",
            datagrams,
        ),
        full_case(
            "faults: connections cut, slow and false are survived by datagrams",
            streams,
        ),
        case(
            "faults: a KDC that cannot be reached is reported within the deadline",
            reported,
        ),
        full_case("faults: kinit and kvno with the usual deadlines", programs),
    ]
}

/// What a login through the relay gave, and how long it took.
struct Outcome {
    result: Result<(), Error>,
    took: Duration,
}

/// A login and a service ticket by the library, through a relay with these faults.
fn login(realm: &Realm, faults: Datagrams, streams: Streams) -> Result<Outcome, String> {
    let relay = Relay::start(realm.port, faults, streams)?;
    let text = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let text = text.replace(
        &format!("kdc = 127.0.0.1:{}", realm.port),
        &format!("kdc = 127.0.0.1:{}", relay.port),
    );
    let config = Config::from_text(&text, "krb5.conf", Environment::default()).map_err(|e| e.to_string())?;
    let client = Client::new(Arc::new(config)).with_timing(TIMING);
    let start = Instant::now();
    let result = tickets(&client);
    Ok(Outcome {
        result,
        took: start.elapsed(),
    })
}

fn tickets(client: &Client) -> Result<(), Error> {
    let alice = client.config().parse_principal("alice")?;
    let mut secret = Secret::Password(Password::from(PASSWORD));
    let tgt = client.get_tgt(&TgtRequest::new(alice), &mut secret)?;
    let cache = CacheName::Memory("faults".to_owned());
    client.initialize_cache(&cache, &tgt)?;
    let service = client.config().parse_principal("HTTP/localhost")?;
    client
        .get_service_ticket(&cache, &service, &Default::default())
        .map(drop)
}

fn survived(realm: &Realm, name: &str, faults: Datagrams, streams: Streams) -> Result<(), String> {
    let outcome = login(realm, faults, streams)?;
    outcome.result.map_err(|e| {
        format!(
            "{name}: expected tickets, but found after {:?}: {e}",
            outcome.took
        )
    })
}

/// Each copy of a datagram, after so many milliseconds.
fn copies(bytes: &[u8], millis: &[u64]) -> Vec<(u64, Vec<u8>)> {
    millis.iter().map(|after| (*after, bytes.to_vec())).collect()
}

/// There are no connections: what is lost must be sent again.
fn datagrams(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let every: Vec<(&str, Datagrams)> = vec![
        ("none", honest()),
        (
            "every second request is lost",
            Box::new(|way, count, bytes| {
                let lost = way == Way::ToKdc && count % 2 == 0;
                copies(bytes, if lost { &[] } else { &[0] })
            }),
        ),
        (
            "every second answer is lost",
            Box::new(|way, count, bytes| {
                let lost = way == Way::ToClient && count % 2 == 0;
                copies(bytes, if lost { &[] } else { &[0] })
            }),
        ),
        ("all come twice", Box::new(|_, _, bytes| copies(bytes, &[0, 0]))),
        (
            "all come again later",
            Box::new(|_, _, bytes| copies(bytes, &[0, 90, 180, 300])),
        ),
        ("all are late", Box::new(|_, _, bytes| copies(bytes, &[60]))),
        (
            "answers come after the request was sent again, the first one last",
            Box::new(|way, count, bytes| match (way, count % 2) {
                (Way::ToKdc, _) => copies(bytes, &[0]),
                (Way::ToClient, 0) => copies(bytes, &[400]),
                (Way::ToClient, _) => copies(bytes, &[20]),
            }),
        ),
    ];
    for (name, faults) in every {
        survived(&realm, name, faults, Streams::Refused)?;
    }
    Ok(())
}

/// Each first answer by datagram is lost, so that a connection is tried; a bad one must do no harm.
fn streams(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    survived(&realm, "datagrams all lost", lost(), Streams::Honest)?;
    survived(&realm, "a slow stream", lost(), Streams::Slow(1))?;
    for bad in [
        Streams::Silent,
        Streams::CutAfter(3),
        Streams::CutAfter(100),
        Streams::Slow(50),
        Streams::Claims(u32::MAX),
        Streams::Claims(100_000),
    ] {
        let faults: Datagrams = Box::new(|way, count, bytes| {
            let lost = way == Way::ToClient && count % 2 == 0;
            copies(bytes, if lost { &[] } else { &[0] })
        });
        survived(&realm, &format!("{bad:?}"), faults, bad)?;
    }
    Ok(())
}

fn reported(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    for bad in [
        Streams::Refused,
        Streams::Silent,
        Streams::CutAfter(100),
        Streams::Claims(100_000),
    ] {
        let outcome = login(&realm, lost(), bad)?;
        let error = match outcome.result {
            Ok(()) => return Err(format!("{bad:?}: tickets came through a dead network")),
            Err(error) => error.to_string(),
        };
        expect(
            outcome.took < TIMING.total + Duration::from_millis(700),
            &format!("{bad:?}: reported after {:?} only: {error}", outcome.took),
        )?;
        expect(
            error.contains("CONFORM.TEST"),
            &format!("{bad:?}: the error does not name the realm: {error}"),
        )?;
    }
    Ok(())
}

/// kinit's and kvno's own timing: every second answer is lost, then nothing answers at all.
fn programs(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let text = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let through = |relay: &Relay| {
        let text = text.replace(
            &format!("kdc = 127.0.0.1:{}", realm.port),
            &format!("kdc = 127.0.0.1:{}", relay.port),
        );
        crate::realm::write(&realm.path("relay.conf"), &text)?;
        Ok::<_, String>(realm.env.with("KRB5_CONFIG", realm.path("relay.conf")))
    };
    let relay = Relay::start(
        realm.port,
        Box::new(|way, count, bytes| {
            let lost = way == Way::ToClient && count % 2 == 0;
            copies(bytes, if lost { &[] } else { &[0] })
        }),
        Streams::Refused,
    )?;
    let env = through(&relay)?;
    let kinit = realm.ours("kinit").args("alice").stdin(&format!("{PASSWORD}\n"));
    kinit.ok(&env)?;
    realm.ours("kvno").args("HTTP/localhost").ok(&env)?;
    drop(relay);
    let relay = Relay::start(realm.port, lost(), Streams::Silent)?;
    let env = through(&relay)?;
    let start = Instant::now();
    kinit.fails(&env)?.complains(&[
        "Cannot contact any KDC for realm 'CONFORM.TEST'",
        &format!("127.0.0.1:{} udp", relay.port),
        &format!("127.0.0.1:{} tcp", relay.port),
    ])?;
    expect(
        start.elapsed() < Duration::from_secs(40),
        &format!("reported after {:?} only", start.elapsed()),
    )
}
