//! A background renewer against a KDC, with tickets of a few seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kerbside_client::{
    AsyncClient, CacheName, Client, KeytabName, Renewer, RenewerOptions, RenewerStatus, Secret, TgtRequest,
};

use super::client_keytab::Scene;
use super::{case, expect};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("renewer: renews, and logs in where that is over", blocking),
        case("renewer: on tokio, and with the KDC gone", tokio),
    ]
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn request(scene: &Scene, lifetime: i64, renewable: i64) -> Result<TgtRequest, String> {
    let alice = scene.config.parse_principal("alice").map_err(words)?;
    let mut request = TgtRequest::new(alice);
    request.lifetime_seconds = Some(lifetime);
    request.renew_lifetime_seconds = Some(renewable);
    Ok(request)
}

fn keytab(scene: &Scene) -> KeytabName {
    KeytabName::file(scene.realm.path("alice.keytab"))
}

fn login(scene: &Scene, client: &Client, request: &TgtRequest) -> Result<(), String> {
    let mut secret = Secret::keytab(&keytab(scene)).map_err(words)?;
    let ticket = client.get_tgt(request, &mut secret).map_err(words)?;
    client.initialize_cache(&scene.cache, &ticket).map_err(words)
}

/// Waits until the renewer's status is as wanted.
fn until(
    renewer: &Renewer,
    seconds: u64,
    what: &str,
    wanted: impl Fn(&RenewerStatus) -> bool,
) -> Result<RenewerStatus, String> {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let status = renewer.status();
        if wanted(&status) {
            return Ok(status);
        }
        if Instant::now() > end {
            return Err(format!("{what} within {seconds} s, but found {status:?}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn quick() -> RenewerOptions {
    RenewerOptions::new().with_interval_min(Duration::from_secs(1))
}

fn blocking(suite: &Suite) -> Result<(), String> {
    let scene = Scene::new(suite)?;
    let client = Client::new(Arc::clone(&scene.config));
    // Six seconds, renewable for eight: one renewal, then only a login helps.
    let request = request(&scene, 6, 8)?;
    login(&scene, &client, &request)?;
    let tgt = |cache: &CacheName| -> Result<_, String> {
        let cache = client.store().read(cache).map_err(words)?;
        cache.credentials().next().cloned().ok_or("no ticket".to_owned())
    };
    let before = tgt(&scene.cache)?;
    let options = quick().with_login(request, keytab(&scene));
    let renewer = client.start_renewer(&scene.cache, options).map_err(words)?;
    let (events, heard) = std::sync::mpsc::channel();
    renewer.on_event(move |event| drop(events.send(format!("{event:?}"))));
    until(&renewer, 6, "a renewal", |status| status.renewals == 1)?;
    let after = tgt(&scene.cache)?;
    expect(
        after.auth_time == before.auth_time && after.start_time > before.start_time,
        "the renewed ticket keeps its authentication time alone",
    )?;
    until(&renewer, 8, "a login", |status| status.logins == 1)?;
    let fresh = tgt(&scene.cache)?;
    expect(fresh.auth_time > after.auth_time, "a ticket of a new login")?;
    scene.realm.mit("klist").args("-s").ok(&scene.env)?;
    let heard: Vec<String> = heard.try_iter().collect();
    expect(
        matches!(heard.as_slice(), [first, second, ..] if first.starts_with("Renewed") && second.starts_with("LoggedIn")),
        &format!("the events: {heard:?}"),
    )?;
    drop(renewer);
    // A step that was under way is over by then; after it the KDC hears nothing more.
    std::thread::sleep(Duration::from_millis(300));
    let quiet = scene.realm.log().len();
    std::thread::sleep(Duration::from_secs(4));
    expect(
        scene.realm.log().len() == quiet,
        "silence after the renewer is dropped",
    )
}

fn tokio(suite: &Suite) -> Result<(), String> {
    let mut scene = Scene::new(suite)?;
    let client = Client::new(Arc::clone(&scene.config));
    let request = request(&scene, 4, 600)?;
    login(&scene, &client, &request)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(words)?;
    let patience = kerbside_client::Timing {
        total: Duration::from_secs(1),
        ..kerbside_client::Timing::default()
    };
    let asynchronous = AsyncClient::new(Arc::clone(&scene.config)).with_timing(patience);
    let guard = runtime.enter();
    let renewer = asynchronous.start_renewer(&scene.cache, quick());
    drop(guard);
    until(&renewer, 5, "a renewal", |status| status.renewals == 1)?;
    if let Some(kdc) = scene.realm.kdc.take() {
        kdc.kill();
    }
    let failed = until(&renewer, 8, "a failure", |status| status.failures > 0)?;
    let error = failed.last_error.map(words).unwrap_or_default();
    expect(error.contains("no KDC of realm CONFORM.TEST answered"), &error)?;
    // The ticket ends; without a keytab there is nothing to be done but to say so.
    let stuck = until(&renewer, 8, "an end", |status| {
        status
            .last_error
            .as_ref()
            .is_some_and(|error| words(error).contains("no keytab to log in with"))
    })?;
    expect(stuck.next.is_none(), "nothing is planned")
}
