//! A realm for one case: its files, its KDC (MIT's or ours) and the programs of either side.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Env, Program, Server, free_port, listens};

/// Whose programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// MIT krb5, from the distribution's packages.
    Mit,
    /// This project's binary under MIT's names.
    Ours,
}

/// How a client reaches the KDC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// What a case may choose.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) kdc: Side,
    pub(crate) enctypes: &'static str,
    pub(crate) transport: Transport,
    pub(crate) libdefaults: &'static str,
    pub(crate) realm: &'static str,
    /// Whole sections more of krb5.conf, the clients' and the KDC's.
    pub(crate) krb5_conf: String,
    /// Lines more of the realm's part of kdc.conf.
    pub(crate) kdc_realm: String,
    /// Whole sections more of kdc.conf.
    pub(crate) kdc_conf: String,
    /// kadmin queries more, one a line, after those of [`Realm::populate`].
    pub(crate) kadmin: String,
}

/// The four types of the spine, strongest first.
pub(crate) const ALL_ENCTYPES: &str = "aes256-cts-hmac-sha384-192:normal aes128-cts-hmac-sha256-128:normal \
     aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal";

impl Options {
    pub(crate) fn new(kdc: Side) -> Self {
        Self {
            kdc,
            enctypes: ALL_ENCTYPES,
            transport: Transport::Udp,
            libdefaults: "",
            realm: REALM,
            krb5_conf: String::new(),
            kdc_realm: String::new(),
            kdc_conf: String::new(),
            kadmin: String::new(),
        }
    }

    /// The same for a realm of this name.
    pub(crate) fn named(kdc: Side, realm: &'static str) -> Self {
        Self {
            realm,
            ..Self::new(kdc)
        }
    }
}

pub(crate) const REALM: &str = "CONFORM.TEST";
pub(crate) const PASSWORD: &str = "Passw0rd-alice";

/// A running realm with alice, bob and three services; all of it goes away with this value.
#[derive(Debug)]
pub(crate) struct Realm {
    pub(crate) env: Env,
    pub(crate) port: u16,
    pub(crate) kdc: Option<Server>,
    pub(crate) options: Options,
    side: Side,
    bin: PathBuf,
    dir: tempfile::TempDir,
}

/// Where the programs of one side are.
pub(crate) fn program(side: Side, bin: &Path, name: &str) -> Program {
    match side {
        Side::Ours => Program::new(bin.join(name)),
        Side::Mit => Program::new(match name {
            "krb5kdc" | "kdb5_util" | "kadmin.local" => PathBuf::from("/usr/sbin").join(name),
            _ => PathBuf::from("/usr/bin").join(name),
        }),
    }
}

impl Realm {
    /// Makes the realm with the KDC's own tools and starts its KDC.
    pub(crate) fn start(bin: &Path, options: &Options) -> Result<Self, String> {
        let mut realm = Self::files(bin, options)?;
        realm.populate()?;
        realm.start_kdc()?;
        Ok(realm)
    }

    /// The database and the keytabs, made with the KDC's own tools.
    pub(crate) fn populate(&self) -> Result<(), String> {
        self.tool("kdb5_util")
            .args("create -s -P master-key-password -r")
            .arg(self.options.realm)
            .ok(&self.env)?;
        self.principals()
    }

    /// The usual principals and keytabs in a database that is there.
    pub(crate) fn principals(&self) -> Result<(), String> {
        let mut lines = String::new();
        for line in [
            "addprinc -pw Passw0rd-alice +requires_preauth alice",
            "addprinc -pw Passw0rd-bob bob",
            "addprinc -randkey HTTP/localhost",
            "addprinc -randkey host/localhost",
            "addprinc -randkey gss/localhost",
        ] {
            lines.push_str(line);
            lines.push('\n');
        }
        for service in ["HTTP/localhost", "host/localhost", "gss/localhost"] {
            lines.push_str(&format!(
                "ktadd -k {} {service}\n",
                self.path("service.keytab").display()
            ));
        }
        lines.push_str(&format!(
            "ktadd -k {} -norandkey alice\n",
            self.path("alice.keytab").display()
        ));
        lines.push_str(&self.options.kadmin);
        self.tool("kadmin.local")
            .args("-r")
            .arg(self.options.realm)
            .stdin(&lines)
            .ok(&self.env)?;
        Ok(())
    }

