//! Our end of the conversations that `peers/capi_peer.py` and `peers/JGssPeer.java` have: those of [`crate::gss_peer`], with
//! messages of more lengths, and some that come late, early and twice.

use std::net::TcpStream;

use kerbside_client::{OsRandom, now};
use kerbside_gss::{GssError, SecurityContext, SequenceFinding};

use crate::gss_peer::{Terms, acceptor, begin, credential, describe, establish, receive, send};
use crate::realm::Realm;

/// The same messages as in `peers/capi_peer.py`.
pub(crate) fn messages() -> Vec<Vec<u8>> {
    let bytes: Vec<u8> = (0..=255).collect();
    vec![
        Vec::new(),
        b"x".to_vec(),
        vec![b'y'; 15],
        vec![b'y'; 16],
        vec![b'y'; 17],
        vec![b'y'; 32],
        bytes.repeat(5),
        vec![b'z'; 1 << 20],
    ]
}

fn text(error: GssError) -> String {
    describe(&error)
}

/// Our initiator over `stream`; the whole conversation.
pub(crate) fn initiate(
    mut stream: TcpStream,
    realm: &Realm,
    terms: &Terms,
) -> Result<SecurityContext, String> {
    let credential = credential(&realm.path("cc"), &crate::cases::gss::server()?)?;
    let step = begin(credential, terms).map_err(text)?;
    let mut context = establish(&mut stream, step)?;
    speak(&mut stream, &mut context)?;
    listen(&mut stream, &mut context)?;
    send(&mut stream, b"done")?;
    Ok(context)
}

/// Our acceptor over `stream`; the whole conversation.
pub(crate) fn accept(mut stream: TcpStream, realm: &Realm, terms: &Terms) -> Result<SecurityContext, String> {
    let server = crate::cases::gss::server()?;
    let acceptor = acceptor(&realm.path("service.keytab"), &server, terms)?;
    let token = receive(&mut stream)?;
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
    for confidential in [true, false] {
        for message in messages() {
            let token = context
                .wrap(confidential, &message, &mut OsRandom)
                .map_err(text)?;
            send(stream, &token)?;
        }
    }
    for message in messages() {
        send(stream, &context.get_mic(&message).map_err(text)?)?;
    }
    let mut wrap = |message: &[u8]| context.wrap(true, message, &mut OsRandom).map_err(text);
    let (first, second, third) = (wrap(b"1")?, wrap(b"2")?, wrap(b"3")?);
    for token in [&first, &third, &second, &second] {
        send(stream, token)?;
    }
    Ok(())
}

fn listen(stream: &mut TcpStream, context: &mut SecurityContext) -> Result<(), String> {
    for confidential in [true, false] {
        for message in messages() {
            let got = context.unwrap(&receive(stream)?).map_err(text)?;
            let found = (got.confidential, got.sequence);
            if *got.message != *message || found != (confidential, SequenceFinding::InSequence) {
                return Err(format!(
                    "a message of {} octets arrived otherwise than it was sent: {found:?}",
                    message.len()
                ));
            }
        }
    }
    for message in messages() {
        let found = context.verify_mic(&message, &receive(stream)?).map_err(text)?;
        if found != SequenceFinding::InSequence {
            return Err(format!("a MIC in its place was found to be {found:?}"));
        }
    }
    let mut found = Vec::new();
    for message in [b"1", b"3", b"2", b"2"] {
        let got = context.unwrap(&receive(stream)?).map_err(text)?;
        if got.message != message {
            return Err("a message out of its place is another".to_owned());
        }
        found.push(got.sequence);
    }
    let expected = [
        SequenceFinding::InSequence,
        SequenceFinding::Gap,
        SequenceFinding::Unsequenced,
        SequenceFinding::Duplicate,
    ];
    if found == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, but found {found:?}"))
}
