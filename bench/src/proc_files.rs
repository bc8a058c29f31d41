//! What the kernel's /proc says: CPU time of processes, load of the machine, file systems.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::failure::{Doing, Failure, Result};

/// One step of the counters in /proc/PID/stat and /proc/stat. Linux shows them in hundredths on every architecture
/// that this is run on (`getconf CLK_TCK`).
const TICK: Duration = Duration::from_millis(10);

/// CPU time as it stood at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Of the process under test and its descendants, by the scheduler's count, in nanoseconds.
    pub(crate) process_ns: u64,
    /// The same by the coarse count that threads which have ended stay in.
    process_ticks: u64,
    /// Threads of it.
    pub(crate) threads: usize,
    /// This program.
    own_ns: u64,
    /// The whole machine, busy with anything at all, time stolen by its host included.
    machine: Duration,
    /// When.
    when: Instant,
}

/// What was used between two readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// By the process under test.
    pub(crate) process: Duration,
    /// By this program.
    pub(crate) own: Duration,
    /// Cores that were busy with something else, on average.
    pub(crate) other_cores: f64,
}

impl Usage {
    /// Reads the counters for the process `pid` and its descendants.
    pub(crate) fn read(pid: u32) -> Result<Self> {
        let (mut process_ns, mut process_ticks, mut threads) = (0, 0, 0);
        for pid in family(pid) {
            let (ns, count) = cpu_of(&format!("/proc/{pid}"))?;
            process_ns += ns;
            threads += count;
            process_ticks += read(&format!("/proc/{pid}/stat"))
                .ok()
                .and_then(|text| parse_stat(&text))
                .map_or(0, |stat| stat.ticks);
        }
        if threads == 0 {
            return Err(Failure::new(format!("process {pid} is gone")));
        }
        let stat = read("/proc/stat")?;
        let busy = parse_machine(&stat).ok_or_else(|| Failure::new("no line 'cpu' in /proc/stat"))?;
        Ok(Self {
            process_ns,
            process_ticks,
            threads,
            own_ns: cpu_of("/proc/self")?.0,
            machine: ticks(busy),
            when: Instant::now(),
        })
    }

    /// What was used since `before`.
    ///
    /// The scheduler's count forgets threads that have ended. When it is behind the coarse count by more than that
    /// one's grain, a thread ended on the way and the coarse count is taken.
    pub(crate) fn since(&self, before: &Self) -> Used {
        let fine = Duration::from_nanos(self.process_ns.saturating_sub(before.process_ns));
        let coarse = ticks(self.process_ticks.saturating_sub(before.process_ticks));
        let process = if coarse > fine + fine / 20 + TICK * 5 {
            coarse
        } else {
            fine
        };
        let own = Duration::from_nanos(self.own_ns.saturating_sub(before.own_ns));
        let machine = self.machine.saturating_sub(before.machine);
        let other = machine.saturating_sub(process).saturating_sub(own);
        let wall = self.when.duration_since(before.when).as_secs_f64();
        Used {
            process,
            own,
            other_cores: if wall > 0.0 {
                other.as_secs_f64() / wall
            } else {
                0.0
            },
        }
    }
}

/// The largest resident size of the process so far, in KiB.
pub(crate) fn peak_kib(pid: u32) -> Option<u64> {
    let status = read(&format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// The load averages, as the kernel writes them.
pub(crate) fn load_average() -> String {
    let text = read("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The type and options of the file system that holds `path`.
pub(crate) fn file_system(path: &Path) -> Result<String> {
    let path = fs::canonicalize(path).doing(path.display())?;
    parse_mounts(&read("/proc/self/mountinfo")?, &path)
        .ok_or_else(|| Failure::new(format!("no file system holds {}", path.display())))
}

/// The processor's name and the kernel's version.
pub(crate) fn machine() -> String {
    let cpu = read("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map_or("?", |(_, value)| value.trim())
    };
    let (count, name) = (
        cpu.lines().filter(|line| line.starts_with("processor")).count(),
        field("model name"),
    );
    let (family, model) = (field("cpu family"), field("model\t"));
    let kernel = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{count} x {name} (family {family}, model {model}), Linux {}",
        kernel.trim()
    )
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).doing(path)
}

fn ticks(count: u64) -> Duration {
    TICK.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The process and its descendants, as far as they are there now.
fn family(pid: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(stat) = read(&format!("/proc/{child}/stat"))
            .ok()
            .and_then(|text| parse_stat(&text))
        {
            parents.push((child, stat.parent));
        }
    }
    descendants(pid, &parents)
}

fn descendants(pid: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(
            parents
                .iter()
                .filter(|(child, of)| *of == parent && *child != pid)
                .map(|(child, _)| child),
        );
        next += 1;
    }
    family
}

/// CPU time of all threads of a process in nanoseconds, and how many they are; none when it is gone.
fn cpu_of(process: &str) -> Result<(u64, usize)> {
    let (mut total, mut threads) = (0, 0);
    for task in fs::read_dir(format!("{process}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        // A thread may end between the two reads.
        let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else {
            continue;
        };
        total += parse_schedstat(&text).ok_or_else(|| Failure::new("this kernel keeps no schedstat"))?;
        threads += 1;
    }
    Ok((total, threads))
}

/// Nanoseconds on a CPU: the first of schedstat's three numbers.
fn parse_schedstat(text: &str) -> Option<u64> {
    let mut fields = text.split_whitespace();
    let ran = fields.next()?.parse().ok()?;
    (fields.count() == 2).then_some(ran)
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time.
    ticks: u64,
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name stands in brackets and may itself hold blanks and brackets.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)?.checked_add(number(12)?)?,
    })
}

