//! Mechanisms whose behaviour a test chooses: how many tokens, whether they can sign, whether they insist on the MIC.

use std::sync::Mutex;

use kerbside_asn1::Principal;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::error::Cause;
use crate::test_realm::START;
use crate::{ContextFacts, PerMessage, Role, SequenceFinding, Unwrapped, UnwrappedInPlace, WrapLengths};

/// Which lists were verified, by whom, in all conversations of a test.
pub(super) type Log = Arc<Mutex<Vec<(Role, Vec<u8>)>>>;

/// A mechanism of the test's making.
#[derive(Debug, Clone)]
pub(super) struct Play {
    oids: [ObjectIdentifier; 1],
    name: u8,
    /// What its tokens begin with.
    form: Form,
    /// How many tokens both ends send together.
    tokens: u8,
    can_sign: bool,
    insists: bool,
    pub(super) log: Log,
}

/// What a mechanism's tokens look like.
#[derive(Debug, Clone, Copy)]
enum Form {
    Plain,
    /// As NTLM's messages: bare, and known by their first octets.
    Ntlm,
    /// In the frame of RFC 2743.
    Framed,
}

/// The identifier of the mechanism with this name.
pub(super) fn oid(name: u8) -> ObjectIdentifier {
    ObjectIdentifier::new(&std::format!("1.2.3.4.5.{name}")).unwrap()
}

/// A mechanism that can sign and does not insist.
pub(super) fn play(name: u8, tokens: u8) -> Play {
    Play {
        oids: [oid(name)],
        name,
        form: Form::Plain,
        tokens,
        can_sign: true,
        insists: false,
        log: Log::default(),
    }
}

/// A mechanism that looks like NTLM from outside.
pub(super) fn ntlm_like() -> Play {
    Play {
        oids: [oids::NTLMSSP],
        form: Form::Ntlm,
        ..play(10, 3)
    }
}

/// A mechanism whose tokens stand in the frame of RFC 2743, under this identifier.
pub(super) fn framed(oid: ObjectIdentifier, tokens: u8) -> Play {
    Play {
        oids: [oid],
        form: Form::Framed,
        ..play(11, tokens)
    }
}

impl Play {
    pub(super) fn without_signing(self) -> Self {
        Self {
            can_sign: false,
            ..self
        }
    }

    pub(super) fn insisting(self) -> Self {
        Self {
            insists: true,
            ..self
        }
    }

    pub(super) fn signs(&self) -> bool {
        self.can_sign
    }

    pub(super) fn insists(&self) -> bool {
        self.insists
    }

    pub(super) fn logging(self, log: &Log) -> Self {
        let log = Arc::clone(log);
        Self { log, ..self }
    }

    /// The token at a place of the conversation.
    pub(super) fn token(&self, place: u8) -> Vec<u8> {
        let token = [b'p', self.name, place];
        match self.form {
            Form::Plain => token.to_vec(),
            Form::Ntlm => [&b"NTLMSSP\0"[..], &token].concat(),
            Form::Framed => gss_token::wrap(self.oids[0], &token),
        }
    }

    fn context(&self, role: Role) -> Box<SecurityContext> {
        let (client, server) = (Principal::new("R", &["client"]), Principal::new("R", &["server"]));
        let facts = ContextFacts::new(role, self.oids[0], client, server, ContextFlags::NONE);
        Box::new(SecurityContext::from_parts(
            facts,
            Box::new(Messages(self.clone(), role)),
        ))
    }

    /// Sends the token at `place`, as the one whose turn it is.
    fn send(self, role: Role, place: u8) -> Step {
        let token = self.token(place);
        if place + 1 == self.tokens {
            return Step::Done {
                token: Some(token),
                token_is_bare_success: false,
                context: self.context(role),
            };
        }
        let next = Box::new(Waiting {
            play: self,
            role,
            place: place + 1,
        });
        Step::Continue { token, next }
    }
}

impl InitiatorMechanism for Play {
    fn oids(&self) -> &[ObjectIdentifier] {
        &self.oids
    }

