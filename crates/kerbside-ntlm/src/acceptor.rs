//! The server's side (MS-NLMP 3.2.5.1).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{ObjectIdentifier, Principal, oids};
use kerbside_crypto::CryptoRng;
use kerbside_gss::{
    AcceptorMechanism, BindingPolicy, BindingState, ChannelBindings, ContextFacts, GssError, Mechanism, Role,
    SecurityContext, Step,
};
use kerbside_protocol::Now;

use crate::agreement;
use crate::av_pairs::{AvId, AvPairs, AvPairsBuilder};
use crate::error::NtlmError;
use crate::flags::NegotiateFlags;
use crate::login::{self, Login};
use crate::messages::{ChallengeMessage, NegotiateMessage};
use crate::policy::{IssuedChallenges, NtlmPolicy};
use crate::session::Session;
use crate::target;
use crate::text;
use crate::users::NtHashSource;
use crate::wire::Version;

/// What an acceptor is and knows. Cheap to clone.
#[derive(Clone)]
#[non_exhaustive]
pub struct NtlmAcceptorParams {
    /// The accounts.
    pub source: Arc<dyn NtHashSource>,
    /// This computer's NetBIOS name.
    pub computer: String,
    /// The NetBIOS name of the domain that this computer belongs to; its own name where there is none.
    pub domain: String,
    /// This computer's DNS name.
    pub dns_computer: Option<String>,
    /// The domain's DNS name.
    pub dns_domain: Option<String>,
    /// The channel that the tokens come over, if there is one to bind to.
    pub channel_bindings: Option<ChannelBindings>,
    /// How bindings are treated.
    pub binding_policy: BindingPolicy,
    /// The service principal names of this service, compared without case.
    pub targets: Vec<String>,
    /// How the client's target is treated, as bindings are. With no `targets`, only [`BindingPolicy::Required`] does
    /// anything: it refuses everybody.
    pub target_policy: BindingPolicy,
    /// What is allowed.
    pub policy: NtlmPolicy,
    /// Remembers challenges for the initiators of this program.
    pub issued: Option<Arc<IssuedChallenges>>,
}

impl NtlmAcceptorParams {
    /// An acceptor with these accounts on a computer of this name, in no domain.
    #[must_use]
    pub fn new(source: Arc<dyn NtHashSource>, computer: &str) -> Self {
        Self {
            source,
            computer: computer.into(),
            domain: computer.into(),
            dns_computer: None,
            dns_domain: None,
            channel_bindings: None,
            binding_policy: BindingPolicy::default(),
            targets: Vec::new(),
            target_policy: BindingPolicy::default(),
            policy: NtlmPolicy::STRICT,
            issued: None,
        }
    }

    /// Names the domain that this computer belongs to.
    #[must_use]
    pub fn with_domain(mut self, domain: &str) -> Self {
        self.domain = domain.into();
        self
    }

    /// Says the DNS names of this computer and of its domain.
    #[must_use]
    pub fn with_dns_names(mut self, computer: Option<&str>, domain: Option<&str>) -> Self {
        self.dns_computer = computer.map(Into::into);
        self.dns_domain = domain.map(Into::into);
        self
    }

    /// Compares channel bindings by this policy. [`BindingPolicy::Required`] without bindings refuses everybody.
    #[must_use]
    pub fn with_channel_bindings(mut self, bindings: Option<ChannelBindings>, policy: BindingPolicy) -> Self {
        self.channel_bindings = bindings;
        self.binding_policy = policy;
        self
    }

    /// Compares the client's target with these names by this policy.
    #[must_use]
    pub fn with_targets(mut self, names: &[&str], policy: BindingPolicy) -> Self {
        self.targets = names.iter().map(|name| (*name).into()).collect();
        self.target_policy = policy;
        self
    }

