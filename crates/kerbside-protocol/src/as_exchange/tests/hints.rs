//! What KDCs say of keys and salts other than by ETYPE-INFO2, pre-authentication that expires, and what else is in a
//! request.

use kerbside_asn1::{EtypeInfo, EtypeInfoEntry};

use super::*;

fn etype_info(entries: &[(EncryptionType, Option<&[u8]>)]) -> Vec<u8> {
    let entries = entries.iter();
    let entries = entries.map(|&(etype, salt)| EtypeInfoEntry { etype, salt });
    asn1::encode(&EtypeInfo(entries.collect())).unwrap()
}

fn candidates(methods: &[(PaDataType, &[u8])]) -> Vec<(EncryptionType, Vec<u8>)> {
    let (_, pending) = begin(plain());
    let mut methods = methods.to_vec();
    methods.push((PaDataType::PA_ENC_TIMESTAMP, &[]));
    let required = preauth_required_with(&methods, now(0));
    let (candidates, _) = asked(pending.reply(&required, now(0), &mut rng(2)).unwrap());
    candidates
        .into_iter()
        .inspect(|candidate| assert_eq!(candidate.s2kparams, None))
        .map(|candidate| (candidate.enctype, candidate.salt))
        .collect()
}

#[test]
fn the_older_list_counts_where_there_is_no_newer_one() {
    let old = etype_info(&[(AES128, Some(b"old")), (AES256, None), (AES128, Some(b"again"))]);
    let new = etype_info2(&[(AES256, Some(b"new"), None)]);
    let (old, new) = (
        (PaDataType::PA_ETYPE_INFO, &old[..]),
        (PaDataType::PA_ETYPE_INFO2, &new[..]),
    );
    let salt = (PaDataType::PA_PW_SALT, &b"pw salt"[..]);
    let by_old = [(AES128, b"old".to_vec()), (AES256, b"EXAMPLE.COMalice".to_vec())];
    assert_eq!(candidates(&[old]), by_old);
    assert_eq!(candidates(&[salt, old]), by_old);
    for methods in [[old, new, salt], [new, old, salt], [salt, new, old]] {
        assert_eq!(candidates(&methods), [(AES256, b"new".to_vec())]);
    }
}

#[test]
fn a_salt_alone_is_the_salt_of_every_key() {
    let by_salt = candidates(&[
        (PaDataType::PA_PW_SALT, b"pw salt"),
        (PaDataType::PA_PW_SALT, b"other"),
    ]);
    assert_eq!(by_salt.len(), EncryptionType::SUPPORTED.len());
    assert!(by_salt.iter().all(|(_, salt)| salt == b"pw salt"), "{by_salt:?}");
    // Present and empty is an empty salt.
    let empty = candidates(&[(PaDataType::PA_PW_SALT, b"")]);
    assert!(empty.iter().all(|(_, salt)| salt.is_empty()), "{empty:?}");
}

#[test]
fn what_expired_is_begun_again_once_and_the_password_is_not_asked_again() {
    let info = etype_info2(&[(AES256, None, None)]);
    let methods = [
        (PaDataType::PA_ETYPE_INFO2, &info[..]),
        (PaDataType::PA_ENC_TIMESTAMP, &[]),
        (PaDataType::PA_FX_COOKIE, b"stale"),
    ];
    let required = preauth_required_with(&methods, now(0));
    let expired = error(ErrorCode::KDC_ERR_PREAUTH_EXPIRED, now(0));
    let (_, pending) = begin(plain());
    let (_, ask) = asked(pending.reply(&required, now(0), &mut rng(2)).unwrap());
    let answer = Answer::Password(Password::from("secret"));
    let (_, pending) = sent(ask.answer(answer, now(0), &mut rng(3)).unwrap());

    let (again, pending) = sent(pending.reply(&expired, now(0), &mut rng(4)).unwrap());
    let again: AsReq<'_> = asn1::decode(&again).unwrap();
    let padata: Vec<_> = again.padata.iter().flatten().map(|pa| pa.padata_type).collect();
    assert_eq!(padata, [PaDataType::PA_REQ_ENC_PA_REP], "the cookie is gone");
    // The request with a proof comes without a question.
    let (proved, pending) = sent(pending.reply(&required, now(0), &mut rng(5)).unwrap());
    let proved: AsReq<'_> = asn1::decode(&proved).unwrap();
    let padata = proved.padata.as_ref().unwrap();
    assert!(asn1::find_padata(padata, PaDataType::PA_ENC_TIMESTAMP).is_some());
    let refused = pending.reply(&expired, now(0), &mut rng(6)).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KDC_ERR_PREAUTH_EXPIRED));
}

#[test]
fn the_wish_for_a_pac_is_in_every_request() {
    for include_pac in [None, Some(true), Some(false)] {
        let params = AsParams {
            include_pac,
            ..plain()
        };
        let (first, _) = begin(params.clone());
        let (second, _) = preauthenticating(params);
        for request in [first, second] {
            let request: AsReq<'_> = asn1::decode(&request).unwrap();
            let padata = request.padata.as_ref().unwrap();
            let wish = asn1::find_padata(padata, PaDataType::PA_PAC_REQUEST);
            let wish = wish.map(|value| asn1::decode::<KerbPaPacRequest>(value).unwrap().include_pac);
            assert_eq!(wish, include_pac);
        }
    }
}

#[test]
fn what_was_proved_by_is_told() {
    let proved = done(exchange(plain(), |_| {}).unwrap());
    assert_eq!(proved.preauth_type, Some(PaDataType::PA_ENC_TIMESTAMP));
    assert!(!proved.armored && !proved.fast_avail);
    let (request, pending) = begin(plain());
    let reply = Issue::to_as_req(&request).as_rep(&request, &mut rng(4));
    let (_, ask) = asked(pending.reply(&reply, now(1), &mut rng(5)).unwrap());
    let unproved = done(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(6)).unwrap());
    assert_eq!(unproved.preauth_type, None);
}
