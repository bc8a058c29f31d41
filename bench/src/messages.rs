//! GSS wrap + unwrap with confidentiality, both ends in one process: ours here, MIT's in a peer of its own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kerbside_asn1::Principal;
use kerbside_client::MemoryReplayCache;
use kerbside_crypto::EncryptionType;
use kerbside_formats::keytab::Keytab;
use kerbside_gss::{
    Acceptor, AcceptorParams, Initiator, InitiatorParams, MemoryKeys, SecurityContext, ServiceName, Step,
};
use kerbside_protocol::{Credential, DEFAULT_SKEW_SECONDS};
use rustix::time::{ClockId, clock_gettime};

use crate::failure::{Doing, Failure, Result};
use crate::realm::{PASSWORD, REALM, Realm, SERVICE, USER};
use crate::requests::{Session, now, random};

/// Octets of a message.
pub(crate) const MESSAGE_LEN: usize = 16 * 1024;
/// Messages that are sent before the clock starts.
const WARM_UP: usize = 256;
/// Of so many messages one is compared with the original.
const COMPARED_OF: usize = 64;

/// The most contexts of all runs.
const REPLAYS_MAX: usize = 4_000_000;

/// What came of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed {
    pub(crate) messages: f64,
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: f64,
}

impl Passed {
    /// Messages per second of wall-clock time.
    pub(crate) fn per_second(self) -> f64 {
        self.messages / self.wall_seconds
    }

    /// Payload per second of wall-clock time in 10^6 octets, counted once.
    pub(crate) fn megabytes_per_second(self) -> f64 {
        self.per_second() * f64::from(u32::try_from(MESSAGE_LEN).unwrap_or(0)) / 1e6
    }

    /// CPU time of one message, both ends, in microseconds.
    pub(crate) fn cpu_microseconds(self) -> f64 {
        self.cpu_seconds * 1e6 / self.messages
    }
}

/// MIT's library, through a small program compiled for the purpose.
pub(crate) struct MitPeer {
    program: PathBuf,
}

impl MitPeer {
    /// Compiles the peer into `dir` and logs in to `realm`, whose KDC is running.
    pub(crate) fn build(realm: &Realm, dir: &Path) -> Result<Self> {
        let (source, program) = (dir.join("mit_wrap.c"), dir.join("mit_wrap"));
        fs::write(&source, include_str!("../peers/mit_wrap.c"))?;
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-o"])
            .arg(&program)
            .arg(&source)
            .arg("-lgssapi_krb5");
        let output = cc
            .output()
            .doing("cc, which the measuring peer needs besides libkrb5-dev")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::new(format!(
                "the measuring peer does not compile (libkrb5-dev missing?): {text}"
            )));
        }
        log_in(realm)?;
        Ok(Self { program })
    }

    /// One run.
    pub(crate) fn run(&self, realm: &Realm, time: Duration) -> Result<Passed> {
        let mut command = realm.foreign(&self.program);
        command.args([time.as_secs_f64().to_string(), MESSAGE_LEN.to_string()]);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .doing("the measuring peer")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        parse_peer(&text).ok_or_else(|| Failure::new(format!("the measuring peer said: {text}")))
    }
}

/// MIT's kinit in its own realm, into the cache that its environment names.
pub(crate) fn log_in(realm: &Realm) -> Result<()> {
    let mut kinit = realm
        .command("kinit")
        .arg(USER)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    if let Some(mut input) = kinit.stdin.take() {
        writeln!(input, "{PASSWORD}")?;
    }
    if !kinit.wait()?.success() {
        return Err(Failure::new("MIT's kinit failed in its own realm"));
    }
    Ok(())
}

pub(crate) fn parse_peer(text: &str) -> Option<Passed> {
    let fields: Vec<f64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<core::result::Result<_, _>>()
        .ok()?;
    match *fields {
        [messages, wall_seconds, cpu_seconds] if messages > 0.0 && wall_seconds > 0.0 => Some(Passed {
            messages,
            wall_seconds,
            cpu_seconds,
        }),
        _ => None,
    }
}

/// Which calls are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// `wrap` and `unwrap`: a new buffer for each token and each message, as MIT's calls do it.
    Allocating,
    /// `wrap_in_place` and `unwrap_in_place` on one buffer.
    InPlace,
}

/// A ticket and the key it is for, out of our realm.
pub(crate) struct OurEnds {
    pub(crate) ticket: Credential,
    pub(crate) acceptor: Acceptor,
}

impl OurEnds {
    /// A ticket from the realm's running KDC, and the keytab its `ktadd` wrote.
    pub(crate) fn prepare(realm: &Realm, session: &Session) -> Result<Self> {
        let ticket = session.service_ticket(realm.address())?;
        let keytab = Keytab::parse(&fs::read(realm.keytab())?)?;
        let service = ServiceName::Principal(Principal::new(REALM, &SERVICE));
        let replay = MemoryReplayCache::with_limits(now(), DEFAULT_SKEW_SECONDS, REPLAYS_MAX);
        let replay = Arc::new(replay);
        let params = AcceptorParams::new(Arc::new(MemoryKeys::from_keytab(&keytab)), service, replay);
        Ok(Self {
            ticket,
            acceptor: Acceptor::new(params),
        })
    }

