//! An identity without a kinit: tickets by the client keytab, shared with MIT's GSS-API; one exchange for many askers.

use std::sync::Arc;

use kerbside_client::{
    AcquireOptions, AsyncClient, CacheName, Client, Config, Environment, KeytabName, ServiceTicketOptions,
};

use super::{case, expect};
use crate::realm::{Options, Realm, Side};
use crate::run::{Env, Program};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "client keytab: tickets without a kinit, refreshed at half their life",
            ours,
        ),
        case(
            "client keytab: caches of MIT's GSS-API are used, and ours by it",
            with_gss,
        ),
        case("client keytab: many askers, one exchange", once),
    ]
}

/// The realm, the environment with a client keytab of alice's, and our library in that environment.
pub(super) struct Scene {
    pub(super) realm: Realm,
    pub(super) env: Env,
    pub(super) config: Arc<Config>,
    pub(super) cache: CacheName,
}

impl Scene {
    pub(super) fn new(suite: &Suite) -> Result<Self, String> {
        let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
        let keytab = format!("FILE:{}", realm.path("alice.keytab").display());
        let cache = format!("FILE:{}", realm.path("own.cc").display());
        let env = realm
            .env
            .with("KRB5_CLIENT_KTNAME", &keytab)
            .with("KRB5CCNAME", &cache);
        let config = Config::load(Environment {
            config: Some(realm.path("krb5.conf").into()),
            ccache_name: Some(cache.clone().into()),
            client_keytab_name: Some(keytab.into()),
            ..Environment::default()
        });
        Ok(Self {
            env,
            config: Arc::new(config.map_err(|e| e.to_string())?),
            cache: CacheName::parse(cache.as_ref()),
            realm,
        })
    }

