//! Contexts, and messages of four lengths, beside MIT's and Heimdal's library: both ends in one process and thread, in turns.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kerbside_gss::{ContextFlags, Initiator, InitiatorParams, Mechanism, SecurityContext, Step};

use crate::failure::{Doing, Failure, Result};
use crate::messages::{Calls, OurEnds, Passed, cpu_seconds, log_in, parse_peer};
use crate::options::Options;
use crate::realm::{Realm, Side};
use crate::requests::{now, random};
use crate::statistics::Series;
use crate::{Place, messages};

/// Octets of the messages.
const LENGTHS: [usize; 4] = [64, 1500, messages::MESSAGE_LEN, 1 << 20];

/// How contexts are established.
#[derive(Clone, Copy, Debug)]
struct Manner {
    spnego: bool,
    mutual: bool,
}

const MANNERS: [(&str, Manner); 4] = [
    (
        "krb5, one way",
        Manner {
            spnego: false,
            mutual: false,
        },
    ),
    (
        "krb5, mutual",
        Manner {
            spnego: false,
            mutual: true,
        },
    ),
    (
        "SPNEGO, one way",
        Manner {
            spnego: true,
            mutual: false,
        },
    ),
    (
        "SPNEGO, mutual",
        Manner {
            spnego: true,
            mutual: true,
        },
    ),
];

/// A C library, through a small program compiled for the purpose.
struct Library<'a> {
    name: &'static str,
    program: &'a Path,
    realm: &'a Realm,
    /// Its folder, where it is not the system's.
    folder: Option<&'a Path>,
}

impl Library<'_> {
    fn run(&self, time: Duration, what: &[&str]) -> Result<Passed> {
        let mut command = self.realm.foreign(self.program);
        match self.folder {
            Some(folder) => {
                command.env("LD_LIBRARY_PATH", folder);
                command.args(["libgssapi.so.3", "libkrb5.so.26"]);
            }
            None => {
                command.args(["libgssapi_krb5.so.2", "file"]);
            }
        }
        command.arg(time.as_secs_f64().to_string()).args(what);
        let output = command.stderr(Stdio::inherit()).output().doing(self.name)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        parse_peer(&text).ok_or_else(|| Failure::new(format!("{} said: {text}", self.name)))
    }
}

fn compile(dir: &Path) -> Result<PathBuf> {
    let (source, program) = (dir.join("gss_library.c"), dir.join("gss_library"));
    fs::write(&source, include_str!("../peers/gss_library.c"))?;
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-o"]).arg(&program).arg(&source).arg("-ldl");
    let output = cc.output().doing("cc, which the measuring peer needs")?;
    if output.status.success() {
        return Ok(program);
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::new(format!(
        "the measuring peer does not compile: {text}"
    )))
}

/// The runs of one side in one row.
struct Line {
    side: &'static str,
    runs: Vec<Passed>,
}

impl Line {
    fn series(&self, value: impl Fn(&Passed) -> f64) -> Series {
        self.runs.iter().map(value).collect()
    }
}

/// Both tables.
pub(crate) fn tables(options: &Options, places: &[Place], dir: &Path) -> Result<String> {
    eprintln!("contexts");
    let on = |ours: bool| {
        let mut places = places.iter();
        places.find(|place| matches!(place.realm.side(), Side::Kerbside(_)) == ours)
    };
    let program = compile(dir)?;
    let heimdal = options.mit().then(|| options.heimdal()).transpose()?;
    let mut libraries = Vec::new();
    if let Some(place) = on(false) {
        log_in(&place.realm)?;
        for (name, folder) in [
            ("MIT, file cache", None),
            ("Heimdal, memory cache", heimdal.as_deref()),
        ] {
            libraries.push(Library {
                name,
                program: &program,
                realm: &place.realm,
                folder,
            });
        }
    }
    let ours = on(true)
        .map(|place| OurEnds::prepare(&place.realm, &place.session))
        .transpose()?;
    let mut text = String::from(
        "| contexts, both ends | side | pairs/s: min / median / max | CPU us a pair: median (least) | kerbside beside it, least CPU |\n\
         |---|---|---|---|---|\n",
    );
    for (title, manner) in MANNERS {
        let lines = context_lines(options, &libraries, ours.as_ref(), manner)?;
        text.push_str(&rows(title, &lines, 1.0, "/s"));
    }
    text.push_str(
        "\n| wrap + unwrap | side | min / median / max | CPU us each: median (least) | kerbside beside it, least CPU |\n\
         |---|---|---|---|---|\n",
    );
    for length in LENGTHS {
        let lines = message_lines(options, &libraries, ours.as_ref(), length)?;
        let megabytes = f64::from(u32::try_from(length)?) / 1e6;
        text.push_str(&rows(&format!("{length} B"), &lines, megabytes, " MB/s"));
    }
    text.push('\n');
    Ok(text)
}

fn context_lines(
    options: &Options,
    libraries: &[Library<'_>],
    ours: Option<&OurEnds>,
    manner: Manner,
) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = libraries
        .iter()
        .map(|library| library.name)
        .chain(ours.map(|_| "kerbside"))
        .map(|side| Line {
            side,
            runs: Vec::new(),
        })
        .collect();
    let mech = if manner.spnego { "spnego" } else { "krb5" };
    let mutual = if manner.mutual { "mutual" } else { "one-way" };
    for _ in 0..options.rounds {
        let mut lines = lines.iter_mut();
        for (library, line) in libraries.iter().zip(&mut lines) {
            line.runs
                .push(library.run(options.round(), &["contexts", mech, mutual])?);
        }
        for (ends, line) in ours.iter().zip(&mut lines) {
            line.runs.push(pairs(ends, manner, options.round())?);
        }
    }
    Ok(lines)
}

