//! Contexts with programs that were not written for this suite: MIT's `gss-client` and `gss-server`, Samba's LDAP server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use kerbside_asn1::Principal;
use kerbside_client::{OsRandom, now};
use kerbside_crypto::{EncryptionType, EnctypePolicy};
use kerbside_gss::{ContextFlags, Initiator, InitiatorParams, SecurityContext, Step};

use super::gss::{accept_one, connect, is_old, realm, server};
use super::{case, expect, full_case};
use crate::gss_peer::{Terms, acceptor, begin, credential, describe};
use crate::ldap_sasl::Ldap;
use crate::run::{Program, free_port};
use crate::{Case, Suite};

const AES: &str = "aes256-cts-hmac-sha1-96";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for enctype in [AES, "aes256-cts-hmac-sha384-192", "arcfour-hmac"] {
        for spnego in [false, true] {
            let terms = Terms {
                spnego,
                mutual: true,
                older_keys: is_old(enctype),
                ..Terms::default()
            };
            let how = format!("{}, {enctype}", if spnego { "SPNEGO" } else { "raw krb5" });
            let ours = terms.clone();
            cases.push(case(
                &format!("gss: our initiator, gss-server, {how}"),
                move |suite| to_gss_server(suite, enctype, &ours),
            ));
            cases.push(case(
                &format!("gss: gss-client, our acceptor, {how}"),
                move |suite| from_gss_client(suite, enctype, &terms),
            ));
        }
    }
    for (name, enctype) in [
        ("aes256-cts-hmac-sha1-96", EncryptionType::AES256_CTS_HMAC_SHA1_96),
        ("aes128-cts-hmac-sha1-96", EncryptionType::AES128_CTS_HMAC_SHA1_96),
        ("arcfour-hmac", EncryptionType::RC4_HMAC),
    ] {
        for spnego in [true, false] {
            for sealed in [true, false] {
                let how = format!(
                    "{} by {}, {name}",
                    if sealed { "sign and seal" } else { "sign alone" },
                    if spnego { "SPNEGO" } else { "raw krb5" },
                );
                cases.push(full_case(
                    &format!("gss: Samba's LDAP server, {how}"),
                    move |suite| samba_ldap(suite, enctype, spnego, sealed),
                ));
            }
        }
    }
    cases
}

/// The octet before each token of MIT's sample programs.
mod sample {
    pub(super) const NOTHING: u8 = 1;
    pub(super) const CONTEXT: u8 = 1 << 1;
    pub(super) const DATA: u8 = 1 << 2;
    pub(super) const MIC: u8 = 1 << 3;
    pub(super) const CONTEXT_NEXT: u8 = 1 << 4;
    pub(super) const WRAPPED: u8 = 1 << 5;
    pub(super) const ENCRYPTED: u8 = 1 << 6;
    pub(super) const WANTS_MIC: u8 = 1 << 7;
}

fn send(stream: &mut TcpStream, kind: u8, token: &[u8]) -> Result<(), String> {
    let length = u32::try_from(token.len()).map_err(|e| e.to_string())?;
    let bytes = [&[kind], length.to_be_bytes().as_slice(), token].concat();
    stream.write_all(&bytes).map_err(|e| format!("sending: {e}"))
}

fn receive(stream: &mut TcpStream) -> Result<(u8, Vec<u8>), String> {
    let mut head = [0; 5];
    stream
        .read_exact(&mut head)
        .map_err(|e| format!("waiting for the sample program: {e}"))?;
    let [kind, length @ ..] = head;
    let length = u64::from(u32::from_be_bytes(length));
    if length > 1 << 20 {
        return Err(format!("the sample program announces {length} octets"));
    }
    let mut token = Vec::new();
    stream
        .take(length)
        .read_to_end(&mut token)
        .map_err(|e| format!("waiting for the sample program: {e}"))?;
    Ok((kind, token))
}

fn receive_kind(stream: &mut TcpStream, wanted: u8) -> Result<Vec<u8>, String> {
    match receive(stream)? {
        (kind, token) if kind == wanted => Ok(token),
        (kind, _) => Err(format!(
            "expected a token of kind {wanted:#x}, but found {kind:#x}"
        )),
    }
}

