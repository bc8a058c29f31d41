//! A realm of either side in a folder of its own: files, database, KDC process, and its end.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::failure::{Doing, Failure, Result};

/// The one realm's name, on both sides.
pub(crate) const REALM: &str = "BENCH.TEST";
/// The one user.
pub(crate) const USER: &str = "alice";
/// The user's password.
pub(crate) const PASSWORD: &str = "Passw0rd-alice";
/// The one service.
pub(crate) const SERVICE: [&str; 2] = ["HTTP", "localhost"];

/// How long a KDC may take to end when it is asked to.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Whose programs.
#[derive(Clone, Debug)]
pub(crate) enum Side {
    /// MIT krb5, as the distribution installs it.
    Mit,
    /// Ours: the path of the multi-call binary.
    Kerbside(PathBuf),
}

impl Side {
    /// The name in the table.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Mit => "MIT",
            Self::Kerbside(_) => "kerbside",
        }
    }

    /// A program of Kerberos by its usual name.
    fn program(&self, name: &str) -> Command {
        match self {
            Self::Mit => {
                let mut command = Command::new(name);
                // Debian keeps the KDC's programs where a user's PATH does not look.
                let path = std::env::var("PATH").unwrap_or_default();
                command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
                command
            }
            Self::Kerbside(binary) => {
                let mut command = Command::new(binary);
                command.arg(name);
                command
            }
        }
    }
}

/// Whether the KDC writes the last success and the failure count of each login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginWrites {
    /// MIT's default.
    On,
    /// `disable_lockout` and `disable_last_success`.
    Off,
}

/// A running KDC. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Realm {
    side: Side,
    dir: PathBuf,
    address: SocketAddr,
    kdc: Child,
}

impl Realm {
    /// Creates the realm in the folder `dir`, which must not exist, and starts its KDC on a free port of loopback.
    pub(crate) fn start(side: Side, writes: LoginWrites, dir: &Path) -> Result<Self> {
        fs::create_dir(dir).doing(dir.display())?;
        let address = free_port()?;
        fs::write(dir.join("krb5.conf"), krb5_conf(dir, address))?;
        fs::write(dir.join("kdc.conf"), kdc_conf(dir, address, writes))?;
        fs::write(dir.join("kadm5.acl"), "")?;
        run(
            &side,
            dir,
            "kdb5_util",
            &["create", "-s", "-r", REALM, "-P", "masterkey"],
        )?;
        let service = SERVICE.join("/");
        let keytab = dir.join("service.keytab").display().to_string();
        for query in [
            format!("addprinc -pw {PASSWORD} {USER}"),
            format!("addprinc -randkey {service}"),
            format!("ktadd -k {keytab} {service}"),
        ] {
            run(&side, dir, "kadmin.local", &["-r", REALM, "-q", &query])?;
        }
        if !dir.join("service.keytab").exists() {
            return Err(Failure::new(format!(
                "{}'s kadmin.local wrote no keytab: see {}",
                side.name(),
                dir.display()
            )));
        }
        let log = File::create(dir.join("krb5kdc.out"))?;
        let mut command = in_realm(side.program("krb5kdc"), dir);
        command
            .args(["-n", "-r", REALM])
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null());
        let kdc = command.spawn().doing(format!("{}'s krb5kdc", side.name()))?;
        Ok(Self {
            side,
            dir: dir.to_owned(),
            address,
            kdc,
        })
    }

    pub(crate) fn side(&self) -> &Side {
        &self.side
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.kdc.id()
    }

    pub(crate) fn krb5_conf(&self) -> PathBuf {
        self.dir.join("krb5.conf")
    }

    pub(crate) fn keytab(&self) -> PathBuf {
        self.dir.join("service.keytab")
    }

    /// A command that finds this realm by its environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        in_realm(self.side.program(program), &self.dir)
    }

    /// Any other program, in this realm's environment.
    pub(crate) fn foreign(&self, program: &Path) -> Command {
        in_realm(Command::new(program), &self.dir)
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.kdc.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself; the wait below tells either way.
            let _ = kill_process(pid, Signal::TERM);
        }
        let asked = Instant::now();
        while asked.elapsed() < STOP_PATIENCE {
            if !matches!(self.kdc.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        eprintln!(
            "{}'s krb5kdc did not end within {} s and is killed",
            self.side.name(),
            STOP_PATIENCE.as_secs()
        );
        let _ = self.kdc.kill();
        let _ = self.kdc.wait();
    }
}

