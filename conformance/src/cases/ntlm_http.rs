//! curl's own NTLM (it uses no library for it) over HTTP, as our acceptor sees it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use kerbside_client::{OsRandom, now};
use kerbside_gss::{BindingPolicy, Mechanism, Step};
use kerbside_ntlm::NtlmPolicy;

use super::gss::accept_one;
use super::ntlm_auth::from_base64;
use super::{expect, ntlm};
use crate::Suite;
use crate::gss_peer::describe;
use crate::run::{Env, Program};

/// It knows no Unicode and makes no MIC: refused by default, and taken where a policy allows both.
pub(super) fn curl(_: &Suite) -> Result<(), String> {
    let got = fetch(ntlm::policy(), "Passw0rd-alice")?;
    expect(got == "hello, alice@DOM", &format!("curl got {got:?}"))?;
    let mut with_mic = NtlmPolicy::STRICT;
    with_mic.allow_oem = true;
    for (policy, password, words) in [
        (NtlmPolicy::STRICT, "Passw0rd-alice", "Unicode"),
        (with_mic, "Passw0rd-alice", "MIC"),
        (ntlm::policy(), "another", "another password"),
    ] {
        let got = fetch(policy, password)?;
        let refused = got.starts_with("NTLM: ") && got.contains(words);
        expect(
            refused,
            &format!("expected a refusal with {words:?}, but found {got:?}"),
        )?;
    }
    Ok(())
}

/// What our server says, and curl prints.
fn fetch(policy: NtlmPolicy, password: &str) -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let curl = Program::new("/usr/bin/curl")
        .args("-s --ntlm -u")
        .arg(format!("DOM\\alice:{password}"))
        .arg(format!("http://localhost:{port}/"));
    let theirs = std::thread::spawn(move || curl.run(&Env::default()));
    let served = accept_one(&listener).and_then(|stream| serve(stream, policy));
    let theirs = theirs.join().map_err(|_| "curl's thread ended".to_owned())??;
    let said = served.map_err(|e| format!("our server: {e}\ncurl: {theirs}"))?;
    expect(
        theirs.stdout == said,
        &format!("our server says {said:?}, but curl got {theirs}"),
    )?;
    Ok(said)
}

/// One connection, which NTLM over HTTP authenticates.
fn serve(mut stream: TcpStream, policy: NtlmPolicy) -> Result<String, String> {
    let acceptor = ntlm::acceptor(policy, None, BindingPolicy::Off)?;
    let reader = stream.try_clone().map_err(|e| e.to_string())?;
    let mut reader = BufReader::new(reader);
    let mut waiting: Option<Box<dyn Mechanism>> = None;
    loop {
        let Some(token) = token(&mut reader)? else {
            answer(&mut stream, "401 Unauthorized", "NTLM", "")?;
            continue;
        };
        let step = match waiting.take() {
            Some(mechanism) => mechanism.step(&token, now(), &mut OsRandom),
            None => acceptor.step(&token, now(), &mut OsRandom),
        };
        match step {
            Ok(Step::Continue { token, next }) => {
                waiting = Some(next);
                let header = format!("NTLM {}", BASE64.encode(token));
                answer(&mut stream, "401 Unauthorized", &header, "")?;
            }
            Ok(Step::Done { context, .. }) => {
                let text = format!("hello, {}", context.client());
                answer(&mut stream, "200 OK", "", &text)?;
                return Ok(text);
            }
            Ok(other) => return Err(format!("an outcome that the suite does not know: {other:?}")),
            Err(e) => {
                // A real server says so in its log alone.
                let text = describe(&e);
                answer(&mut stream, "403 Forbidden", "", &text)?;
                return Ok(text);
            }
        }
    }
}

/// The token of a request, if it has one.
fn token(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut found = None;
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .map_err(|e| format!("a request: {e}"))?;
        if line.is_empty() {
            return Err("curl closed the connection".to_owned());
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(found);
        }
        let value = line.strip_prefix("Authorization: NTLM ");
        found = value.and_then(from_base64).or(found);
    }
}

fn answer(stream: &mut TcpStream, status: &str, challenge: &str, text: &str) -> Result<(), String> {
    let header = if challenge.is_empty() {
        String::new()
    } else {
        format!("WWW-Authenticate: {challenge}\r\n")
    };
    let length = text.len();
    let sent = write!(
        stream,
        "HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\n\r\n{text}"
    );
    sent.map_err(|e| format!("answering curl: {e}"))
}
