//! Tickets of others: S4U2Self and S4U2Proxy.

use kerbside_asn1::{
    Checksum, Name, PaForUser, PaPacOptions, PaS4uX509User, PacOptions, Raw, S4uOptions, S4uUserId,
};
use kerbside_crypto::ChecksumType;

use super::*;
use crate::S4uUser;

fn bob() -> Principal {
    Principal::new("EXAMPLE.COM", &["bob"])
}

/// What a KDC does to the PA-S4U-X509-USER of its reply.
#[derive(Clone, Copy, PartialEq)]
enum S4u {
    Honest,
    OldUsage,
    OtherNonce,
    OtherUser,
    OtherKey,
    OtherType,
    TakenFromTheClearPart,
    None,
}

/// A reply to S4U2Self for `client`.
fn s4u2self_as(user: Principal, client: Principal, how: S4u) -> Result<TgsOutcome, ProtocolError> {
    let (request, pending) = begin(TgsParams::s4u2self(tgt(), S4uUser::new(user.clone())));
    let mut issue = answer(&request);
    issue.client = client.clone();
    issue.client_in_ticket = client;
    let decoded: TgsReq<'_> = asn1::decode(&request).unwrap();
    assert_eq!(
        Principal::from_wire(decoded.req_body.realm, decoded.req_body.sname.as_ref().unwrap()),
        alice(),
        "it is the asking service that gets the ticket"
    );
    let padata = decoded.padata.as_ref().unwrap();
    let find = |kind| asn1::find_padata(padata, kind).unwrap();

    let for_user: PaForUser<'_> = asn1::decode(find(PaDataType::PA_FOR_USER)).unwrap();
    assert_eq!(
        Principal::from_wire(for_user.user_realm, &for_user.user_name),
        user
    );
    let session_key = tgt().session_key;
    let tag = session_key.hmac_md5_checksum(KeyUsage::APPLICATION_CKSUM, &[&for_user.s4u_byte_array()]);
    tag.verify(for_user.cksum.checksum).unwrap();

    let x509: PaS4uX509User<'_> = asn1::decode(find(PaDataType::PA_S4U_X509_USER)).unwrap();
    let asked = &*x509.user_id;
    assert_eq!(
        (asked.nonce, asked.options),
        (issue.nonce, Some(S4uOptions::USE_REPLY_KEY_USAGE))
    );
    assert_eq!(
        Principal::from_wire(asked.crealm, asked.cname.as_ref().unwrap()),
        user
    );
    let subkey = issue.reply_key.clone();
    let usage = KeyUsage::PA_S4U_X509_USER_REQUEST;
    subkey
        .verify_checksum(
            usage,
            x509.checksum.cksumtype,
            &[x509.user_id.bytes()],
            x509.checksum.checksum,
        )
        .unwrap();

    let mallory = Principal::new("EXAMPLE.COM", &["mallory"]);
    let old = how == S4u::OldUsage;
    let user_id = asn1::encode(&S4uUserId {
        nonce: if how == S4u::OtherNonce {
            issue.nonce ^ 1
        } else {
            issue.nonce
        },
        cname: Some(user.name.to_wire()),
        options: (!old).then_some(S4uOptions::USE_REPLY_KEY_USAGE),
        ..asked.clone()
    })
    .unwrap();
    let key = if how == S4u::OtherKey {
        key(AES256, 78)
    } else {
        subkey
    };
    let usage = if old {
        usage
    } else {
        KeyUsage::PA_S4U_X509_USER_REPLY
    };
    let mac = key.checksum(usage, &[&user_id]).unwrap();
    let sent_user = asn1::encode(&S4uUserId {
        cname: Some(mallory.name.to_wire()),
        ..asn1::decode::<S4uUserId<'_>>(&user_id).unwrap()
    })
    .unwrap();
    let reply = asn1::encode(&PaS4uX509User {
        user_id: Raw::parse(if how == S4u::OtherUser {
            &sent_user
        } else {
            &user_id
        })
        .unwrap(),
        checksum: Checksum {
            cksumtype: if how == S4u::OtherType {
                ChecksumType(2)
            } else {
                key.checksum_type()
            },
            checksum: mac.as_bytes(),
        },
    })
    .unwrap();
    match how {
        S4u::None => {}
        S4u::TakenFromTheClearPart => issue.enc_padata = vec![(PaDataType::PA_S4U_X509_USER, reply)],
        _ => issue.padata = vec![(PaDataType::PA_S4U_X509_USER, reply)],
    }
    pending.reply(&issue.tgs_rep(&mut rng(13)), now(60))
}

