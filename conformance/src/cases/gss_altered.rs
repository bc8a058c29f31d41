//! Tokens of MIT's, Heimdal's and the JDK's initiators with every octet altered, cut at every length and extended: refused,
//! or what comes of them is the same as without (pitfalls.md section 10 row 22).

use std::net::{TcpListener, TcpStream};
use std::ops::Range;

use kerbside_asn1::Principal;
use kerbside_client::{OsRandom, now};
use kerbside_gss::{ContextFlags, SecurityContext, SequenceFinding, Step};

use super::gss::{accept_one, is_old, realm, server};
use super::gss_peers::Library;
use super::{expect, full_case};
use crate::gss_matrix::messages;
use crate::gss_peer::{Terms, acceptor, describe, establish, receive};
use crate::realm::Realm;
use crate::{Case, Suite};

const ENCTYPES: [&str; 3] = [
    "aes256-cts-hmac-sha1-96",
    "aes256-cts-hmac-sha384-192",
    "arcfour-hmac",
];
/// What an octet is changed by.
const CHANGES: [u8; 3] = [0x01, 0x80, 0xff];
/// Longer messages have no other kind of octet.
const ALTERED_LEN_MAX: usize = 2048;
/// Octets of an AP-REQ that RFC 4120 leaves unprotected: ap-options, the ticket's name-type and kvno.
const FREE_RAW_MAX: usize = 12;
/// With them the initiator's other mechanisms: none of them is chosen, so that no MIC is exchanged over the list.
const FREE_SPNEGO_MAX: usize = 80;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for library in [Library::Mit, Library::Heimdal, Library::Jdk] {
        for enctype in ENCTYPES {
            for spnego in [false, true] {
                let terms = Terms {
                    spnego,
                    older_keys: is_old(enctype),
                    ..Terms::default()
                };
                let name = format!(
                    "gss: rule_10_22: tokens of {} altered, {}, {enctype}",
                    library.name(),
                    if spnego { "SPNEGO" } else { "raw krb5" },
                );
                cases.push(full_case(&name, move |suite| {
                    altered(suite, library, enctype, &terms)
                }));
            }
        }
    }
    cases
}

fn altered(suite: &Suite, library: Library, enctype: &'static str, terms: &Terms) -> Result<(), String> {
    let realm = realm(suite, enctype)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let (program, env) = library.program(suite, &realm, "init", port, terms)?;
    let theirs = std::thread::spawn(move || program.run(&env));
    // The peer waits for messages of ours that do not come, and ends when the connection does.
    let ours = accept_one(&listener).and_then(|stream| conversation(stream, &realm, terms));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    ours.map_err(|e| format!("{e}\ntheir end: {theirs}"))
}

fn conversation(mut stream: TcpStream, realm: &Realm, terms: &Terms) -> Result<(), String> {
    let token = receive(&mut stream)?;
    let acceptor = acceptor(&realm.path("service.keytab"), &server()?, terms)?;
    let step = acceptor
        .step(&token, now(), &mut OsRandom)
        .map_err(|e| describe(&e))?;
    let mut context = establish(&mut stream, step)?;
    first_token(realm, terms, &token, &outcome(&context))?;
    for confidential in [true, false] {
        for message in messages() {
            let token = receive(&mut stream)?;
            let mut seen = false;
            if token.len() <= ALTERED_LEN_MAX {
                seen = wrapped(&mut context, &token, &message, confidential)?;
            }
            let place = if seen {
                SequenceFinding::Duplicate
            } else {
                SequenceFinding::InSequence
            };
            let got = context.unwrap(&token).map_err(|e| describe(&e))?;
            expect(
                *got.message == *message && got.confidential == confidential && got.sequence == place,
                "a message is not what was sent, after altered ones",
            )?;
        }
    }
    for message in messages() {
        let mic = receive(&mut stream)?;
        if message.len() <= ALTERED_LEN_MAX {
            let mut refused = |mic: &[u8]| {
                let taken = context.verify_mic(&message, mic).is_ok();
                expect(!taken, &format!("an altered MIC is accepted: {mic:02x?}"))
            };
            every_change(&mic, &mut |place, altered| {
                if unsigned_number(&mic).contains(&place) {
                    return Ok(());
                }
                refused(altered)
            })?;
            every_length(&mic, &mut refused)?;
        }
        let found = context.verify_mic(&message, &mic).map_err(|e| describe(&e))?;
        expect(
            found == SequenceFinding::InSequence,
            "a MIC is out of its place after altered ones",
        )?;
    }
    Ok(())
}