/// Ticks the machine was busy: user, nice, system, irq, softirq and steal of the first line of /proc/stat.
fn parse_machine(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .map(str::parse)
        .collect::<core::result::Result<_, _>>()
        .ok()?;
    [0, 1, 2, 5, 6, 7]
        .into_iter()
        .map(|index| fields.get(index).copied())
        .sum()
}

/// The file system of the longest mount point above `path`; of two at one place the later covers the earlier.
fn parse_mounts(text: &str, path: &Path) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for line in text.lines() {
        let (Some((left, right)), Some(point)) = (line.split_once(" - "), line.split(' ').nth(4)) else {
            continue;
        };
        let depth = Path::new(point).components().count();
        if path.starts_with(point) && best.as_ref().is_none_or(|(deepest, _)| depth >= *deepest) {
            let kind = right.split(' ').next().unwrap_or("?");
            let options = left.split(' ').nth(5).unwrap_or("?");
            best = Some((depth, format!("{kind} ({options})")));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    #[test]
    fn schedstat_has_three_numbers() {
        assert_eq!(parse_schedstat("137072310 112136648 57\n"), Some(137_072_310));
        for bad in ["", "12", "12 13", "x 13 14", "1 2 3 4", "-1 2 3"] {
            assert_eq!(parse_schedstat(bad), None, "{bad}");
        }
    }

    #[test]
    fn stat_survives_names_with_brackets() {
        let text = "812 (a) b (c) S 7 812 812 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 3 0 1234 0 0";
        assert_eq!(
            parse_stat(text),
            Some(Stat {
                parent: 7,
                ticks: 175
            })
        );
        assert_eq!(parse_stat("812 (a) S 7"), None);
        assert_eq!(parse_stat("812 S 7 8"), None);
    }

    #[test]
    fn idle_and_iowait_are_not_busy() {
        assert_eq!(
            parse_machine("cpu  10 20 30 4000 5000 60 70 80 1 2\ncpu0 1 1 1 1\n"),
            Some(270)
        );
        assert_eq!(parse_machine("cpu0 1 2 3 4 5 6 7 8\n"), None);
        assert_eq!(parse_machine("cpu  1 2 3\n"), None);
    }

    #[test]
    fn the_deepest_and_latest_mount_counts() {
        let text = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
                    25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n\
                    30 25 0:27 / /dev/shm ro - ramfs x rw\n\
                    31 25 0:27 / /dev/sh rw - bad x rw\n";
        assert_eq!(
            parse_mounts(text, Path::new("/dev/shm/a")),
            Some("ramfs (ro)".into())
        );
        assert_eq!(
            parse_mounts(text, Path::new("/home/a")),
            Some("ext4 (rw,relatime)".into())
        );
        assert_eq!(parse_mounts("", Path::new("/")), None);
    }

    #[test]
    fn children_of_children_count() {
        let mut family = descendants(5, &[(5, 1), (6, 5), (7, 6), (8, 1), (9, 8), (10, 5)]);
        family.sort_unstable();
        assert_eq!(family, [5, 6, 7, 10]);
    }

    #[test]
    fn work_done_here_is_seen() {
        let pid = std::process::id();
        let before = Usage::read(pid).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(30) {
            core::hint::spin_loop();
        }
        let used = Usage::read(pid).unwrap().since(&before);
        assert!(used.process > Duration::ZERO && used.own > Duration::ZERO);
        assert!(Usage::read(u32::MAX).is_err());
    }
}
