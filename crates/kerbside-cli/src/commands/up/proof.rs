//! The proof that the realm works: an AS exchange, a TGS exchange and an authenticated HTTP request, end to end over
//! the same sockets that everybody else uses.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kerbside_client::{OsRandom, now};
use kerbside_gss::{Initiator, InitiatorParams, Step};
use kerbside_protocol::Credential;

use crate::output::Report;

/// No answer of the page takes longer.
const DEADLINE: Duration = Duration::from_secs(10);
/// The page and its headers are far smaller.
const ANSWER_LEN_MAX: u64 = 256 * 1024;

/// One step of the ladder.
pub(super) struct Rung {
    pub(super) what: String,
    pub(super) answer: String,
    pub(super) took: Duration,
}

/// Times `step` and makes a rung of what it says.
pub(super) fn rung<T>(
    what: String,
    step: impl FnOnce() -> Result<(T, String), Report>,
    ladder: &mut Vec<Rung>,
) -> Result<T, Report> {
    let start = Instant::now();
    let (value, answer) = step()?;
    ladder.push(Rung {
        what,
        answer,
        took: start.elapsed(),
    });
    Ok(value)
}

/// The ladder as it is printed: one line a rung, the timings aligned.
pub(super) fn print(ladder: &[Rung]) -> String {
    let what = ladder.iter().map(|rung| rung.what.len()).max().unwrap_or(0);
    let answer = ladder
        .iter()
        .map(|rung| rung.answer.chars().count())
        .max()
        .unwrap_or(0);
    ladder
        .iter()
        .map(|rung| {
            let millis = rung.took.as_secs_f64() * 1000.0;
            let pad = answer - rung.answer.chars().count();
            format!(
                "  {:what$}  {}{:pad$}  {millis:6.1} ms\n",
                rung.what, rung.answer, ""
            )
        })
        .collect()
}

/// A request without a token must be refused, and one with a ticket let in; the page's own token must verify.
pub(super) fn visit(port: u16, credential: Credential, client: &str) -> Result<String, Report> {
    let refused = request(port, None)?;
    if refused.status != 401 || refused.token.is_none() {
        return Err(Report::new(format!(
            "the page let a request without a ticket in: status {}",
            refused.status
        )));
    }
    let failed = |e: kerbside_gss::GssError| Report::new(format!("the page did not prove itself: {e}"));
    let first = Initiator::krb5(InitiatorParams::new(credential))
        .and_then(|initiator| initiator.start(now(), &mut OsRandom))
        .map_err(failed)?;
    let Step::Continue { token, next } = first else {
        return Err(Report::new("the context stood before the page answered"));
    };
    let answer = request(port, Some(&token))?;
    if answer.status != 200 {
        return Err(
            Report::new(format!("the page refused the ticket: status {}", answer.status))
                .hint("RUST_LOG=kerbside_http=debug shows why"),
        );
    }
    let token = answer.token.unwrap_or_default();
    match next.step(&token, now(), &mut OsRandom).map_err(failed)? {
        Step::Done { .. } if answer.body.contains(&format!("You are {client}")) => {
            Ok(answer.status.to_string())
        }
        Step::Done { .. } => Err(Report::new(format!("the page does not know {client}"))),
        _ => Err(Report::new("the page wants another round")),
    }
}

struct Answer {
    status: u16,
    /// What follows `Negotiate` in `WWW-Authenticate`; empty in a first challenge.
    token: Option<Vec<u8>>,
    body: String,
}

/// One GET of the page, on a connection of its own.
fn request(port: u16, token: Option<&[u8]>) -> Result<Answer, Report> {
    let authorization = token.map(|token| format!("Authorization: Negotiate {}\r\n", STANDARD.encode(token)));
    let text = format!(
        "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{}\r\n",
        authorization.unwrap_or_default()
    );
    let exchange = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(ANSWER_LEN_MAX).read_to_end(&mut answer)?;
        Ok(answer)
    };
    let bytes =
        exchange().map_err(|e| Report::new(format!("the page at 127.0.0.1:{port} does not answer: {e}")))?;
    parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| Report::new("the page's answer is not HTTP"))
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let fields = lines.filter_map(|line| line.split_once(": "));
    let token = fields
        .filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"))
        .find_map(|(_, value)| value.strip_prefix("Negotiate"))
        .and_then(|token| STANDARD.decode(token.trim()).ok());
    Some(Answer {
        status,
        token,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn answers() {
        let answer = parse("HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Negotiate\r\n\r\nno").unwrap();
        assert_eq!(
            (answer.status, answer.token.as_deref(), answer.body.as_str()),
            (401, Some(&b""[..]), "no")
        );
        let answer = parse("HTTP/1.1 200 OK\r\nWWW-Authenticate: Negotiate AAEC\r\n\r\n").unwrap();
        assert_eq!(answer.token.as_deref(), Some(&[0, 1, 2][..]));
        assert!(parse("HTTP/1.1 200 OK\r\n\r\n").unwrap().token.is_none());
        assert!(parse("SSH-2.0").is_none());
    }

    #[test]
    fn the_ladder_is_aligned() {
        let rung = |what: &str, answer: &str| Rung {
            what: what.into(),
            answer: answer.into(),
            took: Duration::from_micros(1234),
        };
        let text = print(&[rung("AS", "ticket"), rung("TGS x", "é")]);
        assert_eq!(text, "  AS     ticket     1.2 ms\n  TGS x  é          1.2 ms\n");
    }
}
