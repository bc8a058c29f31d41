//! Our end of the conversation that `peers/gss_peer.py` has with MIT's library.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_client::{MemoryReplayCache, OsRandom, now};
use kerbside_crypto::{EncryptionType, EnctypePolicy};
use kerbside_formats::ccache::CredentialCache;
use kerbside_formats::keytab::Keytab;
use kerbside_gss::{
    Acceptor, AcceptorParams, BindingPolicy, ChannelBindings, ContextFlags, DelegationPolicy, GssError,
    Initiator, InitiatorParams, MemoryKeys, SecurityContext, SequenceFinding, ServiceName, Step,
};
use kerbside_protocol::Credential;

/// No token or message of the suite is longer.
const MESSAGE_LEN_MAX: usize = (1 << 20) + 1024;

/// What our end asks for or demands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) spnego: bool,
    pub(crate) mutual: bool,
    pub(crate) bindings: Option<Vec<u8>>,
    /// The type of the addresses in them, which are empty: the JDK says 255 (`GSS_C_AF_NULLADDR`), others 0.
    pub(crate) bindings_addrtype: u32,
    /// Our acceptor refuses clients without bindings.
    pub(crate) bindings_required: bool,
    /// Keys older than RFC 4121 are permitted.
    pub(crate) older_keys: bool,
    /// Three legs without frames.
    pub(crate) dce_style: bool,
    /// What our initiator hands on, and when.
    pub(crate) delegate: Option<(Credential, DelegationPolicy)>,
}

impl Terms {
    pub(crate) fn enctypes(&self) -> EnctypePolicy {
        if self.older_keys {
            // Without the others: RFC 4537 would choose one of those.
            let older = [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD];
            EnctypePolicy::ALLOW_ALL.with_permitted(older)
        } else {
            EnctypePolicy::default()
        }
    }

    fn channel_bindings(&self) -> Option<ChannelBindings> {
        let mut bindings = ChannelBindings::from_application_data(self.bindings.as_deref()?);
        bindings.initiator_addrtype = self.bindings_addrtype;
        bindings.acceptor_addrtype = self.bindings_addrtype;
        Some(bindings)
    }
}

/// The same messages as in `peers/gss_peer.py`.
pub(crate) fn messages() -> Vec<Vec<u8>> {
    let bytes: Vec<u8> = (0..=255).collect();
    vec![
        Vec::new(),
        b"x".to_vec(),
        b"hello, peer".to_vec(),
        bytes.repeat(5),
        vec![b'z'; 16384],
    ]
}

/// The ticket for `server` out of a cache file.
pub(crate) fn credential(cache: &Path, server: &Principal) -> Result<Credential, String> {
    let bytes = std::fs::read(cache).map_err(|e| format!("{}: {e}", cache.display()))?;
    let cache =
        CredentialCache::parse_with_policy(&bytes, &EnctypePolicy::ALLOW_ALL).map_err(|e| e.to_string())?;
    let found = cache.find(server).cloned();
    found.ok_or_else(|| format!("no ticket for {server} in the cache"))
}

/// Our initiator's first step.
pub(crate) fn begin(credential: Credential, terms: &Terms) -> Result<Step, GssError> {
    let mut flags = ContextFlags::CONFIDENTIALITY
        | ContextFlags::INTEGRITY
        | ContextFlags::REPLAY
        | ContextFlags::SEQUENCE;
    if terms.mutual {
        flags |= ContextFlags::MUTUAL;
    }
    if terms.dce_style {
        flags |= ContextFlags::DCE_STYLE;
    }
    let mut params = InitiatorParams::new(credential)
        .with_flags(flags)
        .with_enctypes(terms.enctypes())
        .with_spnego(terms.spnego)
        .with_channel_bindings(terms.channel_bindings());
    if let Some((tgt, policy)) = &terms.delegate {
        params = params.with_delegation(tgt.clone(), *policy);
    }
    Initiator::krb5(params)?.start(now(), &mut OsRandom)
}

/// Our initiator over `stream`; the whole conversation.
pub(crate) fn initiate(
    mut stream: TcpStream,
    credential: Credential,
    terms: &Terms,
) -> Result<SecurityContext, String> {
    let step = begin(credential, terms).map_err(|e| describe(&e))?;
    let mut context = establish(&mut stream, step)?;
    speak(&mut stream, &mut context)?;
    listen(&mut stream, &mut context)?;
    send(&mut stream, b"done")?;
    Ok(context)
}

/// Our acceptor over `stream`; the whole conversation.
pub(crate) fn accept(
    stream: TcpStream,
    keytab: &Path,
    server: &Principal,
    terms: &Terms,
) -> Result<SecurityContext, String> {
    accept_by(stream, &acceptor(keytab, server, terms)?)
}

