//! Samba's `ntlm_auth`: as an NTLM client, and as a server whose users are a domain's.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use kerbside_asn1::Principal;
use kerbside_client::{OsRandom, now};
use kerbside_crypto::Password;
use kerbside_gss::{BindingPolicy, Initiator, SecurityContext, Step};
use kerbside_ntlm::{NtlmInitiatorParams, NtlmPolicy};

use super::{expect, ntlm};
use crate::Suite;
use crate::gss_peer::describe;
use crate::samba::Samba;

/// `ntlm_auth`, which is asked line by line.
struct NtlmAuth {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl NtlmAuth {
    fn client(password: &str) -> Result<Self, String> {
        let mut command = Command::new("/usr/bin/ntlm_auth");
        command.args([
            "--helper-protocol=ntlmssp-client-1",
            "--domain=DOM",
            "--username=alice",
        ]);
        command.arg(format!("--password={password}"));
        Self::start(command)
    }

    /// Inside the domain, where it asks the domain controller by winbindd.
    fn server(samba: &Samba, protocol: &str) -> Result<Self, String> {
        let mut command = samba.command("/usr/bin/ntlm_auth");
        command.arg(format!("--helper-protocol={protocol}"));
        command.arg(format!("--configfile={}", samba.path("etc/smb.conf").display()));
        Self::start(command)
    }

    fn start(mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("ntlm_auth: {e}"))?;
        let to = child.stdin.take().ok_or("no standard input")?;
        let from = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { child, to, from })
    }

    fn ask(&mut self, line: &str) -> Result<String, String> {
        let told = |e: std::io::Error| format!("ntlm_auth: {e}");
        writeln!(self.to, "{line}").map_err(told)?;
        let mut answer = String::new();
        self.from.read_line(&mut answer).map_err(told)?;
        Ok(answer.trim_end().to_owned())
    }

    fn token(&mut self, line: &str) -> Result<Vec<u8>, String> {
        let answer = self.ask(line)?;
        let text = answer.split(' ').nth(1);
        text.and_then(from_base64)
            .ok_or_else(|| format!("ntlm_auth: expected a token, but found {answer:?}"))
    }
}

impl Drop for NtlmAuth {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// It signs and seals if it is asked to beforehand; what both sides must have in common is the session key.
pub(super) fn client(_: &Suite) -> Result<(), String> {
    for features in [
        "NTLMSSP_FEATURE_SESSION_KEY",
        "NTLMSSP_FEATURE_SESSION_KEY NTLMSSP_FEATURE_SIGN",
        "NTLMSSP_FEATURE_SESSION_KEY NTLMSSP_FEATURE_SIGN NTLMSSP_FEATURE_SEAL",
    ] {
        let mut peer = NtlmAuth::client("Passw0rd-alice")?;
        let context = log_in(&mut peer, features).map_err(|e| format!("{features}: {e}"))?;
        expect(
            *context.client() == Principal::new("DOM", &["alice"]),
            "our acceptor names another client",
        )?;
        let theirs = peer.token("GK")?;
        let ours = context.session_key().ok_or("our acceptor has no session key")?;
        expect(*ours == theirs, &format!("{features}: the session keys differ"))?;
    }
    let mut peer = NtlmAuth::client("another")?;
    let refused = log_in(&mut peer, "NTLMSSP_FEATURE_SIGN");
    expect(
        refused.is_err_and(|e| e.contains("another password")),
        "a wrong password was accepted",
    )
}

fn log_in(peer: &mut NtlmAuth, features: &str) -> Result<SecurityContext, String> {
    peer.ask(&format!("SF {features}"))?;
    let acceptor = ntlm::acceptor(NtlmPolicy::STRICT, None, BindingPolicy::WhenSupported)?;
    let negotiate = peer.token("YR")?;
    let step = acceptor
        .step(&negotiate, now(), &mut OsRandom)
        .map_err(|e| describe(&e))?;
    let Step::Continue { token, next } = step else {
        return Err("our acceptor sends no challenge".to_owned());
    };
    let authenticate = peer.token(&format!("TT {}", BASE64.encode(token)))?;
    match next.step(&authenticate, now(), &mut OsRandom) {
        Ok(Step::Done { context, .. }) => Ok(*context),
        Ok(other) => Err(format!("expected a context, but found {other:?}")),
        Err(e) => Err(describe(&e)),
    }
}

/// Raw and in SPNEGO; the MIC, the response and the session key are checked by the domain controller.
pub(super) fn server(suite: &Suite) -> Result<(), String> {
    let samba = suite.shared.samba(suite)?;
    for (protocol, spnego) in [("squid-2.5-ntlmssp", false), ("gss-spnego", true)] {
        let log_in = |password| log_in_at(&mut NtlmAuth::server(samba, protocol)?, spnego, password);
        let answer = log_in("Passw0rd-alice")?;
        expect(
            answer.starts_with("AF ") && answer.ends_with("AD\\alice"),
            &format!("{protocol}: expected AD\\alice, but found {answer:?}"),
        )?;
        let answer = log_in("another")?;
        expect(
            answer.starts_with("NA "),
            &format!("{protocol}: expected a refusal, but found {answer:?}"),
        )?;
    }
    Ok(())
}

/// What the server says to our last token.
fn log_in_at(peer: &mut NtlmAuth, spnego: bool, password: &str) -> Result<String, String> {
    let params = NtlmInitiatorParams::new("AD", "alice", &Password::from(password));
    let ntlm = params.map_err(|e| describe(&e))?.with_target("HTTP/dc1.ad.test");
    let ntlm = ntlm.into_mechanism().map_err(|e| describe(&e))?;
    let initiator = if spnego {
        Initiator::negotiate(vec![ntlm])
    } else {
        Initiator::raw(ntlm)
    };
    let mut step = initiator.start(now(), &mut OsRandom).map_err(|e| describe(&e))?;
    let mut verb = "YR";
    loop {
        let (token, next) = match step {
            Step::Continue { token, next } => (token, Some(next)),
            Step::Done { token, .. } => (token.ok_or("a context without a last token")?, None),
            other => return Err(format!("an outcome that the suite does not know: {other:?}")),
        };
        let answer = peer.ask(&format!("{verb} {}", BASE64.encode(token)))?;
        verb = "KK";
        let (Some(next), true) = (next, answer.starts_with("TT ")) else {
            return Ok(answer);
        };
        let token = answer.split(' ').nth(1).and_then(from_base64).ok_or(answer)?;
        step = next
            .step(&token, now(), &mut OsRandom)
            .map_err(|e| describe(&e))?;
    }
}
