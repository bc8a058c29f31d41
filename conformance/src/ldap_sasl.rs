//! A SASL bind to an LDAP server by GSS-SPNEGO, and searches protected by the context (RFC 4511, RFC 4752 section 3.4).

use std::io::{Read, Write};

use kerbside_client::{OsRandom, now};
use kerbside_gss::{ContextFlags, SecurityContext, Step};

use crate::gss_peer::describe;

/// No answer of the suite's searches is longer.
const ANSWER_LEN_MAX: usize = 1 << 20;

/// A bound connection.
pub(crate) struct Ldap<S> {
    stream: S,
    context: SecurityContext,
    message_id: u8,
}

impl<S: Read + Write> Ldap<S> {
    /// Binds with the tokens of a context that is begun.
    pub(crate) fn bind(mut stream: S, mut step: Step) -> Result<Self, String> {
        let mut message_id = 0_u8;
        let mut context = None;
        loop {
            let (token, next) = match step {
                Step::Continue { token, next } => (token, Some(next)),
                Step::Done {
                    token: None, context, ..
                } => {
                    return Ok(Self {
                        stream,
                        context: *context,
                        message_id,
                    });
                }
                Step::Done {
                    token: Some(token),
                    context: made,
                    ..
                } => {
                    context = Some(*made);
                    (token, None)
                }
                other => return Err(format!("an outcome that the suite does not know: {other:?}")),
            };
            message_id = message_id.wrapping_add(1);
            send(&mut stream, &bind_request(message_id, &token))?;
            let answer = receive(&mut stream)?;
            let (code, token) =
                bind_response(&answer).ok_or_else(|| format!("no bind response: {answer:02x?}"))?;
            if !matches!(code, 0 | 14) {
                return Err(format!("the LDAP server refuses the bind: result {code}"));
            }
            let Some(next) = next else {
                let context = context.ok_or("no context")?;
                return Ok(Self {
                    stream,
                    context,
                    message_id,
                });
            };
            step = next
                .step(&token, now(), &mut OsRandom)
                .map_err(|e| describe(&e))?;
        }
    }

    /// What was bound with.
    pub(crate) fn context(&self) -> &SecurityContext {
        &self.context
    }

    /// The entry of this name, as the octets of its LDAP message.
    pub(crate) fn entry(&mut self, name: &str) -> Result<Vec<u8>, String> {
        self.message_id = self.message_id.wrapping_add(1) & 0x7f;
        let request = search_request(self.message_id, name);
        let sealed = self.context.flags().contains(ContextFlags::CONFIDENTIALITY);
        let token = self.context.wrap(sealed, &request, &mut OsRandom);
        let token = token.map_err(|e| describe(&e))?;
        let length = u32::try_from(token.len()).map_err(|e| e.to_string())?;
        send(
            &mut self.stream,
            &[&length.to_be_bytes(), token.as_slice()].concat(),
        )?;
        let mut all = Vec::new();
        // The entry and the result come in one message or in two.
        loop {
            let mut length = [0; 4];
            read(&mut self.stream, &mut length)?;
            let length = usize::try_from(u32::from_be_bytes(length)).map_err(|e| e.to_string())?;
            if length > ANSWER_LEN_MAX {
                return Err(format!("the LDAP server announces {length} octets"));
            }
            let mut token = vec![0; length];
            read(&mut self.stream, &mut token)?;
            let got = self.context.unwrap(&token).map_err(|e| describe(&e))?;
            if got.confidential != sealed {
                return Err("the LDAP server's answer is not protected as the question was".to_owned());
            }
            all.extend_from_slice(&got.message);
            match result_of(&all) {
                Some(0) => return Ok(all),
                Some(code) => return Err(format!("the LDAP server answers the search by result {code}")),
                None => {}
            }
        }
    }
}

