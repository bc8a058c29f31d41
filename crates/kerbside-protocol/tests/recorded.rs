//! Real exchanges, recorded: what we send is byte for byte what MIT's client sent, and what Active Directory answered is
//! accepted. Tickets of real caches are opened by the acceptor's first stage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use std::collections::VecDeque;

use kerbside_asn1::{
    self as asn1, ApOptions, ApReq, AsReq, EncryptedData, ErrorCode, KdcOptions, KerberosTime, MsgType,
    NameType, Principal, Raw, TgsReq,
};
use kerbside_crypto::{EncryptionType, EnctypePolicy, IterationLimits, Key, KeyUsage, Password, Segment};
use kerbside_protocol::{
    Answer, ApRefusal, ApReqParsed, AsExchange, AsOutcome, AsParams, AuthenticatorPolicy, Misbehaviour, Now,
    ProtocolError, Purpose, Question, TgsExchange, TgsOutcome, TgsParams, decrypt_enc_timestamp,
};
use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(value[key].as_str().unwrap()).unwrap()
}

/// Hands out what was drawn when the exchange was recorded.
struct Script(VecDeque<u8>);

impl Script {
    fn new(pieces: &[&[u8]]) -> Self {
        Self(pieces.concat().into())
    }
}

impl TryRng for Script {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut word = [0; 4];
        self.try_fill_bytes(&mut word)?;
        Ok(u32::from_le_bytes(word))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut word = [0; 8];
        self.try_fill_bytes(&mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for byte in out {
            *byte = self
                .0
                .pop_front()
                .expect("the script ends before the exchange does");
        }
        Ok(())
    }
}

impl TryCryptoRng for Script {}

/// The confounder of a ciphertext.
fn confounder(key: &Key, usage: KeyUsage, cipher: &[u8]) -> Vec<u8> {
    let mut header = cipher[..key.header_len()].to_vec();
    let end = cipher.len() - key.trailer_len();
    let mut data = cipher[key.header_len()..end].to_vec();
    let mut trailer = cipher[end..].to_vec();
    let segments = &mut [
        Segment::Header(&mut header),
        Segment::Data(&mut data),
        Segment::Trailer(&mut trailer),
    ];
    key.decrypt_in_place(usage, segments).unwrap();
    header
}

fn time(text: &str) -> KerberosTime {
    KerberosTime::from_generalized_time(text.as_bytes()).unwrap()
}

fn now(text: &str, usec: u32) -> Now {
    Now::new(time(text).unix_seconds(), usec).unwrap()
}

