//! Samba's `ntlm_auth` as an NTLM client.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use kerbside_asn1::Principal;
use kerbside_client::{OsRandom, now};
use kerbside_gss::{BindingPolicy, SecurityContext, Step};
use kerbside_ntlm::NtlmPolicy;

use super::{expect, ntlm};
use crate::Suite;
use crate::gss_peer::describe;

/// `ntlm_auth`, which is asked line by line.
struct NtlmAuth {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl NtlmAuth {
    fn start(password: &str) -> Result<Self, String> {
        let mut child = Command::new("/usr/bin/ntlm_auth")
            .args([
                "--helper-protocol=ntlmssp-client-1",
                "--domain=DOM",
                "--username=alice",
            ])
            .arg(format!("--password={password}"))
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

fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// It signs and seals if it is asked to beforehand; what both sides must have in common is the session key.
pub(super) fn client(_: &Suite) -> Result<(), String> {
    for features in [
        "NTLMSSP_FEATURE_SESSION_KEY",
        "NTLMSSP_FEATURE_SESSION_KEY NTLMSSP_FEATURE_SIGN",
        "NTLMSSP_FEATURE_SESSION_KEY NTLMSSP_FEATURE_SIGN NTLMSSP_FEATURE_SEAL",
    ] {
        let mut peer = NtlmAuth::start("Passw0rd-alice")?;
        let context = log_in(&mut peer, features).map_err(|e| format!("{features}: {e}"))?;
        expect(
            *context.client() == Principal::new("DOM", &["alice"]),
            "our acceptor names another client",
        )?;
        let theirs = peer.token("GK")?;
        let ours = context.session_key().ok_or("our acceptor has no session key")?;
        expect(*ours == theirs, &format!("{features}: the session keys differ"))?;
    }
    let mut peer = NtlmAuth::start("another")?;
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
