//! A Heimdal realm: KDC and password server on loopback, from Debian's packages unpacked beside MIT's.
//!
//! The packages of the two conflict, so `./test full` unpacks Heimdal's into `heimdal/` of the target folder.

use std::path::{Path, PathBuf};

use crate::realm::write;
use crate::run::{Env, Program, Server, free_port, listens};

pub(crate) const REALM: &str = "HEIM.TEST";
/// A second realm of the same KDC, trusted both ways.
pub(crate) const OTHER: &str = "OTHER.TEST";

/// The types that Heimdal 7.8 has keys of, as its kadmin and our krb5.conf both name them.
pub(crate) const ENCTYPES: &[&str] = &[
    "aes256-cts-hmac-sha1-96",
    "aes128-cts-hmac-sha1-96",
    "aes256-cts-hmac-sha384-192",
    "aes128-cts-hmac-sha256-128",
    "arcfour-hmac-md5",
    "des3-cbc-sha1",
];

/// The realms HEIM.TEST and OTHER.TEST; everything goes away with this value.
///
/// Users are `alice bob carol` (pre-authentication demanded; password `Passw0rd-NAME`), `nopre locked expired oldpw`;
/// services are `HTTP host gss` at localhost, and `HTTP/www.other.test` in OTHER.TEST. Their keys are in
/// `service.keytab`, alice's in `alice.keytab`.
#[derive(Debug)]
pub(crate) struct Heimdal {
    /// For clients of either side; Heimdal's own find their libraries by it.
    pub(crate) env: Env,
    pub(crate) port: u16,
    _kdc: Server,
    /// Another process on the same database, whose UDP answers are never longer than 200 octets.
    _narrow: Server,
    pub(crate) narrow_port: u16,
    _kpasswdd: Server,
    root: PathBuf,
    dir: tempfile::TempDir,
}

/// Where `./test full` unpacked Heimdal: beside the folder of this binary.
pub(crate) fn root() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let target = own.parent().and_then(Path::parent).ok_or("no target folder")?;
    let root = target.join("heimdal");
    if root.join("usr/lib/heimdal-servers/kdc").exists() {
        Ok(root)
    } else {
        Err(format!(
            "Heimdal is not unpacked in {}: run ./test full, or conformance/peers/heimdal.sh {0}",
            root.display()
        ))
    }
}

/// A program of Heimdal's.
pub(crate) fn tool(root: &Path, name: &str) -> Result<Program, String> {
    ["usr/bin", "usr/sbin", "usr/lib/heimdal-servers"]
        .iter()
        .flat_map(|folder| {
            [
                root.join(folder).join(format!("{name}.heimdal")),
                root.join(folder).join(name),
            ]
        })
        .find(|path| path.exists())
        .map(Program::new)
        .ok_or_else(|| format!("Heimdal's {name} is not in {}", root.display()))
}

/// `env` with the folder of Heimdal's libraries.
pub(crate) fn with_libraries(env: &Env, root: &Path) -> Result<Env, String> {
    let machine = std::fs::read_dir(root.join("usr/lib"))
        .map_err(|e| e.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("libkrb5.so.26").exists())
        .ok_or("Heimdal's libkrb5.so.26 is not there")?;
    Ok(env.with("LD_LIBRARY_PATH", machine))
}

impl Heimdal {
    /// Makes the realms and starts the servers; `conf` is more for everyone's krb5.conf, and `kadmin` more commands.
    pub(crate) fn start(conf: &str, kadmin: &str) -> Result<Self, String> {
        let root = root()?;
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let base = dir.path();
        let (port, narrow_port, password_port) = (free_port()?, free_port()?, free_port()?);
        write(
            &base.join("krb5.conf"),
            &krb5_conf(base, port, password_port, conf),
        )?;
        for (name, more) in [
            ("kdc.conf", ""),
            ("narrow.conf", "  max-kdc-datagram-reply-length = 200\n"),
        ] {
            let text = krb5_conf(base, port, password_port, conf) + &kdc_part(base, more);
            write(&base.join(name), &text)?;
        }
        let env = with_libraries(&Env::default(), &root)?
            .with("HOME", base)
            .with("KRB5_CONFIG", base.join("krb5.conf"))
            .with("KRB5CCNAME", format!("FILE:{}/cc", base.display()))
            .with("KRB5_KTNAME", format!("FILE:{}/service.keytab", base.display()));
        let own = env.with("KRB5_CONFIG", base.join("kdc.conf"));
        tool(&root, "kstash")?
            .args("--random-key")
            .arg(format!("--key-file={}/m-key", base.display()))
            .ok(&own)?;
        tool(&root, "kadmin")?
            .args("-l -r HEIM.TEST")
            .stdin(&(population(base) + kadmin))
            .ok(&own)?;
        let server = |name: &str, config: &str, args: &str, ready: &dyn Fn() -> bool| {
            let program = tool(&root, name)?
                .arg(format!("--config-file={}", base.join(config).display()))
                .args("--addresses=127.0.0.1")
                .args(args);
            Server::start(name, &program, &own, ready)
        };
        Ok(Self {
            _kdc: server("kdc", "kdc.conf", &format!("--ports={port}"), &|| listens(port))?,
            _narrow: server("kdc", "narrow.conf", &format!("--ports={narrow_port}"), &|| {
                listens(narrow_port)
            })?,
            // UDP alone: the port is taken once it cannot be bound again.
            _kpasswdd: server(
                "kpasswdd",
                "kdc.conf",
                &format!("--port={password_port} --realm={REALM}"),
                &|| std::net::UdpSocket::bind(("127.0.0.1", password_port)).is_err(),
            )?,
            env,
            port,
            narrow_port,
            root,
            dir,
        })
    }

