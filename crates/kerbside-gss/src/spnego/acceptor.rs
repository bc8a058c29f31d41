//! The acceptor's side of SPNEGO.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{ObjectIdentifier, oids};
use kerbside_crypto::CryptoRng;
use kerbside_protocol::Now;

use super::token::{self, Init, NegState, Reply};
use super::{Legs, broken};
use crate::context::SecurityContext;
use crate::error::{Cause, GssError};
use crate::mechanism::{AcceptorMechanism, Mechanism, Step, mechanism_of};
use crate::negoex;
use crate::oid_name::oid_name;

/// Waits for the NegTokenInit.
#[derive(Debug)]
pub(crate) struct SpnegoAcceptor {
    mechanisms: Arc<[Arc<dyn AcceptorMechanism>]>,
}

impl SpnegoAcceptor {
    /// An acceptor of these mechanisms, in order of preference.
    pub(crate) fn new(mechanisms: Arc<[Arc<dyn AcceptorMechanism>]>) -> Self {
        Self { mechanisms }
    }

    /// The mechanism to use: the initiator's first choice that is known here.
    fn choose(&self, init: &Init<'_>) -> Result<Choice<'_>, GssError> {
        for (place, oid) in init.mechs.iter().enumerate() {
            let mut ours = self.mechanisms.iter().enumerate();
            if let Some((index, mechanism)) = ours.find(|(_, mechanism)| mechanism.oids().contains(oid)) {
                return Ok(Choice {
                    oid: *oid,
                    place,
                    ours: index,
                    mechanism,
                });
            }
        }
        let ours = self.mechanisms.iter().filter_map(|ours| ours.oids().first());
        let mut offered: Vec<String> = init.mechs.iter().map(oid_name).collect();
        let schemes = negoex::offered_schemes(init.token.unwrap_or_default());
        offered.extend(schemes.iter().map(|scheme| format!("NEGOEX scheme {scheme}")));
        Err(Cause::NoCommonMechanism {
            offered,
            accepted: ours.map(oid_name).collect(),
        }
        .into())
    }
}

struct Choice<'a> {
    oid: ObjectIdentifier,
    /// Its place in the initiator's list.
    place: usize,
    /// Its place in ours.
    ours: usize,
    mechanism: &'a Arc<dyn AcceptorMechanism>,
}

impl Choice<'_> {
    /// Whether the optimistic token is the chosen mechanism's: it belongs to the first of the initiator's list, unless it
    /// says itself that it is of another one.
    fn is_of(&self, token: &[u8]) -> bool {
        self.place == 0 && mechanism_of(token).is_none_or(|oid| self.mechanism.oids().contains(&oid))
    }
}

impl Mechanism for SpnegoAcceptor {
    fn oid(&self) -> ObjectIdentifier {
        oids::SPNEGO
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let init = token::parse_init(token)?;
        let first_is_negoex = init.mechs.first() == Some(&oids::NEGOEX);
        let choice = self.choose(&init).map_err(rejecting)?;
        let negotiation = Negotiation {
            mech_list: init.mech_list.to_vec(),
            // A mechanism that is both sides' first needs no proof that it was chosen rightly (RFC 4178 section 5).
            mic_required: choice.place != 0 || choice.ours != 0,
            legs: Legs::NONE.next()?,
        };
        let mechanism = choice.mechanism.start();
        let Some(mech_token) = init.token.filter(|token| choice.is_of(token)) else {
            // The token in the message, if any, is of a mechanism that was not chosen. Windows' clients that begin
            // with NEGOEX are told accept-incomplete; the proof is required of them all the same.
            let state = match (negotiation.mic_required, first_is_negoex) {
                (true, false) => NegState::REQUEST_MIC,
                (false, _) | (true, true) => NegState::ACCEPT_INCOMPLETE,
            };
            let reply = Reply {
                state: Some(state),
                supported_mech: Some(choice.oid),
                ..Reply::default()
            };
            let next = Box::new(AwaitMechToken {
                negotiation,
                mechanism,
            });
            return Ok(Step::Continue {
                token: reply.encode()?,
                next,
            });
        };
        let turn = Turn {
            supported_mech: Some(choice.oid),
            mic: init.mic,
        };
        negotiation.step_mechanism(mechanism, mech_token, turn, now, rng)
    }
}

/// What lasts from the first message to the last.
#[derive(Debug)]
struct Negotiation {
    mech_list: Vec<u8>,
    mic_required: bool,
    legs: Legs,
}

/// What belongs to one message of the initiator.
struct Turn<'a> {
    /// For our first reply only.
    supported_mech: Option<ObjectIdentifier>,
    /// The mechListMIC that came along.
    mic: Option<&'a [u8]>,
}

