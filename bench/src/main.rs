//! kerbside beside MIT krb5: the same load on both, in turns, in one run, one table. `bench/README.md` says how to read it.
//!
//! [`realm`] makes and ends the realms, [`requests`] makes what is sent, [`load`] sends it, [`kdc_rounds`] takes the
//! figures, [`messages`] measures GSS messages, [`start_up`] the start of `kerbside up`,
//! [`client`] clients, [`contexts`] contexts beside both C libraries, [`table`] writes.

mod client;
mod contexts;
mod failure;
mod kdc_rounds;
mod load;
mod messages;
mod options;
mod proc_files;
mod realm;
mod requests;
mod start_up;
mod statistics;
mod table;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use tempfile::Builder;

use failure::{Doing, Result};
use kdc_rounds::Subject;
use messages::{Calls, MESSAGE_LEN, MitPeer, OurEnds};
use options::{Options, Row};
use realm::{LoginWrites, Realm, Side};
use requests::{Kind, Session};
use statistics::Series;
use table::Line;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let result = match args.as_slice() {
        [_, word, path] if word == start_up::MARK => start_up::mark(Path::new(path)),
        _ => measure(&Options::parse()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kerbside-bench: error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// A realm and a login at its KDC.
struct Place {
    realm: Realm,
    session: Session,
}

fn measure(options: &Options) -> Result<()> {
    options.check()?;
    let kerbside = options.kerbside()?;
    let parent = options.parent()?;
    let dir = Builder::new()
        .prefix("bench-")
        .tempdir_in(&parent)
        .doing(parent.display())?;
    let sides: Vec<Side> = options
        .mit()
        .then_some(Side::Mit)
        .into_iter()
        .chain(kerbside.clone().map(Side::Kerbside))
        .collect();
    describe_machine(options, dir.path())?;

    let mut text = String::from(table::HEAD);
    let mut notes = String::new();
    let needs_safe = [Row::AsSafe, Row::Tgs, Row::Wrap, Row::Contexts]
        .into_iter()
        .any(|row| options.wants(row));
    let safe = if needs_safe {
        places(&sides, LoginWrites::On, dir.path())?
    } else {
        Vec::new()
    };
    let off = if options.wants(Row::AsOff) {
        places(&sides, LoginWrites::Off, dir.path())?
    } else {
        Vec::new()
    };
    let memory = Builder::new().prefix("bench-").tempdir_in(&options.memory_dir);
    let memory = memory.doing(options.memory_dir.display())?;
    let in_memory = if options.wants(Row::AsSafeMemory) {
        println!("the row in memory: {}", proc_files::file_system(memory.path())?);
        places(&sides, LoginWrites::On, memory.path())?
    } else {
        Vec::new()
    };
    for (row, title, places, kind) in [
        (Row::AsSafe, "AS, lockout and last success kept", &safe, Kind::As),
        (
            Row::AsSafeMemory,
            "the same, databases in memory",
            &in_memory,
            Kind::As,
        ),
        (Row::AsOff, "AS, neither kept", &off, Kind::As),
        (Row::Tgs, "TGS", &safe, Kind::Tgs),
    ] {
        if options.wants(row) {
            eprintln!("{title}");
            let (lines, said) = kdc_row(options, places, kind)?;
            text.push_str(&table::row(title, &lines));
            notes.push_str(&format!("{title}:\n{said}"));
        }
    }
    if options.wants(Row::Wrap) {
        text.push_str(&message_row(options, &safe, dir.path())?);
    }
    let contexts = match options.wants(Row::Contexts) {
        true => contexts::tables(options, &safe, dir.path())?,
        false => String::new(),
    };
    for place in safe.iter().chain(&in_memory).chain(&off) {
        let mib = proc_files::peak_kib(place.realm.pid()).unwrap_or(0) / 1024;
        notes.push_str(&format!(
            "peak resident size of {}'s KDC: {mib} MiB\n",
            place.realm.side().name()
        ));
    }
    println!("\n{text}\n{contexts}{notes}");
    if let Some(kerbside) = kerbside.as_deref().filter(|_| options.wants(Row::StartUp)) {
        println!("{}", start_ups(options, kerbside, dir.path())?);
    }
    if options.wants(Row::Kinit) || options.wants(Row::Tickets) {
        println!("{}", clients(options, kerbside.as_deref(), dir.path())?);
    }
    println!("load average at the end: {}", proc_files::load_average());
    Ok(())
}

fn describe_machine(options: &Options, dir: &Path) -> Result<()> {
    println!("machine: {}", proc_files::machine());
    println!("file system of both databases: {}", proc_files::file_system(dir)?);
    println!(
        "4 KiB written over and fdatasync'ed there: {:.2} ms, median of 50",
        sync_milliseconds(dir)?
    );
    if options.mit() {
        let version = Command::new("klist")
            .arg("-V")
            .output()
            .doing("klist, of package krb5-user")?;
        println!("peer: {}", String::from_utf8_lossy(&version.stdout).trim());
    }
    println!("load average before: {}", proc_files::load_average());
    Ok(())
}

/// What a durable write in place costs here, so that nobody takes a disk that forgets for one that does not.
fn sync_milliseconds(dir: &Path) -> Result<f64> {
    let file = File::create(dir.join("sync"))?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        file.write_all_at(&[0x6b; 4096], 0)?;
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times.into_iter().collect::<Series>().median())
}

fn places(sides: &[Side], writes: LoginWrites, dir: &Path) -> Result<Vec<Place>> {
    let place = |side: &Side| {
        let realm = Realm::start(
            side.clone(),
            writes,
            &dir.join(format!("{}-{writes:?}", side.name())),
        )?;
        let session = Session::begin(realm.address()).doing(format!("{}'s realm", side.name()))?;
        Ok(Place { realm, session })
    };
    sides.iter().map(place).collect()
}

/// The sides take turns; who begins a round alternates.
fn kdc_row(options: &Options, places: &[Place], kind: Kind) -> Result<(Vec<Line>, String)> {
    let mut subjects = Vec::new();
    for Place { realm, session } in places {
        subjects.push(Subject::new(realm, session, kind, options)?);
    }
    for round in 0..options.rounds {
        let turns = subjects.iter_mut();
        if round.is_multiple_of(2) {
            turns.into_iter().try_for_each(Subject::next_round)?;
        } else {
            turns.rev().try_for_each(Subject::next_round)?;
        }
    }
    let mut said = String::new();
    for subject in &subjects {
        let rounds = &subject.rounds;
        let others = rounds
            .iter()
            .map(|round| round.other_cores)
            .collect::<Series>()
            .max();
        let load = rounds
            .iter()
            .map(|round| round.load_cpu)
            .collect::<Series>()
            .median();
        let sum = |value: fn(&kdc_rounds::Round) -> usize| rounds.iter().map(value).sum::<usize>();
        said.push_str(&format!(
            "  {}: {} answers right, 0 wrong, {} lost; {} verified in full; the load took {load:.1} us of CPU a request; \
             at most {others:.2} other cores busy; {} rounds made again\n",
            subject.side(),
            sum(|round| round.right),
            sum(|round| round.lost),
            sum(|round| round.verified),
            sum(|round| round.repeats),
        ));
    }
    let lines = subjects
        .iter()
        .map(|subject| Line::of_rounds(subject.side(), &subject.rounds))
        .collect();
    Ok((lines, said))
}

fn message_row(options: &Options, places: &[Place], dir: &Path) -> Result<String> {
    eprintln!("wrap + unwrap");
    let on = |ours: bool| {
        places
            .iter()
            .find(|place| matches!(place.realm.side(), Side::Kerbside(_)) == ours)
    };
    let mit = on(false)
        .map(|place| MitPeer::build(&place.realm, dir).map(|peer| (peer, &place.realm)))
        .transpose()?;
    let ours = on(true)
        .map(|place| OurEnds::prepare(&place.realm, &place.session))
        .transpose()?;
    let (mut theirs, mut allocating, mut in_place) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        if let Some((peer, realm)) = &mit {
            theirs.push(peer.run(realm, options.round())?);
        }
        if let Some(ends) = &ours {
            allocating.push(ends.run(Calls::Allocating, options.round())?);
            in_place.push(ends.run(Calls::InPlace, options.round())?);
        }
    }
    let mut lines = Vec::new();
    if mit.is_some() {
        lines.push(Line::of_messages("MIT", &theirs));
    }
    if ours.is_some() {
        lines.push(Line::of_messages("kerbside", &allocating));
        lines.push(Line::of_messages("kerbside, in place", &in_place));
    }
    Ok(table::row(
        &format!("wrap + unwrap, {} KiB", MESSAGE_LEN / 1024),
        &lines,
    ))
}

