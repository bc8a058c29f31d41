//! The initiator's side of SPNEGO.

use alloc::boxed::Box;
use alloc::vec::Vec;

use kerbside_asn1::{ObjectIdentifier, oids};
use kerbside_crypto::CryptoRng;
use kerbside_protocol::{Credential, Now};

use super::token::{self, NegState, Reply, Response};
use super::{Legs, broken};
use crate::context::SecurityContext;
use crate::error::{Cause, GssError};
use crate::mechanism::{AwaitTicket, InitiatorMechanism, Mechanism, Step, mechanism_of};
use crate::oid_name::oid_name;

/// Not begun yet.
#[derive(Debug)]
pub(crate) struct SpnegoInitiator {
    mechanisms: Vec<Box<dyn InitiatorMechanism>>,
    leave_out: bool,
}

impl SpnegoInitiator {
    /// An initiator that offers these mechanisms, best first.
    pub(crate) fn new(mechanisms: Vec<Box<dyn InitiatorMechanism>>) -> Self {
        Self {
            mechanisms,
            leave_out: false,
        }
    }

    /// Offers only mechanisms from the first one on that can start.
    pub(crate) fn leaving_out(self) -> Self {
        Self {
            leave_out: true,
            ..self
        }
    }

    /// Answers the NegTokenInit2 of an acceptor that speaks first. It is not authenticated, so nothing in it is used; it
    /// must only be one.
    pub(crate) fn answer(self, hint: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        token::parse_init2(hint)?;
        self.start(now, rng)
    }

    pub(crate) fn start(self, now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let mut mechanisms = self.mechanisms.into_iter();
        let mut nothing = Cause::Misuse {
            reason: "SPNEGO: no mechanism to offer",
        }
        .into();
        let (preferred, mech_token, mechanism) = loop {
            let Some(first) = mechanisms.next() else {
                return Err(nothing);
            };
            let preferred = first.oids().to_vec();
            match begin(first, now, rng) {
                Ok((mech_token, mechanism)) => break (preferred, mech_token, mechanism),
                Err(error) if self.leave_out => nothing = error,
                Err(error) => return Err(error),
            }
        };
        let others: Vec<Box<dyn InitiatorMechanism>> = mechanisms.collect();
        let mut offered = preferred.clone();
        offered.extend(others.iter().flat_map(|other| other.oids().iter().copied()));
        let mech_list = token::encode_mech_list(&offered)?;
        let token = token::encode_init(&mech_list, mech_token.as_deref())?;
        let next = Box::new(AwaitFirstReply {
            negotiation: Negotiation {
                mech_list,
                mic_required: false,
                legs: Legs::NONE,
            },
            preferred,
            mechanism,
            others,
        });
        Ok(Step::Continue { token, next })
    }
}

/// The chosen mechanism.
#[derive(Debug)]
enum Chosen {
    /// Wants a token of the acceptor.
    Waiting(Box<dyn Mechanism>),
    /// Has its context; the acceptor may not know yet.
    Established(Box<SecurityContext>),
}

fn begin(
    mechanism: Box<dyn InitiatorMechanism>,
    now: Now,
    rng: &mut dyn CryptoRng,
) -> Result<(Option<Vec<u8>>, Chosen), GssError> {
    match mechanism.start(now, rng)? {
        Step::Continue { token, next } => Ok((Some(token), Chosen::Waiting(next))),
        Step::Done { token, context, .. } => Ok((token, Chosen::Established(context))),
        Step::NeedTicket { .. } => Err(Cause::Misuse {
            reason: "SPNEGO: a mechanism wants a ticket before it made its first token",
        }
        .into()),
    }
}

/// What lasts from the first message to the last.
#[derive(Debug)]
struct Negotiation {
    mech_list: Vec<u8>,
    mic_required: bool,
    legs: Legs,
}

/// Waits for the acceptor's choice.
#[derive(Debug)]
struct AwaitFirstReply {
    negotiation: Negotiation,
    /// What the optimistic mechanism goes by.
    preferred: Vec<ObjectIdentifier>,
    mechanism: Chosen,
    others: Vec<Box<dyn InitiatorMechanism>>,
}

