//! Our end of the conversations that `peers/spnego_peer.py` has by pyspnego or by MIT's library with gss-ntlmssp.

use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use kerbside_asn1::{NegTokenInit, NegotiationToken, Raw, decode, encode, gss_token, oids};
use kerbside_client::{MemoryReplayCache, OsRandom, now};
use kerbside_crypto::Password;
use kerbside_formats::keytab::Keytab;
use kerbside_gss::{
    Acceptor, AcceptorMechanism, AcceptorParams, ContextFlags, GssError, Initiator, InitiatorMechanism,
    InitiatorParams, MemoryKeys, SecurityContext, ServiceName, Step,
};
use kerbside_ntlm::{NtlmAcceptorParams, NtlmInitiatorParams, UserFile};

use crate::cases::gss::server;
use crate::gss_peer::{credential, describe, establish, in_sequence, receive, send};
use crate::realm::{PASSWORD, Realm};

/// A mechanism of either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mech {
    Krb5,
    Ntlm,
}

/// What our end does.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    /// Best first.
    pub(crate) mechs: Vec<Mech>,
    /// Without SPNEGO: the first mechanism alone.
    pub(crate) raw: bool,
    pub(crate) mutual: bool,
    /// DCE style: the initiator has the last word.
    pub(crate) dce_style: bool,
    pub(crate) acceptor_first: bool,
    /// Somebody in between strikes Kerberos out of the first message.
    pub(crate) struck_out: bool,
}

/// An initiator's first message with NTLM alone in it, and no token.
fn strike_out(token: &[u8]) -> Result<Vec<u8>, String> {
    let (oid, inner) = gss_token::unwrap(token).map_err(|e| e.to_string())?;
    let NegotiationToken::Init(_) = decode(inner).map_err(|e| e.to_string())? else {
        return Err("expected a NegTokenInit".to_owned());
    };
    let list = encode(&vec![oids::NTLMSSP]).map_err(|e| e.to_string())?;
    let init = NegTokenInit {
        mech_types: Raw::parse(&list).map_err(|e| e.to_string())?,
        req_flags: None,
        mech_token: None,
        mech_list_mic: None,
    };
    let inner = encode(&NegotiationToken::Init(init)).map_err(|e| e.to_string())?;
    Ok(gss_token::wrap(oid, &inner))
}

/// What the accounts of both NTLM acceptors are: DOM\alice.
pub(crate) fn users() -> String {
    format!("DOM:alice:{PASSWORD}\n")
}

/// The same messages as in `peers/spnego_peer.py`.
fn messages() -> Vec<Vec<u8>> {
    let mut messages = crate::gss_peer::messages();
    messages.retain(|message| !message.is_empty());
    messages
}

fn text(error: GssError) -> String {
    describe(&error)
}

fn initiator(realm: &Realm, ours: &Ours) -> Result<Initiator, String> {
    let mut flags = ContextFlags::CONFIDENTIALITY
        | ContextFlags::INTEGRITY
        | ContextFlags::REPLAY
        | ContextFlags::SEQUENCE;
    let mut mechanisms: Vec<Box<dyn InitiatorMechanism>> = Vec::new();
    for mech in &ours.mechs {
        mechanisms.push(match mech {
            Mech::Krb5 => {
                if ours.mutual {
                    flags |= ContextFlags::MUTUAL;
                }
                if ours.dce_style {
                    flags |= ContextFlags::DCE_STYLE;
                }
                InitiatorParams::new(credential(&realm.path("cc"), &server()?)?)
                    .with_flags(flags)
                    .into_mechanism()
                    .map_err(text)?
            }
            Mech::Ntlm => NtlmInitiatorParams::new("DOM", "alice", &Password::from(PASSWORD))
                .map_err(|e| e.to_string())?
                .with_target("gss/localhost")
                .into_mechanism()
                .map_err(text)?,
        });
    }
    if ours.raw {
        return Ok(Initiator::raw(mechanisms.swap_remove(0)));
    }
    Ok(Initiator::negotiate(mechanisms))
}