fn establish(stream: &mut TcpStream, mut step: Step) -> Result<SecurityContext, String> {
    loop {
        match step {
            Step::Continue { token, next } => {
                send(stream, sample::CONTEXT, &token)?;
                let answer = receive_kind(stream, sample::CONTEXT)?;
                step = next
                    .step(&answer, now(), &mut OsRandom)
                    .map_err(|e| describe(&e))?;
            }
            Step::Done { token, context, .. } => {
                if let Some(token) = token {
                    send(stream, sample::CONTEXT, &token)?;
                }
                return Ok(*context);
            }
            other => return Err(format!("an outcome that the suite does not know: {other:?}")),
        }
    }
}

/// Sealed, signed and bare messages; the server answers each with a MIC over what it read.
fn to_gss_server(suite: &Suite, enctype: &'static str, terms: &Terms) -> Result<(), String> {
    let realm = realm(suite, enctype)?;
    let ticket = credential(&realm.path("cc"), &server()?)?;
    let port = free_port()?;
    let program =
        Program::new("/usr/bin/gss-server").args(&format!("-port {port} -once -verbose gss@localhost"));
    let env = realm.env.clone();
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = connect(port).and_then(|mut stream| {
        send(&mut stream, sample::NOTHING | sample::CONTEXT_NEXT, &[])?;
        let step = begin(ticket, terms).map_err(|e| describe(&e))?;
        let mut context = establish(&mut stream, step)?;
        for (kind, text) in [
            (sample::WRAPPED | sample::ENCRYPTED, "sealed for gss-server"),
            (sample::WRAPPED, "signed for gss-server"),
            (0, "in clear for gss-server"),
        ] {
            let token = if kind == 0 {
                text.as_bytes().to_vec()
            } else {
                let sealed = kind & sample::ENCRYPTED != 0;
                context
                    .wrap(sealed, text.as_bytes(), &mut OsRandom)
                    .map_err(|e| describe(&e))?
            };
            send(&mut stream, sample::DATA | sample::WANTS_MIC | kind, &token)?;
            let mic = receive_kind(&mut stream, sample::MIC)?;
            context
                .verify_mic(text.as_bytes(), &mic)
                .map_err(|e| describe(&e))?;
        }
        send(&mut stream, sample::NOTHING, &[])
    });
    let theirs = theirs
        .join()
        .map_err(|_| "gss-server's thread ended".to_owned())??;
    ours.map_err(|e| format!("our initiator: {e}\ngss-server: {theirs}"))?;
    theirs.prints(&[
        "alice@CONFORM.TEST",
        "sealed for gss-server",
        "signed for gss-server",
        "in clear for gss-server",
    ])?;
    Ok(())
}

fn from_gss_client(suite: &Suite, enctype: &'static str, terms: &Terms) -> Result<(), String> {
    let realm = realm(suite, enctype)?;
    for (options, kind) in [
        ("-seq", sample::WRAPPED | sample::ENCRYPTED | sample::WANTS_MIC),
        ("-nx", sample::WRAPPED | sample::WANTS_MIC),
        (
            "-noreplay",
            sample::WRAPPED | sample::ENCRYPTED | sample::WANTS_MIC,
        ),
    ] {
        let acceptor = acceptor(&realm.path("service.keytab"), &server()?, terms)?;
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        let mech = if terms.spnego { "-spnego" } else { "-krb5" };
        let program = Program::new("/usr/bin/gss-client")
            .args(&format!(
                "-port {port} {mech} {options} -mcount 3 localhost gss@localhost"
            ))
            .arg("a message of gss-client");
        let env = realm.env.clone();
        let theirs = std::thread::spawn(move || program.run(&env));
        let ours = accept_one(&listener).and_then(|mut stream| {
            receive_kind(&mut stream, sample::NOTHING | sample::CONTEXT_NEXT)?;
            let token = receive_kind(&mut stream, sample::CONTEXT)?;
            let step = acceptor
                .step(&token, now(), &mut OsRandom)
                .map_err(|e| describe(&e))?;
            let mut context = establish(&mut stream, step)?;
            for _ in 0..3 {
                let token = receive_kind(&mut stream, sample::DATA | kind)?;
                let got = context.unwrap(&token).map_err(|e| describe(&e))?;
                expect(
                    *got.message == *b"a message of gss-client"
                        && got.confidential == (kind & sample::ENCRYPTED != 0),
                    "the message is another one",
                )?;
                let mic = context.get_mic(&got.message).map_err(|e| describe(&e))?;
                send(&mut stream, sample::MIC, &mic)?;
            }
            receive_kind(&mut stream, sample::NOTHING)?;
            Ok(context)
        });
        let theirs = theirs
            .join()
            .map_err(|_| "gss-client's thread ended".to_owned())??;
        let context = ours.map_err(|e| format!("our acceptor: {e}\ngss-client: {theirs}"))?;
        expect(theirs.code == Some(0), &format!("gss-client: {theirs}"))?;
        theirs.prints(&["Signature verified."])?;
        expect(
            context.client().to_string() == "alice@CONFORM.TEST",
            "our acceptor names another client",
        )?;
        let flags = context.flags();
        expect(
            flags.contains(ContextFlags::SEQUENCE) == (options == "-seq")
                && flags.contains(ContextFlags::REPLAY) == (options != "-noreplay"),
            &format!("the flags are not as asked: {flags:?}"),
        )?;
    }
    Ok(())
}