    /// Accepts what is weaker than NTLM v2 has it.
    #[must_use]
    pub fn with_policy(mut self, policy: NtlmPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Remembers each challenge, so that an initiator that shares the memory does not answer it.
    #[must_use]
    pub fn with_issued_challenges(mut self, issued: Arc<IssuedChallenges>) -> Self {
        self.issued = Some(issued);
        self
    }

    /// NTLM as one of the mechanisms of
    /// [`Acceptor::with_mechanisms`](kerbside_gss::Acceptor::with_mechanisms): raw where it is sent raw, and in SPNEGO.
    #[must_use]
    pub fn into_mechanism(self) -> Arc<dyn AcceptorMechanism> {
        Arc::new(NtlmService(Arc::new(self)))
    }

    /// TargetInfo.
    fn target_info(&self, now: Now) -> Result<Vec<u8>, NtlmError> {
        let mut pairs = AvPairsBuilder::new();
        pairs.push_text(AvId::NB_DOMAIN_NAME, &self.domain)?;
        pairs.push_text(AvId::NB_COMPUTER_NAME, &self.computer)?;
        for (id, name) in [
            (AvId::DNS_DOMAIN_NAME, &self.dns_domain),
            (AvId::DNS_COMPUTER_NAME, &self.dns_computer),
        ] {
            if let Some(name) = name {
                pairs.push_text(id, name)?;
            }
        }
        pairs.push(AvId::TIMESTAMP, &target::filetime(now).to_le_bytes())?;
        Ok(pairs.finish())
    }
}

impl fmt::Debug for NtlmAcceptorParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NtlmAcceptorParams")
            .field("computer", &self.computer)
            .field("domain", &self.domain)
            .field("channel_bindings", &self.channel_bindings)
            .field("binding_policy", &self.binding_policy)
            .field("targets", &self.targets)
            .field("target_policy", &self.target_policy)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// NTLM, as one of the mechanisms of an acceptor.
#[derive(Debug)]
struct NtlmService(Arc<NtlmAcceptorParams>);

impl AcceptorMechanism for NtlmService {
    fn oids(&self) -> &[ObjectIdentifier] {
        &crate::OIDS
    }

    fn start(&self) -> Box<dyn Mechanism> {
        Box::new(AwaitNegotiate(Arc::clone(&self.0)))
    }

    fn with_channel_bindings(&self, bindings: Option<&ChannelBindings>) -> Arc<dyn AcceptorMechanism> {
        let mut params = NtlmAcceptorParams::clone(&self.0);
        params.channel_bindings = bindings.cloned();
        params.into_mechanism()
    }
}

/// Waits for the NEGOTIATE.
#[derive(Debug)]
struct AwaitNegotiate(Arc<NtlmAcceptorParams>);

impl Mechanism for AwaitNegotiate {
    fn oid(&self) -> ObjectIdentifier {
        oids::NTLMSSP
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let mut server_challenge = [0; 8];
        rng.fill_bytes(&mut server_challenge);
        if let Some(issued) = &self.0.issued {
            issued.remember(server_challenge);
        }
        let next = challenge(self.0, token, server_challenge, now)?;
        Ok(Step::Continue {
            token: next.challenge.clone(),
            next: Box::new(next),
        })
    }
}

fn challenge(
    params: Arc<NtlmAcceptorParams>,
    token: &[u8],
    server_challenge: [u8; 8],
    now: Now,
) -> Result<AwaitAuthenticate, NtlmError> {
    let negotiate = NegotiateMessage::parse(token)?;
    let flags = agreement::of_acceptor(negotiate.flags, &params.policy)?;
    let in_domain = !params.domain.eq_ignore_ascii_case(&params.computer);
    let (target_type, target_name) = if in_domain {
        (NegotiateFlags::TARGET_TYPE_DOMAIN, &params.domain)
    } else {
        (NegotiateFlags::TARGET_TYPE_SERVER, &params.computer)
    };
    let target_info = params.target_info(now)?;
    let message = ChallengeMessage {
        flags: flags | target_type,
        target_name: &text::encode(target_name, flags)?,
        server_challenge,
        target_info: AvPairs::parse(&target_info)?,
        version: flags.contains(NegotiateFlags::VERSION).then_some(Version::OURS),
    };
    let challenge = message.to_bytes()?;
    Ok(AwaitAuthenticate {
        params,
        negotiate: token.to_vec(),
        challenge,
        server_challenge,
        flags,
        issued_at: now,
    })
}

/// Waits for the AUTHENTICATE.
pub(crate) struct AwaitAuthenticate {
    pub(crate) params: Arc<NtlmAcceptorParams>,
    /// The client's message, which the MIC is over.
    pub(crate) negotiate: Vec<u8>,
    /// Ours, which the MIC is over too.
    pub(crate) challenge: Vec<u8>,
    pub(crate) server_challenge: [u8; 8],
    pub(crate) flags: NegotiateFlags,
    pub(crate) issued_at: Now,
}

impl fmt::Debug for AwaitAuthenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwaitAuthenticate")
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

impl Mechanism for AwaitAuthenticate {
    fn oid(&self) -> ObjectIdentifier {
        oids::NTLMSSP
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let login = login::check(&self, token, now, rng)?;
        Ok(Step::Done {
            token: None,
            token_is_bare_success: false,
            context: Box::new(self.context(login)),
        })
    }
}

impl AwaitAuthenticate {
    fn context(&self, login: Login) -> SecurityContext {
        let params = &self.params;
        let anonymous = login.account.is_none();
        let client = match login.account {
            Some((domain, user)) => Principal::new(domain, &[user]),
            None => crate::anonymous(),
        };
        let server = match &login.target {
            Some(target) => Principal::new(&params.domain, &target.split('/').collect::<Vec<_>>()),
            None => Principal::new(&params.domain, &[&params.computer]),
        };
        let mut facts = ContextFacts::new(
            Role::Acceptor,
            oids::NTLMSSP,
            client,
            server,
            agreement::context_flags(login.flags, anonymous),
        );
        facts.bindings = login.bindings;
        let session = Session::new(login.flags, login.session_key, Role::Acceptor, login.has_mic);
        SecurityContext::from_parts(facts, Box::new(session))
    }

