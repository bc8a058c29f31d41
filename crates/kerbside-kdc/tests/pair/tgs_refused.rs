//! Attacks on the TGS exchange, and clients and services that may not.

use kerbside_asn1::{
    AdType, AddressType, ApOptions, EncTicketPart, EncryptedData, EncryptionKey, ErrorCode, HostAddress,
    HostAddresses, KdcOptions, PaDataType, Principal, Ticket, TicketFlags, TransitedEncoding, TransitedType,
    encode,
};
use kerbside_crypto::{ChecksumType, EnctypePolicy, Key, KeyUsage};
use kerbside_kdc::{Attributes, ClientAddress};
use kerbside_protocol::{AsParams, Credential, TgsParams};

use crate::requests::{Body, Sum, TgsRequest, authorization_data};
use crate::world::{ENCTYPES, HOUR, NOW, REALM, World, code, principal, time};

/// The code of the error that `request` gets; `None` when a ticket is issued.
fn refusal(world: &mut World, request: &TgsRequest) -> Option<ErrorCode> {
    let bytes = request.bytes(&mut world.rng);
    let outcome = world.handle(&bytes);
    assert!(outcome.reply.is_some());
    assert!(outcome.updates.is_empty());
    outcome.audit.result.error_code()
}

fn web(tgt: &Credential) -> TgsRequest {
    TgsRequest::new(tgt, "HTTP/web")
}

#[test]
fn the_request_that_the_attacks_start_from_is_good() {
    let mut world = World::new();
    let tgt = world.tgt();
    assert_eq!(refusal(&mut world, &web(&tgt)), None);
}

#[test]
fn a_body_changed_on_its_way() {
    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.options = KdcOptions::FORWARDABLE);
    world.add_service("HTTP/other", 1);
    type Change = fn(&mut Body);
    let changes: [(&str, Change); 6] = [
        ("sname", |body| body.server = Some(principal("HTTP/other"))),
        ("options", |body| body.options = KdcOptions::FORWARDABLE),
        ("addresses", |body| {
            body.addresses = vec![(AddressType::IPV4, vec![203, 0, 113, 1])]
        }),
        ("nonce", |body| body.nonce += 1),
        ("etypes", |body| body.etypes.truncate(1)),
        ("authorization data", |body| {
            body.enc_authorization_data = Some((ENCTYPES[0], vec![0; 64]))
        }),
    ];
    for (what, change) in changes {
        let mut request = web(&tgt);
        let mut sent = request.body.clone();
        change(&mut sent);
        request.body_sent = Some(sent);
        assert_eq!(
            refusal(&mut world, &request),
            Some(ErrorCode::KRB_AP_ERR_MODIFIED),
            "{what}"
        );
    }
}