/// A bind as alice by her ticket, then searches.
fn samba_ldap(suite: &Suite, enctype: EncryptionType, spnego: bool, sealed: bool) -> Result<(), String> {
    let samba = suite.shared.samba(suite)?;
    let name = enctype.name().unwrap_or_default();
    let weak = enctype == EncryptionType::RC4_HMAC;
    let conf = format!(
        "{}default_tgs_enctypes = {name}\n  permitted_enctypes = aes256-cts-hmac-sha1-96 {name}",
        if weak { "allow_rc4 = true\n  " } else { "" },
    );
    let cache = samba.path(&format!("ldap-{name}"));
    let env = samba
        .variant(&format!("ldap-{name}.conf"), &conf)?
        .with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    samba
        .ours("kinit")
        .args("alice")
        .stdin("Passw0rd-alice\n")
        .ok(&env)?;
    // Samba registers this name of its own some seconds after it answers.
    let end = Instant::now() + Duration::from_secs(60);
    let kvno = || samba.ours("kvno").args("ldap/dc1.ad.test");
    while Instant::now() < end && kvno().run(&env)?.code != Some(0) {
        std::thread::sleep(Duration::from_millis(200));
    }
    kvno().ok(&env)?;
    let ticket = ticket(&cache)?;
    let mut flags =
        ContextFlags::INTEGRITY | ContextFlags::MUTUAL | ContextFlags::REPLAY | ContextFlags::SEQUENCE;
    if sealed {
        flags |= ContextFlags::CONFIDENTIALITY;
    }
    let enctypes = if weak {
        EnctypePolicy::ALLOW_ALL.with_permitted([enctype])
    } else {
        EnctypePolicy::default()
    };
    let params = InitiatorParams::new(ticket)
        .with_flags(flags)
        .with_enctypes(enctypes)
        .with_spnego(spnego);
    let step = Initiator::krb5(params)
        .and_then(|initiator| initiator.start(now(), &mut OsRandom))
        .map_err(|e| describe(&e))?;
    let mut ldap = Ldap::bind(samba.connect(389)?, step)?;
    let facts = ldap.context().facts();
    expect(facts.negotiated == spnego, "SPNEGO is not as asked")?;
    let kerberos = facts.kerberos.as_ref().ok_or("no facts of Kerberos")?;
    expect(
        kerberos.session_enctype == enctype,
        &format!("the session key is of type {}", kerberos.session_enctype),
    )?;
    for name in [
        "DC=ad,DC=test",
        "CN=Users,DC=ad,DC=test",
        "CN=alice,CN=Users,DC=ad,DC=test",
    ] {
        let entry = ldap.entry(name)?;
        let found = entry.windows(name.len()).any(|part| part == name.as_bytes());
        expect(
            found,
            &format!("the answer to a search for {name} does not have it"),
        )?;
    }
    Ok(())
}

fn ticket(cache: &Path) -> Result<kerbside_protocol::Credential, String> {
    let name = Principal::parse("ldap/dc1.ad.test@AD.TEST", None).map_err(|e| e.to_string())?;
    credential(cache, &name)
}