impl Mechanism for AwaitFirstReply {
    fn oid(&self) -> ObjectIdentifier {
        oids::SPNEGO
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let Self {
            mut negotiation,
            preferred,
            mechanism,
            others,
        } = *self;
        negotiation.legs = negotiation.legs.next()?;
        let mechanism = match mechanism {
            // The acceptor took the first mechanism's token and answers in its terms: it has no SPNEGO. Nothing was
            // negotiated then, and that mechanism is the one that this side would have chosen.
            Chosen::Waiting(mechanism) if mechanism_of(token).is_some_and(|oid| preferred.contains(&oid)) => {
                return mechanism.step(token, now, rng);
            }
            mechanism => mechanism,
        };
        let response = token::parse_resp(token)?;
        if response.state == Some(NegState::REQUEST_MIC) {
            negotiation.mic_required = true;
        }
        match response.supported_mech {
            Some(chosen) if response.state != Some(NegState::REJECT) && !preferred.contains(&chosen) => {
                negotiation.switch(others, chosen, now, rng)
            }
            _ => negotiation.proceed(mechanism, &response, now, rng),
        }
    }
}

/// Waits for a later message of the acceptor.
#[derive(Debug)]
struct AwaitReply {
    negotiation: Negotiation,
    mechanism: Chosen,
}

impl Mechanism for AwaitReply {
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
        if response.state == Some(NegState::REQUEST_MIC) {
            return Err(broken(
                "expected request-mic in the first reply only, but found it in a later one",
            ));
        }
        negotiation.proceed(mechanism, &response, now, rng)
    }
}

impl Negotiation {
    /// The acceptor chose another mechanism than the one whose token it was sent: begin that one. Both sides must then
    /// prove which list they saw.
    fn switch(
        mut self,
        others: Vec<Box<dyn InitiatorMechanism>>,
        chosen: ObjectIdentifier,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, GssError> {
        let mechanism = others
            .into_iter()
            .find(|other| other.oids().contains(&chosen))
            .ok_or_else(|| Cause::NotOffered {
                chosen: oid_name(&chosen),
            })?;
        self.mic_required = true;
        let (mech_token, mechanism) = begin(mechanism, now, rng)?;
        match mechanism {
            Chosen::Waiting(next) => self.send_mech_token(mech_token, Chosen::Waiting(next)),
            Chosen::Established(context) => self.send_last_token(mech_token, context),
        }
    }

    fn proceed(
        self,
        mechanism: Chosen,
        response: &Response<'_>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, GssError> {
        let mech_token = response.token.filter(|token| !token.is_empty());
        if response.state == Some(NegState::REJECT) {
            return Err(rejected(mechanism, mech_token, now, rng));
        }
        match (mechanism, mech_token) {
            (Chosen::Waiting(mechanism), Some(mech_token)) => match mechanism.step(mech_token, now, rng)? {
                Step::Continue { .. } if response.state == Some(NegState::ACCEPT_COMPLETED) => Err(broken(
                    "the acceptor says accept-completed before the mechanism is",
                )),
                Step::Continue { token, next } => self.send_mech_token(Some(token), Chosen::Waiting(next)),
                Step::Done {
                    token: Some(token),
                    context,
                    ..
                } => {
                    if response.state == Some(NegState::ACCEPT_COMPLETED) {
                        return Err(broken(
                            "the acceptor says accept-completed before the mechanism is",
                        ));
                    }
                    self.send_last_token(Some(token), context)
                }
                Step::Done {
                    token: None, context, ..
                } => self.finish(context, response),
                Step::NeedTicket { .. } if response.state == Some(NegState::ACCEPT_COMPLETED) => Err(broken(
                    "the acceptor says accept-completed before the mechanism is",
                )),
                Step::NeedTicket { request, next } => Ok(Step::NeedTicket {
                    request,
                    next: Box::new(AwaitMechanismTicket {
                        negotiation: self,
                        next,
                    }),
                }),
            },
            (Chosen::Waiting(_), None) => {
                Err(broken("expected a token of the chosen mechanism, but found none"))
            }
            (Chosen::Established(context), None) => self.finish(context, response),
            (Chosen::Established(_), Some(_)) => Err(broken(
                "expected no mechanism token behind the last one, but found one",
            )),
        }
    }

    fn send_mech_token(self, mech_token: Option<Vec<u8>>, mechanism: Chosen) -> Result<Step, GssError> {
        let reply = Reply {
            state: Some(NegState::ACCEPT_INCOMPLETE),
            token: mech_token.as_deref(),
            ..Reply::default()
        };
        let token = reply.encode()?;
        Ok(Step::Continue {
            token,
            next: Box::new(AwaitReply {
                negotiation: self,
                mechanism,
            }),
        })
    }

    /// The mechanism's last token is ours: our MIC goes with it where one is required.
    fn send_last_token(
        mut self,
        mech_token: Option<Vec<u8>>,
        mut context: Box<SecurityContext>,
    ) -> Result<Step, GssError> {
        self.mic_required = context.mech_list_mic_due(self.mic_required);
        let mic = if self.mic_required {
            Some(context.mech_list_mic(&self.mech_list)?)
        } else {
            None
        };
        let reply = Reply {
            state: Some(NegState::ACCEPT_INCOMPLETE),
            supported_mech: None,
            token: mech_token.as_deref(),
            mic: mic.as_deref(),
        };
        let token = reply.encode()?;
        let next: Box<dyn Mechanism> = if mic.is_some() {
            Box::new(AwaitMic {
                negotiation: self,
                context,
            })
        } else {
            Box::new(AwaitReply {
                negotiation: self,
                mechanism: Chosen::Established(context),
            })
        };
        Ok(Step::Continue { token, next })
    }

    /// The mechanism is done: what is left are the MICs (RFC 4178 section 5).
    fn finish(
        mut self,
        mut context: Box<SecurityContext>,
        response: &Response<'_>,
    ) -> Result<Step, GssError> {
        context.set_negotiated();
        self.mic_required = context.mech_list_mic_due(self.mic_required);
        let peer_waits = response
            .state
            .is_some_and(|state| state != NegState::ACCEPT_COMPLETED);
        let Some(mic) = self.received_mic(response) else {
            if self.mic_required {
                return Err(broken("expected the acceptor's mechListMIC, but found none"));
            }
            if peer_waits {
                return Err(broken(
                    "the acceptor waits for more, but the mechanism is complete",
                ));
            }
            return Ok(Step::Done {
                token: None,
                token_is_bare_success: false,
                context,
            });
        };
        context.verify_mech_list_mic(&self.mech_list, mic)?;
        if !peer_waits {
            return Ok(Step::Done {
                token: None,
                token_is_bare_success: false,
                context,
            });
        }
        let own = context.mech_list_mic(&self.mech_list)?;
        let reply = Reply {
            state: Some(NegState::ACCEPT_COMPLETED),
            mic: Some(&own),
            ..Reply::default()
        };
        Ok(Step::Done {
            token: Some(reply.encode()?),
            token_is_bare_success: false,
            context,
        })
    }

    /// Windows 2000 puts a second copy of the response token where the MIC belongs (RFC 4178 appendix C). That is no
    /// MIC: a krb5 context token never is one.
    fn received_mic<'a>(&self, response: &Response<'a>) -> Option<&'a [u8]> {
        response
            .mic
            .filter(|mic| self.mic_required || response.token != Some(*mic))
    }
}

