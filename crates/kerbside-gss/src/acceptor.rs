//! The acceptor: takes whatever a client may send first.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{AddressType, ObjectIdentifier, gss_token, oids};
use kerbside_crypto::{CryptoRng, EnctypePolicy};
use kerbside_protocol::{Credential, DEFAULT_SKEW_SECONDS, Now, ReplayCache};

use crate::channel_bindings::{BindingPolicy, ChannelBindings};
use crate::error::{Cause, GssError};
use crate::key_source::{KeySource, ServiceName};
use crate::krb5::{self, Krb5Acceptor, TransitedPolicy, UserToUserAcceptor};
use crate::mechanism::{AcceptorMechanism, MAX_CONTEXT_TOKEN_LEN, Mechanism, Step, mechanism_of};
use crate::oid_name::oid_name;
use crate::spnego::{self, SpnegoAcceptor};

/// What an acceptor is and knows. Cheap to clone.
#[derive(Clone)]
#[non_exhaustive]
pub struct AcceptorParams {
    /// The service's keys.
    pub keys: Arc<dyn KeySource>,
    /// Which service this is.
    pub service: ServiceName,
    /// Remembers authenticators. It must outlive contexts: one for the service, not one for each token.
    pub replay: Arc<dyn ReplayCache + Send + Sync>,
    /// The channel that the tokens come over, if there is one to bind to.
    pub channel_bindings: Option<ChannelBindings>,
    /// How bindings are treated.
    pub binding_policy: BindingPolicy,
    /// How far clocks may differ, in seconds.
    pub skew_seconds_max: i64,
    /// Whether a refused client gets a KRB-ERROR token that says why (its code, never more).
    pub error_tokens: bool,
    /// Which types of keys contexts may be made of: session keys, subkeys. The keys of tickets are the KDC's affair.
    pub enctypes: EnctypePolicy,
    /// What becomes of the ticket's PAC.
    pub pac: PacPolicy,
    /// What becomes of tickets from other realms by way of third ones.
    pub transited: TransitedPolicy,
    /// The client's network address, where it is known and means something. A ticket that is bound to addresses must have
    /// it among them. Without it the binding is not checked, as in MIT's library: behind a translator of addresses nobody
    /// is who its address says.
    pub client_address: Option<(AddressType, Vec<u8>)>,
    /// Ticket-granting tickets by whose session keys this acceptor can be addressed, newest first: user-to-user, for
    /// services without a key of their own (RFC 4120 3.7). A ticket counts for its client as the service; which
    /// [`Self::service`] this is does not matter to it.
    pub user_to_user: Arc<[Credential]>,
}

/// What becomes of a ticket's PAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PacPolicy {
    /// It is not looked at.
    Ignore,
    /// It is verified where there is one, and a ticket whose PAC does not verify is refused.
    #[default]
    Verify,
    /// It must be there and verify: services in Active Directory.
    Required,
}

impl AcceptorParams {
    /// An acceptor for `service` with the usual skew of five minutes, and no channel to bind to.
    #[must_use]
    pub fn new(
        keys: Arc<dyn KeySource>,
        service: ServiceName,
        replay: Arc<dyn ReplayCache + Send + Sync>,
    ) -> Self {
        Self {
            keys,
            service,
            replay,
            channel_bindings: None,
            binding_policy: BindingPolicy::default(),
            skew_seconds_max: DEFAULT_SKEW_SECONDS,
            error_tokens: true,
            enctypes: EnctypePolicy::DEFAULT,
            pac: PacPolicy::default(),
            transited: TransitedPolicy::default(),
            client_address: None,
            user_to_user: Arc::new([]),
        }
    }

    /// Makes contexts of keys of these types only.
    #[must_use]
    pub fn with_enctypes(mut self, policy: EnctypePolicy) -> Self {
        self.enctypes = policy;
        self
    }

    /// Treats PACs so.
    #[must_use]
    pub fn with_pac(mut self, policy: PacPolicy) -> Self {
        self.pac = policy;
        self
    }

    /// Treats tickets from afar so.
    #[must_use]
    pub fn with_transited(mut self, policy: TransitedPolicy) -> Self {
        self.transited = policy;
        self
    }

