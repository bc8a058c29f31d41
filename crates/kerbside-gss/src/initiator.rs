//! The initiator: begins a context with a service ticket.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::ObjectIdentifier;
use kerbside_crypto::CryptoRng;
use kerbside_protocol::{Credential, Now};

use crate::channel_bindings::ChannelBindings;
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;
use crate::krb5::{self, Krb5Initiator};
use crate::mechanism::{InitiatorMechanism, Mechanism, Step};
use crate::spnego::SpnegoInitiator;

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

    /// Kerberos as one of the mechanisms of [`Initiator::negotiate`].
    ///
    /// # Errors
    /// As [`Initiator::krb5`].
    pub fn into_mechanism(self) -> Result<Box<dyn InitiatorMechanism>, GssError> {
        check_flags(self.flags)?;
        Ok(Box::new(Krb5Ticket(Krb5Initiator {
            credential: self.credential,
            flags: self.flags.intersection(ContextFlags::SUPPORTED),
            channel_bindings: self.channel_bindings,
            clock_offset_seconds: self.clock_offset_seconds,
        })))
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

/// Kerberos, with its ticket, as one of the mechanisms of an initiator.
#[derive(Debug)]
struct Krb5Ticket(Krb5Initiator);

impl InitiatorMechanism for Krb5Ticket {
    fn oids(&self) -> &[ObjectIdentifier] {
        &krb5::OIDS
    }

    fn start(self: Box<Self>, now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        Box::new(self.0).step(&[], now, rng)
    }
}

/// The initiator's end before the first token.
#[derive(Debug)]
pub struct Initiator(Begin);

#[derive(Debug)]
enum Begin {
    Raw(Box<dyn InitiatorMechanism>),
    Spnego(SpnegoInitiator),
}

impl Initiator {
    /// An initiator with a Kerberos ticket, and no other mechanism.
    ///
    /// # Errors
    /// For flags that cannot be given: delegation, anonymity, DCE style, unknown ones.
    pub fn krb5(params: InitiatorParams) -> Result<Self, GssError> {
        let spnego = params.spnego;
        let mechanism = params.into_mechanism()?;
        if spnego {
            return Ok(Self::negotiate(vec![mechanism]));
        }
        Ok(Self::raw(mechanism))
    }

    /// An initiator that offers these mechanisms by SPNEGO, best first, and sends the first token of the first.
    ///
    /// A mechanism that is not to be used is not to be in the list: what the acceptor chooses is begun. With
    /// [`Self::leaving_out`] those that cannot start are dropped.
    #[must_use]
    pub fn negotiate(mechanisms: Vec<Box<dyn InitiatorMechanism>>) -> Self {
        Self(Begin::Spnego(SpnegoInitiator::new(mechanisms)))
    }

    /// An initiator of one mechanism without SPNEGO.
    #[must_use]
    pub fn raw(mechanism: Box<dyn InitiatorMechanism>) -> Self {
        Self(Begin::Raw(mechanism))
    }

    /// Leaves a mechanism out of the offer when it cannot start (an expired ticket), and begins with the next one,
    /// instead of failing. Whoever has NTLM in the list behind Kerberos says by this that it may take Kerberos' place
    /// before any peer was asked.
    #[must_use]
    pub fn leaving_out(self) -> Self {
        match self.0 {
            Begin::Spnego(spnego) => Self(Begin::Spnego(spnego.leaving_out())),
            raw @ Begin::Raw(_) => Self(raw),
        }
    }

    /// Makes the first token.
    ///
    /// # Errors
    /// When the ticket cannot be used: expired, of an enctype that is not supported.
    pub fn start(self, now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        match self.0 {
            Begin::Raw(mechanism) => mechanism.start(now, rng),
            Begin::Spnego(spnego) => spnego.start(now, rng),
        }
    }

    /// Answers an acceptor that speaks first (NegTokenInit2 of MS-SPNG). Nothing in its token is trusted.
    ///
    /// # Errors
    /// As [`Self::start`], and for a token that is not one of that kind, or without SPNEGO.
    pub fn answer(self, hint: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        match self.0 {
            Begin::Raw(_) => Err(Cause::DefectiveToken {
                token: "context token",
                reason: "expected none before the initiator's first",
            }
            .into()),
            Begin::Spnego(spnego) => spnego.answer(hint, now, rng),
        }
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
