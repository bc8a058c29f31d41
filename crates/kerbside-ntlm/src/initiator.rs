//! The client's side (MS-NLMP 3.1.5.1).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{ObjectIdentifier, Principal, oids};
use kerbside_crypto::{CryptoRng, Password};
use kerbside_gss::{
    BindingState, ChannelBindings, ContextFacts, ContextFlags, GssError, InitiatorMechanism, Mechanism, Role,
    SecurityContext, Step,
};
use kerbside_protocol::Now;
use zeroize::Zeroizing;

use crate::agreement::{self, OFFER};
use crate::av_pairs::{AV_FLAG_CONSTRAINED, AV_FLAG_MIC, AvId, AvPairs, AvPairsBuilder};
use crate::error::NtlmError;
use crate::flags::NegotiateFlags;
use crate::messages::{
    AuthenticateMessage, ChallengeMessage, MIC_AT, MIC_LEN, NegotiateMessage, without_mic,
};
use crate::policy::{IssuedChallenges, NtlmPolicy};
use crate::response::{self, Key, V2Blob, V2Proof};
use crate::secret::{KEY_LEN, NtHash, NtlmSessionKey};
use crate::session::Session;
use crate::target;
use crate::text;
use crate::wire::Version;

/// Who logs in, by what, and where to.
#[derive(Clone)]
pub(crate) enum Who {
    User {
        domain: String,
        user: String,
        hash: NtHash,
    },
    Anonymous,
}

/// What an initiator begins with.
#[derive(Clone)]
pub struct NtlmInitiatorParams {
    pub(crate) who: Who,
    pub(crate) workstation: String,
    pub(crate) target: Option<String>,
    pub(crate) flags: ContextFlags,
    pub(crate) channel_bindings: Option<ChannelBindings>,
    pub(crate) policy: NtlmPolicy,
    pub(crate) use_v1: bool,
    pub(crate) issued: Option<Arc<IssuedChallenges>>,
    pub(crate) version: Version,
}

impl NtlmInitiatorParams {
    /// A user with a password, for sealed messages to an acceptor that is not named.
    ///
    /// `domain` is spelt as the domain is: it is hashed with its case. A user `name@domain` has an empty one.
    ///
    /// # Errors
    /// When the password is not UTF-8 or too long.
    pub fn new(domain: &str, user: &str, password: &Password) -> Result<Self, NtlmError> {
        Ok(Self::with_hash(domain, user, NtHash::from_password(password)?))
    }

    /// As [`Self::new`], of a password of which only the hash is known.
    #[must_use]
    pub fn with_hash(domain: &str, user: &str, hash: NtHash) -> Self {
        Self::of(Who::User {
            domain: domain.into(),
            user: user.into(),
            hash,
        })
    }