#[test]
fn the_authenticators_checksum_must_be_the_keyed_one() {
    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.enctypes = vec![ENCTYPES[0]]);
    let body = web(&tgt).body.bytes();
    let session = &web(&tgt).session_key;
    let own = session.enctype().checksum_type().unwrap();
    let right = session
        .checksum(KeyUsage::TGS_REQ_AUTH_CKSUM, &[&body])
        .unwrap()
        .as_bytes()
        .to_vec();
    let subkey = Key::generate(ENCTYPES[0], &mut world.rng).unwrap();
    let by_subkey = subkey
        .checksum(KeyUsage::TGS_REQ_AUTH_CKSUM, &[&body])
        .unwrap()
        .as_bytes()
        .to_vec();
    let cases = [
        ("missing", Sum::Missing, ErrorCode::KRB_AP_ERR_INAPP_CKSUM),
        (
            "CRC32",
            Sum::Given(ChecksumType(1), vec![0; 4]),
            ErrorCode::KRB_AP_ERR_INAPP_CKSUM,
        ),
        (
            "RSA-MD5",
            Sum::Given(ChecksumType(7), vec![0; 16]),
            ErrorCode::KRB_AP_ERR_INAPP_CKSUM,
        ),
        (
            "SHA1",
            Sum::Given(ChecksumType(14), vec![0; 20]),
            ErrorCode::KRB_AP_ERR_INAPP_CKSUM,
        ),
        (
            "HMAC-MD5",
            Sum::Given(ChecksumType(-138), vec![0; 16]),
            ErrorCode::KRB_AP_ERR_INAPP_CKSUM,
        ),
        (
            "AES-128's",
            Sum::Given(ChecksumType(15), right.clone()),
            ErrorCode::KRB_AP_ERR_INAPP_CKSUM,
        ),
        (
            "an unknown type",
            Sum::Given(ChecksumType(4711), right.clone()),
            ErrorCode::KDC_ERR_SUMTYPE_NOSUPP,
        ),
        (
            "type 0",
            Sum::Given(ChecksumType(0), right.clone()),
            ErrorCode::KRB_AP_ERR_INAPP_CKSUM,
        ),
        (
            "empty",
            Sum::Given(own, Vec::new()),
            ErrorCode::KRB_AP_ERR_MODIFIED,
        ),
        (
            "cut",
            Sum::Given(own, right[..11].to_vec()),
            ErrorCode::KRB_AP_ERR_MODIFIED,
        ),
        (
            "longer",
            Sum::Given(own, [&right[..], &[0]].concat()),
            ErrorCode::KRB_AP_ERR_MODIFIED,
        ),
        (
            "the subkey's",
            Sum::Given(own, by_subkey),
            ErrorCode::KRB_AP_ERR_MODIFIED,
        ),
        (
            "another usage's",
            Sum::Usage(KeyUsage::AP_REQ_AUTH_CKSUM),
            ErrorCode::KRB_AP_ERR_MODIFIED,
        ),
    ];
    for (what, sum, expected) in cases {
        let mut request = web(&tgt);
        request.sum = sum;
        let found = refusal(&mut world, &request);
        if what == "type 0" {
            assert!(
                matches!(
                    found,
                    Some(ErrorCode::KRB_AP_ERR_INAPP_CKSUM | ErrorCode::KDC_ERR_SUMTYPE_NOSUPP)
                ),
                "{what}: {found:?}"
            );
        } else {
            assert_eq!(found, Some(expected), "{what}");
        }
    }
}

#[test]
fn an_altered_ticket() {
    let mut world = World::new();
    let tgt = world.tgt();
    let mut request = web(&tgt);
    let last = request.ticket.len() - 1;
    for at in [last, last - 20, last - 60] {
        request.ticket = tgt.ticket.clone();
        request.ticket[at] ^= 1;
        assert_eq!(
            refusal(&mut world, &request),
            Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
        );
    }
}

#[test]
fn an_authenticator_of_somebody_else() {
    let mut world = World::new();
    let tgt = world.tgt();
    let bob = world
        .login(AsParams::new(principal("bob")), "hunter2")
        .unwrap()
        .credential;
    let mut request = web(&tgt);
    request.client = principal("bob");
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KRB_AP_ERR_BADMATCH)
    );
    let mut request = web(&tgt);
    request.session_key = web(&bob).session_key;
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
    );
    let mut request = web(&tgt);
    request.client.realm = "OTHER".into();
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KRB_AP_ERR_BADMATCH)
    );
}

#[test]
fn an_authenticator_made_for_a_service() {
    let mut world = World::new();
    let tgt = world.tgt();
    let mut request = web(&tgt);
    request.usage = KeyUsage::AP_REQ_AUTH;
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
    );
}

#[test]
fn a_skewed_authenticator() {
    let mut world = World::new();
    let tgt = world.tgt();
    for (ctime, expected) in [
        (NOW + 300, None),
        (NOW - 300, None),
        (NOW + 301, Some(ErrorCode::KRB_AP_ERR_SKEW)),
        (NOW - 301, Some(ErrorCode::KRB_AP_ERR_SKEW)),
    ] {
        let mut request = web(&tgt);
        request.ctime = ctime;
        assert_eq!(refusal(&mut world, &request), expected, "{ctime}");
    }
}

#[test]
fn the_skew_is_the_policys() {
    let mut world = World::new();
    let tgt = world.tgt();
    world.policy(|policy| policy.clockskew_seconds = 60);
    for (ctime, expected) in [
        (NOW + 60, None),
        (NOW - 60, None),
        (NOW + 61, Some(ErrorCode::KRB_AP_ERR_SKEW)),
        (NOW - 61, Some(ErrorCode::KRB_AP_ERR_SKEW)),
    ] {
        let mut request = web(&tgt);
        request.ctime = ctime;
        assert_eq!(refusal(&mut world, &request), expected, "{ctime}");
    }
}

