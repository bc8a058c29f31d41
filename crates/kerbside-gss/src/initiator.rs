//! The initiator: begins a context with a service ticket.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{ObjectIdentifier, Principal};
use kerbside_crypto::{CryptoRng, EnctypePolicy};
use kerbside_protocol::{Credential, Now};

use crate::channel_bindings::ChannelBindings;
use crate::delegation::{Delegation, DelegationPolicy};
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;
use crate::krb5::{self, Krb5Initiator, UserToUserBegin, Wanted};
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
    /// Which types of keys the context may be made of: session key, subkeys. Where it has a list of its own, better types
    /// on it than the session key's are asked for (RFC 4537).
    pub enctypes: EnctypePolicy,
    /// The ticket-granting ticket to hand on, and when.
    delegation: Option<Delegation>,
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
            enctypes: EnctypePolicy::DEFAULT,
            delegation: None,
        }
    }

    /// Hands `tgt` on to the service, which can then act as this client anywhere until that ticket ends. It is a forwarded
    /// ticket-granting ticket, got from the KDC for this purpose; the context's flag
    /// [`DELEGATION`](ContextFlags::DELEGATION) says whether it was sent.
    #[must_use]
    pub fn with_delegation(mut self, tgt: Credential, policy: DelegationPolicy) -> Self {
        self.delegation = Some(Delegation {
            credential: tgt,
            policy,
        });
        self
    }

    /// Makes contexts of keys of these types only.
    #[must_use]
    pub fn with_enctypes(mut self, policy: EnctypePolicy) -> Self {
        self.enctypes = policy;
        self
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
        let anonymous = self.credential.client.name.is_anonymous();
        let wanted = Wanted {
            flags: wanted_flags(self.flags, self.delegation.is_some(), anonymous)?,
            channel_bindings: self.channel_bindings,
            clock_offset_seconds: self.clock_offset_seconds,
            delegation: self.delegation,
            enctypes: self.enctypes,
        };
        Ok(Box::new(Krb5Ticket(Krb5Initiator::new(self.credential, wanted))))
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
    /// For flags that cannot be given: delegation without a ticket, anonymity without an anonymous one, unknown ones.
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

/// What goes into the checksum of what was asked for.
fn wanted_flags(
    asked: ContextFlags,
    has_tgt_to_delegate: bool,
    is_anonymous: bool,
) -> Result<ContextFlags, GssError> {
    let refuse = |flags, reason| Err(Cause::UnsupportedFlags { flags, reason }.into());
    if asked.contains(ContextFlags::DELEGATION) && !has_tgt_to_delegate {
        return refuse(
            ContextFlags::DELEGATION,
            "delegation wants a forwarded ticket-granting ticket (with_delegation)",
        );
    }
    if asked.contains(ContextFlags::ANONYMOUS) && !is_anonymous {
        return refuse(ContextFlags::ANONYMOUS, "the ticket is not an anonymous client's");
    }
    // What the binding came to is in the context's facts; asking for it adds nothing.
    let unknown = asked.without(
        ContextFlags::SUPPORTED
            | ContextFlags::DELEGATION
            | ContextFlags::ANONYMOUS
            | ContextFlags::CHANNEL_BOUND,
    );
    if unknown != ContextFlags::NONE {
        return refuse(unknown, "unknown flags");
    }
    let mut flags = asked.intersection(ContextFlags::SUPPORTED);
    if is_anonymous {
        flags |= ContextFlags::ANONYMOUS;
    }
    if flags.contains(ContextFlags::DCE_STYLE) {
        flags |= ContextFlags::MUTUAL;
    }
    Ok(flags)
}

/// What an initiator of user-to-user authentication begins with: whom it wants to speak with. The ticket is got in the
/// middle, see [`Step::NeedTicket`].
#[derive(Debug)]
#[non_exhaustive]
pub struct UserToUserParams {
    /// The service: a user, mostly.
    pub server: Principal,
    /// What is asked of the context.
    pub flags: ContextFlags,
    /// The channel that the tokens travel over, if there is one to bind to.
    pub channel_bindings: Option<ChannelBindings>,
    /// How far the realm's clock is known to be ahead of this one, in seconds.
    pub clock_offset_seconds: i64,
    /// As [`InitiatorParams::enctypes`].
    pub enctypes: EnctypePolicy,
}

impl UserToUserParams {
    /// Mutual authentication, protected messages with replay and sequence detection.
    #[must_use]
    pub fn new(server: Principal) -> Self {
        Self {
            server,
            flags: ContextFlags::MUTUAL
                | ContextFlags::REPLAY
                | ContextFlags::SEQUENCE
                | ContextFlags::CONFIDENTIALITY
                | ContextFlags::INTEGRITY,
            channel_bindings: None,
            clock_offset_seconds: 0,
            enctypes: EnctypePolicy::DEFAULT,
        }
    }

    /// User-to-user as a mechanism of [`Initiator::raw`] or [`Initiator::negotiate`].
    ///
    /// # Errors
    /// For flags that cannot be given.
    pub fn into_mechanism(self) -> Result<Box<dyn InitiatorMechanism>, GssError> {
        let wanted = Wanted {
            flags: wanted_flags(self.flags, false, false)?,
            channel_bindings: self.channel_bindings,
            clock_offset_seconds: self.clock_offset_seconds,
            delegation: None,
            enctypes: self.enctypes,
        };
        Ok(Box::new(UserToUserBegin {
            server: self.server,
            wanted,
        }))
    }
}