    /// Nobody. Messages of such a context are not protected.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::of(Who::Anonymous).with_flags(ContextFlags::ANONYMOUS)
    }

    fn of(who: Who) -> Self {
        Self {
            who,
            workstation: String::new(),
            target: None,
            flags: ContextFlags::REPLAY
                | ContextFlags::SEQUENCE
                | ContextFlags::CONFIDENTIALITY
                | ContextFlags::INTEGRITY,
            channel_bindings: None,
            policy: NtlmPolicy::STRICT,
            use_v1: false,
            issued: None,
            version: Version::OURS,
        }
    }

    /// Says which service is wanted, as `HTTP/host.example.com`: an acceptor that is another refuses.
    #[must_use]
    pub fn with_target(mut self, spn: &str) -> Self {
        self.target = Some(spn.into());
        self
    }

    /// Says this computer's NetBIOS name, which servers write into their logs.
    #[must_use]
    pub fn with_workstation(mut self, name: &str) -> Self {
        self.workstation = name.into();
        self
    }

    /// Asks for these flags instead. Integrity is always asked for, and comes with replay and sequence detection.
    #[must_use]
    pub fn with_flags(mut self, flags: ContextFlags) -> Self {
        self.flags = flags;
        self
    }

    /// Binds the context to a channel.
    #[must_use]
    pub fn with_channel_bindings(mut self, bindings: Option<ChannelBindings>) -> Self {
        self.channel_bindings = bindings;
        self
    }

    /// Accepts what is weaker than NTLM v2 has it.
    #[must_use]
    pub fn with_policy(mut self, policy: NtlmPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Answers by NTLM v1; the policy must allow it too.
    #[must_use]
    pub fn with_v1(mut self, use_v1: bool) -> Self {
        self.use_v1 = use_v1;
        self
    }

    /// Refuses challenges that this program's own acceptors issued.
    #[must_use]
    pub fn with_issued_challenges(mut self, issued: Arc<IssuedChallenges>) -> Self {
        self.issued = Some(issued);
        self
    }

    /// Says another version; nothing depends on it.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// NTLM as one of the mechanisms of [`Initiator::negotiate`](kerbside_gss::Initiator::negotiate), or for
    /// [`Initiator::raw`](kerbside_gss::Initiator::raw).
    ///
    /// # Errors
    /// For flags that NTLM cannot give, a target that is refused, and what the policy does not allow.
    pub fn into_mechanism(self) -> Result<Box<dyn InitiatorMechanism>, GssError> {
        agreement::check_context_flags(self.flags, matches!(self.who, Who::Anonymous))?;
        if let Some(spn) = &self.target {
            target::check(spn)?;
        }
        if self.use_v1 && !self.policy.allow_v1 {
            return Err(NtlmError::V1Refused.into());
        }
        if matches!(self.who, Who::Anonymous) && !self.policy.allow_anonymous {
            return Err(NtlmError::AnonymousRefused.into());
        }
        Ok(Box::new(NtlmInitiator { params: self }))
    }

    /// What is offered.
    fn offer(&self) -> NegotiateFlags {
        let anonymous = matches!(self.who, Who::Anonymous);
        OFFER
            .with(NegotiateFlags::OEM, self.policy.allow_oem)
            .with(NegotiateFlags::SIGN, !anonymous)
            .with(
                NegotiateFlags::SEAL,
                self.flags.contains(ContextFlags::CONFIDENTIALITY),
            )
            .with(
                NegotiateFlags::IDENTIFY,
                self.flags.contains(ContextFlags::IDENTIFY),
            )
            .with(NegotiateFlags::ANONYMOUS, anonymous)
    }
}

impl core::fmt::Debug for NtlmInitiatorParams {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut shown = f.debug_struct("NtlmInitiatorParams");
        if let Who::User { domain, user, .. } = &self.who {
            shown.field("domain", domain).field("user", user);
        }
        shown
            .field("target", &self.target)
            .field("flags", &self.flags)
            .field("channel_bindings", &self.channel_bindings)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Not begun yet.
#[derive(Debug)]
struct NtlmInitiator {
    params: NtlmInitiatorParams,
}

impl InitiatorMechanism for NtlmInitiator {
    fn oids(&self) -> &[ObjectIdentifier] {
        &crate::OIDS
    }

