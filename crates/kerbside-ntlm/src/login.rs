//! What an acceptor makes of an AUTHENTICATE message (MS-NLMP 3.2.5.1.2).
//!
//! The order is: bytes; version and anonymity; the response, whether there is such a user or not; the MIC; and only then
//! what stands in the response, because only then it is the user's.

use alloc::string::String;

use kerbside_crypto::CryptoRng;
use kerbside_gss::BindingState;
use kerbside_protocol::Now;
use zeroize::Zeroizing;

use crate::acceptor::AwaitAuthenticate;
use crate::agreement;
use crate::av_pairs::{AV_FLAG_MIC, AV_FLAG_UNTRUSTED_TARGET, AvId, AvPairs};
use crate::error::{NtlmError, malformed};
use crate::flags::NegotiateFlags;
use crate::messages::{AuthenticateMessage, without_mic};
use crate::policy::{MicPolicy, TimestampPolicy};
use crate::response::{self, Key, V1_RESPONSE_LEN, V2Blob, V2Proof, same};
use crate::secret::{KEY_LEN, NtHash, NtlmSessionKey};
use crate::target;
use crate::text;
use crate::users::NtlmAccount;

/// A login that succeeded.
pub(crate) struct Login {
    /// Domain and user, as the source has them; none for nobody.
    pub(crate) account: Option<(String, String)>,
    pub(crate) flags: NegotiateFlags,
    pub(crate) session_key: NtlmSessionKey,
    pub(crate) has_mic: bool,
    pub(crate) bindings: BindingState,
    pub(crate) target: Option<String>,
}

const MESSAGE: &str = "AUTHENTICATE_MESSAGE";

/// Checks an AUTHENTICATE message.
pub(crate) fn check(
    state: &AwaitAuthenticate,
    token: &[u8],
    now: Now,
    rng: &mut dyn CryptoRng,
) -> Result<Login, NtlmError> {
    let message = AuthenticateMessage::parse(token)?;
    let age = now.time.seconds_since(state.issued_at.time);
    let most = state.params.policy.challenge_lifetime_seconds;
    if age.saturating_abs() > most {
        return Err(NtlmError::ChallengeExpired { age, most });
    }
    let no_lm = message.lm_response.is_empty() || message.lm_response == [0];
    if message.user.is_empty() && message.nt_response.is_empty() && no_lm {
        return anonymous(state, &message);
    }
    let response = Response::parse(state, &message)?;
    let (account, key_exchange_key) = prove(state, &message, &response, rng)?;
    let announced = match &response {
        Response::V1 { .. } => false,
        Response::V2 { blob, .. } => blob.pairs.flags()? & AV_FLAG_MIC != 0,
    };
    let session_key = session_key(&message, &key_exchange_key)?;
    check_mic(state, &message, token, &session_key, announced)?;
    let pairs = response.pairs();
    if !announced && pairs.is_some() && state.params.policy.mic == MicPolicy::Required {
        return Err(NtlmError::MicMissing);
    }
    let flags = agreement::of_authenticate(state.flags, message.flags, announced, &state.params.policy)?;
    check_time(state, &response, now)?;
    Ok(Login {
        account: Some((account.domain, account.user)),
        flags,
        session_key,
        has_mic: announced,
        bindings: state.check_bindings(pairs)?,
        target: state.check_target(wanted_target(pairs)?)?,
    })
}

/// An NtChallengeResponse.
enum Response<'a> {
    V1 {
        response: &'a [u8],
        /// With extended session security.
        client_challenge: Option<[u8; 8]>,
    },
    V2 {
        proof: [u8; KEY_LEN],
        /// What is under the proof.
        proved: &'a [u8],
        blob: V2Blob<'a>,
    },
}

impl<'a> Response<'a> {
    fn parse(state: &AwaitAuthenticate, message: &AuthenticateMessage<'a>) -> Result<Self, NtlmError> {
        if message.nt_response.len() != V1_RESPONSE_LEN {
            let (proof, proved, blob) = V2Blob::parse(message.nt_response)?;
            return Ok(Self::V2 { proof, proved, blob });
        }
        if !state.params.policy.allow_v1 {
            return Err(NtlmError::V1Refused);
        }
        let extended = state.flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY);
        let nonce = message.lm_response.first_chunk::<8>().copied();
        if extended && nonce.is_none() {
            return Err(malformed(
                MESSAGE,
                "LmChallengeResponse",
                "the client's challenge is missing",
            ));
        }
        Ok(Self::V1 {
            response: message.nt_response,
            client_challenge: nonce.filter(|_| extended),
        })
    }

    /// Where the client's word about itself is; NTLM v1 has none.
    fn pairs(&self) -> Option<&AvPairs<'a>> {
        match self {
            Self::V1 { .. } => None,
            Self::V2 { blob, .. } => Some(&blob.pairs),
        }
    }

    /// The key exchange key, if the response is made with this hash.
    fn verify(&self, server_challenge: &[u8; 8], hash: &NtHash, user: &str, domain: &str) -> Option<Key> {
        match self {
            Self::V1 {
                response,
                client_challenge,
            } => {
                let nonce = client_challenge.as_ref();
                let ours = response::v1_response(hash, server_challenge, nonce);
                let key = response::v1_key_exchange_key(hash, server_challenge, nonce);
                same(&ours, response).then_some(key)
            }
            Self::V2 { proof, proved, .. } => {
                let owf = response::nt_owf_v2(hash, user, domain);
                let ours = V2Proof::new(&owf, server_challenge, proved);
                same(ours.proof.as_slice(), proof).then_some(ours.session_base_key)
            }
        }
    }
}