    /// Compares tickets that are bound to addresses with the client's.
    #[must_use]
    pub fn with_client_address(mut self, address: Option<(AddressType, Vec<u8>)>) -> Self {
        self.client_address = address;
        self
    }

    /// Can be addressed by the session keys of these ticket-granting tickets, newest first (user-to-user).
    #[must_use]
    pub fn with_user_to_user(mut self, tickets: Vec<Credential>) -> Self {
        self.user_to_user = tickets.into();
        self
    }

    /// User-to-user, with its own first token (TGT-REQ), as one of the mechanisms of [`Acceptor::with_mechanisms`].
    #[must_use]
    pub fn into_user_to_user_mechanism(self) -> Arc<dyn AcceptorMechanism> {
        Arc::new(UserToUserService(Arc::new(self)))
    }

    /// Compares channel bindings by this policy. [`BindingPolicy::Required`] without bindings refuses everybody.
    #[must_use]
    pub fn with_channel_bindings(mut self, bindings: Option<ChannelBindings>, policy: BindingPolicy) -> Self {
        self.channel_bindings = bindings;
        self.binding_policy = policy;
        self
    }

    /// Allows clocks to differ by `seconds`.
    #[must_use]
    pub fn with_skew_seconds_max(mut self, seconds: i64) -> Self {
        self.skew_seconds_max = seconds;
        self
    }

    /// Sends KRB-ERROR tokens to refused clients, or does not.
    #[must_use]
    pub fn with_error_tokens(mut self, send: bool) -> Self {
        self.error_tokens = send;
        self
    }

    /// Kerberos as one of the mechanisms of [`Acceptor::with_mechanisms`].
    #[must_use]
    pub fn into_mechanism(self) -> Arc<dyn AcceptorMechanism> {
        Arc::new(Krb5Service(Arc::new(self)))
    }
}

impl fmt::Debug for AcceptorParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptorParams")
            .field("service", &self.service)
            .field("channel_bindings", &self.channel_bindings)
            .field("binding_policy", &self.binding_policy)
            .field("skew_seconds_max", &self.skew_seconds_max)
            .field("error_tokens", &self.error_tokens)
            .field("pac", &self.pac)
            .field("transited", &self.transited)
            .finish_non_exhaustive()
    }
}

/// Kerberos, as one of the mechanisms of an acceptor.
#[derive(Debug)]
struct Krb5Service(Arc<AcceptorParams>);

impl AcceptorMechanism for Krb5Service {
    fn oids(&self) -> &[ObjectIdentifier] {
        &krb5::OIDS
    }

    fn start(&self) -> Box<dyn Mechanism> {
        Box::new(Krb5Acceptor::new(Arc::clone(&self.0)))
    }

    fn with_channel_bindings(&self, bindings: Option<&ChannelBindings>) -> Arc<dyn AcceptorMechanism> {
        let mut params = AcceptorParams::clone(&self.0);
        params.channel_bindings = bindings.cloned();
        params.into_mechanism()
    }
}

/// User-to-user, as one of the mechanisms of an acceptor.
#[derive(Debug)]
struct UserToUserService(Arc<AcceptorParams>);

impl AcceptorMechanism for UserToUserService {
    fn oids(&self) -> &[ObjectIdentifier] {
        &[oids::KRB5_U2U]
    }

    fn start(&self) -> Box<dyn Mechanism> {
        Box::new(UserToUserAcceptor::new(Arc::clone(&self.0)))
    }

    fn with_channel_bindings(&self, bindings: Option<&ChannelBindings>) -> Arc<dyn AcceptorMechanism> {
        let mut params = AcceptorParams::clone(&self.0);
        params.channel_bindings = bindings.cloned();
        params.into_user_to_user_mechanism()
    }
}

/// The acceptor's end before the first token. One serves any number of contexts.
///
/// Taken as a first token: SPNEGO, which chooses among the acceptor's mechanisms, and a token of one of them without
/// SPNEGO around it, which is answered in kind: in the mechanism's frame, or a bare AP-REQ or NTLM message. All others are
/// refused by name.
#[derive(Debug, Clone)]
pub struct Acceptor {
    mechanisms: Arc<[Arc<dyn AcceptorMechanism>]>,
    negotiated_only: bool,
}