    fn start(self: Box<Self>, _: Now, _: &mut dyn CryptoRng) -> Result<Step, GssError> {
        Ok(self.send(Role::Initiator, 0))
    }
}

impl AcceptorMechanism for Play {
    fn oids(&self) -> &[ObjectIdentifier] {
        &self.oids
    }

    fn start(&self) -> Box<dyn Mechanism> {
        Box::new(Waiting {
            play: self.clone(),
            role: Role::Acceptor,
            place: 0,
        })
    }

    fn with_channel_bindings(&self, _: Option<&ChannelBindings>) -> Arc<dyn AcceptorMechanism> {
        Arc::new(self.clone())
    }
}

/// Waits for the token at a place.
#[derive(Debug)]
struct Waiting {
    play: Play,
    role: Role,
    place: u8,
}

impl Mechanism for Waiting {
    fn oid(&self) -> ObjectIdentifier {
        self.play.oids[0]
    }

    fn step(self: Box<Self>, token: &[u8], _: Now, _: &mut dyn CryptoRng) -> Result<Step, GssError> {
        if token != self.play.token(self.place) {
            return Err(Cause::BadMic.into());
        }
        if self.place + 1 == self.play.tokens {
            return Ok(Step::Done {
                token: None,
                token_is_bare_success: false,
                context: self.play.context(self.role),
            });
        }
        Ok(self.play.send(self.role, self.place + 1))
    }
}

/// A MIC here is the message itself, behind who sends it and by which mechanism.
#[derive(Debug)]
struct Messages(Play, Role);

impl Messages {
    fn mic(&self, by: Role, message: &[u8]) -> Vec<u8> {
        [&[b'm', self.0.name, u8::from(by == Role::Acceptor)], message].concat()
    }
}

fn unused<T>() -> Result<T, GssError> {
    Err(Cause::Misuse {
        reason: "not played here",
    }
    .into())
}

impl PerMessage for Messages {
    fn wrap_lengths(&self, _: bool, _: usize) -> WrapLengths {
        WrapLengths {
            header: 0,
            trailer: 0,
        }
    }

    fn wrap_in_place(
        &mut self,
        _: bool,
        _: &mut [u8],
        _: &mut [u8],
        _: &mut [u8],
        _: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        unused()
    }

    fn wrap_into(
        &mut self,
        _: bool,
        _: &[u8],
        _: &mut Vec<u8>,
        _: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        unused()
    }

    fn unwrap(&mut self, _: &[u8], _: bool) -> Result<Unwrapped, GssError> {
        unused()
    }

    fn unwrap_in_place<'a>(&mut self, _: &'a mut [u8], _: bool) -> Result<UnwrappedInPlace<'a>, GssError> {
        unused()
    }

    fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, GssError> {
        if !self.0.can_sign {
            return unused();
        }
        Ok(self.mic(self.1, message))
    }

    fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<SequenceFinding, GssError> {
        if !self.0.can_sign || token != self.mic(self.1.peer(), message) {
            return Err(Cause::BadMic.into());
        }
        Ok(SequenceFinding::InSequence)
    }

    fn can_sign(&self) -> bool {
        self.0.can_sign
    }

    fn mech_list_mic_required(&self) -> bool {
        self.0.insists
    }

    fn verify_mech_list_mic(&mut self, mech_list: &[u8], mic: &[u8]) -> Result<(), GssError> {
        self.verify_mic(mech_list, mic)?;
        self.0.log.lock().unwrap().push((self.1, mech_list.to_vec()));
        Ok(())
    }
}

pub(super) fn initiator(mechanisms: &[Play]) -> Initiator {
    let boxed = |play: &Play| Box::new(play.clone()) as Box<dyn InitiatorMechanism>;
    Initiator::negotiate(mechanisms.iter().map(boxed).collect())
}

pub(super) fn acceptor(mechanisms: &[Play]) -> Acceptor {
    let shared = |play: &Play| Arc::new(play.clone()) as Arc<dyn AcceptorMechanism>;
    Acceptor::with_mechanisms(mechanisms.iter().map(shared).collect())
}

