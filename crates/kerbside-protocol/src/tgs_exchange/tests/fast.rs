//! Requests in the armor of their own ticket (RFC 6113 5.4.2), against a KDC that lies at the test's will.

use super::*;
use crate::fake_kdc::fast::{FastHalf, Sealed};
use crate::krb_error::ErrorReply;

const PAC: (PaDataType, &[u8]) = (PaDataType::PA_PAC_REQUEST, b"0\x05\xa0\x03\x01\x01\xff");

fn armored(armor: TgsArmor) -> TgsParams {
    TgsParams {
        armor,
        padata: vec![(PAC.0, PAC.1.to_vec())],
        ..plain()
    }
}

/// A whole exchange in which `lie` changes the reply and what is in its tunnel.
fn exchange(armor: TgsArmor, lie: impl FnOnce(&mut Issue, &mut Sealed)) -> Result<TgsOutcome, ProtocolError> {
    let (request, pending) = begin(armored(armor));
    let (kdc, _) = FastHalf::open_tgs(&request, now(60));
    let mut issue = answer(&request);
    let mut sealed = kdc.honest(&issue);
    lie(&mut issue, &mut sealed);
    pending.reply(&kdc.tgs_rep(&issue, &sealed), now(60))
}

const BOTH: [TgsArmor; 2] = [TgsArmor::Offered, TgsArmor::Required];

#[test]
fn a_reply_in_armor_gives_a_ticket() {
    for armor in BOTH {
        let done = done(exchange(armor, |_, _| {}).unwrap());
        assert_eq!(done.credential.server, web());
        assert!(done.credential.session_key.ct_eq(&key(AES256, 1005)));
    }
}

#[test]
fn in_armor_the_kdc_vouches_for_the_client() {
    let bob = Principal::new("EXAMPLE.COM", &["bob"]);
    let evidence = Credential {
        client: bob.clone(),
        ..Issue::honest(alice()).credential(&mut rng(31))
    };
    let (request, pending) = begin(TgsParams {
        armor: TgsArmor::Offered,
        ..TgsParams::s4u2proxy(tgt(), web(), &evidence).unwrap()
    });
    let (kdc, _) = FastHalf::open_tgs(&request, now(60));
    let mut issue = answer(&request);
    issue.client = bob.clone();
    let sealed = kdc.honest(&issue);
    let done = done(pending.reply(&kdc.tgs_rep(&issue, &sealed), now(60)).unwrap());
    assert_eq!((done.credential.client, done.client_vouched), (bob, true));
}

#[test]
fn what_else_is_asked_goes_into_the_tunnel_and_beside_it_for_kdcs_that_know_none() {
    use PaDataType as Pa;
    for (armor, expected) in [
        (
            TgsArmor::Offered,
            &[Pa::PA_AP_REQ, Pa::PA_FX_FAST, Pa::PA_PAC_REQUEST][..],
        ),
        (TgsArmor::Required, &[Pa::PA_AP_REQ, Pa::PA_FX_FAST]),
    ] {
        let (request, _) = begin(armored(armor));
        let (kdc, outside) = FastHalf::open_tgs(&request, now(60));
        assert_eq!(outside, expected);
        assert_eq!(kdc.padata, [(PAC.0, PAC.1.to_vec())]);
        let decoded: TgsReq<'_> = asn1::decode(&request).unwrap();
        assert_eq!(kdc.body, decoded.req_body.bytes());
    }
    let (request, _) = begin(armored(TgsArmor::Never));
    let decoded: TgsReq<'_> = asn1::decode(&request).unwrap();
    let padata = decoded.padata.as_ref().unwrap();
    assert_eq!(asn1::find_padata(padata, PaDataType::PA_FX_FAST), None);
}

#[test]
fn only_a_kdc_that_may_not_know_fast_may_answer_without() {
    let without = |_: &mut Issue, sealed: &mut Sealed| {
        sealed.armored = false;
        sealed.weak = true;
    };
    done(exchange(TgsArmor::Offered, without).unwrap());
    assert_eq!(
        misbehaviour(exchange(TgsArmor::Required, without)),
        Misbehaviour::FastMissing
    );
}

/// The KDC made its reply's key stronger: who takes the tunnel out leaves nothing that opens.
#[test]
fn armor_that_was_taken_away_is_missed() {
    let stripped = exchange(TgsArmor::Offered, |_, sealed| sealed.armored = false);
    assert!(matches!(stripped, Err(ProtocolError::WrongReplyKey { .. })));
}

#[test]
fn the_reply_key_has_to_be_made_stronger() {
    for armor in BOTH {
        let none = exchange(armor, |_, sealed| sealed.strengthen_key = None);
        assert_eq!(misbehaviour(none), Misbehaviour::FastStrengthenMissing);
        let unused = exchange(armor, |_, sealed| sealed.weak = true);
        assert!(matches!(unused, Err(ProtocolError::WrongReplyKey { .. })));
        let session_key = exchange(armor, |issue, sealed| {
            sealed.weak = true;
            issue.reply_key = tgt().session_key.into_inner();
            issue.reply_usage = KeyUsage::TGS_REP_ENC_PART_SESSKEY;
        });
        assert!(matches!(session_key, Err(ProtocolError::WrongReplyKey { .. })));
    }
}

