//! `kerbside up -- COMMAND`: from the start of the process to the start of COMMAND.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::failure::{Doing, Failure, Result};

/// The word that makes this program COMMAND: it writes the time of its start into a file.
pub(crate) const MARK: &str = "mark-start";

/// What one start took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartUp {
    /// To the first statement of COMMAND.
    pub(crate) to_command: Duration,
    /// To the end of everything, the realm's removal included.
    pub(crate) to_end: Duration,
}

/// Starts a realm once around a COMMAND that only says when it began.
pub(crate) fn measure(kerbside: &Path, dir: &Path) -> Result<StartUp> {
    let mark = dir.join("mark");
    let _ = fs::remove_file(&mark);
    let this = std::env::current_exe()?;
    let mut command = Command::new(kerbside);
    command
        .args(["up", "--user", "alice:secret", "--"])
        .arg(this)
        .arg(MARK)
        .arg(&mark);
    command
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let start = monotonic();
    let output = command.output().doing("kerbside up")?;
    let end = monotonic();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::new(format!("kerbside up: {}: {text}", output.status)));
    }
    let began: u64 = fs::read_to_string(&mark)
        .doing("COMMAND's mark")?
        .trim()
        .parse()?;
    let to_command = Duration::from_nanos(began).saturating_sub(start);
    Ok(StartUp {
        to_command,
        to_end: end.saturating_sub(start),
    })
}

/// What COMMAND does.
pub(crate) fn mark(path: &Path) -> Result<()> {
    fs::write(path, monotonic().as_nanos().to_string()).doing(path.display())
}

/// The clock that all processes of the machine share.
fn monotonic() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    #[test]
    fn a_mark_lies_between_before_and_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mark");
        let before = monotonic().as_nanos();
        mark(&path).unwrap();
        let marked: u128 = fs::read_to_string(&path).unwrap().parse().unwrap();
        assert!(before <= marked && marked <= monotonic().as_nanos());
    }

    #[test]
    fn a_program_that_fails_is_no_measurement() {
        let dir = tempfile::tempdir().unwrap();
        assert!(measure(Path::new("/bin/false"), dir.path()).is_err());
        assert!(measure(Path::new("/nonexistent/kerbside"), dir.path()).is_err());
        // It ends well, but COMMAND was never started.
        assert!(measure(Path::new("/bin/true"), dir.path()).is_err());
    }
}
