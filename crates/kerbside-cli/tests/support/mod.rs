//! A realm, a home for its user's programs, and KDCs whose clock is wrong.
//! (A `mod.rs`, because cargo takes every other file here for a test of its own.)

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use kerbside_asn1::{ErrorCode, Principal, Realm as RealmName};
use kerbside_client::OsRandom;
use kerbside_crypto::{EncryptionType, IterationLimits, Key, LongTermKey, Password};
use kerbside_kdc::{
    Attributes, ClientAddress, Kdc, KdcPolicy, KeyData, PrincipalEntry, RequestContext, Transport,
};
use kerbside_protocol::{ErrorReply, Now};
use kerbside_server::Realm;

/// What a program printed and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Exit code 0 and nothing on standard error.
    pub(crate) fn success(stdout: &str) -> Self {
        Self {
            code: 0,
            stdout: stdout.to_owned(),
            stderr: String::new(),
        }
    }

    /// This code, and nothing on standard output.
    pub(crate) fn failure(code: i32, stderr: &str) -> Self {
        Self {
            code,
            stdout: String::new(),
            stderr: stderr.to_owned(),
        }
    }
}

/// A realm with alice, whose password is `secret`, and a folder for her files.
pub(crate) struct Home {
    pub(crate) realm: Realm,
    folder: tempfile::TempDir,
    ccache_name: Option<String>,
}

impl Home {
    pub(crate) fn start() -> Self {
        let realm = Realm::builder()
            .user("alice", "secret")
            .service("HTTP/localhost")
            .start()
            .unwrap();
        Self {
            realm,
            folder: tempfile::tempdir().unwrap(),
            ccache_name: None,
        }
    }

    /// A file of alice's.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The default cache.
    pub(crate) fn cache(&self) -> PathBuf {
        self.realm.ccache()
    }

    /// Makes this the value of `KRB5CCNAME`.
    #[allow(dead_code)] // not every test file that shares this one has another cache
    pub(crate) fn set_ccache_name(&mut self, name: String) {
        self.ccache_name = Some(name);
    }

    /// Changes the realm's krb5.conf.
    pub(crate) fn edit_config(&self, change: impl FnOnce(String) -> String) {
        let path = self.realm.krb5_conf();
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = change(text.clone());
        assert_ne!(text, changed, "the edit changed nothing");
        std::fs::write(&path, changed).unwrap();
    }

    /// Runs `kerbside PROGRAM ARGS`.
    pub(crate) fn run(&self, program: &str, args: &[&str], stdin: &str) -> Run {
        let mut all = vec![program];
        all.extend(args);
        self.run_binary(Path::new(env!("CARGO_BIN_EXE_kerbside")), &all, stdin)
    }

    /// Runs a binary with nothing in its environment but the realm's.
    pub(crate) fn run_binary(&self, binary: &Path, args: &[&str], stdin: &str) -> Run {
        let mut child = Command::new(binary)
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TZ", "UTC")
            .envs(self.realm.environment())
            .envs(self.ccache_name.iter().map(|name| ("KRB5CCNAME", name)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that asks nothing closes the pipe early.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Answers every datagram with what `answer` makes of it.
fn serve(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_535];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            if let Some(reply) = answer(buffer.get(..length).unwrap()) {
                socket.send_to(&reply, peer).unwrap();
            }
        }
    });
    address
}

fn shifted(seconds: i64) -> Now {
    let now = kerbside_client::now();
    Now {
        time: now.time.saturating_add_seconds(seconds),
        usec: now.usec,
    }
}

/// A KDC of EXAMPLE.TEST whose clock is `seconds` ahead: our engine, entries of its own.
pub(crate) fn skewed_kdc(seconds: i64) -> SocketAddr {
    let entries = entries();
    let kdc = Kdc::new(KdcPolicy::new(RealmName::from("EXAMPLE.TEST")));
    serve(move |request| {
        let context = RequestContext {
            now: shifted(seconds),
            from: ClientAddress::InProcess,
            transport: Transport::Datagram {
                reply_bytes_max: 4096,
            },
        };
        let mut lookup = |name: &Principal| Ok(entries.get(name).cloned());
        kdc.handle_with(request, &context, &mut lookup, &mut OsRandom)
            .reply
    })
}

fn entries() -> HashMap<Principal, Arc<PrincipalEntry>> {
    let etype = EncryptionType::AES256_CTS_HMAC_SHA1_96;
    let alice = Principal::new("EXAMPLE.TEST", &["alice"]);
    let password = Password::from("secret".to_owned());
    let key = Key::from_password(
        etype,
        &password,
        &alice.default_salt(),
        None,
        &IterationLimits::default(),
    );
    let mut all = vec![(
        alice,
        LongTermKey::from(key.unwrap()),
        Attributes::REQUIRES_PRE_AUTH,
    )];
    for components in [
        &["krbtgt", "EXAMPLE.TEST"][..],
        &["HTTP", "localhost"],
        &["host", "localhost"],
    ] {
        let key = Key::generate(etype, &mut OsRandom).unwrap();
        all.push((
            Principal::new("EXAMPLE.TEST", components),
            LongTermKey::from(key),
            Attributes::NONE,
        ));
    }
    all.into_iter()
        .map(|(principal, key, attributes)| {
            let mut entry = PrincipalEntry::new(principal.clone(), kerbside_client::now().time);
            entry.keys = vec![KeyData::new(1, key)];
            entry.attributes = attributes;
            (principal, Arc::new(entry))
        })
        .collect()
}

/// Something that answers every request with KRB_AP_ERR_SKEW and a clock `seconds` ahead.
pub(crate) fn fake_kdc(seconds: i64) -> SocketAddr {
    serve(move |_| {
        let server = Principal::krbtgt("EXAMPLE.TEST", "EXAMPLE.TEST");
        ErrorReply::new(ErrorCode::KRB_AP_ERR_SKEW, server)
            .to_bytes(shifted(seconds))
            .ok()
    })
}

/// A password server that answers every request with a KRB-ERROR that claims success.
pub(crate) fn fake_kpasswd() -> SocketAddr {
    serve(move |_| {
        let server = Principal::new("EXAMPLE.TEST", &["kadmin", "changepw"]);
        let mut error = ErrorReply::new(ErrorCode::KRB_AP_ERR_MODIFIED, server);
        error.e_data = Some(b"\0\0Password changed".to_vec());
        error.to_bytes(shifted(0)).ok()
    })
}