#[test]
fn authorization_data_labelled_with_another_enctype() {
    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.enctypes = vec![ENCTYPES[0]]);
    let mut request = web(&tgt);
    request.authorization_data(&[], &mut world.rng);
    assert_eq!(refusal(&mut world, &request), None);
    let label = &mut request.body.enc_authorization_data.as_mut().unwrap().0;
    *label = ENCTYPES[1];
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KDC_ERR_ETYPE_NOSUPP)
    );
}

#[test]
fn no_tgt_at_all_or_no_server() {
    let mut world = World::new();
    let tgt = world.tgt();
    let mut request = web(&tgt);
    request.with_tgt = false;
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KDC_ERR_PADATA_TYPE_NOSUPP)
    );
    let mut request = web(&tgt);
    request.body.server = None;
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN)
    );
    let mut request = web(&tgt);
    request.body.server = Some(Principal::new("OTHER", &["HTTP", "web"]));
    let mut other = (*world.entry("HTTP/web")).clone();
    other.principal = principal("HTTP/web@OTHER");
    world.put(other);
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN)
    );
    let mut request = web(&tgt);
    request.with_tgt = false;
    for garbage in [&b""[..], b"\x6e", b"rubbish"] {
        request.padata = vec![(PaDataType::PA_AP_REQ, garbage.to_vec())];
        assert_eq!(refusal(&mut world, &request), Some(ErrorCode::KRB_ERR_GENERIC));
    }
}

#[test]
fn an_expired_tgt() {
    let mut world = World::new();
    let tgt = world.tgt();
    world.now = tgt.end_time.unix_seconds() + 301;
    let mut request = web(&tgt);
    request.ctime = world.now;
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED)
    );
    // Within the skew the TGT itself still passes, but nothing can be derived from it.
    world.now = tgt.end_time.unix_seconds() + 1;
    request.ctime = world.now;
    request.body.options = KdcOptions::NONE;
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KDC_ERR_NEVER_VALID)
    );
}

#[test]
fn a_service_ticket_is_no_tgt() {
    let mut world = World::new();
    let tgt = world.tgt();
    let service = world
        .ticket(TgsParams::new(tgt, principal("HTTP/web")))
        .unwrap()
        .credential;
    assert_eq!(
        refusal(&mut world, &web(&service)),
        Some(ErrorCode::KRB_AP_ERR_NOT_US)
    );
}

/// A TGT as only the holder of `key` can make it.
struct Forged<'k> {
    key: &'k Key,
    kvno: u32,
    server: Principal,
    client: Principal,
    flags: TicketFlags,
    starttime: i64,
    renew_till: Option<i64>,
    transited: &'static [u8],
    addresses: Vec<(AddressType, Vec<u8>)>,
    authorization_data: Vec<(AdType, Vec<u8>)>,
}

impl Forged<'_> {
    fn request(&self, world: &mut World) -> TgsRequest {
        let session_key = Key::generate(ENCTYPES[0], &mut world.rng).unwrap();
        let elements = authorization_data(&self.authorization_data);
        let part = encode(&EncTicketPart {
            flags: self.flags,
            key: EncryptionKey {
                keytype: session_key.enctype(),
                keyvalue: session_key.expose_secret(),
            },
            crealm: self.client.realm.to_wire(),
            cname: self.client.name.to_wire(),
            transited: TransitedEncoding {
                tr_type: TransitedType::DOMAIN_X500_COMPRESS,
                contents: self.transited,
            },
            authtime: time(NOW),
            starttime: Some(time(self.starttime)),
            endtime: time(NOW + 8 * HOUR),
            renew_till: self.renew_till.map(time),
            caddr: (!self.addresses.is_empty()).then(|| {
                HostAddresses(
                    self.addresses
                        .iter()
                        .map(|(addr_type, address)| HostAddress {
                            addr_type: *addr_type,
                            address,
                        })
                        .collect(),
                )
            }),
            authorization_data: (!self.authorization_data.is_empty())
                .then(|| kerbside_asn1::decode(&elements).unwrap()),
        })
        .unwrap();
        let cipher = self.key.encrypt(KeyUsage::TICKET, &part, &mut world.rng).unwrap();
        let ticket = encode(&Ticket {
            tkt_vno: 5,
            realm: self.server.realm.to_wire(),
            sname: self.server.name.to_wire(),
            enc_part: EncryptedData {
                etype: self.key.enctype(),
                kvno: Some(self.kvno),
                cipher: &cipher,
            },
        })
        .unwrap();
        let tgt = world.tgt();
        let mut request = web(&tgt);
        request.ticket = ticket;
        request.session_key = session_key;
        request.client = self.client.clone();
        request
    }
}