/// Waits for a ticket that the mechanism wants.
#[derive(Debug)]
struct AwaitMechanismTicket {
    negotiation: Negotiation,
    next: Box<dyn AwaitTicket>,
}

impl AwaitTicket for AwaitMechanismTicket {
    fn oid(&self) -> ObjectIdentifier {
        oids::SPNEGO
    }

    fn ticket(
        self: Box<Self>,
        credential: Credential,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, GssError> {
        let Self { negotiation, next } = *self;
        match next.ticket(credential, now, rng)? {
            Step::Continue { token, next } => negotiation.send_mech_token(Some(token), Chosen::Waiting(next)),
            Step::Done { token, context, .. } => negotiation.send_last_token(token, context),
            Step::NeedTicket { .. } => Err(Cause::Misuse {
                reason: "SPNEGO: a mechanism wants one ticket after the other",
            }
            .into()),
        }
    }
}

/// Waits for the acceptor's mechListMIC; ours is sent.
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
        match response.state {
            Some(NegState::REJECT) => return Err(Cause::PeerRejected.into()),
            Some(NegState::ACCEPT_COMPLETED) | None => {}
            Some(_) => {
                return Err(broken(
                    "the acceptor waits for more, but the mechanism is complete",
                ));
            }
        }
        if response.token.is_some_and(|token| !token.is_empty()) {
            return Err(broken(
                "expected no mechanism token behind the last one, but found one",
            ));
        }
        let mic = response
            .mic
            .ok_or_else(|| broken("expected the acceptor's mechListMIC, but found none"))?;
        context.set_negotiated();
        context.verify_mech_list_mic(&negotiation.mech_list, mic)?;
        Ok(Step::Done {
            token: None,
            token_is_bare_success: false,
            context,
        })
    }
}

/// The reason of a `reject`: the mechanism's own error token says more than SPNEGO.
fn rejected(mechanism: Chosen, mech_token: Option<&[u8]>, now: Now, rng: &mut dyn CryptoRng) -> GssError {
    if let (Chosen::Waiting(mechanism), Some(mech_token)) = (mechanism, mech_token)
        && let Err(error) = mechanism.step(mech_token, now, rng)
    {
        return error;
    }
    Cause::PeerRejected.into()
}
