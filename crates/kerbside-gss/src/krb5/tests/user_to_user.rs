//! User-to-user: services without a key (RFC 4120 3.7, draft-swift-win2k-krb-user2user).

use kerbside_crypto::SessionKey;

use super::delegation::tgt;
use super::*;
use crate::{AwaitTicket, Mechanism, UserToUserParams};

/// A realm in which bob serves, with a ticket-granting ticket alone.
struct Users {
    realm: TestRealm,
    bob: Credential,
}

fn users() -> Users {
    let mut realm = realm();
    realm.service = Principal::new("EXAMPLE.COM", &["bob"]);
    let service = realm.service.clone();
    let bob = tgt(&mut realm, &service);
    Users { realm, bob }
}

impl Users {
    fn acceptor(&self) -> Acceptor {
        Acceptor::new(self.params())
    }

    /// No key at all, and another service's name.
    fn params(&self) -> AcceptorParams {
        let service = ServiceName::Principal(Principal::new("EXAMPLE.COM", &["HTTP", "www"]));
        AcceptorParams::new(
            Arc::new(MemoryKeys::default()),
            service,
            self.realm.replay.clone(),
        )
        .with_user_to_user(vec![self.bob.clone()])
    }

    /// What the KDC would give: a ticket for bob under the session key of his ticket.
    fn ticket(&mut self) -> Credential {
        let key = self.realm.service_key.clone();
        let session = self.bob.session_key.clone();
        self.realm.service_key = Arc::new(LongTermKey::from(
            Key::new(session.enctype(), session.expose_secret()).unwrap(),
        ));
        let mut credential = self.realm.credential();
        self.realm.service_key = key;
        credential.is_skey = true;
        credential.second_ticket = self.bob.ticket.clone();
        credential
    }

    fn start(&mut self, spnego: bool) -> (Vec<u8>, Box<dyn Mechanism>) {
        let mechanism = UserToUserParams::new(self.realm.service.clone())
            .into_mechanism()
            .unwrap();
        let initiator = if spnego {
            Initiator::negotiate(vec![mechanism])
        } else {
            Initiator::raw(mechanism)
        };
        let now = self.realm.now();
        match initiator.start(now, &mut self.realm.rng).unwrap() {
            Step::Continue { token, next } => (token, next),
            _ => panic!("the first token asks for a ticket"),
        }
    }

    /// The acceptor's ticket, and both ends that wait.
    fn ask(&mut self, spnego: bool) -> (Vec<u8>, Box<dyn Mechanism>, Box<dyn AwaitTicket>) {
        let (token, next) = self.start(spnego);
        let now = self.realm.now();
        let acceptor = self.acceptor();
        let Step::Continue { token, next: waiting } =
            acceptor.step(&token, now, &mut self.realm.rng).unwrap()
        else {
            panic!("the acceptor answers with its ticket")
        };
        let Step::NeedTicket { request, next } = next.step(&token, now, &mut self.realm.rng).unwrap() else {
            panic!("a ticket is needed")
        };
        assert_eq!(request.server, self.realm.service);
        assert_eq!(request.second_ticket, self.bob.ticket);
        (token, waiting, next)
    }
}

#[test]
fn a_ticket_is_got_in_the_middle() {
    for spnego in [false, true] {
        let mut users = users();
        let (_, waiting, next) = users.ask(spnego);
        let ticket = users.ticket();
        let now = users.realm.now();
        let first = next.ticket(ticket, now, &mut users.realm.rng).unwrap();
        let mut both = users
            .realm
            .converse(first, |token, now, rng| waiting.step(token, now, rng))
            .unwrap();
        for context in [&both.initiator, &both.acceptor] {
            assert_eq!(context.client(), &users.realm.client);
            assert_eq!(context.server(), &users.realm.service);
            assert_eq!(context.facts().mechanism, oids::KRB5_U2U);
            assert_eq!(context.facts().negotiated, spnego);
        }
        both.exchange_messages(&mut users.realm.rng);
    }
}

/// KA-7: a ticket got by other means, in the plain mechanism.
#[test]
fn ka_7_a_user_to_user_ticket_in_the_plain_mechanism() {
    let mut users = users();
    let ticket = users.ticket();
    let acceptor = users.acceptor();
    let mut both = users.realm.establish(raw(ticket.clone()), &acceptor).unwrap();
    assert_eq!(both.acceptor.facts().mechanism, oids::KRB5);
    both.exchange_messages(&mut users.realm.rng);

    // Another's ticket, and no ticket at all.
    let (token, _) = one_way_token(&mut users.realm, raw(ticket.clone()));
    let mut params = users.params();
    let mut newer = users.bob.clone();
    newer.session_key = SessionKey::from(Key::generate(AES256, &mut users.realm.rng).unwrap());
    params.user_to_user = Arc::new([newer.clone()]);
    let error = refused(&mut users.realm, &Acceptor::new(params.clone()), &token);
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_MODIFIED));
    params.user_to_user = Arc::new([]);
    let error = refused(&mut users.realm, &Acceptor::new(params.clone()), &token);
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_NO_TGT));
    // The older of two.
    params.user_to_user = Arc::new([newer, users.bob.clone()]);
    accept(&mut users.realm, &Acceptor::new(params), &token).unwrap();
}