/// A good TGT, but for what `change` does to it.
fn forge(world: &mut World, change: impl FnOnce(&mut Forged<'_>)) -> TgsRequest {
    let tgs = world.entry(&format!("krbtgt/{REALM}"));
    let mut forged = Forged {
        key: &tgs.current_key(ENCTYPES[0]).unwrap().key,
        kvno: 1,
        server: Principal::krbtgt(REALM, REALM),
        client: principal("alice"),
        flags: TicketFlags::INITIAL,
        starttime: NOW,
        renew_till: None,
        transited: b"",
        addresses: Vec::new(),
        authorization_data: Vec::new(),
    };
    change(&mut forged);
    forged.request(world)
}

/// Pitfalls, section 10 row 9: no realm on the way is lost.
#[test]
fn realms_on_the_way_stay_in_derived_tickets() {
    use kerbside_asn1::TgsRep;
    let mut world = World::new();
    let request = forge(&mut world, |tgt| tgt.transited = b"A.EXAMPLE,B.EXAMPLE");
    let bytes = request.bytes(&mut world.rng);
    let reply = world.handle(&bytes).reply.unwrap();
    let reply: TgsRep<'_> = kerbside_asn1::decode(&reply).unwrap();
    let entry = world.entry("HTTP/web");
    let key = &entry.current_key(reply.ticket.enc_part.etype).unwrap().key;
    let ticket = kerbside_protocol::DecryptedTicket::decrypt(&reply.ticket, key).unwrap();
    assert_eq!(ticket.transited().1, b"A.EXAMPLE,B.EXAMPLE");
}

/// What such a TGT gets.
fn forged(change: impl FnOnce(&mut Forged<'_>)) -> Option<ErrorCode> {
    let mut world = World::new();
    let request = forge(&mut world, change);
    refusal(&mut world, &request)
}

#[test]
fn a_renew_till_without_the_flag_counts_for_nothing() {
    use kerbside_asn1::{EncTgsRepPart, TgsRep};
    for (flags, renewable) in [(TicketFlags::INITIAL, false), (TicketFlags::RENEWABLE, true)] {
        let mut world = World::new();
        let mut request = forge(&mut world, |tgt| {
            tgt.flags = flags;
            tgt.renew_till = Some(NOW + 24 * HOUR);
        });
        request.body.options = KdcOptions::RENEWABLE;
        let bytes = request.bytes(&mut world.rng);
        let reply = world.handle(&bytes).reply.unwrap();
        let reply: TgsRep<'_> = kerbside_asn1::decode(&reply).unwrap();
        let usage = KeyUsage::TGS_REP_ENC_PART_SESSKEY;
        let plain = request.session_key.decrypt(usage, reply.enc_part.cipher).unwrap();
        let part: EncTgsRepPart<'_> = kerbside_asn1::decode(&plain).unwrap();
        assert_eq!(part.flags.contains(TicketFlags::RENEWABLE), renewable);
        assert_eq!(part.renew_till.is_some(), renewable);
    }
}

#[test]
fn tgts_that_will_not_do() {
    assert_eq!(forged(|_| {}), None);
    let other = Key::new(ENCTYPES[0], &[7; 32]).unwrap();
    let world = World::new();
    let web_key = world
        .entry("HTTP/web")
        .current_key(ENCTYPES[0])
        .unwrap()
        .key
        .clone();
    assert_eq!(
        forged(|t| t.key = leak(&other)),
        Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
    );
    assert_eq!(
        forged(|t| t.key = leak(&web_key)),
        Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
    );
    assert_eq!(forged(|t| t.kvno = 2), Some(ErrorCode::KRB_AP_ERR_BADKEYVER));
    assert_eq!(
        forged(|t| t.flags |= TicketFlags::INVALID),
        Some(ErrorCode::KRB_AP_ERR_TKT_NYV)
    );
    assert_eq!(
        forged(|t| t.starttime = NOW + 301),
        Some(ErrorCode::KRB_AP_ERR_TKT_NYV)
    );
    assert_eq!(
        forged(|t| t.client.realm = "OTHER".into()),
        Some(ErrorCode::KRB_AP_ERR_ILL_CR_TKT)
    );
    assert_eq!(
        forged(|t| t.client = principal("nobody")),
        Some(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN)
    );
    let foreign = Principal::krbtgt("OTHER", REALM);
    assert_eq!(forged(|t| t.server = foreign), Some(ErrorCode::KRB_AP_ERR_NOT_US));
    let outgoing = Principal::krbtgt(REALM, "OTHER");
    assert_eq!(
        forged(|t| t.server = outgoing),
        Some(ErrorCode::KRB_AP_ERR_NOT_US)
    );
}

/// Keys live as long as the test.
fn leak(key: &Key) -> &'static Key {
    Box::leak(Box::new(key.clone()))
}

#[test]
fn a_tgt_bound_to_addresses() {
    let bound =
        |octets: [u8; 4]| move |t: &mut Forged<'_>| t.addresses = vec![(AddressType::IPV4, octets.to_vec())];
    assert_eq!(forged(bound([192, 0, 2, 7])), None);
    assert_eq!(forged(bound([192, 0, 2, 8])), Some(ErrorCode::KRB_AP_ERR_BADADDR));

    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.addresses = vec![(AddressType::IPV4, vec![192, 0, 2, 7])]);
    world.from = ClientAddress::Socket("[::ffff:192.0.2.7]:88".parse().unwrap());
    assert_eq!(
        refusal(&mut world, &web(&tgt)),
        None,
        "an IPv4-mapped address is the IPv4 address"
    );
    world.from = ClientAddress::Socket("[2001:db8::7]:88".parse().unwrap());
    assert_eq!(
        refusal(&mut world, &web(&tgt)),
        Some(ErrorCode::KRB_AP_ERR_BADADDR)
    );
    world.from = ClientAddress::InProcess;
    assert_eq!(
        refusal(&mut world, &web(&tgt)),
        Some(ErrorCode::KRB_AP_ERR_BADADDR)
    );
}

