//! With MIT's library in both roles: messages in buffers (IOV) and with signed data beside them (AEAD), DCE style too;
//! pseudo-random octets and size limits compared. Our end is exported and imported in mid-conversation (walkthrough C4).

use std::net::{TcpListener, TcpStream};

use kerbside_client::{OsRandom, now};
use kerbside_crypto::{EncryptionType, Key};
use kerbside_gss::{
    ContextFlags, Initiator, InitiatorParams, IovBuffer, Major, PrfKey, SecurityContext, SequenceFinding,
};

use super::gss::{ENCTYPES, accept_one, connect, is_old, realm, server};
use super::{case, expect};
use crate::gss_peer::{Terms, acceptor, credential, describe, establish, receive, send};
use crate::realm::Realm;
use crate::run::{Program, free_port};
use crate::{Case, Suite};

/// As in `peers/iov_peer.py`.
const LIMITS: [u32; 6] = [0, 20, 64, 100, 1500, 65536];
const ASSOCIATED: &[u8] = b"associated data";
const MESSAGE: &[u8] = b"the message itself, in no buffer of its own";

/// A buffer of a layout; header, padding and trailer are filled by the context.
#[derive(Clone, Copy)]
enum Piece {
    Header,
    Data(&'static [u8]),
    SignOnly(&'static [u8]),
    Padding,
    Trailer,
}

use Piece::{Data, Header, Padding, SignOnly, Trailer};

const LAYOUTS: [&[Piece]; 3] = [
    &[Header, Data(b"one piece of data"), Padding, Trailer],
    &[Header, Data(b""), Padding, Trailer],
    &[
        Header,
        SignOnly(b"before"),
        Data(b"first, "),
        Data(b"second"),
        SignOnly(b"behind"),
        Padding,
        Trailer,
    ],
];

const DCE_LAYOUTS: [&[Piece]; 2] = [
    &[Header, Data(b"0123456789abcdef0123456789abcdef0123456789abcdef")],
    &[
        Header,
        SignOnly(b"a header of DCE RPC ...."),
        Data(b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        SignOnly(b"its end."),
    ],
];

fn layouts(dce: bool) -> &'static [&'static [Piece]] {
    if dce { &DCE_LAYOUTS } else { &LAYOUTS }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &enctype in ENCTYPES {
        for dce in [false, true] {
            let how = format!("{enctype}{}", if dce { ", DCE style" } else { "" });
            // One type of each kind of token in the quick run.
            let full = !matches!(enctype, "aes256-cts-hmac-sha1-96" | "arcfour-hmac");
            cases.push(Case {
                full,
                ..case(
                    &format!("gss: buffers, our initiator, MIT's acceptor, {how}"),
                    move |suite| our_initiator(suite, enctype, dce),
                )
            });
            cases.push(Case {
                full,
                ..case(
                    &format!("gss: buffers, MIT's initiator, our acceptor, {how}"),
                    move |suite| our_acceptor(suite, enctype, dce),
                )
            });
        }
    }
    cases
}

fn terms(enctype: &str) -> Terms {
    Terms {
        mutual: true,
        older_keys: is_old(enctype),
        ..Terms::default()
    }
}

fn peer(suite: &Suite, role: &str, port: u16, dce: bool) -> Program {
    Program::new("/usr/bin/python3")
        .arg(suite.peers.join("iov_peer.py"))
        .args(&format!(
            "{role} {port} gss@localhost {}",
            if dce { "dce" } else { "" }
        ))
}

fn our_initiator(suite: &Suite, enctype: &'static str, dce: bool) -> Result<(), String> {
    let realm = realm(suite, enctype)?;
    let port = free_port()?;
    let program = peer(suite, "accept", port, dce);
    let env = realm.env.clone();
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = connect(port).and_then(|stream| initiate(stream, &realm, enctype, dce));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    ours.map_err(|e| format!("our initiator: {e}\nMIT's acceptor: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("MIT's acceptor: {theirs}"))
}

fn our_acceptor(suite: &Suite, enctype: &'static str, dce: bool) -> Result<(), String> {
    let realm = realm(suite, enctype)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let program = peer(suite, "init", port, dce);
    let env = realm.env.clone();
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = accept_one(&listener).and_then(|stream| accept(stream, &realm, enctype, dce));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    ours.map_err(|e| format!("our acceptor: {e}\nMIT's initiator: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("MIT's initiator: {theirs}"))
}

fn initiate(mut stream: TcpStream, realm: &Realm, enctype: &str, dce: bool) -> Result<(), String> {
    let mut flags = ContextFlags::CONFIDENTIALITY
        | ContextFlags::INTEGRITY
        | ContextFlags::REPLAY
        | ContextFlags::SEQUENCE
        | ContextFlags::MUTUAL;
    if dce {
        flags |= ContextFlags::DCE_STYLE;
    }
    let params = InitiatorParams::new(credential(&realm.path("cc"), &server()?)?)
        .with_flags(flags)
        .with_enctypes(terms(enctype).enctypes())
        .with_spnego(false);
    let step = Initiator::krb5(params)
        .and_then(|initiator| initiator.start(now(), &mut OsRandom))
        .map_err(|e| describe(&e))?;
    let mut context = establish(&mut stream, step)?;
    speak(&mut stream, &mut context, dce)?;
    let mut context = moved(context)?;
    listen(&mut stream, &mut context, dce, is_old(enctype))?;
    send(&mut stream, b"done")
}

fn accept(mut stream: TcpStream, realm: &Realm, enctype: &str, dce: bool) -> Result<(), String> {
    let acceptor = acceptor(&realm.path("service.keytab"), &server()?, &terms(enctype))?;
    let token = receive(&mut stream)?;
    let step = acceptor
        .step(&token, now(), &mut OsRandom)
        .map_err(|e| describe(&e))?;
    let mut context = establish(&mut stream, step)?;
    listen(&mut stream, &mut context, dce, is_old(enctype))?;
    let mut context = moved(context)?;
    speak(&mut stream, &mut context, dce)?;
    expect(
        receive(&mut stream)? == b"done",
        "the initiator did not say that it is done",
    )
}

/// Exported and imported; the peer notices nothing.
fn moved(context: SecurityContext) -> Result<SecurityContext, String> {
    let key =
        Key::generate(EncryptionType::AES256_CTS_HMAC_SHA384_192, &mut OsRandom).map_err(|e| describe(&e))?;
    let octets = context
        .export(Some(&key), &mut OsRandom)
        .map_err(|e| describe(&e))?;
    SecurityContext::import(&octets, Some(&key)).map_err(|e| describe(&e))
}

fn pseudo_random(context: &SecurityContext) -> Result<Vec<Vec<u8>>, String> {
    let inputs = [
        (Vec::new(), 1),
        (b"input".to_vec(), 16),
        (b"input".to_vec(), 20),
        (b"input".repeat(20), 100),
    ];
    let mut all = Vec::new();
    for key in [PrfKey::Full, PrfKey::Partial] {
        for (input, length) in &inputs {
            let octets = context
                .pseudo_random(key, input, *length)
                .map_err(|e| describe(&e))?;
            all.push(octets.to_vec());
        }
    }
    Ok(all)
}

fn limits(context: &SecurityContext) -> Vec<u32> {
    let limit = |confidential| {
        move |most: u32| {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            u32::try_from(context.wrap_size_limit(confidential, most)).unwrap_or(u32::MAX)
        }
    };
    LIMITS
        .into_iter()
        .map(limit(true))
        .chain(LIMITS.into_iter().map(limit(false)))
        .collect()
}

/// The layout's buffers, each with octets of its own.
fn buffers(
    context: &SecurityContext,
    layout: &[Piece],
    confidential: bool,
    dce: bool,
) -> Result<Vec<Vec<u8>>, String> {
    let data_len = layout.iter().fold(0, |sum, piece| match piece {
        Data(bytes) => sum + bytes.len(),
        _ => sum,
    });
    let lengths = context
        .wrap_iov_lengths(confidential, data_len, !dce)
        .map_err(|e| describe(&e))?;
    Ok(layout
        .iter()
        .map(|piece| match piece {
            Header => vec![0; lengths.header],
            Data(bytes) | SignOnly(bytes) => bytes.to_vec(),
            Padding => vec![0; lengths.padding],
            Trailer => vec![0; lengths.trailer],
        })
        .collect())
}

fn iov<'b>(layout: &[Piece], buffers: &'b mut [Vec<u8>]) -> Vec<IovBuffer<'b>> {
    layout
        .iter()
        .zip(buffers)
        .map(|(piece, buffer)| match piece {
            Header => IovBuffer::Header(buffer),
            Data(_) => IovBuffer::Data(buffer),
            SignOnly(_) => IovBuffer::SignOnly(buffer),
            Padding => IovBuffer::Padding(buffer),
            Trailer => IovBuffer::Trailer(buffer),
        })
        .collect()
}

fn speak(stream: &mut TcpStream, context: &mut SecurityContext, dce: bool) -> Result<(), String> {
    for octets in pseudo_random(context)? {
        send(stream, &octets)?;
    }
    let limits: Vec<u8> = limits(context).into_iter().flat_map(u32::to_be_bytes).collect();
    send(stream, &limits)?;
    for confidential in [true, false] {
        for layout in layouts(dce) {
            let mut buffers = buffers(context, layout, confidential, dce)?;
            context
                .wrap_iov(confidential, &mut iov(layout, &mut buffers), &mut OsRandom)
                .map_err(|e| describe(&e))?;
            for buffer in &buffers {
                send(stream, buffer)?;
            }
        }
    }
    if dce {
        return Ok(());
    }
    for confidential in [true, false] {
        let token = context
            .wrap_aead(confidential, ASSOCIATED, MESSAGE, &mut OsRandom)
            .map_err(|e| describe(&e))?;
        send(stream, &token)?;
    }
    Ok(())
}

fn listen(
    stream: &mut TcpStream,
    context: &mut SecurityContext,
    dce: bool,
    older: bool,
) -> Result<(), String> {
    for expected in pseudo_random(context)? {
        expect(
            receive(stream)? == expected,
            "the peer's pseudo-random octets are others",
        )?;
    }
    let theirs: Vec<u32> = receive(stream)?
        .chunks_exact(4)
        .map(|limit| {
            limit
                .iter()
                .fold(0, |number, octet| number << 8 | u32::from(*octet))
        })
        .collect();
    let ours = limits(context);
    // MIT rounds the limit of older tokens down to whole blocks, ours is exact.
    let same = if older {
        ours.iter().zip(&theirs).all(|(ours, theirs)| ours >= theirs)
    } else {
        ours == theirs
    };
    expect(same, &format!("size limits: ours {ours:?}, theirs {theirs:?}"))?;
    for confidential in [true, false] {
        for layout in layouts(dce) {
            let mut buffers = Vec::new();
            for _ in *layout {
                buffers.push(receive(stream)?);
            }
            let opened = context
                .unwrap_iov(&mut iov(layout, &mut buffers), confidential)
                .map_err(|e| format!("a message in buffers: {}", describe(&e)))?;
            expect(
                opened.confidential == confidential && opened.sequence == SequenceFinding::InSequence,
                &format!("expected it in sequence, but found {opened:?}"),
            )?;
            for (piece, buffer) in layout.iter().zip(&buffers) {
                if let Data(bytes) | SignOnly(bytes) = piece {
                    expect(buffer == bytes, "data in a buffer is not what was sent")?;
                }
            }
        }
    }
    if dce {
        return Ok(());
    }
    for confidential in [true, false] {
        let mut token = receive(stream)?;
        let opened = context.unwrap_aead(&mut token, ASSOCIATED, confidential);
        if older {
            let unavailable = opened.is_err_and(|error| error.major() == Major::Unavailable);
            expect(unavailable, "a token of an older key with data beside it")?;
            continue;
        }
        let opened = opened.map_err(|e| format!("a message with data beside it: {}", describe(&e)))?;
        expect(
            opened.message == MESSAGE && opened.confidential == confidential,
            "a message with data beside it is not what was sent",
        )?;
    }
    Ok(())
}