#[test]
fn a_service_gets_a_ticket_of_the_user_it_names() {
    for how in [S4u::Honest, S4u::OldUsage, S4u::None] {
        let done = done(s4u2self_as(bob(), bob(), how).unwrap());
        // Without the padata of the reply the name came in clear alone.
        assert_eq!(done.client_vouched, how != S4u::None);
        let ticket = done.credential;
        assert_eq!((&ticket.client, &ticket.server), (&bob(), &alice()));
    }
    for (how, told) in [
        (
            S4u::OtherNonce,
            "PA-S4U-X509-USER of the reply is of another request",
        ),
        (
            S4u::OtherUser,
            "PA-S4U-X509-USER of the reply was changed on its way",
        ),
        (
            S4u::OtherKey,
            "PA-S4U-X509-USER of the reply was changed on its way",
        ),
        (
            S4u::OtherType,
            "PA-S4U-X509-USER of the reply was changed on its way",
        ),
        (
            S4u::TakenFromTheClearPart,
            "PA-S4U-X509-USER is in the encrypted part of the reply and was taken from the reply",
        ),
    ] {
        let refused = misbehaviour(s4u2self_as(bob(), bob(), how));
        assert_eq!(refused, Misbehaviour::Field(told));
    }
}

#[test]
fn a_ticket_of_another_user_or_of_the_service_itself_is_refused() {
    let mallory = Principal::new("EXAMPLE.COM", &["mallory"]);
    assert!(matches!(
        misbehaviour(s4u2self_as(bob(), mallory.clone(), S4u::Honest)),
        Misbehaviour::Client { .. }
    ));
    assert_eq!(
        misbehaviour(s4u2self_as(bob(), alice(), S4u::None)),
        Misbehaviour::S4uIgnored
    );
    assert!(s4u2self_as(alice(), alice(), S4u::Honest).is_ok());
    // An enterprise name is the KDC's to replace, but not by the service's own.
    let enterprise = || Principal {
        realm: "EXAMPLE.COM".into(),
        name: Name::enterprise("bob@example.com"),
    };
    // The padata's name is not the one in clear: nobody vouches for that.
    let renamed = done(s4u2self_as(enterprise(), bob(), S4u::Honest).unwrap());
    assert_eq!(
        (renamed.credential.client, renamed.client_vouched),
        (bob(), false)
    );
    assert_eq!(
        misbehaviour(s4u2self_as(enterprise(), alice(), S4u::None)),
        Misbehaviour::S4uIgnored
    );
}

#[test]
fn constrained_delegation_shows_the_evidence_and_gets_a_ticket_of_its_client() {
    let evidence = || Credential {
        client: bob(),
        ..Issue::honest(alice()).credential(&mut rng(31))
    };
    let params = || TgsParams::s4u2proxy(tgt(), web(), &evidence()).unwrap();
    let (request, _) = begin(params());
    let request: TgsReq<'_> = asn1::decode(&request).unwrap();
    assert!(
        request
            .req_body
            .kdc_options
            .contains(KdcOptions::CNAME_IN_ADDL_TKT)
    );
    let tickets = request.req_body.additional_tickets.as_ref().unwrap();
    assert_eq!(asn1::encode(&tickets[0]).unwrap(), evidence().ticket);
    let options = asn1::find_padata(request.padata.as_ref().unwrap(), PaDataType::PA_PAC_OPTIONS).unwrap();
    let options: PaPacOptions = asn1::decode(options).unwrap();
    assert_eq!(options.flags, PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION);

    let done = done(exchange(params(), |issue| issue.client = bob()).unwrap());
    assert_eq!(
        (&done.credential.client, &done.credential.server),
        (&bob(), &web())
    );
    assert!(!done.client_vouched, "the name came in clear");
    for client in [alice(), Principal::new("EXAMPLE.COM", &["mallory"])] {
        let other = exchange(params(), |issue| issue.client = client);
        assert!(matches!(misbehaviour(other), Misbehaviour::Client { .. }));
    }
}

#[test]
fn on_the_way_to_another_realm_the_ticket_is_the_services_own() {
    let referral = |client: Principal| {
        let (request, pending) = begin(TgsParams::s4u2self(tgt(), S4uUser::new(bob())));
        let mut issue = answer(&request);
        referral_to("ELSEWHERE.COM")(&mut issue);
        issue.client = client;
        pending.reply(&issue.tgs_rep(&mut rng(13)), now(60))
    };
    assert!(matches!(referral(alice()), Ok(TgsOutcome::Referral { tgt, .. }) if tgt.client == alice()));
    assert!(matches!(
        misbehaviour(referral(bob())),
        Misbehaviour::Client { .. }
    ));
}
