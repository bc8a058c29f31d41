//! The acceptor: takes whatever a client may send first.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use core::fmt;

use kerbside_asn1::{gss_token, oids};
use kerbside_crypto::CryptoRng;
use kerbside_protocol::{DEFAULT_SKEW_SECONDS, Now, ReplayCache};

use crate::channel_bindings::{BindingPolicy, ChannelBindings};
use crate::error::{Cause, GssError};
use crate::key_source::{KeySource, ServiceName};
use crate::krb5::{self, Krb5Acceptor};
use crate::mechanism::{MAX_CONTEXT_TOKEN_LEN, Mechanism, Step};
use crate::oid_name::oid_name;
use crate::spnego::{Candidate, SpnegoAcceptor};

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
        }
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
}

impl fmt::Debug for AcceptorParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptorParams")
            .field("service", &self.service)
            .field("channel_bindings", &self.channel_bindings)
            .field("binding_policy", &self.binding_policy)
            .field("skew_seconds_max", &self.skew_seconds_max)
            .field("error_tokens", &self.error_tokens)
            .finish_non_exhaustive()
    }
}

/// The acceptor's end before the first token. One serves any number of contexts.
///
/// Taken as a first token: Kerberos in its own framing (answered raw), SPNEGO, and an AP-REQ without any framing. All
/// others are refused by name.
#[derive(Debug, Clone)]
pub struct Acceptor {
    params: Arc<AcceptorParams>,
}

impl Acceptor {
    /// An acceptor.
    #[must_use]
    pub fn new(params: AcceptorParams) -> Self {
        Self {
            params: Arc::new(params),
        }
    }

    /// This acceptor's parameters.
    #[must_use]
    pub fn params(&self) -> &AcceptorParams {
        &self.params
    }

    /// The same acceptor for a connection with a channel of its own.
    #[must_use]
    pub fn with_channel_bindings(&self, bindings: Option<ChannelBindings>) -> Self {
        let mut params = AcceptorParams::clone(&self.params);
        params.channel_bindings = bindings;
        Self::new(params)
    }

    /// Takes the first token of a new context. Later tokens go to the [`Mechanism`] of [`Step::Continue`].
    ///
    /// # Errors
    /// [`GssError`], with a token for the client where there is one.
    pub fn step(&self, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let krb5 = Box::new(Krb5Acceptor::new(Arc::clone(&self.params)));
        match first_token(token)? {
            FirstToken::Krb5 => krb5.step(token, now, rng),
            FirstToken::Spnego => {
                let candidate = Candidate {
                    oids: krb5::OIDS.to_vec(),
                    mechanism: krb5,
                };
                Box::new(SpnegoAcceptor::new(vec![candidate])).step(token, now, rng)
            }
        }
    }
}

enum FirstToken {
    Krb5,
    Spnego,
}

/// Tells by the framing what a first token is (RFC 2743 3.1).
fn first_token(token: &[u8]) -> Result<FirstToken, GssError> {
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
    if token.starts_with(b"NTLMSSP\0") {
        return Err(refused("NTLM (NTLMSSP)".into()));
    }
    if krb5::is_bare_ap_req(token) {
        return Ok(FirstToken::Krb5);
    }
    let (oid, _) = gss_token::unwrap(token)?;
    match oid {
        oids::SPNEGO => Ok(FirstToken::Spnego),
        oids::KRB5 | oids::MS_KRB5 => Ok(FirstToken::Krb5),
        other => Err(refused(oid_name(&other))),
    }
}

fn refused(mechanism: String) -> GssError {
    Cause::MechanismRefused { mechanism }.into()
}
