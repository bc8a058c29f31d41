//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::failure::{Doing, Failure, Result};

/// Measures kerbside beside MIT krb5, in turns and with the same load, and prints one table.
#[derive(Debug, Parser)]
#[command(name = "kerbside-bench", version)]
pub(crate) struct Options {
    /// Where the realms' folders are made: it decides the file system of both databases [default: beside this program]
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// The kerbside binary, a release build [default: `kerbside` beside this program]
    #[arg(long)]
    kerbside: Option<PathBuf>,
    /// Rounds of each row and side
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Length of a round in seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Requests in flight
    #[arg(long, default_value_t = 16)]
    pub(crate) in_flight: usize,
    /// A round is made again, three times at most, when more cores than this were busy with something else
    #[arg(long, default_value_t = 0.25)]
    pub(crate) busy_max: f64,
    /// A folder in memory, for the row that shows MIT without a disk
    #[arg(long, default_value = "/dev/shm")]
    pub(crate) memory_dir: PathBuf,
    /// Starts of `kerbside up`
    #[arg(long, default_value_t = 20)]
    pub(crate) starts: usize,
    /// Starts of kinit of each side
    #[arg(long, default_value_t = 100)]
    pub(crate) kinits: usize,
    /// Service tickets of a round
    #[arg(long, default_value_t = 10_000)]
    pub(crate) tickets: usize,
    /// Where Heimdal is unpacked [default: `../heimdal` beside this program]
    #[arg(long)]
    heimdal: Option<PathBuf>,
    /// Rows to measure; all when none is named
    #[arg(long, value_enum)]
    only: Vec<Row>,
    /// One side alone
    #[arg(long, value_enum)]
    side: Option<OneSide>,
}

/// The rows of the table, and start-up below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// AS, lockout and last success kept
    AsSafe,
    /// The same with both databases in memory
    AsSafeMemory,
    /// AS, lockout and last success disabled
    AsOff,
    /// TGS
    Tgs,
    /// wrap + unwrap
    Wrap,
    /// start-up of `kerbside up`
    StartUp,
    /// kinit by keytab, from start to end
    Kinit,
    /// service tickets from one process, not stored
    Tickets,
    /// contexts, and messages of four lengths, beside MIT's and Heimdal's library
    Contexts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OneSide {
    /// The peer alone
    Mit,
    /// Ours alone
    Kerbside,
}

impl Options {
    /// Options that make sense together.
    pub(crate) fn check(&self) -> Result<()> {
        if self.rounds == 0
            || self.in_flight == 0
            || self.starts == 0
            || self.kinits == 0
            || self.tickets == 0
        {
            return Err(Failure::new(
                "--rounds, --in-flight, --starts, --kinits and --tickets want at least 1",
            ));
        }
        if !(self.seconds >= 0.1 && self.seconds <= 60.0) {
            return Err(Failure::new(
                "--seconds wants a number from 0.1 to 60: requests must not grow old before they are sent",
            ));
        }
        Ok(())
    }

    pub(crate) fn round(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    pub(crate) fn wants(&self, row: Row) -> bool {
        self.only.is_empty() || self.only.contains(&row)
    }

    pub(crate) fn mit(&self) -> bool {
        self.side != Some(OneSide::Kerbside)
    }

    /// The binary of our side; none when only the peer is measured.
    pub(crate) fn kerbside(&self) -> Result<Option<PathBuf>> {
        if self.side == Some(OneSide::Mit) {
            return Ok(None);
        }
        let path = match &self.kerbside {
            Some(path) => path.clone(),
            None => beside()?.join("kerbside"),
        };
        let hint = "cargo build --release -p kerbside-cli makes it";
        path.canonicalize()
            .map(Some)
            .doing(format!("{} ({hint})", path.display()))
    }

    /// Where Heimdal's libraries are.
    pub(crate) fn heimdal(&self) -> Result<PathBuf> {
        let root = match &self.heimdal {
            Some(root) => root.clone(),
            None => beside()?.join("../heimdal"),
        };
        // The peer runs in another folder.
        let root = root.canonicalize().unwrap_or(root);
        let folders = root.join("usr/lib").read_dir();
        let folders = folders.doing(format!(
            "{} (conformance/peers/heimdal.sh makes it)",
            root.display()
        ))?;
        let mut folders = folders.flatten().map(|entry| entry.path());
        folders
            .find(|folder| folder.join("libgssapi.so.3").exists())
            .ok_or_else(|| Failure::new("Heimdal's libgssapi.so.3 is not where Heimdal is unpacked"))
    }

    /// The folder for the realms.
    pub(crate) fn parent(&self) -> Result<PathBuf> {
        self.dir.clone().map_or_else(beside, Ok)
    }
}

fn beside() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    this.parent()
        .map(Path::to_owned)
        .ok_or_else(|| Failure::new("this program lies in no folder"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    fn parse(args: &[&str]) -> Options {
        Options::parse_from([&["kerbside-bench"], args].concat())
    }

    #[test]
    fn every_row_unless_some_are_named() {
        assert!(parse(&[]).wants(Row::Tgs) && parse(&[]).wants(Row::StartUp));
        let one = parse(&["--only", "as-safe", "--only", "wrap"]);
        assert!(one.wants(Row::AsSafe) && one.wants(Row::Wrap) && !one.wants(Row::Tgs));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(parse(&[]).check().is_ok());
        for bad in [
            ["--rounds", "0"],
            ["--seconds", "0"],
            ["--seconds", "nan"],
            ["--seconds", "100"],
            ["--in-flight", "0"],
        ] {
            assert!(parse(&bad).check().is_err(), "{bad:?}");
        }
        assert!(parse(&["--kerbside", "/nonexistent"]).kerbside().is_err());
        assert!(parse(&["--side", "mit"]).kerbside().unwrap().is_none());
        assert!(!parse(&["--side", "kerbside"]).mit());
    }
}
