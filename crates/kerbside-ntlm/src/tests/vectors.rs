//! MS-NLMP section 4.2, and exchanges of other implementations.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_crypto::Password;
use kerbside_gss::{BindingPolicy, BindingState, ChannelBindings, Role};
use kerbside_protocol::Now;
use serde_json::Value;

use super::{NtlmInitiatorParams, rng};
use crate::acceptor::AwaitAuthenticate;
use crate::initiator::{AwaitChallenge, Nonces};
use crate::messages::{AuthenticateMessage, ChallengeMessage, NegotiateMessage};
use crate::response::{self, V2Blob, V2Proof};
use crate::session::Session;
use crate::{
    AvId, LmHash, NegotiateFlags, NtHash, NtHashSource, NtlmAcceptorParams, NtlmAccount, NtlmError,
    NtlmSessionKey, lm_key_exchange_key, lm_v1_response, login,
};

const CLIENT_CHALLENGE: [u8; 8] = [0xaa; 8];
const SESSION_KEY: [u8; 16] = [0x55; 16];

pub(super) fn file() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/ntlm.json")).unwrap()
}

fn vector(name: &str) -> Value {
    let file = file();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 6);
    vectors
        .iter()
        .find(|vector| vector["name"] == name)
        .unwrap()
        .clone()
}