    /// What bindings the client has, against ours (MS-NLMP 3.2.5.1.2). The pair without a hash says that the client knows
    /// of bindings and saw no channel: somebody ends the channel between it and us.
    pub(crate) fn check_bindings(&self, pairs: Option<&AvPairs<'_>>) -> Result<BindingState, NtlmError> {
        let refuse = |reason| Err(NtlmError::BadBindings { reason });
        let policy = self.params.binding_policy;
        if policy == BindingPolicy::Off {
            return Ok(BindingState::NotChecked);
        }
        let Some(ours) = &self.params.channel_bindings else {
            if policy == BindingPolicy::Required {
                return refuse("they are required, and this side has none");
            }
            return Ok(BindingState::NotChecked);
        };
        let too_long = |_| NtlmError::BadBindings {
            reason: "they are too long",
        };
        let ours = ours.md5().map_err(too_long)?;
        let theirs = pairs.map(AvPairs::channel_bindings).transpose()?.flatten();
        let knows = pairs.is_some_and(|pairs| pairs.get(AvId::CHANNEL_BINDINGS).is_some());
        match theirs {
            Some(theirs) if crate::response::same(&theirs, &ours) => Ok(BindingState::Bound),
            Some(_) => refuse("the client is bound to another channel"),
            None if knows => refuse("the client knows of bindings and has none"),
            None if policy == BindingPolicy::Required => {
                refuse("they are required, and the client sent none")
            }
            None => Ok(BindingState::InitiatorSentNone),
        }
    }

    /// Which service the client wants, if it says so and means it.
    pub(crate) fn check_target(&self, found: Option<String>) -> Result<Option<String>, NtlmError> {
        if let Some(found) = &found {
            target::check(found)?;
        }
        let params = &self.params;
        match (params.target_policy, found) {
            (BindingPolicy::Off, _) => Ok(None),
            (BindingPolicy::WhenSupported, found) if params.targets.is_empty() || found.is_none() => Ok(None),
            (_, Some(found)) if target::is_one_of(&found, &params.targets) => Ok(Some(found)),
            (_, found) => Err(NtlmError::WrongTarget { found }),
        }
    }
}