    /// One mutual context with sequencing and replay detection.
    fn connect(&self) -> Result<(SecurityContext, SecurityContext)> {
        let initiator = Initiator::krb5(InitiatorParams::new(self.ticket.clone()))?;
        let Step::Continue { token, next } = initiator.start(now(), &mut random())? else {
            return Err(Failure::new("the initiator asks for no mutual authentication"));
        };
        let Step::Done {
            token: Some(token),
            context: server,
            ..
        } = self.acceptor.step(&token, now(), &mut random())?
        else {
            return Err(Failure::new("the acceptor is not done after one token"));
        };
        let Step::Done { context: client, .. } = next.step(&token, now(), &mut random())? else {
            return Err(Failure::new(
                "the initiator is not done after the acceptor's token",
            ));
        };
        let enctype = client
            .facts()
            .kerberos
            .as_ref()
            .map(|facts| facts.message_enctype);
        if enctype != Some(EncryptionType::AES256_CTS_HMAC_SHA1_96) {
            return Err(Failure::new(format!("the context is of {enctype:?}")));
        }
        Ok((*client, *server))
    }

    /// One run.
    pub(crate) fn run(&self, calls: Calls, time: Duration) -> Result<Passed> {
        self.run_of(calls, MESSAGE_LEN, time)
    }

    /// One run with messages of `length` octets.
    pub(crate) fn run_of(&self, calls: Calls, length: usize, time: Duration) -> Result<Passed> {
        let message: Vec<u8> = (0..length)
            .map(|i| (i.wrapping_mul(131) + (i >> 8)).to_le_bytes()[0])
            .collect();
        self.must_refuse(&message)?;
        let (mut client, mut server) = self.connect()?;
        let mut buffer = Vec::new();
        let mut pass = |compare| match calls {
            Calls::Allocating => pass_one(&mut client, &mut server, &message, compare),
            Calls::InPlace => pass_in_place(&mut client, &mut server, &message, &mut buffer, compare),
        };
        (0..WARM_UP).try_for_each(|_| pass(true))?;
        let (wall, cpu, mut count) = (Instant::now(), cpu_seconds(), 0_u32);
        while wall.elapsed() < time {
            for _ in 0..8 {
                pass(usize::try_from(count)?.is_multiple_of(COMPARED_OF))?;
                count += 1;
            }
        }
        let wall_seconds = wall.elapsed().as_secs_f64();
        Ok(Passed {
            messages: f64::from(count),
            wall_seconds,
            cpu_seconds: cpu_seconds() - cpu,
        })
    }

    /// On contexts of its own: a refused message leaves a gap in the sequence.
    fn must_refuse(&self, message: &[u8]) -> Result<()> {
        let (mut client, mut server) = self.connect()?;
        let mut token = client.wrap(true, message, &mut random())?;
        let middle = token.len() / 2;
        if let Some(byte) = token.get_mut(middle) {
            *byte ^= 4;
        }
        match server.unwrap(&token) {
            Ok(_) => Err(Failure::new("a damaged message is accepted")),
            Err(_) => Ok(()),
        }
    }
}

fn pass_one(
    client: &mut SecurityContext,
    server: &mut SecurityContext,
    message: &[u8],
    compare: bool,
) -> Result<()> {
    let token = client.wrap(true, message, &mut random())?;
    let opened = server.unwrap(&token)?;
    check(opened.confidential, &opened.message, message, compare)
}

/// The message is put into the buffer anew each time, as an application that reads from a socket would.
fn pass_in_place(
    client: &mut SecurityContext,
    server: &mut SecurityContext,
    message: &[u8],
    buffer: &mut Vec<u8>,
    compare: bool,
) -> Result<()> {
    let lengths = client.wrap_lengths(true, message.len());
    buffer.resize(lengths.total() + message.len(), 0);
    let (header, rest) = buffer.split_at_mut(lengths.header);
    let (data, trailer) = rest.split_at_mut(message.len());
    data.copy_from_slice(message);
    client.wrap_in_place(true, header, data, trailer, &mut random())?;
    let opened = server.unwrap_in_place(buffer, true)?;
    check(opened.confidential, opened.message, message, compare)
}

fn check(confidential: bool, opened: &[u8], message: &[u8], compare: bool) -> Result<()> {
    if confidential && opened.len() == message.len() && (!compare || opened == message) {
        return Ok(());
    }
    Err(Failure::new("unwrap gave something else than what was wrapped"))
}

pub(crate) fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    #[test]
    fn the_peers_line_is_three_numbers() {
        let passed = parse_peer("1000 2.0 1.5\n").unwrap();
        assert_eq!((passed.per_second(), passed.cpu_microseconds()), (500.0, 1500.0));
        assert!((passed.megabytes_per_second() - 8.192).abs() < 1e-9);
        for bad in ["", "1 2", "0 1 1", "1 0 1", "a b c", "1 2 3 4"] {
            assert!(parse_peer(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn another_text_or_length_is_noticed() {
        assert!(check(true, b"same", b"same", true).is_ok());
        assert!(check(true, b"some", b"same", true).is_err());
        assert!(check(true, b"sam", b"same", false).is_err());
        assert!(check(false, b"same", b"same", true).is_err());
    }
}