#[test]
fn authorization_data_that_is_not_understood() {
    let unknown = vec![(AdType(4711), vec![1])];
    assert_eq!(
        forged(|t| t.authorization_data = unknown.clone()),
        Some(ErrorCode::KDC_ERR_BADOPTION)
    );
    let relevant = (AdType::AD_IF_RELEVANT, authorization_data(&unknown));
    assert_eq!(forged(|t| t.authorization_data = vec![relevant.clone()]), None);

    let mut world = World::new();
    let tgt = world.tgt();
    let pac = (
        AdType::AD_IF_RELEVANT,
        authorization_data(&[(AdType::AD_WIN2K_PAC, vec![0; 8])]),
    );
    for (elements, expected) in [
        (vec![relevant.clone()], None),
        (unknown, Some(ErrorCode::KDC_ERR_BADOPTION)),
        (
            vec![(AdType::AD_MANDATORY_FOR_KDC, vec![])],
            Some(ErrorCode::KDC_ERR_BADOPTION),
        ),
        (vec![relevant, pac], Some(ErrorCode::KDC_ERR_POLICY)),
    ] {
        let mut request = web(&tgt);
        request.subkey = Some(Key::generate(ENCTYPES[0], &mut world.rng).unwrap());
        request.authorization_data(&elements, &mut world.rng);
        assert_eq!(refusal(&mut world, &request), expected, "{elements:?}");
    }
}