fn message_lines(
    options: &Options,
    libraries: &[Library<'_>],
    ours: Option<&OurEnds>,
    length: usize,
) -> Result<Vec<Line>> {
    let own = [
        ("kerbside", Calls::Allocating),
        ("kerbside, in place", Calls::InPlace),
    ];
    let mut lines: Vec<Line> = libraries
        .iter()
        .map(|library| library.name)
        .chain(own.iter().filter(|_| ours.is_some()).map(|(side, _)| *side))
        .map(|side| Line {
            side,
            runs: Vec::new(),
        })
        .collect();
    let text = length.to_string();
    for _ in 0..options.rounds {
        let mut lines = lines.iter_mut();
        for (library, line) in libraries.iter().zip(&mut lines) {
            line.runs
                .push(library.run(options.round(), &["messages", &text])?);
        }
        if let Some(ends) = ours {
            for ((_, calls), line) in own.iter().zip(&mut lines) {
                line.runs.push(ends.run_of(*calls, length, options.round())?);
            }
        }
    }
    Ok(lines)
}

/// A line for each side; beside each library what our first line needs of its CPU time.
fn rows(title: &str, lines: &[Line], unit: f64, unit_name: &str) -> String {
    let cpu = |line: &Line| line.series(|run| run.cpu_seconds * 1e6 / run.messages);
    let ours = lines.iter().find(|line| line.side == "kerbside");
    let mut text = String::new();
    for line in lines {
        let rate = line.series(|run| run.messages * unit / run.wall_seconds);
        let own = cpu(line);
        let beside = match ours {
            Some(ours) if !line.side.starts_with("kerbside") => {
                format!("{:.1} x less", own.min() / cpu(ours).min())
            }
            _ => "-".to_owned(),
        };
        text.push_str(&format!(
            "| {title} | {} | {:.0} / {:.0} / {:.0}{unit_name} | {:.2} ({:.2}) | {beside} |\n",
            line.side,
            rate.min(),
            rate.median(),
            rate.max(),
            own.median(),
            own.min(),
        ));
    }
    text
}

/// One run of contexts.
fn pairs(ends: &OurEnds, manner: Manner, time: Duration) -> Result<Passed> {
    must_refuse(ends, manner)?;
    for _ in 0..50 {
        establish(ends, manner)?;
    }
    let (wall, cpu, mut count) = (Instant::now(), cpu_seconds(), 0_u32);
    while wall.elapsed() < time {
        establish(ends, manner)?;
        count += 1;
    }
    let wall_seconds = wall.elapsed().as_secs_f64();
    Ok(Passed {
        messages: f64::from(count),
        wall_seconds,
        cpu_seconds: cpu_seconds() - cpu,
    })
}

/// Both ends, and the initiator's first token.
struct Pair {
    client: Box<SecurityContext>,
    server: Box<SecurityContext>,
    first: Vec<u8>,
}

/// One end while tokens go back and forth.
enum End {
    Waits(Box<dyn Mechanism>),
    Stands(Box<SecurityContext>),
}

fn end(step: Step) -> Result<(Vec<u8>, End)> {
    match step {
        Step::Continue { token, next } => Ok((token, End::Waits(next))),
        Step::Done { token, context, .. } => Ok((token.unwrap_or_default(), End::Stands(context))),
        other => Err(Failure::new(format!(
            "a step that this program does not know: {other:?}"
        ))),
    }
}

fn establish(ends: &OurEnds, manner: Manner) -> Result<Pair> {
    let mut flags = ContextFlags::REPLAY
        | ContextFlags::SEQUENCE
        | ContextFlags::CONFIDENTIALITY
        | ContextFlags::INTEGRITY;
    if manner.mutual {
        flags |= ContextFlags::MUTUAL;
    }
    let params = InitiatorParams::new(ends.ticket.clone())
        .with_flags(flags)
        .with_spnego(manner.spnego);
    let rng = &mut random();
    let (first, mut client) = end(Initiator::krb5(params)?.start(now(), rng)?)?;
    let (mut reply, mut server) = end(ends.acceptor.step(&first, now(), rng)?)?;
    loop {
        let next = match (client, server) {
            (End::Stands(client), End::Stands(server)) => {
                return Ok(Pair {
                    client,
                    server,
                    first,
                });
            }
            (End::Waits(next), waiting) => {
                server = waiting;
                next
            }
            (End::Stands(_), End::Waits(_)) => {
                return Err(Failure::new("the initiator is done and the acceptor is not"));
            }
        };
        let request;
        (request, client) = end(next.step(&reply, now(), rng)?)?;
        if let End::Waits(next) = server {
            (reply, server) = end(next.step(&request, now(), rng)?)?;
        }
    }
}

fn must_refuse(ends: &OurEnds, manner: Manner) -> Result<()> {
    let mut pair = establish(ends, manner)?;
    if ends.acceptor.step(&pair.first, now(), &mut random()).is_ok() {
        return Err(Failure::new("a token is accepted twice"));
    }
    let mic = pair.client.get_mic(b"text")?;
    pair.server.verify_mic(b"text", &mic)?;
    let mic = pair.client.get_mic(b"text")?;
    match pair.server.verify_mic(b"next", &mic) {
        Ok(_) => Err(Failure::new("a MIC is accepted for another text")),
        Err(_) => Ok(()),
    }
}