/// The result code of a SearchResultDone among these messages.
fn result_of(mut messages: &[u8]) -> Option<u8> {
    while let Some((0x30, message, rest)) = element(messages) {
        let (_, _, operation) = element(message)?;
        if let Some((0x65, done, _)) = element(operation) {
            let (_, code, _) = element(done)?;
            return code.first().copied();
        }
        messages = rest;
    }
    None
}

/// Tag, contents and what follows of a BER element with a definite length.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length > 0x80 {
        let (octets, after) = rest.split_at_checked(length & 0x7f)?;
        rest = after;
        length = octets.iter().try_fold(0_usize, |sum, octet| {
            sum.checked_mul(256)?.checked_add(usize::from(*octet))
        })?;
    }
    let (contents, after) = rest.split_at_checked(length)?;
    Some((*tag, contents, after))
}

/// A BER element.
fn ber(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = u32::try_from(contents.len()).unwrap_or(u32::MAX);
    [&[tag, 0x84], length.to_be_bytes().as_slice(), &contents].concat()
}

fn message(message_id: u8, operation: &[u8]) -> Vec<u8> {
    ber(0x30, &[&ber(0x02, &[&[message_id]]), operation])
}

fn bind_request(message_id: u8, token: &[u8]) -> Vec<u8> {
    let sasl = ber(0xa3, &[&ber(0x04, &[b"GSS-SPNEGO"]), &ber(0x04, &[token])]);
    let request = ber(0x60, &[&ber(0x02, &[&[3]]), &ber(0x04, &[]), &sasl]);
    message(message_id, &request)
}

/// The result code and serverSaslCreds, which may be missing.
fn bind_response(bytes: &[u8]) -> Option<(u8, Vec<u8>)> {
    let (_, message, _) = element(bytes)?;
    let (_, _, operation) = element(message)?;
    let (0x61, response, _) = element(operation)? else {
        return None;
    };
    let (_, code, mut rest) = element(response)?;
    let mut token = Vec::new();
    while let Some((tag, contents, after)) = element(rest) {
        if tag == 0x87 {
            token = contents.to_vec();
        }
        rest = after;
    }
    Some((*code.first()?, token))
}

/// The entry itself, its objectClass alone.
fn search_request(message_id: u8, name: &str) -> Vec<u8> {
    let zero = ber(0x02, &[&[0]]);
    let base = ber(0x0a, &[&[0]]);
    let attributes = ber(0x30, &[&ber(0x04, &[b"objectClass"])]);
    let request = ber(
        0x63,
        &[
            &ber(0x04, &[name.as_bytes()]),
            &base,
            &base,
            &zero,
            &zero,
            &ber(0x01, &[&[0]]),
            &ber(0x87, &[b"objectClass"]),
            &attributes,
        ],
    );
    message(message_id, &request)
}

fn send(stream: &mut impl Write, bytes: &[u8]) -> Result<(), String> {
    let sent = stream.write_all(bytes).and_then(|()| stream.flush());
    sent.map_err(|e| format!("sending to the LDAP server: {e}"))
}

fn read(stream: &mut impl Read, bytes: &mut [u8]) -> Result<(), String> {
    stream
        .read_exact(bytes)
        .map_err(|e| format!("waiting for the LDAP server: {e}"))
}

/// One LDAP message in clear.
fn receive(stream: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; 2];
    read(stream, &mut bytes)?;
    let first = usize::from(bytes.last().copied().unwrap_or(0));
    let mut length = first;
    if first > 0x80 {
        let mut octets = vec![0; first & 0x7f];
        read(stream, &mut octets)?;
        length = octets.iter().fold(0_usize, |sum, octet| {
            sum.saturating_mul(256).saturating_add(usize::from(*octet))
        });
        bytes.extend_from_slice(&octets);
    }
    if length > ANSWER_LEN_MAX {
        return Err(format!("the LDAP server announces {length} octets"));
    }
    let mut contents = vec![0; length];
    read(stream, &mut contents)?;
    bytes.extend_from_slice(&contents);
    Ok(bytes)
}