#[test]
fn seal_nonce_and_client_are_checked() {
    for armor in BOTH {
        let stale = exchange(armor, |_, sealed| sealed.nonce ^= 1);
        assert!(matches!(misbehaviour(stale), Misbehaviour::Nonce { .. }));
        let other = exchange(armor, |_, sealed| sealed.sealed = Some(b"another".to_vec()));
        assert_eq!(misbehaviour(other), Misbehaviour::FastTicketChecksum);
        let none = exchange(armor, |_, sealed| sealed.finished = false);
        assert_eq!(misbehaviour(none), Misbehaviour::FastFinishedMissing);
        let mallory = Principal::new("EXAMPLE.COM", &["mallory"]);
        let renamed = exchange(armor, |_, sealed| sealed.client = mallory);
        assert!(matches!(misbehaviour(renamed), Misbehaviour::Client { .. }));
        let (request, pending) = begin(armored(armor));
        let (mut kdc, _) = FastHalf::open_tgs(&request, now(60));
        kdc.armor_key = key(AES256, 66);
        let issue = answer(&request);
        let refused = pending.reply(&kdc.tgs_rep(&issue, &kdc.honest(&issue)), now(60));
        assert_eq!(misbehaviour(refused), Misbehaviour::FastIntegrity);
    }
}

#[test]
fn the_error_in_the_tunnel_counts_and_one_in_clear_will_do() {
    for armor in BOTH {
        let (request, pending) = begin(armored(armor));
        let (kdc, _) = FastHalf::open_tgs(&request, now(60));
        let inner = ErrorReply::new(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, web());
        let refused = pending
            .reply(&kdc.error(&inner, &[], now(60)), now(60))
            .unwrap_err();
        assert_eq!(refused.code(), Some(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN));
        let (_, pending) = begin(armored(armor));
        let clear = error(ErrorCode::KRB_AP_ERR_TKT_EXPIRED, now(60));
        let refused = pending.reply(&clear, now(60)).unwrap_err();
        assert_eq!(refused.code(), Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED));
    }
}

/// Each octet of a reply in armor, altered once: all but the client's name in clear and the number of the reply's key
/// version is sealed, and those change nothing.
#[test]
fn an_altered_reply_is_refused() {
    let make = || {
        let (request, pending) = begin(armored(TgsArmor::Required));
        let (kdc, _) = FastHalf::open_tgs(&request, now(60));
        let issue = answer(&request);
        (kdc.tgs_rep(&issue, &kdc.honest(&issue)), pending)
    };
    let (reply, pending) = make();
    assert!(pending.reply(&reply, now(60)).is_ok());
    let crealm = find(&reply, b"EXAMPLE.COM");
    let cname = find(&reply, &asn1::encode(&alice().name.to_wire()).unwrap());
    let decoded: asn1::TgsRep<'_> = asn1::decode(&reply).unwrap();
    let ticket = find(&reply, decoded.ticket.bytes());
    let kvno = ticket.end + find(&reply[ticket.end..], &[0xa1, 0x03, 0x02, 0x01, 0x01, 0xa2]).start + 4;
    let mut passed = Vec::new();
    for index in 0..reply.len() {
        let mut altered = reply.clone();
        altered[index] ^= 1 << (index % 8);
        if let Ok(outcome) = make().1.reply(&altered, now(60)) {
            let done = done(outcome);
            assert_eq!(
                (&done.credential.client, &done.credential.server),
                (&alice(), &web())
            );
            passed.push(index);
        }
    }
    let free =
        |index: &usize| crealm.contains(index) || (crealm.end..cname.end).contains(index) || *index == kvno;
    assert!(passed.iter().all(free), "{passed:?}");
    assert!(passed.len() > 10, "{passed:?}");
}

/// What a KDC says of the user that a service acts for stands in the tunnel, or nowhere.
#[test]
fn the_user_of_s4u_is_read_from_the_tunnel() {
    let bob = Principal::new("EXAMPLE.COM", &["bob"]);
    let garbage = || vec![(PaDataType::PA_S4U_X509_USER, b"garbage".to_vec())];
    let answered = |in_clear: bool| {
        let params = TgsParams {
            armor: TgsArmor::Required,
            ..TgsParams::s4u2self(tgt(), crate::S4uUser::new(bob.clone()))
        };
        let (request, pending) = begin(params);
        let (kdc, outside) = FastHalf::open_tgs(&request, now(60));
        assert_eq!(outside, [PaDataType::PA_AP_REQ, PaDataType::PA_FX_FAST]);
        let inside: Vec<_> = kdc.padata.iter().map(|(padata_type, _)| *padata_type).collect();
        assert!(inside.contains(&PaDataType::PA_FOR_USER) && inside.contains(&PaDataType::PA_S4U_X509_USER));
        let mut issue = answer(&request);
        issue.client = bob.clone();
        let mut sealed = kdc.honest(&issue);
        if in_clear {
            issue.padata = garbage();
        } else {
            sealed.padata = garbage();
        }
        pending.reply(&kdc.tgs_rep(&issue, &sealed), now(60))
    };
    assert_eq!(done(answered(true).unwrap()).credential.client, bob);
    assert!(matches!(answered(false), Err(ProtocolError::Decode(_))));
}