/// The option use-session-key is not authenticated: set on a plain ticket it must not lead to another key, and left out of
/// a user-to-user one neither.
#[test]
fn the_option_alone_changes_nothing() {
    let mut realm = realm();
    let mut credential = realm.credential();
    credential.is_skey = true;
    let client = realm.client.clone();
    let own_tgt = tgt(&mut realm, &client);
    let acceptor = Acceptor::new(realm.acceptor_params().with_user_to_user(vec![own_tgt]));
    let (token, _) = one_way_token(&mut realm, raw(credential));
    let error = refused(&mut realm, &acceptor, &token);
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_NO_TGT));

    let mut users = users();
    let mut ticket = users.ticket();
    ticket.is_skey = false;
    let (token, _) = one_way_token(&mut users.realm, raw(ticket));
    let acceptor = users.acceptor();
    let error = refused(&mut users.realm, &acceptor, &token);
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_NOT_US));
}

#[test]
fn whoever_has_no_ticket_says_so() {
    let mut users = users();
    let (token, next) = users.start(false);
    let mut over = users.bob.clone();
    over.end_time = KerberosTime::from_unix_seconds(START);
    let params = users.params().with_user_to_user(vec![over]);
    let now = users.realm.now();
    let error = Acceptor::new(params)
        .step(&token, now, &mut users.realm.rng)
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_NO_TGT));
    let error = next
        .step(error.token().unwrap(), now, &mut users.realm.rng)
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_NO_TGT));

    // Somebody else is asked for.
    let (token, _) = users.start(false);
    let service = Principal::new("EXAMPLE.COM", &["carol"]);
    let carol = tgt(&mut users.realm, &service);
    let params = users.params().with_user_to_user(vec![carol]);
    let now = users.realm.now();
    let error = Acceptor::new(params)
        .step(&token, now, &mut users.realm.rng)
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_NOT_US));
}

#[test]
fn tickets_that_are_not_the_one_needed() {
    let mut users = users();
    let good = users.ticket();
    let plain = Credential {
        is_skey: false,
        ..good.clone()
    };
    let other_second = Credential {
        second_ticket: good.ticket.clone(),
        ..good.clone()
    };
    let other_server = Credential {
        server: users.realm.client.clone(),
        ..good
    };
    for ticket in [plain, other_second, other_server] {
        let (_, _, next) = users.ask(false);
        let now = users.realm.now();
        assert!(next.ticket(ticket, now, &mut users.realm.rng).is_err());
    }
}

/// TGT-REQ and TGT-REP are not authenticated at all (the KDC says whose ticket it was given): altered, they are refused,
/// or lead to the same service's ticket or to none.
#[test]
fn rule_10_22_every_octet_of_the_ticket_requests_counts() {
    let mut users = users();
    let (request, _) = users.start(false);
    let acceptor = users.acceptor();
    let mut accept = |token: &[u8]| {
        let now = users.realm.now();
        acceptor.step(token, now, &mut users.realm.rng).ok()
    };
    let Some(Step::Continue { token: reply, .. }) = accept(&request) else {
        panic!("a ticket")
    };
    let name_type = locate(gss_token::unwrap(&request).unwrap().1, 2, &[2, 0, 0]);
    let offset = request.len() - gss_token::unwrap(&request).unwrap().1.len();
    let mut same = 0;
    for index in 0..request.len() {
        for change in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
            let mut altered = request.clone();
            altered[index] ^= change;
            let Some(step) = accept(&altered) else { continue };
            let Step::Continue { token, .. } = step else {
                panic!("octet {index} ^ {change:#x} made a context")
            };
            assert_eq!(token, reply);
            assert!(
                name_type.contains(&(index - offset)),
                "octet {index} ^ {change:#x}"
            );
            same += 1;
        }
    }
    assert!(same > 0, "the name type is not looked at");
    for length in 0..request.len() {
        assert!(accept(&request[..length]).is_none(), "{length}");
    }
    assert!(accept(&[&request[..], &[0]].concat()).is_none());

    let mut users = self::users();
    let mut take = |token: &[u8]| {
        let (_, next) = users.start(false);
        let now = users.realm.now();
        next.step(token, now, &mut users.realm.rng).ok()
    };
    let inner = gss_token::unwrap(&reply).unwrap().1;
    let offset = reply.len() - inner.len();
    let ticket = locate(inner, 2, &[2]);
    for index in 0..reply.len() {
        for change in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
            let mut altered = reply.clone();
            altered[index] ^= change;
            let Some(step) = take(&altered) else { continue };
            let Step::NeedTicket { request, .. } = step else {
                panic!("octet {index} ^ {change:#x} made a context")
            };
            // Another ticket for the KDC to refuse; never another service.
            assert!(ticket.contains(&(index - offset)), "octet {index} ^ {change:#x}");
            assert_eq!(request.server.to_string(), "bob@EXAMPLE.COM");
        }
    }
    for length in 0..reply.len() {
        assert!(take(&reply[..length]).is_none(), "{length}");
    }
    assert!(take(&[&reply[..], &[0]].concat()).is_none());
}