/// Somebody in between: may replace the token at a place.
pub(super) type Between<'b> = dyn FnMut(usize, &[u8]) -> Option<Vec<u8>> + 'b;

/// What one end came to.
#[derive(Debug)]
pub(super) enum End {
    /// Still waits.
    Waits,
    Stands(Box<SecurityContext>),
    Refused(GssError),
}

impl End {
    pub(super) fn stands(&self) -> Option<&SecurityContext> {
        match self {
            Self::Stands(context) => Some(context),
            _ => None,
        }
    }

    pub(super) fn refusal(&self) -> &GssError {
        match self {
            Self::Refused(error) => error,
            other => panic!("expected a refusal, but found {other:?}"),
        }
    }
}

/// A conversation that was played to its end, or until somebody refused.
#[derive(Debug)]
pub(super) struct Talk {
    /// The tokens as they were sent, the initiator's first.
    pub(super) tokens: Vec<Vec<u8>>,
    pub(super) initiator: End,
    pub(super) acceptor: End,
}

impl Talk {
    pub(super) fn both_stand(&self) -> bool {
        self.initiator.stands().is_some() && self.acceptor.stands().is_some()
    }

    /// State, and whether there is a mechanism token and a MIC, of the response at a place.
    pub(super) fn response(&self, place: usize) -> (Option<NegState>, bool, bool) {
        let response = parse_resp(&self.tokens[place]).unwrap();
        (response.state, response.token.is_some(), response.mic.is_some())
    }
}

/// Plays a conversation; somebody in between may replace each token.
pub(super) fn talk(
    initiator: Initiator,
    acceptor: &Acceptor,
    mut between: impl FnMut(usize, &[u8]) -> Option<Vec<u8>>,
) -> Talk {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let now = Now::new(START, 0).unwrap();
    let mut tokens: Vec<Vec<u8>> = Vec::new();
    let mut ends = [End::Waits, End::Waits];
    let mut waiting: [Option<Box<dyn Mechanism>>; 2] = [None, None];
    let mut step = initiator.start(now, &mut rng);
    let mut honest = true;
    loop {
        let turn = tokens.len() % 2;
        let token = match step {
            Ok(Step::Continue { token, next }) => {
                waiting[turn] = Some(next);
                Some(token)
            }
            Ok(Step::Done { token, context, .. }) => {
                ends[turn] = End::Stands(context);
                token
            }
            Ok(needs @ Step::NeedTicket { .. }) => panic!("{needs:?}"),
            Err(error) => {
                ends[turn] = End::Refused(error);
                None
            }
        };
        let Some(token) = token else { break };
        let carried = between(tokens.len(), &token).unwrap_or_else(|| token.clone());
        honest &= carried == token;
        tokens.push(token);
        step = match waiting[1 - turn].take() {
            Some(next) => next.step(&carried, now, &mut rng),
            None if tokens.len() == 1 => acceptor.step(&carried, now, &mut rng),
            None => {
                assert!(!honest, "a token for an end that is done: {carried:02x?}");
                break;
            }
        };
    }
    let [initiator, acceptor] = ends;
    Talk {
        tokens,
        initiator,
        acceptor,
    }
}

/// Nobody in between.
pub(super) fn nobody(_: usize, _: &[u8]) -> Option<Vec<u8>> {
    None
}

/// Replaces the response at `place` by what `edit` makes of it.
pub(super) fn at<'e>(
    place: usize,
    edit: impl Fn(Reply<'_>) -> Vec<u8> + 'e,
) -> impl FnMut(usize, &[u8]) -> Option<Vec<u8>> + 'e {
    move |index, token| {
        if index != place {
            return None;
        }
        let response = parse_resp(token).unwrap();
        Some(edit(Reply {
            state: response.state,
            supported_mech: response.supported_mech,
            token: response.token,
            mic: response.mic,
        }))
    }
}
