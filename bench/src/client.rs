//! The client: kinit by keytab from start to end, and many service tickets from one process, against one and the same KDC
//! of MIT's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use kerbside_client::{
    CacheName, Client, Config, Environment, KeytabName, Secret, ServiceTicketOptions, TgtRequest,
};
use rustix::time::{ClockId, clock_gettime};

use crate::failure::{Doing, Failure, Result};
use crate::realm::{REALM, Realm, SERVICE};
use crate::statistics::Series;

/// Tickets before the clock starts, on both sides.
const WARM_UP: usize = 100;

/// One side's figures for one kind of work.
#[derive(Debug, Default)]
pub(crate) struct Times {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

impl Times {
    fn wall(&self) -> Series {
        self.wall.iter().copied().collect()
    }

    fn cpu(&self) -> Series {
        self.cpu.iter().copied().collect()
    }
}

/// `kinit -k` of both sides in turns, `starts` times each: milliseconds from the start of the process to its end.
pub(crate) fn kinits(realm: &Realm, kerbside: Option<&Path>, mit: bool, starts: usize) -> Result<String> {
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    for round in 0..=starts {
        if mit {
            let took = kinit(realm, realm.command("kinit"))?;
            // The first start reads the program from the disk.
            if round > 0 {
                theirs.wall.push(took);
            }
        }
        if let Some(kerbside) = kerbside {
            let mut command = realm.foreign(kerbside);
            command.arg("kinit");
            let took = kinit(realm, command)?;
            if round > 0 {
                ours.wall.push(took);
            }
        }
    }
    let line = |side: &str, times: &Times| {
        let wall = times.wall();
        format!(
            "| kinit by keytab, {starts} starts | {side} | {:.2} / {:.2} / {:.2} ms |\n",
            wall.min(),
            wall.median(),
            wall.max()
        )
    };
    let mut text = String::from("| | side | wall: min / median / max |\n|---|---|---|\n");
    if mit {
        text.push_str(&line("MIT", &theirs));
    }
    if kerbside.is_some() {
        text.push_str(&line("kerbside", &ours));
    }
    Ok(text)
}

fn kinit(realm: &Realm, mut command: Command) -> Result<f64> {
    command
        .args(["-k", "-t"])
        .arg(realm.keytab())
        .arg(SERVICE.join("/"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().doing("kinit")?;
    let took = start.elapsed();
    if status.success() {
        Ok(took.as_secs_f64() * 1e3)
    } else {
        Err(Failure::new(format!("kinit by keytab: {status}")))
    }
}

/// `count` service tickets from one process, none stored, `rounds` times by each side in turns.
pub(crate) fn tickets(
    realm: &Realm,
    ours: bool,
    mit: bool,
    count: usize,
    rounds: usize,
    dir: &Path,
) -> Result<String> {
    let peer = mit.then(|| compile(dir)).transpose()?;
    let client = ours.then(|| OurClient::log_in(realm)).transpose()?;
    let (mut own, mut theirs) = (Times::default(), Times::default());
    for _ in 0..rounds {
        if let Some(peer) = &peer {
            let (wall, cpu) = run_peer(realm, peer, count)?;
            theirs.wall.push(wall);
            theirs.cpu.push(cpu);
        }
        if let Some(client) = &client {
            let (wall, cpu) = client.run(count)?;
            own.wall.push(wall);
            own.cpu.push(cpu);
        }
    }
    let line = |side: &str, times: &Times, beside: &str| {
        format!(
            "| {count} service tickets, not stored | {side} | {:.1} ({:.1}) us | {:.1} ({:.1}) us | {beside} |\n",
            times.wall().median(),
            times.wall().min(),
            times.cpu().median(),
            times.cpu().min(),
        )
    };
    let mut text = String::from(
        "| | side | wall a ticket: median (least) | CPU a ticket: median (least) | beside MIT |\n|---|---|---|---|---|\n",
    );
    if mit {
        text.push_str(&line("MIT", &theirs, "-"));
    }
    if ours {
        let beside = if mit {
            format!(
                "{:.1} x less CPU (least), {:.1} x (median)",
                theirs.cpu().min() / own.cpu().min(),
                theirs.cpu().median() / own.cpu().median()
            )
        } else {
            "-".to_owned()
        };
        text.push_str(&line("kerbside", &own, &beside));
    }
    Ok(text)
}

fn compile(dir: &Path) -> Result<PathBuf> {
    let (source, program) = (dir.join("mit_tickets.c"), dir.join("mit_tickets"));
    fs::write(&source, include_str!("../peers/mit_tickets.c"))?;
    let output = Command::new("cc")
        .args(["-O2", "-o"])
        .arg(&program)
        .arg(&source)
        .arg("-lkrb5")
        .output()
        .doing("cc, which the measuring peer needs besides libkrb5-dev")?;
    if output.status.success() {
        return Ok(program);
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::new(format!(
        "the measuring peer does not compile (libkrb5-dev missing?): {text}"
    )))
}

/// Microseconds of wall clock and CPU a ticket.
fn run_peer(realm: &Realm, program: &Path, count: usize) -> Result<(f64, f64)> {
    let service = SERVICE.join("/");
    let output = realm
        .foreign(program)
        .arg(count.to_string())
        .arg(realm.keytab())
        .args([&service, &service])
        .stderr(Stdio::inherit())
        .output()
        .doing("the measuring peer")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let fields: Vec<f64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    match *fields {
        [tickets, wall, cpu] if tickets > 0.0 => Ok((wall * 1e6 / tickets, cpu * 1e6 / tickets)),
        _ => Err(Failure::new(format!("the measuring peer said: {text}"))),
    }
}

/// The library, logged in.
struct OurClient {
    client: Client,
    cache: CacheName,
}

impl OurClient {
    fn log_in(realm: &Realm) -> Result<Self> {
        let environment = Environment {
            config: Some(realm.krb5_conf().into()),
            ..Environment::default()
        };
        let config = Arc::new(Config::load(environment).map_err(client_failure)?);
        let client = Client::new(Arc::clone(&config));
        let principal = config
            .parse_principal(SERVICE.join("/"))
            .map_err(client_failure)?;
        let keytab = KeytabName::parse(realm.keytab().as_os_str());
        let mut secret = Secret::keytab(&keytab).map_err(client_failure)?;
        let ticket = client
            .get_tgt(&TgtRequest::new(principal), &mut secret)
            .map_err(client_failure)?;
        let cache = CacheName::Memory("tickets".to_owned());
        client.initialize_cache(&cache, &ticket).map_err(client_failure)?;
        Ok(Self { client, cache })
    }

    /// Microseconds of wall clock and CPU a ticket.
    fn run(&self, count: usize) -> Result<(f64, f64)> {
        self.get(WARM_UP)?;
        let (start, cpu) = (Instant::now(), cpu_seconds());
        self.get(count)?;
        let tickets = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        Ok((wall * 1e6 / tickets, cpu * 1e6 / tickets))
    }

    fn get(&self, count: usize) -> Result<()> {
        let service = kerbside_asn1::Principal::new(REALM, &SERVICE);
        let mut options = ServiceTicketOptions::default();
        options.store = false;
        for _ in 0..count {
            let ticket = self
                .client
                .get_service_ticket(&self.cache, &service, &options)
                .map_err(client_failure)?;
            if ticket.from_cache || ticket.credential.server != service {
                return Err(Failure::new("another ticket than the one asked for"));
            }
        }
        Ok(())
    }
}

/// CPU time of this process.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    let seconds = u32::try_from(time.tv_sec).unwrap_or(0);
    f64::from(seconds) + f64::from(nanoseconds) * 1e-9
}

fn client_failure(error: kerbside_client::Error) -> Failure {
    Failure::new(error.to_string())
}