fn hex_of(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn flags_of(value: &Value) -> NegotiateFlags {
    NegotiateFlags(u32::from_str_radix(value.as_str().unwrap(), 16).unwrap())
}

fn challenge_of(vector: &Value) -> Vec<u8> {
    hex_of(&vector["challenge_message_hex"])
}

fn password() -> Password {
    Password::from("Password")
}

fn nt_hash() -> NtHash {
    NtHash::from_password(&password()).unwrap()
}

/// Seals the plaintext of the vector as the client's first message.
fn check_seal(vector: &Value, flags: NegotiateFlags) {
    use kerbside_gss::PerMessage;
    let seal = &vector["seal"];
    let key: [u8; 16] = hex_of(&seal["exported_session_key_hex"]).try_into().unwrap();
    let key = NtlmSessionKey::from_bytes(key);
    let mut session = Session::new(flags, key.clone(), Role::Initiator, false);
    let plaintext = hex_of(&seal["plaintext_hex"]);
    let mut token = Vec::new();
    session
        .wrap_into(true, &plaintext, &mut token, &mut rng(1))
        .unwrap();
    let expected = [hex_of(&seal["signature_hex"]), hex_of(&seal["sealed_hex"])].concat();
    assert_eq!(hex::encode(&token), hex::encode(expected));
    let mut peer = Session::new(flags, key, Role::Acceptor, false);
    assert_eq!(peer.unwrap(&token, true).unwrap().message, plaintext);
}

fn server_challenge() -> [u8; 8] {
    [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]
}

#[test]
fn ms_nlmp_4_2_2_ntlm_v1() {
    let vector = vector("ntlmv1");
    let nt = nt_hash();
    let lm = LmHash::from_password(&password()).unwrap();
    assert_eq!(nt.expose_secret().as_slice(), hex_of(&vector["ntowfv1_hex"]));
    assert_eq!(lm.expose_secret().as_slice(), hex_of(&vector["lmowfv1_hex"]));
    let response = response::v1_response(&nt, &server_challenge(), None);
    assert_eq!(response.as_slice(), hex_of(&vector["nt_challenge_response_hex"]));
    let lm_response = lm_v1_response(&lm, &server_challenge());
    assert_eq!(
        lm_response.as_slice(),
        hex_of(&vector["lm_challenge_response_hex"])
    );
    let key = response::v1_key_exchange_key(&nt, &server_challenge(), None);
    assert_eq!(key.as_slice(), hex_of(&vector["key_exchange_key_hex"]));
    let wrapped = response::wrap_key(&key, &SESSION_KEY);
    assert_eq!(
        wrapped.as_slice(),
        hex_of(&vector["encrypted_random_session_key_hex"])
    );
    let by_lm = lm_key_exchange_key(NegotiateFlags::LM_KEY, &lm, &lm_response);
    assert_eq!(
        by_lm.expose_secret().as_slice(),
        hex_of(&vector["key_exchange_key_if_LM_KEY_hex"])
    );
    let wrapped = response::wrap_key(by_lm.expose_secret(), &SESSION_KEY);
    assert_eq!(
        wrapped.as_slice(),
        hex_of(&vector["encrypted_random_session_key_if_LM_KEY_hex"])
    );
    let non_nt = lm_key_exchange_key(NegotiateFlags::REQUEST_NON_NT_SESSION_KEY, &lm, &lm_response);
    let wrapped = response::wrap_key(non_nt.expose_secret(), &SESSION_KEY);
    let expected = &vector["encrypted_random_session_key_if_REQUEST_NON_NT_SESSION_KEY_hex"];
    assert_eq!(wrapped.as_slice(), hex_of(expected));
    check_seal(&vector, flags_of(&vector["flags"]));
}

#[test]
fn ms_nlmp_4_2_3_ntlm_v1_with_client_challenge() {
    let vector = vector("ntlmv1_with_client_challenge (extended session security)");
    let nt = nt_hash();
    let nonce = Some(&CLIENT_CHALLENGE);
    let response = response::v1_response(&nt, &server_challenge(), nonce);
    assert_eq!(response.as_slice(), hex_of(&vector["nt_challenge_response_hex"]));
    let key = response::v1_key_exchange_key(&nt, &server_challenge(), nonce);
    assert_eq!(key.as_slice(), hex_of(&vector["key_exchange_key_hex"]));
    check_seal(&vector, flags_of(&vector["flags"]));
    let session_key = NtlmSessionKey::from_bytes(*key);
    let sign_key = response::sign_key(&session_key, Role::Initiator);
    assert_eq!(sign_key.as_slice(), hex_of(&vector["seal"]["sign_key_hex"]));
}

#[test]
fn ms_nlmp_4_2_4_ntlm_v2() {
    let vector = vector("ntlmv2");
    let owf = response::nt_owf_v2(&nt_hash(), "User", "Domain");
    assert_eq!(owf.as_slice(), hex_of(&vector["ntowfv2_hex"]));
    let challenge = challenge_of(&vector);
    let challenge = ChallengeMessage::parse(&challenge).unwrap();
    let blob = V2Blob {
        timestamp: 0,
        client_challenge: CLIENT_CHALLENGE,
        pairs: challenge.target_info,
    };
    let blob = blob.to_bytes();
    assert_eq!(hex::encode(&blob), vector["temp_hex"].as_str().unwrap());
    let proof = V2Proof::new(&owf, &server_challenge(), &blob);
    assert_eq!(proof.proof.as_slice(), hex_of(&vector["nt_proof_str_hex"]));
    assert_eq!(
        proof.session_base_key.as_slice(),
        hex_of(&vector["session_base_key_hex"])
    );
    let lm = response::lm_v2_response(&owf, &server_challenge(), &CLIENT_CHALLENGE);
    assert_eq!(lm.as_slice(), hex_of(&vector["lm_challenge_response_hex"]));
    let wrapped = response::wrap_key(&proof.session_base_key, &SESSION_KEY);
    assert_eq!(
        wrapped.as_slice(),
        hex_of(&vector["encrypted_random_session_key_hex"])
    );
    check_seal(&vector, flags_of(&vector["flags"]));
}

/// Each message is read, says what it should, and is written again with the same octets.
#[test]
fn ms_nlmp_4_2_messages() {
    for name in [
        "ntlmv1",
        "ntlmv1_with_client_challenge (extended session security)",
        "ntlmv2",
    ] {
        let vector = vector(name);
        let bytes = challenge_of(&vector);
        let challenge = ChallengeMessage::parse(&bytes).unwrap();
        let decoded = &vector["challenge_decoded"];
        assert_eq!(challenge.flags, flags_of(&decoded["flags"]));
        assert_eq!(challenge.server_challenge, server_challenge());
        assert_eq!(
            challenge.target_info.as_bytes(),
            hex_of(&decoded["target_info_hex"])
        );
        assert_eq!(challenge.to_bytes().unwrap().len(), bytes.len());
        let bytes = hex_of(&vector["authenticate_message_hex"]);
        let message = AuthenticateMessage::parse(&bytes).unwrap();
        let decoded = &vector["authenticate_decoded"];
        assert_eq!(message.flags, flags_of(&decoded["flags"]));
        assert_eq!(message.nt_response, hex_of(&decoded["nt_response"]));
        assert_eq!(message.lm_response, hex_of(&decoded["lm_response"]));
        assert_eq!(
            message.encrypted_session_key,
            hex_of(&decoded["encrypted_random_session_key"])
        );
        assert_eq!(message.mic, None, "there is no room for one");
        assert_eq!(hex::encode(message.to_bytes().unwrap()), hex::encode(&bytes));
    }
}

/// Accounts of the vectors.
struct One(&'static str, &'static str, &'static str);

impl NtHashSource for One {
    fn find(&self, domain: &str, user: &str) -> Result<Option<NtlmAccount>, NtlmError> {
        if (domain, user) != (self.0, self.1) {
            return Ok(None);
        }
        let hash = NtHash::from_password(&Password::from(self.2))?;
        Ok(Some(NtlmAccount {
            domain: String::from(self.0),
            user: String::from(self.1),
            hash,
        }))
    }
}

/// The channel of the capture, which the computed messages have too.
fn bindings() -> ChannelBindings {
    let hash = "ea05fefecc6b0bd571dbbc5baa3ed45386d0446835f7b74c85621b9983475f95";
    ChannelBindings::tls_server_end_point(&hex::decode(hash).unwrap())
}

/// Seconds and microseconds of a FILETIME.
fn now_of(filetime: u64) -> Now {
    let seconds = i64::try_from(filetime / 10_000_000).unwrap() - 11_644_473_600;
    Now::new(seconds, (filetime % 10_000_000 / 10) as u32).unwrap()
}

/// What another implementation computed, the initiator makes octet for octet and the acceptor takes.
fn whole_exchange(name: &str) {
    let vector = vector(name);
    let negotiate = hex_of(&vector["negotiate_message_hex"]);
    let challenge = challenge_of(&vector);
    let authenticate = hex_of(&vector["authenticate_message_hex"]);
    NegotiateMessage::parse(&negotiate).unwrap();
    let parsed = ChallengeMessage::parse(&challenge).unwrap();
    assert_eq!(hex::encode(parsed.to_bytes().unwrap()), hex::encode(&challenge));
    let message = AuthenticateMessage::parse(&authenticate).unwrap();
    assert_eq!(message.mic.unwrap().as_slice(), hex_of(&vector["mic_hex"]));
    assert_eq!(
        hex::encode(message.to_bytes().unwrap()),
        hex::encode(&authenticate)
    );
    let time = now_of(vector["timestamp_filetime"].as_u64().unwrap());

    let version = message.version.unwrap();
    let params = NtlmInitiatorParams::new("Domain", "User", &password())
        .unwrap()
        .with_workstation("COMPUTER")
        .with_target("HTTP/server.domain.example")
        .with_version(version)
        .with_channel_bindings(Some(bindings()));
    let waiting = AwaitChallenge {
        params,
        negotiate: negotiate.clone(),
    };
    let nonces = Nonces {
        client_challenge: CLIENT_CHALLENGE,
        session_key: NtlmSessionKey::from_bytes(SESSION_KEY),
    };
    let (made, _) = waiting.answer(&challenge, time, &nonces).unwrap();
    assert_eq!(hex::encode(made), hex::encode(&authenticate));

    let params = NtlmAcceptorParams::new(Arc::new(One("Domain", "User", "Password")), "Server")
        .with_channel_bindings(Some(bindings()), BindingPolicy::Required)
        .with_targets(&["http/SERVER.domain.example"], BindingPolicy::Required);
    let state = AwaitAuthenticate {
        params: Arc::new(params),
        negotiate,
        challenge: challenge.clone(),
        server_challenge: parsed.server_challenge,
        flags: parsed.flags,
        issued_at: time,
    };
    let login = login::check(&state, &authenticate, time, &mut rng(1)).unwrap();
    assert_eq!(login.bindings, BindingState::Bound);
    assert!(login.has_mic);
    let expected = hex_of(&vector["exported_session_key_hex"]);
    assert_eq!(login.session_key.expose_secret().as_slice(), expected);
}

#[test]
fn an_exchange_with_mic_and_key_exchange() {
    whole_exchange("computed_ntlmv2_mic_keyexch");
}

#[test]
fn an_exchange_with_mic_without_key_exchange() {
    whole_exchange("computed_ntlmv2_mic_no_keyexch");
}

/// Windows 7 to Windows Server 2008 R2. The NEGOTIATE message was not published, so that the MIC cannot be checked.
#[test]
fn a_captured_response_with_channel_bindings() {
    let vector = vector("ntlmv2_with_channel_bindings_and_mic");
    let bytes = hex_of(&vector["authenticate_message_hex"]);
    let message = AuthenticateMessage::parse(&bytes).unwrap();
    let (proof, proved, blob) = V2Blob::parse(message.nt_response).unwrap();
    let hash = NtHash::from_password(&Password::from(vector["password"].as_str().unwrap())).unwrap();
    let owf = response::nt_owf_v2(&hash, "Administrator", "WS2008R2");
    assert_eq!(owf.as_slice(), hex_of(&vector["ntowfv2_hex"]));
    let nonce: [u8; 8] = hex_of(&vector["server_challenge_hex"]).try_into().unwrap();
    let ours = V2Proof::new(&owf, &nonce, proved);
    assert_eq!(ours.proof.as_slice(), proof);
    assert_eq!(
        ours.session_base_key.as_slice(),
        hex_of(&vector["session_base_key_hex"])
    );
    assert_eq!(message.mic.unwrap().as_slice(), hex_of(&vector["mic_hex"]));
    let expected = bindings().md5().unwrap();
    assert_eq!(blob.pairs.channel_bindings().unwrap(), Some(expected));
    let target = blob.pairs.text(AvId::TARGET_NAME).unwrap();
    assert_eq!(target.as_deref(), Some("HTTP/dc-ws2008r2.ws2008r2.local"));
    let pairs: Vec<u64> = blob.pairs.iter().map(|(id, _)| u64::from(id.0)).collect();
    let expected: Vec<u64> = vector["client_av_pairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair["id"].as_u64().unwrap())
        .collect();
    assert_eq!(pairs, expected);
}

/// Messages that pyspnego and Kerberos.NET carry in their tests.
#[test]
fn messages_of_others_are_read() {
    let file = file();
    let messages = file["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 5);
    for message in messages {
        let bytes = hex_of(&message["message_hex"]);
        let decoded = &message["decoded"];
        match message["type"].as_u64().unwrap() {
            1 => drop(NegotiateMessage::parse(&bytes).unwrap()),
            2 => {
                let message = ChallengeMessage::parse(&bytes).unwrap();
                assert_eq!(message.flags, flags_of(&decoded["flags"]));
                assert_eq!(
                    message.target_info.as_bytes(),
                    hex_of(&decoded["target_info_hex"])
                );
            }
            _ => {
                let message = AuthenticateMessage::parse(&bytes).unwrap();
                assert_eq!(message.flags, flags_of(&decoded["flags"]));
                assert_eq!(message.nt_response, hex_of(&decoded["nt_response"]));
                V2Blob::parse(message.nt_response).unwrap();
                let text = |bytes| crate::text::decode("", "", bytes, message.flags).unwrap();
                assert_eq!(text(message.user), decoded["user"].as_str().unwrap());
                assert_eq!(
                    text(message.workstation),
                    decoded["workstation"].as_str().unwrap()
                );
            }
        }
    }
}