    /// The realm's files alone: no database, no KDC.
    pub(crate) fn files(bin: &Path, options: &Options) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let port = free_port()?;
        let base = dir.path();
        let realm = options.realm;
        let krb5_conf = krb5_conf(
            options,
            base,
            &realm_part(realm, port),
            &format!("  localhost = {realm}\n  .localhost = {realm}\n"),
        );
        let kdc_conf = format!(
            "[realms]\n  {realm} = {{\n    kdc_listen = 127.0.0.1:{port}\n    kdc_tcp_listen = 127.0.0.1:{port}\n    \
             database_name = {0}/principal\n    key_stash_file = {0}/stash\n    acl_file = {0}/kadm5.acl\n    \
             max_life = 10h\n    max_renewable_life = 7d\n    master_key_type = {2}\n    \
             supported_enctypes = {1}\n{3}\n  }}\n\n[logging]\n  kdc = FILE:{0}/kdc.log\n\n{4}\n",
            base.display(),
            options.enctypes,
            options.enctypes.split(':').next().unwrap_or_default(),
            options.kdc_realm,
            options.kdc_conf,
        );
        write(&base.join("krb5.conf"), &krb5_conf)?;
        write(&base.join("kdc.conf"), &kdc_conf)?;
        let env = Env::default()
            .with("HOME", base)
            .with("KRB5_CONFIG", base.join("krb5.conf"))
            .with("KRB5_KDC_PROFILE", base.join("kdc.conf"))
            .with("KRB5CCNAME", format!("FILE:{}/cc", base.display()))
            .with("KRB5_KTNAME", format!("FILE:{}/service.keytab", base.display()))
            .with("KRB5RCACHEDIR", base);
        Ok(Self {
            env,
            port,
            kdc: None,
            options: options.clone(),
            side: options.kdc,
            bin: bin.to_owned(),
            dir,
        })
    }

    pub(crate) fn start_kdc(&mut self) -> Result<(), String> {
        let port = self.port;
        let program = self.tool("krb5kdc").args("-n -r").arg(self.options.realm);
        self.kdc = Some(Server::start("krb5kdc", &program, &self.env, &|| listens(port))?);
        Ok(())
    }

    /// A file of this realm's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A program of the KDC's side.
    pub(crate) fn tool(&self, name: &str) -> Program {
        program(self.side, &self.bin, name)
    }

    /// A program of the other side: what the case tries against the KDC.
    pub(crate) fn client(&self, name: &str) -> Program {
        let other = if self.side == Side::Mit {
            Side::Ours
        } else {
            Side::Mit
        };
        program(other, &self.bin, name)
    }

    /// A program of ours.
    pub(crate) fn ours(&self, name: &str) -> Program {
        program(Side::Ours, &self.bin, name)
    }

    /// A program of MIT's.
    pub(crate) fn mit(&self, name: &str) -> Program {
        program(Side::Mit, &self.bin, name)
    }

    /// One kadmin.local query on the KDC's side.
    pub(crate) fn kadmin(&self, query: &str) -> Result<crate::run::Ended, String> {
        self.tool("kadmin.local")
            .args("-r")
            .arg(self.options.realm)
            .arg("-q")
            .arg(query)
            .ok(&self.env)
    }

    /// The KDC's log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("kdc.log")).unwrap_or_default()
    }
}

/// What krb5.conf says about one realm.
pub(crate) fn realm_part(realm: &str, port: u16) -> String {
    format!("  {realm} = {{\n    kdc = 127.0.0.1:{port}\n    admin_server = 127.0.0.1:1\n  }}\n")
}

/// A krb5.conf with these `[realms]` and this `[domain_realm]`.
pub(crate) fn krb5_conf(options: &Options, base: &Path, realms: &str, domain_realm: &str) -> String {
    let limit = if options.transport == Transport::Tcp {
        1
    } else {
        1400
    };
    format!(
        "[libdefaults]\n  default_realm = {1}\n  dns_lookup_kdc = false\n  dns_lookup_realm = false\n  \
         dns_canonicalize_hostname = false\n  rdns = false\n  qualify_shortname = \"\"\n  \
         udp_preference_limit = {limit}\n  default_ccache_name = FILE:{0}/default.cc\n  \
         default_keytab_name = FILE:{0}/service.keytab\n  {2}\n\n[realms]\n{realms}\n[domain_realm]\n{domain_realm}\n{3}\n",
        base.display(),
        options.realm,
        options.libdefaults,
        options.krb5_conf,
    )
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