#[test]
fn an_active_directory_login_goes_byte_for_byte_as_mits_did() {
    let recorded = vectors("recorded_ad_exchange.json");
    let client = Principal::new("DOMAIN.LOCAL", &["vagrant-domain"]);
    let enctypes: Vec<_> = [18, 17, 16, 23].map(EncryptionType).to_vec();
    let mut params = AsParams::new(client.clone());
    params.options = KdcOptions::FORWARDABLE;
    params.enctypes = enctypes.clone();
    params.enctype_policy = EnctypePolicy::ALLOW_ALL;
    params.lifetime_seconds = 10 * 3600 - 3;
    let start = now("20200613210423Z", 0);

    let mut rng = Script::new(&[&[1; 4]]);
    let AsOutcome::Send {
        pending,
        realm,
        constraints,
        ..
    } = AsExchange::start(params, start, &mut rng).unwrap()
    else {
        panic!("expected a request");
    };
    assert_eq!(
        (realm.as_bytes(), constraints.stream_only),
        (&b"DOMAIN.LOCAL"[..], false)
    );
    let error = bytes(&recorded, "krb_error_hex");
    let AsOutcome::Ask { question, pending } = pending.reply(&error, start, &mut rng).unwrap() else {
        panic!("expected a question");
    };
    let Question::LongTermKey {
        candidates,
        principal,
    } = question
    else {
        panic!("expected a key to be asked for")
    };
    assert_eq!(principal, client);
    assert_eq!(candidates[0].enctype, EncryptionType(18));
    assert_eq!(candidates[0].salt, recorded["salt"].as_str().unwrap().as_bytes());

    let password = Password::from(recorded["password"].as_str().unwrap());
    let key = candidates[0]
        .derive(&password, &IterationLimits::default())
        .unwrap();
    let as_req = bytes(&recorded, "as_req_hex");
    let request: AsReq<'_> = asn1::decode(&as_req).unwrap();
    let stamp = request.padata.as_ref().unwrap()[0].padata_value;
    let sent_at = decrypt_enc_timestamp(&key, stamp).unwrap();
    assert_eq!(sent_at.time, time("20200613210423Z"));
    let stamp: EncryptedData<'_> = asn1::decode(stamp).unwrap();
    let mut rng = Script::new(&[
        &request.req_body.nonce.to_le_bytes(),
        &confounder(&key, KeyUsage::AS_REQ_PA_ENC_TIMESTAMP, stamp.cipher),
    ]);
    let outcome = pending
        .answer(Answer::Password(password), sent_at, &mut rng)
        .unwrap();
    let AsOutcome::Send { request, pending, .. } = outcome else {
        panic!("expected a request")
    };
    assert_eq!(hex::encode(request), hex::encode(&as_req));

    let reply = bytes(&recorded, "as_rep_hex");
    let AsOutcome::Done(done) = pending.reply(&reply, sent_at, &mut rng).unwrap() else {
        panic!("expected a ticket")
    };
    assert!(done.enc_pa_rep_verified && done.preauthenticated);
    assert_eq!(done.clock_offset_seconds, None);
    assert_eq!(
        (done.reply_enctype, done.reply_kvno),
        (EncryptionType(18), Some(11))
    );
    let tgt = done.credential;
    assert_eq!(tgt.client, client);
    assert_eq!(tgt.server, Principal::krbtgt("DOMAIN.LOCAL", "DOMAIN.LOCAL"));
    assert_eq!(
        tgt.flags.to_string(),
        "forwardable, initial, pre-authent, enc-pa-rep"
    );
    assert_eq!(
        (tgt.start_time, tgt.end_time),
        (time("20200613210423Z"), time("20200614070420Z"))
    );
    assert_eq!(
        tgt.session_key.expose_secret(),
        bytes(&recorded, "tgt_session_key_hex")
    );

    the_service_ticket_follows(&recorded, tgt, enctypes);
}

fn the_service_ticket_follows(
    recorded: &Value,
    tgt: kerbside_protocol::Credential,
    enctypes: Vec<EncryptionType>,
) {
    let session_key = Key::new(EncryptionType(18), &bytes(recorded, "tgt_session_key_hex")).unwrap();
    let tgs_req = bytes(recorded, "tgs_req_hex");
    let request: TgsReq<'_> = asn1::decode(&tgs_req).unwrap();
    let ap_req: ApReq<'_> = asn1::decode(request.padata.as_ref().unwrap()[0].padata_value).unwrap();
    let server = Principal {
        realm: "DOMAIN.LOCAL".into(),
        name: kerbside_asn1::Name::new(&["HTTP", "server2019.domain.local"]).with_type(NameType::NT_SRV_HST),
    };
    let mut params = TgsParams::new(tgt, server.clone());
    params.enctypes = enctypes;
    params.enctype_policy = EnctypePolicy::ALLOW_ALL;
    params.till = Some(KerberosTime::EPOCH);
    let mut rng = Script::new(&[
        &bytes(recorded, "subkey_hex"),
        &request.req_body.nonce.to_le_bytes(),
        &confounder(&session_key, KeyUsage::TGS_REQ_AUTH, ap_req.authenticator.cipher),
    ]);
    let sent_at = now("20200613210428Z", 958_603);
    let TgsOutcome::Send { request, pending, .. } = TgsExchange::start(params, sent_at, &mut rng).unwrap()
    else {
        panic!("expected a request");
    };
    assert_eq!(hex::encode(request), hex::encode(&tgs_req));
    let TgsOutcome::Done(done) = pending.reply(&bytes(recorded, "tgs_rep_hex"), sent_at).unwrap() else {
        panic!("expected a ticket");
    };
    assert_eq!(done.credential.server, server);
    assert_eq!(
        done.credential.session_key.expose_secret(),
        bytes(recorded, "service_session_key_hex")
    );
    assert_eq!(
        (done.ticket_kvno, done.ticket_enctype),
        (Some(6), EncryptionType(18))
    );
}