type Outcome = (Principal, Principal, ContextFlags);

fn outcome(context: &SecurityContext) -> Outcome {
    (
        context.client().clone(),
        context.server().clone(),
        context.flags(),
    )
}

/// Each altered token meets an acceptor that has seen no other.
fn first_token(realm: &Realm, terms: &Terms, token: &[u8], genuine: &Outcome) -> Result<(), String> {
    let made = |token: &[u8]| {
        let acceptor = acceptor(&realm.path("service.keytab"), &server()?, terms)?;
        Ok::<_, String>(match acceptor.step(token, now(), &mut OsRandom) {
            Ok(Step::Done { context, .. }) => Some(outcome(&context)),
            _ => None,
        })
    };
    expect(
        made(token)?.as_ref() == Some(genuine),
        "the token itself is not accepted again by another acceptor",
    )?;
    let mut free = Vec::new();
    every_change(token, &mut |place, token| {
        match made(token)? {
            Some(outcome) if outcome == *genuine => free.push(place),
            Some(other) => return Err(format!("octet {place} altered makes {other:?} of {genuine:?}")),
            None => {}
        }
        Ok(())
    })?;
    free.dedup();
    let most = if terms.spnego {
        FREE_SPNEGO_MAX
    } else {
        FREE_RAW_MAX
    };
    expect(
        free.len() <= most,
        &format!("more octets than {most} may be altered: {free:?} of {token:02x?}"),
    )?;
    every_length(token, &mut |token| {
        expect(
            made(token)?.is_none(),
            &format!("a token of {} octets is accepted", token.len()),
        )
    })
}

/// Where RFC 4757 has the number of a message, which RC4 encrypts and no checksum covers: altered, it is another number.
/// (Where the message is sealed the key is made from it.) RFC 4121 has it signed.
fn unsigned_number(token: &[u8]) -> Range<usize> {
    match *token {
        [0x60, length, ..] => {
            let more = if length > 0x80 { length & 0x7f } else { 0 };
            let start = usize::from(more) + 21;
            start..start + 4
        }
        _ => 0..0,
    }
}

/// Whether the context took one: RFC 4121 leaves RRC unprotected, and a count that turns the octets as far as before gives
/// the same message.
fn wrapped(
    context: &mut SecurityContext,
    token: &[u8],
    message: &[u8],
    confidential: bool,
) -> Result<bool, String> {
    let mut seen = false;
    let older = token.first() == Some(&0x60);
    every_change(token, &mut |place, altered| {
        if !confidential && unsigned_number(token).contains(&place) {
            return Ok(());
        }
        match context.unwrap(altered) {
            Ok(got) if *got.message == *message && (6..8).contains(&place) && !older => seen = true,
            Ok(_) => return Err(format!("a message with octet {place} altered is accepted")),
            Err(_) => {}
        }
        Ok(())
    })?;
    every_length(token, &mut |token| {
        let taken = context.unwrap(token).is_ok();
        expect(
            !taken,
            &format!("a message of {} octets is accepted", token.len()),
        )
    })?;
    Ok(seen)
}

/// What becomes of one altered token, and where it is altered.
type Check<'a> = &'a mut dyn FnMut(usize, &[u8]) -> Result<(), String>;

fn every_change(token: &[u8], check: Check<'_>) -> Result<(), String> {
    for place in 0..token.len() {
        for change in CHANGES {
            let mut altered = token.to_vec();
            if let Some(octet) = altered.get_mut(place) {
                *octet ^= change;
            }
            check(place, &altered)?;
        }
    }
    Ok(())
}

/// Shorter by every number of octets, and longer by one.
fn every_length(token: &[u8], check: &mut dyn FnMut(&[u8]) -> Result<(), String>) -> Result<(), String> {
    for length in 0..token.len() {
        check(token.get(..length).unwrap_or_default())?;
    }
    check(&[token, &[0]].concat())
}