/// Runs a program to its end; its output is kept in the folder.
fn run(side: &Side, dir: &Path, name: &str, args: &[&str]) -> Result<()> {
    let mut command = in_realm(side.program(name), dir);
    let output = command
        .args(args)
        .stdin(Stdio::null())
        .output()
        .doing(format!("{}'s {name}", side.name()))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut log = fs::read_to_string(dir.join("setup.out")).unwrap_or_default();
    log.push_str(&format!("{name} {args:?}\n{text}"));
    fs::write(dir.join("setup.out"), log)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{}'s {name} {args:?}: {}\n{text}",
        side.name(),
        output.status
    )))
}

/// Gives a command the realm's environment, and nothing of the caller's realm.
fn in_realm(mut command: Command, dir: &Path) -> Command {
    command
        .current_dir(dir)
        .env("KRB5_CONFIG", dir.join("krb5.conf"))
        .env("KRB5_KDC_PROFILE", dir.join("kdc.conf"))
        .env("KRB5CCNAME", format!("FILE:{}", dir.join("cache").display()))
        .env(
            "KRB5_KTNAME",
            format!("FILE:{}", dir.join("service.keytab").display()),
        )
        .env("KRB5RCACHEDIR", dir)
        .env_remove("KRB5_TRACE")
        .env_remove("KRB5RCACHENAME")
        .env_remove("KRB5_CLIENT_KTNAME");
    command
}

/// An address of loopback whose port is free for datagrams and for connections, as far as one can know beforehand.
fn free_port() -> Result<SocketAddr> {
    for _ in 0..100 {
        let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = datagrams.local_addr()?;
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(Failure::new("no port is free on 127.0.0.1"))
}

fn krb5_conf(dir: &Path, address: SocketAddr) -> String {
    format!(
        "[libdefaults]
  default_realm = {REALM}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  permitted_enctypes = aes256-cts-hmac-sha1-96
[realms]
  {REALM} = {{
    kdc = {address}
  }}
[domain_realm]
  {} = {REALM}
[logging]
  kdc = FILE:{}
",
        SERVICE[1],
        dir.join("kdc.log").display(),
    )
}

fn kdc_conf(dir: &Path, address: SocketAddr, writes: LoginWrites) -> String {
    let disabled = match writes {
        LoginWrites::On => "",
        LoginWrites::Off => "    disable_lockout = true\n    disable_last_success = true\n",
    };
    format!(
        "[realms]
  {REALM} = {{
    kdc_listen = {address}
    kdc_tcp_listen = {address}
    database_module = database
    acl_file = {acl}
    key_stash_file = {stash}
    max_life = 10h
    max_renewable_life = 7d
    master_key_type = aes256-cts-hmac-sha1-96
    supported_enctypes = aes256-cts-hmac-sha1-96:normal
    default_principal_flags = +preauth
  }}
[dbmodules]
  database = {{
    database_name = {database}
{disabled}  }}
[logging]
  kdc = FILE:{log}
",
        acl = dir.join("kadm5.acl").display(),
        stash = dir.join("stash").display(),
        database = dir.join("principal").display(),
        log = dir.join("kdc.log").display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_setting_without_writes_disables_them() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 88));
        let text = |writes| kdc_conf(Path::new("/r"), address, writes);
        assert!(text(LoginWrites::Off).contains("disable_lockout = true\n    disable_last_success = true"));
        assert!(!text(LoginWrites::On).contains("disable"));
        assert!(text(LoginWrites::On).contains("database_name = /r/principal\n"));
    }
}