/// As [`accept`], with an acceptor that is there.
pub(crate) fn accept_by(mut stream: TcpStream, acceptor: &Acceptor) -> Result<SecurityContext, String> {
    let token = receive(&mut stream)?;
    let step = acceptor
        .step(&token, now(), &mut OsRandom)
        .map_err(|e| describe(&e))?;
    let mut context = establish(&mut stream, step)?;
    listen(&mut stream, &mut context)?;
    speak(&mut stream, &mut context)?;
    if receive(&mut stream)? != b"done" {
        return Err("the initiator did not say that it is done".to_owned());
    }
    Ok(context)
}

pub(crate) fn acceptor(keytab: &Path, server: &Principal, terms: &Terms) -> Result<Acceptor, String> {
    let bytes = std::fs::read(keytab).map_err(|e| format!("{}: {e}", keytab.display()))?;
    let keytab = Keytab::parse_with_policy(&bytes, &terms.enctypes()).map_err(|e| e.to_string())?;
    let policy = if terms.bindings_required {
        BindingPolicy::Required
    } else {
        BindingPolicy::WhenSupported
    };
    // The service's keys are younger than a minute, so nothing older than this process can be replayed.
    let mut since = now();
    since.time = since.time.saturating_sub_seconds(600);
    let replay = Arc::new(MemoryReplayCache::new(since));
    let keys = Arc::new(MemoryKeys::from_keytab(&keytab));
    let params = AcceptorParams::new(keys, ServiceName::Principal(server.clone()), replay)
        .with_enctypes(terms.enctypes())
        .with_channel_bindings(terms.channel_bindings(), policy);
    Ok(Acceptor::new(params))
}

pub(crate) fn establish(stream: &mut TcpStream, mut step: Step) -> Result<SecurityContext, String> {
    loop {
        match step {
            Step::Continue { token, next } => {
                send(stream, &token)?;
                let answer = receive(stream)?;
                step = next
                    .step(&answer, now(), &mut OsRandom)
                    .map_err(|e| describe(&e))?;
            }
            Step::Done { token, context, .. } => {
                if let Some(token) = token {
                    send(stream, &token)?;
                }
                return Ok(*context);
            }
            other => return Err(format!("an outcome that the suite does not know: {other:?}")),
        }
    }
}

fn speak(stream: &mut TcpStream, context: &mut SecurityContext) -> Result<(), String> {
    for confidential in [true, false] {
        for message in messages() {
            let token = context
                .wrap(confidential, &message, &mut OsRandom)
                .map_err(|e| describe(&e))?;
            send(stream, &token)?;
        }
    }
    for message in messages() {
        let token = context.get_mic(&message).map_err(|e| describe(&e))?;
        send(stream, &token)?;
    }
    Ok(())
}

fn listen(stream: &mut TcpStream, context: &mut SecurityContext) -> Result<(), String> {
    for confidential in [true, false] {
        for message in messages() {
            let got = context.unwrap(&receive(stream)?).map_err(|e| describe(&e))?;
            if *got.message != *message || got.confidential != confidential {
                return Err(format!(
                    "a message of {} bytes arrived otherwise than it was sent",
                    message.len()
                ));
            }
            in_sequence(got.sequence)?;
        }
    }
    for message in messages() {
        let finding = context
            .verify_mic(&message, &receive(stream)?)
            .map_err(|e| describe(&e))?;
        in_sequence(finding)?;
    }
    Ok(())
}

pub(crate) fn in_sequence(finding: SequenceFinding) -> Result<(), String> {
    match finding {
        SequenceFinding::InSequence => Ok(()),
        other => Err(format!("expected a message in sequence, but found {other:?}")),
    }
}

/// An error with its causes.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

pub(crate) fn send(stream: &mut TcpStream, bytes: &[u8]) -> Result<(), String> {
    let length = u32::try_from(bytes.len()).map_err(|e| e.to_string())?;
    let sent = stream
        .write_all(&length.to_be_bytes())
        .and_then(|()| stream.write_all(bytes));
    sent.map_err(|e| format!("sending {length} bytes: {e}"))
}

pub(crate) fn receive(stream: &mut TcpStream) -> Result<Vec<u8>, String> {
    let mut length = [0; 4];
    stream
        .read_exact(&mut length)
        .map_err(|e| format!("waiting for the peer: {e}"))?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|e| e.to_string())?;
    if length > MESSAGE_LEN_MAX {
        return Err(format!("the peer announces {length} bytes"));
    }
    let mut bytes = vec![0; length];
    stream
        .read_exact(&mut bytes)
        .map_err(|e| format!("waiting for {length} bytes: {e}"))?;
    Ok(bytes)
}