impl Acceptor {
    /// An acceptor of Kerberos alone; of user-to-user too where there are tickets for it.
    #[must_use]
    pub fn new(params: AcceptorParams) -> Self {
        if params.user_to_user.is_empty() {
            return Self::with_mechanisms(vec![params.into_mechanism()]);
        }
        Self::with_mechanisms(vec![
            params.clone().into_mechanism(),
            params.into_user_to_user_mechanism(),
        ])
    }

    /// An acceptor of these mechanisms, best first. An empty list accepts nothing.
    #[must_use]
    pub fn with_mechanisms(mechanisms: Vec<Arc<dyn AcceptorMechanism>>) -> Self {
        Self {
            mechanisms: mechanisms.into(),
            negotiated_only: false,
        }
    }

    /// Takes SPNEGO only, no mechanism's token without it. Then no mechanism but the acceptor's best is used unless the
    /// initiator proved that it prefers it; raw tokens prove nothing of the kind. A mechanism that cannot sign (NTLM
    /// without SIGN, anonymous NTLM) proves nothing either, and RFC 4178 lets it: whoever lists one accepts that.
    #[must_use]
    pub fn negotiated_only(mut self) -> Self {
        self.negotiated_only = true;
        self
    }

    /// Its mechanisms, best first.
    #[must_use]
    pub fn mechanisms(&self) -> &[Arc<dyn AcceptorMechanism>] {
        &self.mechanisms
    }

    /// The same acceptor for a connection with a channel of its own.
    #[must_use]
    pub fn with_channel_bindings(&self, bindings: Option<&ChannelBindings>) -> Self {
        let rebound = |mechanism: &Arc<dyn AcceptorMechanism>| mechanism.with_channel_bindings(bindings);
        Self {
            mechanisms: self.mechanisms.iter().map(rebound).collect(),
            negotiated_only: self.negotiated_only,
        }
    }

    /// The first token of an acceptor that speaks first: a NegTokenInit2 with the mechanisms' names and no secret in it,
    /// the same for everybody (MS-SPNG 3.2.5.2). The initiator's answer goes to [`Self::step`].
    ///
    /// # Errors
    /// None with a list of mechanisms as long as any there is.
    pub fn hello(&self) -> Result<Vec<u8>, GssError> {
        let offered: Vec<ObjectIdentifier> = self
            .mechanisms
            .iter()
            .flat_map(|mechanism| mechanism.oids().iter().copied())
            .collect();
        spnego::hello(&offered)
    }

    /// Takes the first token of a new context. Later tokens go to the [`Mechanism`] of [`Step::Continue`].
    ///
    /// # Errors
    /// [`GssError`], with a token for the client where there is one.
    pub fn step(&self, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        check(token)?;
        let oid = match mechanism_of(token) {
            Some(oid) => oid,
            // What is wrong with the frame.
            None => gss_token::unwrap(token)?.0,
        };
        if oid == oids::SPNEGO {
            return Box::new(SpnegoAcceptor::new(Arc::clone(&self.mechanisms))).step(token, now, rng);
        }
        let mut known = self.mechanisms.iter().filter(|_| !self.negotiated_only);
        let Some(mechanism) = known.find(|mechanism| mechanism.oids().contains(&oid)) else {
            let mechanism = oid_name(&oid);
            return Err(Cause::MechanismRefused { mechanism }.into());
        };
        mechanism.start().step(token, now, rng)
    }
}

fn check(token: &[u8]) -> Result<(), GssError> {
    if token.len() > MAX_CONTEXT_TOKEN_LEN {
        let (length, most) = (token.len(), MAX_CONTEXT_TOKEN_LEN);
        return Err(Cause::TokenTooLong {
            token: "context token",
            length,
            most,
        }
        .into());
    }
    if token.is_empty() {
        return Err(Cause::DefectiveToken {
            token: "context token",
            reason: "it is empty",
        }
        .into());
    }
    Ok(())
}
