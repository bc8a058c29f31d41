//! A Samba Active Directory domain controller in namespaces of its own (network, mounts, processes).
//!
//! The domain controller needs its standard ports and some fixed paths; inside, it has them to itself, and nothing of
//! it is seen outside. Programs reach it by [`Samba::inside`]. Making these namespaces needs root.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::realm::{Side, program, write};
use crate::run::{Env, Program, Server};

pub(crate) const REALM: &str = "AD.TEST";
const ADDRESS: &str = "10.53.57.1";

/// Sets the namespaces up, waits for the provisioned domain and becomes the domain controller. $1 is the folder.
const HOLDER: &str = "set -e
ip link set lo up
ip link add dc0 type veth peer name dc1
ip addr add 10.53.57.1/24 dev dc0
ip link set dc0 up
ip link set dc1 up
mount -t tmpfs tmpfs /run
mkdir /run/samba
mount --bind \"$1/hosts\" /etc/hosts
mount --bind \"$1/resolv.conf\" /etc/resolv.conf
touch \"$1/namespaces-ready\"
while [ ! -e \"$1/provisioned\" ]; do sleep 0.05; done
exec samba -F --no-process-group --configfile=\"$1/etc/smb.conf\" >\"$1/samba.out\" 2>&1
";

/// userAccountControl: DISABLED, NOT_DELEGATED, DONT_REQUIRE_PREAUTH and TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION.
const ACCOUNTS: &str = r#"[
 {"name": "alice", "password": "Passw0rd-alice", "keytab": true, "upn": "alice.smith@corp.example"},
 {"name": "bob", "password": "Passw0rd-bob", "keytab": true},
 {"name": "carol", "password": "Passw0rd-carol"},
 {"name": "crowd", "password": "Passw0rd-crowd", "groups": 150},
 {"name": "rc4user", "password": "Passw0rd-rc4user", "enctypes": 4},
 {"name": "aes128user", "password": "Passw0rd-aes128user", "enctypes": 8},
 {"name": "preauthless", "password": "Passw0rd-preauthless", "flags": 4194304},
 {"name": "disabled", "password": "Passw0rd-disabled", "flags": 2},
 {"name": "expired", "password": "Passw0rd-expired", "expired": true},
 {"name": "lockme", "password": "Passw0rd-lockme"},
 {"name": "mustchange", "password": "Passw0rd-mustchange", "mustchange": true},
 {"name": "nodeleg", "password": "Passw0rd-nodeleg", "flags": 1048576},
 {"name": "svc-http", "password": "Passw0rd-svc-http", "enctypes": 28, "flags": 16777216, "keytab": true,
  "spn": ["HTTP/web.ad.test"], "delegate": ["MSSQLSvc/sql.ad.test:1433"]},
 {"name": "svc-plain", "password": "Passw0rd-svc-plain", "enctypes": 28, "keytab": true,
  "spn": ["HTTP/plain.ad.test"], "delegate": ["MSSQLSvc/sql.ad.test:1433"]},
 {"name": "svc-sql", "password": "Passw0rd-svc-sql", "enctypes": 28, "keytab": true,
  "spn": ["MSSQLSvc/sql.ad.test:1433"]},
 {"name": "svc-pg", "password": "Passw0rd-svc-pg", "enctypes": 28, "keytab": true, "spn": ["postgres/pg.ad.test"]},
 {"name": "svc-rc4", "password": "Passw0rd-svc-rc4", "enctypes": 4, "keytab": true, "spn": ["HTTP/rc4.ad.test"]},
 {"name": "svc-aes128", "password": "Passw0rd-svc-aes128", "enctypes": 8, "keytab": true,
  "spn": ["HTTP/aes128.ad.test"]}
]"#;

/// A running domain AD.TEST with the accounts above; everything goes away with this value.
#[derive(Debug)]
pub(crate) struct Samba {
    /// For clients inside, of either side.
    pub(crate) env: Env,
    holder: Server,
    bin: PathBuf,
    dir: tempfile::TempDir,
}