    /// A file of this realm's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A program of Heimdal's.
    pub(crate) fn tool(&self, name: &str) -> Result<Program, String> {
        tool(&self.root, name)
    }

    /// kadmin commands on the database.
    pub(crate) fn kadmin(&self, commands: &str) -> Result<(), String> {
        self.tool("kadmin")?
            .args("-l -r HEIM.TEST")
            .stdin(commands)
            .ok(&self.env.with("KRB5_CONFIG", self.path("kdc.conf")))?;
        Ok(())
    }

    /// The clients' environment with a krb5.conf of its own: `edit` changes the text.
    pub(crate) fn variant(&self, name: &str, edit: impl Fn(&str) -> String) -> Result<Env, String> {
        let text = std::fs::read_to_string(self.path("krb5.conf")).map_err(|e| e.to_string())?;
        write(&self.path(name), &edit(&text))?;
        Ok(self.env.with("KRB5_CONFIG", self.path(name)))
    }
}

fn krb5_conf(base: &Path, port: u16, password_port: u16, more: &str) -> String {
    let base = base.display();
    let realm = |name: &str| {
        format!(
            "  {name} = {{\n    kdc = 127.0.0.1:{port}\n    admin_server = 127.0.0.1:1\n    \
             kpasswd_server = 127.0.0.1:{password_port}\n  }}\n"
        )
    };
    format!(
        "[libdefaults]\n  default_realm = {REALM}\n  dns_lookup_kdc = false\n  dns_lookup_realm = false\n  \
         dns_canonicalize_hostname = false\n  rdns = false\n  allow_rc4 = true\n  allow_des3 = true\n  \
         allow_weak_crypto = true\n  default_keytab_name = FILE:{base}/service.keytab\n\n[realms]\n{}{}\n[domain_realm]\n  \
         localhost = {REALM}\n  .other.test = {OTHER}\n\n{more}\n",
        realm(REALM),
        realm(OTHER)
    )
}

fn kdc_part(base: &Path, more: &str) -> String {
    let base = base.display();
    format!(
        "[kdc]\n  database = {{\n    dbname = {base}/heimdal\n    realm = {REALM}\n    mkey_file = {base}/m-key\n    \
         acl_file = {base}/kadmind.acl\n    log_file = {base}/log\n  }}\n  signal_socket = {base}/signal\n  \
         require-preauth = no\n  check-ticket-addresses = no\n  allow-anonymous = yes\n{more}\n[logging]\n  \
         kdc = 0-/FILE:{base}/kdc.log\n  kpasswdd = 0-/FILE:{base}/kpasswdd.log\n  default = 0-/FILE:{base}/krb5.log\n\n\
         [kadmin]\n  default_keys = {}\n\n[password_quality]\n  min_length = 8\n  policies = builtin:minimum-length\n",
        ENCTYPES
            .iter()
            .map(|enctype| format!("{enctype}:pw-salt"))
            .collect::<Vec<_>>()
            .join(" ")
    )
}

/// What kadmin is told.
fn population(base: &Path) -> String {
    let base = base.display();
    let mut lines = String::new();
    for realm in [REALM, OTHER] {
        lines.push_str(&format!(
            "init --realm-max-ticket-life=1day --realm-max-renewable-life=1week {realm}\n"
        ));
    }
    for user in ["alice", "bob", "carol", "nopre", "locked", "expired", "oldpw"] {
        lines.push_str(&format!("add -p Passw0rd-{user} --use-defaults {user}\n"));
        if user != "nopre" {
            lines.push_str(&format!("modify -a +requires-pre-auth {user}\n"));
        }
    }
    lines.push_str("modify -a +disallow-all-tix locked\n");
    lines.push_str(
        "modify --expiration-time=2001-01-01 expired\nmodify --pw-expiration-time=2001-01-01 oldpw\n",
    );
    for service in [
        "HTTP/localhost",
        "host/localhost",
        "gss/localhost",
        "HTTP/www.other.test@OTHER.TEST",
    ] {
        lines.push_str(&format!(
            "add -r --use-defaults {service}\next_keytab -k FILE:{base}/service.keytab {service}\n"
        ));
    }
    for (a, b) in [(REALM, OTHER), (OTHER, REALM)] {
        lines.push_str(&format!("add -r --use-defaults krbtgt/{b}@{a}\n"));
    }
    lines + &format!("ext_keytab -k FILE:{base}/alice.keytab alice\n")
}
