//! The library's two fronts against a realm with sockets: the same calls, the same results.

#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use std::sync::Arc;

use kerbside_client::{
    AsyncClient, CacheName, Client, Config, Environment, Error, KeytabName, Secret, ServiceTicketOptions,
    TgtRequest,
};
use kerbside_crypto::{EncryptionType, Password};
use kerbside_server::Realm;

fn realm() -> (Realm, Arc<Config>) {
    let realm = Realm::builder()
        .user("alice", "secret")
        .service("HTTP/localhost")
        .start()
        .unwrap();
    let environment = Environment {
        config: Some(realm.krb5_conf().into_os_string()),
        ..Environment::default()
    };
    let config = Arc::new(Config::load(environment).unwrap());
    (realm, config)
}

fn password(text: &str) -> Secret<'static> {
    Secret::Password(Password::from(text.to_owned()))
}

#[test]
fn blocking_with_a_cache_in_memory() {
    let (realm, config) = realm();
    let client = Client::new(Arc::clone(&config));
    let cache = CacheName::Memory("test".to_owned());
    let alice = config.parse_principal("alice").unwrap();
    let http = config.parse_principal("HTTP/localhost").unwrap();
    let tgt = client
        .get_tgt(&TgtRequest::new(alice), &mut password("secret"))
        .unwrap();
    assert!(tgt.preauthenticated);
    assert_eq!(tgt.attempts.len(), 1);
    client.initialize_cache(&cache, &tgt).unwrap();
    let options = ServiceTicketOptions::default();
    let first = client.get_service_ticket(&cache, &http, &options).unwrap();
    let second = client.get_service_ticket(&cache, &http, &options).unwrap();
    assert!(!first.from_cache && second.from_cache);
    assert_eq!(first.credential.ticket, second.credential.ticket);
    // Another enctype than the cached ticket's is another ticket.
    let mut other = ServiceTicketOptions::default();
    other.enctypes = Some(vec![EncryptionType::AES128_CTS_HMAC_SHA256_128]);
    let third = client.get_service_ticket(&cache, &http, &other).unwrap();
    assert!(!third.from_cache);
    assert_eq!(
        third.credential.session_key.enctype(),
        EncryptionType::AES128_CTS_HMAC_SHA256_128
    );
    // A clone meets it in memory, a client of its own does not.
    assert!(
        client
            .clone()
            .get_service_ticket(&cache, &http, &options)
            .unwrap()
            .from_cache
    );
    assert!(
        Client::new(config)
            .get_service_ticket(&cache, &http, &options)
            .is_err()
    );
    // The realm's own keytab opens what it issued.
    let keytab = kerbside_client::read_keytab(&KeytabName::file(realm.keytab()))
        .unwrap()
        .keytab;
    assert!(keytab.find(&http, None, None).is_some());
}

#[test]
fn tokio_on_one_thread_and_several_at_once() {
    let (realm, config) = realm();
    let client = AsyncClient::new(Arc::clone(&config));
    let alice = config.parse_principal("alice").unwrap();
    let http = config.parse_principal("HTTP/localhost").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let tgt = client
            .get_tgt(&TgtRequest::new(alice.clone()), &mut password("secret"))
            .await
            .unwrap();
        let cache = CacheName::File(realm.ccache());
        client.initialize_cache(&cache, &tgt).await.unwrap();
        let many: Vec<_> = (0..8)
            .map(|_| {
                let (client, cache, http) = (client.clone(), cache.clone(), http.clone());
                tokio::spawn(async move {
                    client
                        .get_service_ticket(&cache, &http, &ServiceTicketOptions::default())
                        .await
                })
            })
            .collect();
        for task in many {
            assert_eq!(task.await.unwrap().unwrap().credential.server, http);
        }
        let stored = client.read_cache(&cache).await.unwrap();
        assert!(stored.find(&http).is_some());
        // The future is Send, so that a server may hold it.
        let wrong = tokio::spawn(async move {
            client
                .get_tgt(&TgtRequest::new(alice), &mut password("wrong"))
                .await
                .map(drop)
        });
        assert!(matches!(wrong.await.unwrap(), Err(Error::Exchange { .. })));
    });
}

#[test]
fn by_keytab_and_renewed() {
    let (realm, config) = realm();
    let client = Client::new(Arc::clone(&config));
    let alice = config.parse_principal("alice").unwrap();
    let mut request = TgtRequest::new(alice.clone());
    request.renew_lifetime_seconds = Some(2 * 86_400);
    let mut secret = Secret::keytab(&KeytabName::file(realm.client_keytab())).unwrap();
    let tgt = client.get_tgt(&request, &mut secret).unwrap();
    let renewed = client.renew(tgt.credential.clone(), 0).unwrap();
    assert_eq!(renewed.credential.server, tgt.credential.server);
    assert_eq!(renewed.credential.renew_till, tgt.credential.renew_till);
    let nobody = TgtRequest::new(config.parse_principal("nobody").unwrap());
    assert!(matches!(
        client.get_tgt(&nobody, &mut secret),
        Err(Error::Keytab { .. })
    ));
}

#[test]
fn a_prompt_is_asked_only_when_the_kdc_wants_a_password() {
    let (_realm, config) = realm();
    let client = Client::new(Arc::clone(&config));
    let mut asked = Vec::new();
    let mut prompt = Secret::Prompt(Box::new(|principal| {
        asked.push(principal.to_string());
        Ok(Password::from("secret".to_owned()))
    }));
    let nobody = TgtRequest::new(config.parse_principal("nobody").unwrap());
    assert!(client.get_tgt(&nobody, &mut prompt).is_err());
    let alice = TgtRequest::new(config.parse_principal("alice").unwrap());
    assert!(client.get_tgt(&alice, &mut prompt).is_ok());
    drop(prompt);
    assert_eq!(asked, ["alice@EXAMPLE.TEST"]);
}