/// Whether the response is the user's. For a user that there is not, the same is computed with a hash that nobody has.
fn prove(
    state: &AwaitAuthenticate,
    message: &AuthenticateMessage<'_>,
    response: &Response<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<(NtlmAccount, Key), NtlmError> {
    let domain = text::decode(MESSAGE, "DomainName", message.domain, state.flags)?;
    let user = text::decode(MESSAGE, "UserName", message.user, state.flags)?;
    let mut nobody = Zeroizing::new([0; KEY_LEN]);
    rng.fill_bytes(nobody.as_mut_slice());
    let found = state.params.source.find(&domain, &user)?;
    let known = found.is_some();
    let account = found.unwrap_or_else(|| NtlmAccount {
        domain: String::new(),
        user: String::new(),
        hash: NtHash::from_bytes(*nobody),
    });
    let challenge = &state.server_challenge;
    // Some clients hash an empty domain whatever they say (MS-NLMP 3.2.5.1.2).
    let mut key = response.verify(challenge, &account.hash, &user, &domain);
    if key.is_none() {
        key = response.verify(challenge, &account.hash, &user, "");
    }
    match key {
        Some(key) if known => Ok((account, key)),
        _ => Err(NtlmError::LoginFailed { domain, user }),
    }
}

/// ExportedSessionKey.
fn session_key(message: &AuthenticateMessage<'_>, key: &Key) -> Result<NtlmSessionKey, NtlmError> {
    if !message.flags.exchanges_key() {
        return Ok(NtlmSessionKey::from_bytes(**key));
    }
    let wrapped: &[u8; KEY_LEN] = message
        .encrypted_session_key
        .try_into()
        .map_err(|_| malformed(MESSAGE, "EncryptedRandomSessionKey", "it is not of 16 octets"))?;
    Ok(NtlmSessionKey::from_bytes(response::wrap_key(key, wrapped)))
}

/// The MIC, if the response announces one. That it does not is for policy to judge.
fn check_mic(
    state: &AwaitAuthenticate,
    message: &AuthenticateMessage<'_>,
    token: &[u8],
    session_key: &NtlmSessionKey,
    announced: bool,
) -> Result<(), NtlmError> {
    if !announced {
        return Ok(());
    }
    let found = message.mic.ok_or(NtlmError::MicMissing)?;
    let ours = response::mic(
        session_key,
        &state.negotiate,
        &state.challenge,
        &without_mic(token),
    );
    if same(ours.as_slice(), &found) {
        Ok(())
    } else {
        Err(NtlmError::MicWrong)
    }
}

fn check_time(state: &AwaitAuthenticate, response: &Response<'_>, now: Now) -> Result<(), NtlmError> {
    let Response::V2 { blob, .. } = response else {
        return Ok(());
    };
    let refuse = |reason| Err(NtlmError::Timestamp { reason });
    match state.params.policy.timestamp {
        TimestampPolicy::Off => Ok(()),
        TimestampPolicy::Echoed => {
            let sent = target::filetime(state.issued_at);
            let echoed = blob.pairs.timestamp()?;
            // The time of the response is what counts; the pair beside it is the server's list, repeated.
            if blob.timestamp != sent || echoed.is_some_and(|echoed| echoed != sent) {
                return refuse("it is not the one of the challenge");
            }
            Ok(())
        }
        TimestampPolicy::Within(seconds) => {
            let apart = target::seconds_apart(blob.timestamp, target::filetime(now));
            if apart > u64::from(seconds) {
                return refuse("it is too far from this side's clock");
            }
            Ok(())
        }
    }
}

/// MsvAvTargetName, unless it is empty or the client has it from where it does not trust.
pub(crate) fn wanted_target(pairs: Option<&AvPairs<'_>>) -> Result<Option<String>, NtlmError> {
    let Some(pairs) = pairs else {
        return Ok(None);
    };
    let untrusted = pairs.flags()? & AV_FLAG_UNTRUSTED_TARGET != 0;
    let name = pairs.text(AvId::TARGET_NAME)?;
    Ok(name.filter(|name| !name.is_empty() && !untrusted))
}

/// A client that is nobody. It has no key, and so no messages are protected (MS-NLMP 3.4).
fn anonymous(state: &AwaitAuthenticate, message: &AuthenticateMessage<'_>) -> Result<Login, NtlmError> {
    if !state.params.policy.allow_anonymous {
        return Err(NtlmError::AnonymousRefused);
    }
    let protects = NegotiateFlags::SIGN | NegotiateFlags::SEAL | NegotiateFlags::KEY_EXCH;
    let flags = state.flags.intersection(message.flags).without(protects);
    Ok(Login {
        account: None,
        flags,
        session_key: NtlmSessionKey::from_bytes([0; KEY_LEN]),
        has_mic: false,
        bindings: state.check_bindings(None)?,
        target: state.check_target(None)?,
    })
}