/// Both sides' clients at a KDC of MIT's.
fn clients(options: &Options, kerbside: Option<&Path>, dir: &Path) -> Result<String> {
    eprintln!("clients");
    let realm = Realm::start(Side::Mit, LoginWrites::Off, &dir.join("clients"))?;
    // The KDC answers.
    Session::begin(realm.address()).doing("MIT's realm")?;
    let mut text = String::new();
    if options.wants(Row::Kinit) {
        text.push_str(&client::kinits(&realm, kerbside, options.mit(), options.kinits)?);
        text.push('\n');
    }
    if options.wants(Row::Tickets) {
        let ours = kerbside.is_some();
        let (count, rounds) = (options.tickets, options.rounds);
        text.push_str(&client::tickets(&realm, ours, options.mit(), count, rounds, dir)?);
    }
    Ok(text)
}

fn start_ups(options: &Options, kerbside: &Path, dir: &Path) -> Result<String> {
    eprintln!("start-up");
    // The first start reads the binary from the disk.
    start_up::measure(kerbside, dir)?;
    let starts: Vec<start_up::StartUp> = (0..options.starts)
        .map(|_| start_up::measure(kerbside, dir))
        .collect::<Result<_>>()?;
    let series = |value: fn(&start_up::StartUp) -> Duration| {
        starts
            .iter()
            .map(|start| value(start).as_secs_f64() * 1e3)
            .collect::<Series>()
    };
    let (command, end) = (series(|start| start.to_command), series(|start| start.to_end));
    Ok(format!(
        "`kerbside up --user alice:secret -- COMMAND`, {} starts: {:.1} / {:.1} / {:.1} ms to the start of COMMAND \
         (min / median / max), {:.1} ms to the end of everything (median)",
        options.starts,
        command.min(),
        command.median(),
        command.max(),
        end.median(),
    ))
}
