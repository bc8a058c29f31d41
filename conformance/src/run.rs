//! Programs run to their end, with a clean environment, a deadline and their output kept.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// No program of the suite needs longer, but those called patient.
const DEADLINE: Duration = Duration::from_secs(60);

/// The variables a program gets; nothing is inherited but PATH.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env(BTreeMap<String, String>);

impl Env {
    /// With `name` set to `value` (a path or a plain string).
    pub(crate) fn with(&self, name: &str, value: impl AsRef<Path>) -> Self {
        let mut changed = self.clone();
        changed
            .0
            .insert(name.to_owned(), value.as_ref().display().to_string());
        changed
    }

    fn apply(&self, command: &mut Command) {
        command.env_clear();
        command
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        command.envs(&self.0);
    }
}

/// A program to run, by its whole path.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    args: Vec<String>,
    stdin: String,
    deadline: Duration,
}

/// What a program did.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    line: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
            stdin: String::new(),
            deadline: DEADLINE,
        }
    }

    /// With so much more time than others need.
    pub(crate) fn patient(mut self, seconds: u64) -> Self {
        self.deadline = Duration::from_secs(seconds);
        self
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// With these arguments, separated by blanks (none of the suite's arguments holds one).
    pub(crate) fn args(mut self, line: &str) -> Self {
        self.args.extend(line.split_whitespace().map(str::to_owned));
        self
    }

    /// With one more argument, blanks and all.
    pub(crate) fn arg(mut self, value: impl AsRef<Path>) -> Self {
        self.args.push(value.as_ref().display().to_string());
        self
    }

    /// Started by `outer`, whose last arguments this program and its arguments become.
    pub(crate) fn under(self, mut outer: Self) -> Self {
        outer.args.push(self.path.display().to_string());
        outer.args.extend(self.args);
        outer.stdin = self.stdin;
        outer.deadline = self.deadline;
        outer
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    fn command(&self, env: &Env) -> Command {
        let mut command = Command::new(&self.path);
        env.apply(&mut command);
        command
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts it and leaves it running.
    pub(crate) fn spawn(&self, env: &Env) -> Result<Child, String> {
        self.command(env)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|e| format!("{}: {e}", self.path.display()))
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, env: &Env) -> Result<Ended, String> {
        let line = format!("{} {}", self.path.display(), self.args.join(" "));
        let mut child = self.command(env).spawn().map_err(|e| format!("{line}: {e}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input closes it: not an error.
            let _ = stdin.write_all(self.stdin.as_bytes());
        }
        let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
        let code = wait(&mut child, &line, self.deadline)?;
        let text = |thread: std::thread::JoinHandle<String>| thread.join().unwrap_or_default();
        Ok(Ended {
            line,
            code,
            stdout: text(out),
            stderr: text(err),
        })
    }

    /// Runs it and demands success.
    pub(crate) fn ok(&self, env: &Env) -> Result<Ended, String> {
        let ended = self.run(env)?;
        if ended.code == Some(0) {
            Ok(ended)
        } else {
            Err(format!("expected success, but found {ended}"))
        }
    }

    /// Runs it and demands that it fails.
    pub(crate) fn fails(&self, env: &Env) -> Result<Ended, String> {
        let ended = self.run(env)?;
        match ended.code {
            Some(code) if code != 0 => Ok(ended),
            _ => Err(format!("expected a refusal, but found {ended}")),
        }
    }
}

impl Ended {
    /// Demands that standard output holds each of these.
    pub(crate) fn prints(&self, texts: &[&str]) -> Result<&Self, String> {
        self.holds(&self.stdout, texts)
    }

    /// Demands that standard error holds each of these.
    pub(crate) fn complains(&self, texts: &[&str]) -> Result<&Self, String> {
        self.holds(&self.stderr, texts)
    }

    fn holds(&self, stream: &str, texts: &[&str]) -> Result<&Self, String> {
        match texts.iter().find(|text| !stream.contains(**text)) {
            None => Ok(self),
            Some(text) => Err(format!("expected {text:?}, but found {self}")),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {:?} of: {}", self.code, self.line)?;
        write!(f, "--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

fn drain<R: Read + Send + 'static>(stream: Option<R>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait(child: &mut Child, line: &str, deadline: Duration) -> Result<Option<i32>, String> {
    let end = Instant::now() + deadline;
    loop {
        match child.try_wait().map_err(|e| format!("{line}: {e}"))? {
            Some(status) => return Ok(status.code()),
            None if Instant::now() > end => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("still running after {} s: {line}", deadline.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// A server of the suite; stopped by its id when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    name: String,
}

impl Server {
    /// Starts `program` and waits until `ready` answers true.
    pub(crate) fn start(
        name: &str,
        program: &Program,
        env: &Env,
        ready: &dyn Fn() -> bool,
    ) -> Result<Self, String> {
        let mut command = program.command(env);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(|e| format!("{name}: {e}"))?;
        let mut server = Self {
            child,
            name: name.to_owned(),
        };
        let end = Instant::now() + Duration::from_secs(20);
        while !ready() {
            if let Ok(Some(status)) = server.child.try_wait() {
                let said = drain(server.child.stderr.take()).join().unwrap_or_default();
                return Err(format!("{name} ended with {status}: {said}"));
            }
            if Instant::now() > end {
                return Err(format!("{name} did not answer within 20 s"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Nobody reads it from here on; a full pipe must not block the server.
        let _ = drain(server.child.stderr.take());
        Ok(server)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop, and says how it ended.
    pub(crate) fn terminate(&mut self) -> Result<Option<i32>, String> {
        if let Some(pid) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)
                .map_err(|e| format!("{}: {e}", self.name))?;
        }
        wait(&mut self.child, &self.name, DEADLINE)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of 127.0.0.1 that is free for UDP and TCP alike.
pub(crate) fn free_port() -> Result<u16, String> {
    for _ in 0..50 {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        let port = tcp.local_addr().map_err(|e| e.to_string())?.port();
        if std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no port of 127.0.0.1 is free for both UDP and TCP".to_owned())
}

/// Whether something accepts connections at this port.
pub(crate) fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}