/// Our initiator over `stream`; the whole conversation.
pub(crate) fn initiate(mut stream: TcpStream, realm: &Realm, ours: &Ours) -> Result<SecurityContext, String> {
    let initiator = initiator(realm, ours)?;
    let step = if ours.acceptor_first {
        let hello = receive(&mut stream)?;
        initiator.answer(&hello, now(), &mut OsRandom)
    } else {
        initiator.start(now(), &mut OsRandom)
    };
    let step = match step.map_err(text)? {
        Step::Continue { token, next } if ours.struck_out => Step::Continue {
            token: strike_out(&token)?,
            next,
        },
        step => step,
    };
    let mut context = establish(&mut stream, step)?;
    speak(&mut stream, &mut context)?;
    listen(&mut stream, &mut context)?;
    send(&mut stream, b"done")?;
    Ok(context)
}

pub(crate) fn acceptor(keytab: &Path, mechs: &[Mech]) -> Result<Acceptor, String> {
    let bytes = std::fs::read(keytab).map_err(|e| format!("{}: {e}", keytab.display()))?;
    let keytab = Keytab::parse(&bytes).map_err(|e| e.to_string())?;
    // The service's keys are younger than a minute, so nothing older than this process can be replayed.
    let mut since = now();
    since.time = since.time.saturating_sub_seconds(600);
    let mut mechanisms: Vec<Arc<dyn AcceptorMechanism>> = Vec::new();
    for mech in mechs {
        mechanisms.push(match mech {
            Mech::Krb5 => AcceptorParams::new(
                Arc::new(MemoryKeys::from_keytab(&keytab)),
                ServiceName::Principal(server()?),
                Arc::new(MemoryReplayCache::new(since)),
            )
            .into_mechanism(),
            Mech::Ntlm => {
                let users = UserFile::parse(users().as_bytes(), "DOM").map_err(|e| e.to_string())?;
                NtlmAcceptorParams::new(Arc::new(users), "SERVER")
                    .with_domain("DOM")
                    .into_mechanism()
            }
        });
    }
    Ok(Acceptor::with_mechanisms(mechanisms))
}

/// Our acceptor over `stream`; the whole conversation.
pub(crate) fn accept(mut stream: TcpStream, realm: &Realm, ours: &Ours) -> Result<SecurityContext, String> {
    let acceptor = acceptor(&realm.path("service.keytab"), &ours.mechs)?;
    if ours.acceptor_first {
        send(&mut stream, &acceptor.hello().map_err(text)?)?;
    }
    let mut token = receive(&mut stream)?;
    if ours.struck_out {
        token = strike_out(&token)?;
    }
    let step = acceptor.step(&token, now(), &mut OsRandom).map_err(text)?;
    let mut context = establish(&mut stream, step)?;
    listen(&mut stream, &mut context)?;
    speak(&mut stream, &mut context)?;
    if receive(&mut stream)? != b"done" {
        return Err("the initiator did not say that it is done".to_owned());
    }
    Ok(context)
}

fn speak(stream: &mut TcpStream, context: &mut SecurityContext) -> Result<(), String> {
    for message in messages() {
        let token = context.wrap(true, &message, &mut OsRandom).map_err(text)?;
        send(stream, &token)?;
    }
    for message in messages() {
        send(stream, &context.get_mic(&message).map_err(text)?)?;
    }
    Ok(())
}

fn listen(stream: &mut TcpStream, context: &mut SecurityContext) -> Result<(), String> {
    for message in messages() {
        let got = context.unwrap_confidential(&receive(stream)?).map_err(text)?;
        if *got.message != *message {
            return Err(format!(
                "a message of {} bytes arrived otherwise than it was sent",
                message.len()
            ));
        }
        in_sequence(got.sequence)?;
    }
    for message in messages() {
        let finding = context.verify_mic(&message, &receive(stream)?).map_err(text)?;
        in_sequence(finding)?;
    }
    Ok(())
}