/// The same reply for a request that differs in one octet is refused: the checksum in it is over the request.
#[test]
fn the_recorded_reply_does_not_fit_another_request() {
    let recorded = vectors("recorded_ad_exchange.json");
    let mut params = AsParams::new(Principal::new("DOMAIN.LOCAL", &["vagrant-domain"]));
    params.options = KdcOptions::FORWARDABLE;
    params.lifetime_seconds = 36_000;
    let at = now("20200613210423Z", 0);
    let nonce = 734_266_074_u32.to_le_bytes();
    let AsOutcome::Send { pending, .. } = AsExchange::start(params, at, &mut Script::new(&[&nonce])).unwrap()
    else {
        panic!("expected a request");
    };
    let mut rng = Script::new(&[]);
    let outcome = pending
        .reply(&bytes(&recorded, "as_rep_hex"), at, &mut rng)
        .unwrap();
    let AsOutcome::Ask { pending, .. } = outcome else {
        panic!("expected a question")
    };
    let answer = Answer::Password(Password::from(recorded["password"].as_str().unwrap()));
    let refused = pending.answer(answer, at, &mut rng).unwrap_err();
    assert!(
        matches!(&refused, ProtocolError::Misbehaved { what, .. } if **what == Misbehaviour::EncPaRepChecksum),
        "{refused}"
    );
    assert_eq!(refused.code(), Some(ErrorCode::KRB_AP_ERR_MODIFIED));
}

#[test]
fn tickets_of_real_caches_open_with_their_services_key_alone() {
    let file = vectors("ticket_decrypt.json");
    let mut opened = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let enctype = EncryptionType(i32::try_from(vector["etype"].as_i64().unwrap()).unwrap());
        let ticket = bytes(vector, "ticket_der_hex");
        let request = ApReq {
            pvno: 5,
            msg_type: MsgType::AP_REQ,
            ap_options: ApOptions::NONE,
            ticket: Raw::parse(&ticket).unwrap(),
            authenticator: EncryptedData {
                etype: enctype,
                kvno: None,
                cipher: &[0; 64],
            },
        };
        let request = asn1::encode(&request).unwrap();
        let parsed = ApReqParsed::parse(&request).unwrap();
        assert_eq!(
            parsed.ticket_server(),
            &Principal::krbtgt("SH.INTEL.COM", "SH.INTEL.COM")
        );
        assert_eq!(parsed.ticket_enctype(), enctype);
        let key = Key::new(enctype, &bytes(vector, "service_key_hex"));
        if !enctype.is_supported() {
            assert!(key.is_err(), "{enctype}");
            continue;
        }
        let decrypted = parsed.decrypt_ticket(&key.unwrap()).unwrap();
        let (part, expected) = (decrypted.ticket(), &vector["enc_ticket_part"]);
        assert_eq!(part.client(), &Principal::new("SH.INTEL.COM", &["test"]));
        assert_eq!(
            format!("{:08x}", part.flags().bits()),
            expected["flags"].as_str().unwrap()
        );
        assert_eq!(
            hex::encode(part.session_key().expose_secret()),
            expected["key"]["keyvalue"].as_str().unwrap()
        );
        assert_eq!(part.authtime(), time(expected["authtime"].as_str().unwrap()));
        assert_eq!(part.starttime(), None);
        assert_eq!(part.endtime(), time(expected["endtime"].as_str().unwrap()));
        assert_eq!(
            part.renew_till(),
            Some(time(expected["renew-till"].as_str().unwrap()))
        );
        assert_eq!(part.authorization_data().len(), 1);

        let other = Key::new(enctype, &vec![7; enctype.key_len().unwrap()]).unwrap();
        let refused = parsed.decrypt_ticket(&other).unwrap_err();
        assert_eq!(
            refused.code(),
            Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY),
            "{refused}"
        );

        // Rubbish in the place of an authenticator gets no further, whatever the clock says.
        let policy = AuthenticatorPolicy {
            purpose: Purpose::Application,
            ..AuthenticatorPolicy::default()
        };
        let refused = decrypted.verify(&policy, now("20140809120000Z", 0)).unwrap_err();
        assert!(
            matches!(&refused, ProtocolError::ApReq(why) if matches!(**why, ApRefusal::AuthenticatorIntegrity { .. }))
        );
        opened += 1;
    }
    assert_eq!(opened, 4);
}