    fn start(self: Box<Self>, _now: Now, _rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let message = NegotiateMessage {
            flags: self.params.offer(),
            domain: &[],
            workstation: &[],
            version: Some(self.params.version),
        };
        let token = message.to_bytes()?;
        let next = Box::new(AwaitChallenge {
            params: self.params,
            negotiate: token.clone(),
        });
        Ok(Step::Continue { token, next })
    }
}

/// Waits for the CHALLENGE.
#[derive(Debug)]
pub(crate) struct AwaitChallenge {
    pub(crate) params: NtlmInitiatorParams,
    /// Our message, which the MIC is over.
    pub(crate) negotiate: Vec<u8>,
}

impl Mechanism for AwaitChallenge {
    fn oid(&self) -> ObjectIdentifier {
        oids::NTLMSSP
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let mut client_challenge = [0; 8];
        rng.fill_bytes(&mut client_challenge);
        let mut session_key = Zeroizing::new([0; KEY_LEN]);
        rng.fill_bytes(session_key.as_mut_slice());
        let nonces = Nonces {
            client_challenge,
            session_key: NtlmSessionKey::from_bytes(*session_key),
        };
        let (token, context) = self.answer(token, now, &nonces)?;
        Ok(Step::Done {
            token: Some(token),
            token_is_bare_success: false,
            context: Box::new(context),
        })
    }
}

/// What the client chooses.
pub(crate) struct Nonces {
    pub(crate) client_challenge: [u8; 8],
    pub(crate) session_key: NtlmSessionKey,
}

/// A response, and what it leads to.
struct Answer {
    nt_response: Vec<u8>,
    lm_response: Vec<u8>,
    key_exchange_key: Key,
    has_mic: bool,
}

impl AwaitChallenge {
    /// The AUTHENTICATE message and the context.
    pub(crate) fn answer(
        self,
        token: &[u8],
        now: Now,
        nonces: &Nonces,
    ) -> Result<(Vec<u8>, SecurityContext), NtlmError> {
        let challenge = ChallengeMessage::parse(token)?;
        let issued = self.params.issued.as_ref();
        if issued.is_some_and(|issued| issued.contains(challenge.server_challenge)) {
            return Err(NtlmError::OwnChallenge);
        }
        let flags = agreement::of_initiator(self.params.offer(), challenge.flags, &self.params.policy)?;
        let answer = self.params.respond(&challenge, flags, now, nonces)?;
        let mut encrypted_session_key = Vec::new();
        let mut session_key = NtlmSessionKey::from_bytes(*answer.key_exchange_key);
        if flags.exchanges_key() {
            let own = nonces.session_key.expose_secret();
            encrypted_session_key = response::wrap_key(&answer.key_exchange_key, own).to_vec();
            session_key = nonces.session_key.clone();
        }
        let (domain, user) = match &self.params.who {
            Who::User { domain, user, .. } => (domain.as_str(), user.as_str()),
            Who::Anonymous => ("", ""),
        };
        let message = AuthenticateMessage {
            flags,
            lm_response: &answer.lm_response,
            nt_response: &answer.nt_response,
            domain: &text::encode(domain, flags)?,
            user: &text::encode(user, flags)?,
            workstation: &text::encode(&self.params.workstation, flags)?,
            encrypted_session_key: &encrypted_session_key,
            version: Some(self.params.version),
            mic: answer.has_mic.then_some([0; MIC_LEN]),
        };
        let mut authenticate = message.to_bytes()?;
        if answer.has_mic {
            let mic = response::mic(&session_key, &self.negotiate, token, &without_mic(&authenticate));
            let place = authenticate.get_mut(MIC_AT..MIC_AT.saturating_add(MIC_LEN));
            place.unwrap_or_default().copy_from_slice(mic.as_slice());
        }
        let session = Session::new(flags, session_key, Role::Initiator, answer.has_mic);
        let context = SecurityContext::from_parts(self.params.facts(flags), Box::new(session));
        Ok((authenticate, context))
    }
}

impl NtlmInitiatorParams {
    fn respond(
        &self,
        challenge: &ChallengeMessage<'_>,
        flags: NegotiateFlags,
        now: Now,
        nonces: &Nonces,
    ) -> Result<Answer, NtlmError> {
        let Who::User { domain, user, hash } = &self.who else {
            return Ok(Answer {
                nt_response: Vec::new(),
                lm_response: alloc::vec![0],
                key_exchange_key: Zeroizing::new([0; KEY_LEN]),
                has_mic: false,
            });
        };
        if self.use_v1 {
            return Ok(v1(hash, challenge, flags, nonces));
        }
        agreement::check_target_info(&challenge.target_info)?;
        let timestamp = challenge.target_info.timestamp()?;
        let pairs = self.client_pairs(&challenge.target_info)?;
        let blob = V2Blob {
            timestamp: timestamp.unwrap_or_else(|| target::filetime(now)),
            client_challenge: nonces.client_challenge,
            pairs: AvPairs::parse(&pairs)?,
        };
        let blob = blob.to_bytes();
        let owf = response::nt_owf_v2(hash, user, domain);
        let V2Proof {
            proof,
            session_base_key,
        } = V2Proof::new(&owf, &challenge.server_challenge, &blob);
        // An LMv2 response beside the NT one only helps those who guess passwords; MS-NLMP has it for old servers, which
        // send no time.
        let lm_response = if timestamp.is_some() {
            [0; response::V1_RESPONSE_LEN]
        } else {
            response::lm_v2_response(&owf, &challenge.server_challenge, &nonces.client_challenge)
        };
        Ok(Answer {
            nt_response: [proof.as_slice(), &blob].concat(),
            lm_response: lm_response.to_vec(),
            key_exchange_key: session_base_key,
            has_mic: true,
        })
    }