    /// How many tickets of a kind the KDC has issued: `AS_REQ` or `TGS_REQ`, for a server.
    pub(super) fn issued(&self, kind: &str, server: &str) -> usize {
        let log = self.realm.log();
        let lines = log.lines();
        lines
            .filter(|line| line.contains(kind) && line.contains("ISSUE") && line.contains(server))
            .count()
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn ours(suite: &Suite) -> Result<(), String> {
    let scene = Scene::new(suite)?;
    let client = Client::new(Arc::clone(&scene.config));
    let options = AcquireOptions::new();
    let first = client.acquire(&options).map_err(words)?;
    expect(
        first.from_keytab && first.cache == scene.cache,
        &format!("a login: {first:?}"),
    )?;
    scene
        .realm
        .mit("klist")
        .ok(&scene.env)?
        .prints(&["Default principal: alice@CONFORM.TEST", "krbtgt/CONFORM.TEST"])?;
    scene
        .realm
        .mit("klist")
        .args("-C")
        .ok(&scene.env)?
        .prints(&["config: refresh_time = "])?;
    scene.realm.mit("kvno").args("HTTP/localhost").ok(&scene.env)?;
    // The ticket is good: nothing is asked.
    let second = client.acquire(&options).map_err(words)?;
    expect(!second.from_keytab, &format!("the same ticket: {second:?}"))?;
    expect(
        scene.issued("AS_REQ", "krbtgt") == 1,
        "one login in the KDC's log",
    )?;
    // Half of its life is over: another.
    let set = |value: &str| {
        client
            .store()
            .set_config(&scene.cache, "refresh_time", None, value.as_bytes())
            .map_err(words)
    };
    set("1")?;
    let third = client.acquire(&options).map_err(words)?;
    expect(third.from_keytab, &format!("a new ticket: {third:?}"))?;
    expect(
        scene.issued("AS_REQ", "krbtgt") == 2,
        "two logins in the KDC's log",
    )?;
    // With the KDC gone the old one still serves, and for a while nobody asks again.
    let mut scene = scene;
    if let Some(kdc) = scene.realm.kdc.take() {
        kdc.kill();
    }
    client
        .store()
        .set_config(&scene.cache, "refresh_time", None, b"1")
        .map_err(words)?;
    let timing = kerbside_client::Timing {
        total: std::time::Duration::from_secs(1),
        ..kerbside_client::Timing::default()
    };
    let client = client.with_timing(timing);
    for attempt in ["fails quietly", "is put off"] {
        let kept = client.acquire(&options).map_err(words)?;
        expect(!kept.from_keytab, &format!("the refresh {attempt}: {kept:?}"))?;
    }
    // Without a cache and without a client keytab the cache's absence is the error.
    client.store().destroy(&scene.cache).map_err(words)?;
    let nowhere = KeytabName::file(scene.realm.path("none.keytab"));
    let error = client.acquire(&AcquireOptions::new().with_client_keytab(nowhere));
    let error = error.err().map(words).unwrap_or_default();
    expect(error.ends_with("own.cc: not found"), &error)
}

const GSS: &str = "import gssapi; c = gssapi.Credentials(usage='initiate'); print(c.name, c.lifetime > 100)";

fn with_gss(suite: &Suite) -> Result<(), String> {
    let scene = Scene::new(suite)?;
    let client = Client::new(Arc::clone(&scene.config));
    let gss = || {
        Program::new("/usr/bin/python3")
            .args("-c")
            .arg(GSS)
            .ok(&scene.env)?
            .prints(&["alice@CONFORM.TEST True"])
            .map(drop)
    };
    gss()?;
    let found = client.acquire(&AcquireOptions::new()).map_err(words)?;
    expect(
        !found.from_keytab && found.cache == scene.cache,
        &format!("MIT's ticket: {found:?}"),
    )?;
    expect(scene.issued("AS_REQ", "krbtgt") == 1, "MIT's login alone")?;
    // Its refresh time is heeded.
    client
        .store()
        .set_config(&scene.cache, "refresh_time", None, b"1")
        .map_err(words)?;
    let found = client.acquire(&AcquireOptions::new()).map_err(words)?;
    expect(found.from_keytab, &format!("our ticket: {found:?}"))?;
    gss()?;
    expect(scene.issued("AS_REQ", "krbtgt") == 2, "MIT took ours")?;
    // And ours by MIT, which then logs in itself.
    client
        .store()
        .set_config(&scene.cache, "refresh_time", None, b"1")
        .map_err(words)?;
    gss()?;
    expect(scene.issued("AS_REQ", "krbtgt") == 3, "MIT refreshed ours")
}

fn once(suite: &Suite) -> Result<(), String> {
    let scene = Scene::new(suite)?;
    let client = Client::new(Arc::clone(&scene.config));
    let server = |name: &str| scene.config.parse_principal(name).map_err(words);
    let (http, host) = (server("HTTP/localhost")?, server("host/localhost")?);
    let options = ServiceTicketOptions::default();
    let ask = || -> Result<(), String> {
        let found = client.acquire(&AcquireOptions::new()).map_err(words)?;
        let ticket = client.get_service_ticket(&found.cache, &http, &options);
        ticket.map(drop).map_err(words)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        let mut results = threads.into_iter().map(|thread| thread.join());
        results.try_for_each(|result| result.map_err(|_| "a panic".to_owned())?)
    })?;
    expect(
        scene.issued("AS_REQ", "krbtgt") == 1,
        "sixteen threads, one login",
    )?;
    expect(
        scene.issued("TGS_REQ", "HTTP/localhost") == 1,
        "sixteen threads, one service ticket",
    )?;
    let client = AsyncClient::new(Arc::clone(&scene.config));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(words)?;
    runtime.block_on(async {
        let tasks: Vec<_> = (0..16)
            .map(|number| {
                let (client, cache, host) = (client.clone(), scene.cache.clone(), host.clone());
                let task = tokio::spawn(async move {
                    client
                        .get_service_ticket(&cache, &host, &ServiceTicketOptions::default())
                        .await
                });
                // Some lose patience at once: the others still get their ticket.
                if number % 5 == 0 {
                    task.abort();
                }
                task
            })
            .collect();
        for task in tasks {
            match task.await {
                Ok(ticket) => drop(ticket.map_err(words)?),
                Err(error) => expect(error.is_cancelled(), "a panic")?,
            }
        }
        Ok::<(), String>(())
    })?;
    let issued = scene.issued("TGS_REQ", "host/localhost");
    // One more when a task was dropped while its request was on the way.
    expect(
        (1..=2).contains(&issued),
        &format!("sixteen tasks, {issued} tickets"),
    )?;
    let listing = scene.realm.mit("klist").ok(&scene.env)?;
    let count = listing.stdout.matches("host/localhost").count();
    expect(count == 1, &format!("stored once: {listing}"))
}