impl Negotiation {
    fn step_mechanism(
        self,
        mechanism: Box<dyn Mechanism>,
        mech_token: &[u8],
        turn: Turn<'_>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, GssError> {
        match mechanism.step(mech_token, now, rng).map_err(rejecting)? {
            Step::Continue { token, next } => {
                let state = match (turn.supported_mech, self.mic_required) {
                    (Some(_), true) => NegState::REQUEST_MIC,
                    _ => NegState::ACCEPT_INCOMPLETE,
                };
                let reply = Reply {
                    state: Some(state),
                    supported_mech: turn.supported_mech,
                    token: Some(&token),
                    mic: None,
                };
                let next = Box::new(AwaitMechToken {
                    negotiation: self,
                    mechanism: next,
                });
                Ok(Step::Continue {
                    token: reply.encode()?,
                    next,
                })
            }
            Step::Done { token, context, .. } => self.finish(token, context, turn).map_err(rejecting),
            Step::NeedTicket { .. } => Err(broken("an acceptor's mechanism asks for a ticket")),
        }
    }

    /// The mechanism is done: what is left are the MICs (RFC 4178 section 5).
    fn finish(
        mut self,
        mech_token: Option<Vec<u8>>,
        mut context: Box<SecurityContext>,
        turn: Turn<'_>,
    ) -> Result<Step, GssError> {
        context.set_negotiated();
        self.mic_required = context.mech_list_mic_due(self.mic_required);
        let mut reply = Reply {
            state: Some(NegState::ACCEPT_COMPLETED),
            supported_mech: turn.supported_mech,
            token: mech_token.as_deref(),
            mic: None,
        };
        if let Some(mic) = turn.mic {
            context.verify_mech_list_mic(&self.mech_list, mic)?;
            let own = context.mech_list_mic(&self.mech_list)?;
            reply.mic = Some(&own);
            return Ok(Step::Done {
                token: Some(reply.encode()?),
                token_is_bare_success: false,
                context,
            });
        }
        if !self.mic_required {
            let token_is_bare_success = mech_token.is_none();
            return Ok(Step::Done {
                token: Some(reply.encode()?),
                token_is_bare_success,
                context,
            });
        }
        let first_reply = turn.supported_mech.is_some();
        if mech_token.is_none() && !first_reply {
            return Err(broken(
                "expected a mechListMIC beside the last mechanism token, but found none",
            ));
        }
        let own = context.mech_list_mic(&self.mech_list)?;
        reply.mic = Some(&own);
        reply.state = Some(if first_reply {
            NegState::REQUEST_MIC
        } else {
            NegState::ACCEPT_INCOMPLETE
        });
        let token = reply.encode()?;
        Ok(Step::Continue {
            token,
            next: Box::new(AwaitMic {
                negotiation: self,
                context,
            }),
        })
    }
}

/// Waits for a token of the chosen mechanism.
#[derive(Debug)]
struct AwaitMechToken {
    negotiation: Negotiation,
    mechanism: Box<dyn Mechanism>,
}

impl Mechanism for AwaitMechToken {
    fn oid(&self) -> ObjectIdentifier {
        oids::SPNEGO
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let Self {
            mut negotiation,
            mechanism,
        } = *self;
        negotiation.legs = negotiation.legs.next()?;
        let response = token::parse_resp(token)?;
        if response.state == Some(NegState::REJECT) {
            return Err(Cause::PeerRejected.into());
        }
        let mech_token = response.token.filter(|token| !token.is_empty());
        let Some(mech_token) = mech_token else {
            return Err(rejecting(broken(
                "expected a token of the chosen mechanism, but found none",
            )));
        };
        let turn = Turn {
            supported_mech: None,
            mic: response.mic,
        };
        negotiation.step_mechanism(mechanism, mech_token, turn, now, rng)
    }
}

/// Waits for the initiator's mechListMIC; ours is sent.
#[derive(Debug)]
struct AwaitMic {
    negotiation: Negotiation,
    context: Box<SecurityContext>,
}

impl Mechanism for AwaitMic {
    fn oid(&self) -> ObjectIdentifier {
        oids::SPNEGO
    }

    fn step(self: Box<Self>, token: &[u8], _now: Now, _rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let Self {
            negotiation,
            mut context,
        } = *self;
        negotiation.legs.next()?;
        let response = token::parse_resp(token)?;
        if response.state == Some(NegState::REJECT) {
            return Err(Cause::PeerRejected.into());
        }
        if response.token.is_some_and(|token| !token.is_empty()) {
            return Err(rejecting(broken(
                "expected no mechanism token behind the last one, but found one",
            )));
        }
        let mic = response
            .mic
            .ok_or_else(|| rejecting(broken("expected the initiator's mechListMIC, but found none")))?;
        context
            .verify_mech_list_mic(&negotiation.mech_list, mic)
            .map_err(rejecting)?;
        Ok(Step::Done {
            token: None,
            token_is_bare_success: false,
            context,
        })
    }
}

/// Puts the mechanism's error token, if there is one, into a `reject`.
fn rejecting(mut error: GssError) -> GssError {
    let inner = error.take_token();
    let reply = Reply {
        state: Some(NegState::REJECT),
        token: inner.as_deref(),
        ..Reply::default()
    };
    let token = reply.encode().ok();
    error.with_token(token)
}