    /// The server's pairs, and ours. A MIC is promised even where the server sends no time: whoever removes that from the
    /// challenge shall not get rid of the MIC by it (CVE-2019-1040).
    fn client_pairs(&self, server: &AvPairs<'_>) -> Result<Vec<u8>, NtlmError> {
        let mut builder = AvPairsBuilder::new();
        let ours = [
            AvId::FLAGS,
            AvId::CHANNEL_BINDINGS,
            AvId::TARGET_NAME,
            AvId::SINGLE_HOST,
        ];
        for (id, value) in server.iter().filter(|(id, _)| !ours.contains(id)) {
            builder.push(id, value)?;
        }
        // Not the server's word on where the target's name comes from: that is the client's to say.
        let flags = (server.flags()? & AV_FLAG_CONSTRAINED) | AV_FLAG_MIC;
        builder.push(AvId::FLAGS, &flags.to_le_bytes())?;
        let bindings = match &self.channel_bindings {
            Some(bindings) => bindings.md5().map_err(|_| NtlmError::BadBindings {
                reason: "they are too long",
            })?,
            None => [0; 16],
        };
        builder.push(AvId::CHANNEL_BINDINGS, &bindings)?;
        builder.push_text(AvId::TARGET_NAME, self.target.as_deref().unwrap_or_default())?;
        Ok(builder.finish())
    }

    fn facts(&self, flags: NegotiateFlags) -> ContextFacts {
        let (client, anonymous) = match &self.who {
            Who::User { domain, user, .. } => (Principal::new(domain, &[user]), false),
            Who::Anonymous => (crate::anonymous(), true),
        };
        let target = self.target.as_deref().unwrap_or_default();
        let components: Vec<&str> = target.split('/').collect();
        let mut facts = ContextFacts::new(
            Role::Initiator,
            oids::NTLMSSP,
            client,
            // What the challenge says of the server nobody has proved, so the realm stays empty.
            Principal::new("", &components),
            agreement::context_flags(flags, anonymous),
        );
        if self.channel_bindings.is_some() && !self.use_v1 && !anonymous {
            facts.bindings = BindingState::Bound;
        }
        facts
    }
}

/// NTLM v1; the LM response is the NT response again (NoLMResponseNTLMv1 of MS-NLMP 3.3.1).
fn v1(hash: &NtHash, challenge: &ChallengeMessage<'_>, flags: NegotiateFlags, nonces: &Nonces) -> Answer {
    let extended = flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY);
    let client_challenge = extended.then_some(&nonces.client_challenge);
    let nt_response = response::v1_response(hash, &challenge.server_challenge, client_challenge);
    let lm_response = match client_challenge {
        Some(nonce) => nonce.iter().copied().chain([0; 16]).collect(),
        None => nt_response.to_vec(),
    };
    Answer {
        nt_response: nt_response.to_vec(),
        lm_response,
        key_exchange_key: response::v1_key_exchange_key(hash, &challenge.server_challenge, client_challenge),
        has_mic: false,
    }
}