impl Samba {
    /// Provisions the domain and starts its controller; `peers` holds `samba_accounts.py`.
    pub(crate) fn start(bin: &Path, peers: &Path) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("a Samba domain controller needs root: run ./test full as root".to_owned());
        }
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let base = dir.path();
        write(
            &base.join("hosts"),
            "127.0.0.1 localhost\n10.53.57.1 dc1.ad.test dc1\n",
        )?;
        write(
            &base.join("resolv.conf"),
            "nameserver 10.53.57.1\nsearch ad.test\n",
        )?;
        write(&base.join("krb5.conf"), &krb5_conf(""))?;
        let env = Env::default()
            .with("HOME", base)
            .with("PYTHONDONTWRITEBYTECODE", "1")
            .with("KRB5_CONFIG", base.join("krb5.conf"))
            .with("KRB5CCNAME", format!("FILE:{}/cc", base.display()));
        let unshare = Program::new("/usr/bin/unshare")
            .args("--net --mount --pid --fork --kill-child --mount-proc /bin/sh -c")
            .arg(HOLDER)
            .arg("holder")
            .arg(base);
        let ready = base.join("namespaces-ready");
        let samba = Self {
            holder: Server::start("unshare", &unshare, &env, &|| ready.exists())?,
            env,
            bin: bin.to_owned(),
            dir,
        };
        samba.provision(peers)?;
        samba.wait()?;
        Ok(samba)
    }

    fn provision(&self, peers: &Path) -> Result<(), String> {
        let base = self.dir.path();
        let tool = Program::new("/usr/bin/samba-tool")
            .args(
                "domain provision --realm=AD.TEST --domain=AD --server-role=dc --dns-backend=SAMBA_INTERNAL",
            )
            .args("--adminpass=Adm1n-Passw0rd --host-name=dc1 --use-rfc2307")
            .arg(format!("--host-ip={ADDRESS}"))
            .arg(format!("--targetdir={}", base.display()));
        self.inside(tool.patient(300)).ok(&self.env)?;
        let conf = self.path("etc/smb.conf");
        let text = std::fs::read_to_string(&conf).map_err(|e| format!("{}: {e}", conf.display()))?;
        write(
            &conf,
            &text.replacen("[global]\n", &format!("[global]\n{}", globals(base)), 1),
        )?;
        for folder in ["run", "state", "cache", "keytabs"] {
            std::fs::create_dir_all(self.path(folder)).map_err(|e| e.to_string())?;
        }
        let accounts = Program::new("/usr/bin/python3")
            .arg(peers.join("samba_accounts.py"))
            .arg(&conf)
            .arg(self.path("keytabs"))
            .stdin(ACCOUNTS)
            .patient(300);
        self.inside(accounts).ok(&self.env)?;
        write(&self.path("provisioned"), "")
    }

    /// Until a login succeeds and the password server has its port.
    fn wait(&self) -> Result<(), String> {
        let end = Instant::now() + Duration::from_secs(60);
        let kinit = || {
            self.mit("kinit")
                .args("-c")
                .arg(format!("FILE:{}", self.path("probe").display()))
                .args("alice")
                .stdin("Passw0rd-alice\n")
                .run(&self.env)
        };
        loop {
            let tried = kinit()?;
            if tried.code == Some(0) {
                return Ok(());
            }
            if Instant::now() > end {
                let said = std::fs::read_to_string(self.path("samba.out")).unwrap_or_default();
                return Err(format!("the domain controller does not answer: {tried}{said}"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// A file of this domain's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `program`, run where the domain controller can be reached.
    pub(crate) fn inside(&self, program: Program) -> Program {
        program.under(
            Program::new("/usr/bin/nsenter")
                .args("--net --mount --target")
                .arg(self.holder.id().to_string())
                .args("--"),
        )
    }

    /// As [`Self::inside`], for a program that is talked to while it runs.
    pub(crate) fn command(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new("/usr/bin/nsenter");
        command.args(["--net", "--mount", "--target"]);
        command.arg(self.holder.id().to_string()).args(["--", program]);
        command
    }

    /// A connection to a port of the domain controller.
    pub(crate) fn connect(&self, port: u16) -> Result<Pipe, String> {
        let script = format!("exec 3<>/dev/tcp/{ADDRESS}/{port} || exit 1; cat <&3 & exec cat >&3");
        let mut child = self
            .command("/bin/bash")
            .args(["-c", &script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .map_err(|e| format!("bash: {e}"))?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        match (to, from) {
            (Some(to), Some(from)) => Ok(Pipe { child, to, from }),
            _ => Err("bash has no pipes".to_owned()),
        }
    }

    /// A program of ours, inside.
    pub(crate) fn ours(&self, name: &str) -> Program {
        self.inside(program(Side::Ours, &self.bin, name))
    }

    /// A program of MIT's, inside.
    pub(crate) fn mit(&self, name: &str) -> Program {
        self.inside(program(Side::Mit, &self.bin, name))
    }

    /// The clients' environment with a krb5.conf of its own that has `libdefaults` too.
    pub(crate) fn variant(&self, name: &str, libdefaults: &str) -> Result<Env, String> {
        write(&self.path(name), &krb5_conf(libdefaults))?;
        Ok(self.env.with("KRB5_CONFIG", self.path(name)))
    }
}

/// A connection made inside, by a shell that passes its octets on.
pub(crate) struct Pipe {
    child: std::process::Child,
    to: std::process::ChildStdin,
    from: std::process::ChildStdout,
}

impl std::io::Read for Pipe {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.from.read(bytes)
    }
}

impl std::io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn krb5_conf(libdefaults: &str) -> String {
    format!(
        "[libdefaults]\n  {libdefaults}\n  default_realm = {REALM}\n  dns_lookup_kdc = false\n  dns_lookup_realm = false\n  \
         dns_canonicalize_hostname = false\n  rdns = false\n  allow_rc4 = true\n\n[realms]\n  {REALM} = {{\n    \
         kdc = {ADDRESS}\n    kpasswd_server = {ADDRESS}\n  }}\n\n[domain_realm]\n  .ad.test = {REALM}\n  ad.test = {REALM}\n"
    )
}

/// What provisioning leaves out of smb.conf.
fn globals(base: &Path) -> String {
    let base = base.display();
    format!(
        "\tinterfaces = lo dc0\n\tbind interfaces only = yes\n\tpid directory = {base}/run\n\
         \tncalrpc dir = {base}/run/ncalrpc\n\tlock directory = {base}\n\tstate directory = {base}/state\n\
         \tcache directory = {base}/cache\n\tlog file = {base}/log.%m\n\tlogging = file\n\tlog level = 1 kerberos:3\n\
         \ttls enabled = no\n\tkdc default domain supported enctypes = 28\n\tdns forwarder = 127.0.0.9\n\
         \tload printers = no\n\tdisable spoolss = yes\n"
    )
}
