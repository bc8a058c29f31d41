//! The initiator: begins a context with a service ticket.

use alloc::boxed::Box;
use alloc::vec;

use kerbside_crypto::CryptoRng;
use kerbside_protocol::{Credential, Now};

use crate::channel_bindings::ChannelBindings;
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;
use crate::krb5::{self, Krb5Initiator};
use crate::mechanism::{Mechanism, Step};
use crate::spnego::{Candidate, SpnegoInitiator};

/// What an initiator begins with.
#[non_exhaustive]
pub struct InitiatorParams {
    /// The ticket for the service, with its session key.
    pub credential: Credential,
    /// What is asked of the context.
    pub flags: ContextFlags,
    /// The channel that the tokens travel over, if there is one to bind to.
    pub channel_bindings: Option<ChannelBindings>,
    /// Whether to negotiate by SPNEGO; otherwise raw Kerberos tokens are sent.
    pub spnego: bool,
    /// How far the realm's clock is known to be ahead of this one, in seconds.
    pub clock_offset_seconds: i64,
}

impl InitiatorParams {
    /// SPNEGO, mutual authentication, protected messages with replay and sequence detection.
    #[must_use]
    pub fn new(credential: Credential) -> Self {
        Self {
            credential,
            flags: ContextFlags::MUTUAL
                | ContextFlags::REPLAY
                | ContextFlags::SEQUENCE
                | ContextFlags::CONFIDENTIALITY
                | ContextFlags::INTEGRITY,
            channel_bindings: None,
            spnego: true,
            clock_offset_seconds: 0,
        }
    }

    /// Asks for these flags instead.
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

    /// Makes authenticators by a clock that is `seconds` ahead of this one.
    #[must_use]
    pub fn with_clock_offset_seconds(mut self, seconds: i64) -> Self {
        self.clock_offset_seconds = seconds;
        self
    }

    /// Negotiates by SPNEGO, or sends raw Kerberos tokens.
    #[must_use]
    pub fn with_spnego(mut self, spnego: bool) -> Self {
        self.spnego = spnego;
        self
    }
}

impl core::fmt::Debug for InitiatorParams {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InitiatorParams")
            .field("server", &self.credential.server)
            .field("flags", &self.flags)
            .field("channel_bindings", &self.channel_bindings)
            .field("spnego", &self.spnego)
            .finish_non_exhaustive()
    }
}

/// The initiator's end before the first token.
#[derive(Debug)]
pub struct Initiator {
    mechanism: Box<dyn Mechanism>,
}

impl Initiator {
    /// An initiator with a Kerberos ticket.
    ///
    /// # Errors
    /// For flags that cannot be given: delegation, anonymity, DCE style, unknown ones.
    pub fn krb5(params: InitiatorParams) -> Result<Self, GssError> {
        check_flags(params.flags)?;
        let krb5 = Box::new(Krb5Initiator {
            credential: params.credential,
            flags: params.flags.intersection(ContextFlags::SUPPORTED),
            channel_bindings: params.channel_bindings,
            clock_offset_seconds: params.clock_offset_seconds,
        });
        if !params.spnego {
            return Ok(Self { mechanism: krb5 });
        }
        let candidate = Candidate {
            oids: krb5::OIDS.to_vec(),
            mechanism: krb5,
        };
        Ok(Self {
            mechanism: Box::new(SpnegoInitiator::new(vec![candidate])),
        })
    }

    /// Makes the first token.
    ///
    /// # Errors
    /// When the ticket cannot be used: expired, of an enctype that is not supported.
    pub fn start(self, now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        self.mechanism.step(&[], now, rng)
    }

    /// Answers an acceptor that speaks first (NegTokenInit2 of MS-SPNG). Nothing in its token is trusted.
    ///
    /// # Errors
    /// As [`Self::start`], and for a token that is not one of that kind.
    pub fn answer(self, hint: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        self.mechanism.step(hint, now, rng)
    }
}

fn check_flags(flags: ContextFlags) -> Result<(), GssError> {
    let refuse = |flags, reason| Err(Cause::UnsupportedFlags { flags, reason }.into());
    if flags.contains(ContextFlags::DELEGATION) {
        return refuse(
            ContextFlags::DELEGATION,
            "delegation of credentials is not supported",
        );
    }
    if flags.contains(ContextFlags::ANONYMOUS) {
        return refuse(ContextFlags::ANONYMOUS, "anonymous contexts are not supported");
    }
    if flags.contains(ContextFlags::DCE_STYLE) {
        return refuse(ContextFlags::DCE_STYLE, "DCE style is not supported");
    }
    // What the binding came to is in the context's facts; asking for it adds nothing.
    let unknown = flags.without(ContextFlags::SUPPORTED | ContextFlags::CHANNEL_BOUND);
    if unknown != ContextFlags::NONE {
        return refuse(unknown, "unknown flags");
    }
    Ok(())
}