#[test]
fn what_is_not_offered_is_refused_by_name() {
    let mut world = World::new();
    let tgt = world.tgt();
    for (option, expected, words) in [
        (
            KdcOptions::POSTDATED,
            ErrorCode::KDC_ERR_CANNOT_POSTDATE,
            "postdated tickets",
        ),
        (
            KdcOptions::VALIDATE,
            ErrorCode::KDC_ERR_BADOPTION,
            "validation of postdated tickets",
        ),
        (
            KdcOptions::ENC_TKT_IN_SKEY,
            ErrorCode::KDC_ERR_BADOPTION,
            "user-to-user",
        ),
        (
            KdcOptions::CNAME_IN_ADDL_TKT,
            ErrorCode::KDC_ERR_BADOPTION,
            "constrained delegation",
        ),
        (
            KdcOptions::REQUEST_ANONYMOUS,
            ErrorCode::KDC_ERR_BADOPTION,
            "anonymous tickets",
        ),
    ] {
        let mut request = web(&tgt);
        request.body.options = option;
        let bytes = request.bytes(&mut world.rng);
        let error = world.error(&bytes);
        assert_eq!(error.code, expected);
        let text = String::from_utf8(error.e_text.unwrap()).unwrap();
        assert!(text.starts_with(words), "{text}");
    }
    for padata_type in [PaDataType::PA_FOR_USER, PaDataType::PA_S4U_X509_USER] {
        let mut request = web(&tgt);
        request.padata = vec![(padata_type, b"x".to_vec())];
        let bytes = request.bytes(&mut world.rng);
        let error = world.error(&bytes);
        assert_eq!(error.code, ErrorCode::KDC_ERR_PADATA_TYPE_NOSUPP);
        assert_eq!(
            error.e_text.as_deref(),
            Some(&b"S4U2Self is not offered by this KDC"[..])
        );
    }
    let mut request = web(&tgt);
    request.padata = vec![
        (PaDataType::PA_FX_FAST, b"x".to_vec()),
        (PaDataType(4711), Vec::new()),
    ];
    assert_eq!(refusal(&mut world, &request), None, "unknown padata is ignored");
    let mut request = web(&tgt);
    request.ap_options = ApOptions::USE_SESSION_KEY;
    assert_eq!(refusal(&mut world, &request), Some(ErrorCode::KDC_ERR_BADOPTION));
    let mut request = web(&tgt);
    request.body.server = Some(Principal::krbtgt(REALM, "OTHER"));
    world.add_service("krbtgt/OTHER", 1);
    assert_eq!(
        refusal(&mut world, &request),
        Some(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN)
    );
}

#[test]
fn what_was_allowed_at_login_may_be_revoked_since() {
    type Change = fn(&mut World);
    let table: [(&str, Change, ErrorCode); 13] = [
        (
            "client deleted",
            |w| drop(w.entries.remove(&principal("alice"))),
            ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN,
        ),
        (
            "client locked",
            |w| w.change("alice", |e| e.attributes |= Attributes::DISALLOW_ALL_TIX),
            ErrorCode::KDC_ERR_CLIENT_REVOKED,
        ),
        (
            "client expired",
            |w| w.change("alice", |e| e.expiration = Some(time(NOW))),
            ErrorCode::KDC_ERR_NAME_EXP,
        ),
        (
            "no server",
            |w| drop(w.entries.remove(&principal("HTTP/web"))),
            ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
        ),
        (
            "server expired",
            |w| w.change("HTTP/web", |e| e.expiration = Some(time(NOW))),
            ErrorCode::KDC_ERR_SERVICE_EXP,
        ),
        (
            "server locked",
            |w| w.change("HTTP/web", |e| e.attributes |= Attributes::DISALLOW_ALL_TIX),
            ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
        ),
        (
            "no service",
            |w| w.change("HTTP/web", |e| e.attributes |= Attributes::DISALLOW_SVR),
            ErrorCode::KDC_ERR_MUST_USE_USER2USER,
        ),
        (
            "not by TGT",
            |w| w.change("HTTP/web", |e| e.attributes |= Attributes::DISALLOW_TGT_BASED),
            ErrorCode::KDC_ERR_POLICY,
        ),
        (
            "hardware wanted",
            |w| w.change("HTTP/web", |e| e.attributes |= Attributes::REQUIRES_HW_AUTH),
            ErrorCode::KDC_ERR_POLICY,
        ),
        (
            "no keys",
            |w| w.change("HTTP/web", |e| e.keys.clear()),
            ErrorCode::KDC_ERR_ETYPE_NOSUPP,
        ),
        (
            "no TGS",
            |w| drop(w.entries.remove(&Principal::krbtgt(REALM, REALM))),
            ErrorCode::KRB_AP_ERR_NOKEY,
        ),
        (
            "no TGS key of the enctype",
            |w| {
                w.change(&format!("krbtgt/{REALM}"), |e| {
                    e.keys.retain(|k| k.key.enctype() != ENCTYPES[0])
                })
            },
            ErrorCode::KRB_AP_ERR_NOKEY,
        ),
        (
            "an enctype no longer permitted",
            |w| {
                w.policy(|policy| {
                    policy.enctype_policy = EnctypePolicy::DEFAULT.with_permitted(vec![ENCTYPES[1]])
                })
            },
            ErrorCode::KRB_AP_ERR_NOKEY,
        ),
    ];
    for (what, change, expected) in table {
        let mut world = World::new();
        let tgt = world.tgt();
        change(&mut world);
        let found = code(world.ticket(TgsParams::new(tgt, principal("HTTP/web"))));
        assert_eq!(found, expected, "{what}");
    }
}
