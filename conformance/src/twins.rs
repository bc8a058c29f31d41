//! MIT's kvno and ours with copies of one cache: whatever they are asked, both must end alike.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::run::{Ended, Env, Program};

/// Numbers of the copies that are given back.
static KEPT: AtomicU32 = AtomicU32::new(0);

/// One cache that both sides start from.
#[derive(Debug)]
pub(crate) struct Twins<'a> {
    pub(crate) mit: Program,
    pub(crate) ours: Program,
    pub(crate) klist: Program,
    pub(crate) env: &'a Env,
    /// The cache to start from.
    pub(crate) cache: PathBuf,
    /// Where copies of it go.
    pub(crate) dir: PathBuf,
}

/// What one side left behind.
struct Left {
    ended: Ended,
    /// The services in the cache, with a ticket's own server where it is another, and of whom tickets of others are.
    services: Vec<String>,
}

impl Twins<'_> {
    /// Runs both with these arguments (`%OUT%` stands for a cache that is not there yet), and demands the same exit
    /// code, output, first line of complaint and tickets. Gives back how ours ended, and a copy of its cache.
    pub(crate) fn agree(&self, args: &str) -> Result<(Ended, PathBuf), String> {
        let mit = self.run(&self.mit, "mit", args)?;
        let ours = self.run(&self.ours, "ours", args)?;
        let told = |ended: &Ended| {
            let line = ended.stderr.lines().next().unwrap_or_default().to_owned();
            line.replace("kvno: error: ", "kvno: ")
                .replace("twin-ours", "twin")
                .replace("twin-mit", "twin")
        };
        let same = mit.ended.code == ours.ended.code
            && mit.ended.stdout == ours.ended.stdout
            && told(&mit.ended) == told(&ours.ended)
            && mit.services == ours.services;
        if same {
            let kept = self.copy(&format!("kept-{}", KEPT.fetch_add(1, Ordering::Relaxed)));
            std::fs::copy(self.copy("ours"), &kept).map_err(|e| format!("{}: {e}", kept.display()))?;
            return Ok((ours.ended, kept));
        }
        Err(format!(
            "kvno {args}: expected MIT's {}{:#?}\nbut found {}{:#?}",
            mit.ended, mit.services, ours.ended, ours.services
        ))
    }

    fn copy(&self, side: &str) -> PathBuf {
        self.dir.join(format!("twin-{side}"))
    }

    fn run(&self, program: &Program, side: &str, args: &str) -> Result<Left, String> {
        let copy = self.copy(side);
        let out = self.dir.join(format!("twin-{side}-out"));
        std::fs::copy(&self.cache, &copy).map_err(|e| format!("{}: {e}", self.cache.display()))?;
        let _ = std::fs::remove_file(&out);
        let env = self.env.with("KRB5CCNAME", format!("FILE:{}", copy.display()));
        let args = args.replace("%OUT%", &out.display().to_string());
        let ended = program.clone().args(&args).run(&env)?;
        let mut services = self.services(&copy)?;
        if out.exists() {
            services.push("in the other cache:".to_owned());
            services.extend(self.services(&out)?);
        }
        Ok(Left { ended, services })
    }

    /// klist's lines without the times and the cache's name.
    fn services(&self, cache: &Path) -> Result<Vec<String>, String> {
        let listed = self.klist.clone().arg(cache).ok(self.env)?.stdout;
        let lines = listed.lines().filter(|line| !line.starts_with("Ticket cache"));
        let interesting = |line: &str| match line.split("  ").last() {
            Some(last) if line.starts_with(|first: char| first.is_ascii_digit()) => last.trim().to_owned(),
            _ => line.trim().to_owned(),
        };
        Ok(lines.map(interesting).collect())
    }
}
