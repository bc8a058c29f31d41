//! `kerbside up`: the realm in one command, with MIT's kinit and curl inside and beside it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{case, expect};
use crate::run::{Env, Program};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "up -- COMMAND: MIT's kinit, kvno and curl reach the realm and its page",
            inside,
        ),
        case(
            "up -- COMMAND: COMMAND's exit code, nothing left behind",
            leaves_nothing,
        ),
        case(
            "up -- COMMAND: kadmin.local works inside, the keytabs are MIT's to use",
            administered,
        ),
        case(
            "up: serves until interrupted, keeps its realm, stops cleanly",
            serves,
        ),
    ]
}

fn kerbside(suite: &Suite) -> Program {
    Program::new(suite.bin.join("kerbside"))
}

fn env(folder: &tempfile::TempDir) -> Env {
    Env::default().with("HOME", folder.path())
}

fn folder() -> Result<tempfile::TempDir, String> {
    tempfile::tempdir().map_err(|e| e.to_string())
}

fn inside(suite: &Suite) -> Result<(), String> {
    let home = folder()?;
    let script = "set -e; echo secret | kinit alice; kvno HTTP/localhost; klist -e; \
         curl -sS --negotiate -u : \"$KERBSIDE_WEB\"; \
         curl -sS -o /dev/null -w 'without=%{http_code}\\n' \"$KERBSIDE_WEB\"; \
         curl -sS -o /dev/null -w 'garbage=%{http_code}\\n' -H 'Authorization: Negotiate YIIB' \"$KERBSIDE_WEB\"; \
         curl -sS -o /dev/null -D - --negotiate -u : \"$KERBSIDE_WEB\"";
    let ended = kerbside(suite)
        .args("up --user alice:secret --service HTTP/localhost --web -- sh -c")
        .arg(script)
        .ok(&env(&home))?;
    ended.prints(&[
        "HTTP/localhost@",
        "kvno = 1",
        "You are alice@",
        "without=401",
        "garbage=401",
        "www-authenticate: Negotiate ",
    ])?;
    Ok(())
}

fn leaves_nothing(suite: &Suite) -> Result<(), String> {
    let home = folder()?;
    let ended = kerbside(suite)
        .args("up -- sh -c")
        .arg("echo $KRB5_CONFIG; exit 7")
        .run(&env(&home))?;
    expect(
        ended.code == Some(7),
        &format!("expected COMMAND's exit code 7, but found {ended}"),
    )?;
    let path = PathBuf::from(ended.stdout.trim());
    expect(path.is_absolute(), &format!("KRB5_CONFIG is no path: {ended}"))?;
    expect(
        path.parent().is_some_and(|parent| !parent.exists()),
        &format!("{} was left behind", path.display()),
    )?;
    let missing = kerbside(suite)
        .args("up -- /nonexistent/program")
        .run(&env(&home))?;
    expect(
        missing.code == Some(127),
        &format!("expected 127 for a missing program, but found {missing}"),
    )?;
    Ok(())
}

fn administered(suite: &Suite) -> Result<(), String> {
    let home = folder()?;
    let kadmin = suite.bin.join("kadmin.local");
    let script = format!(
        "set -e; {0} -q 'addprinc -pw later bob'; echo later | kinit bob; kvno bob; \
         {0} -q 'addprinc -randkey host/box'; {0} -q \"ktadd -k $HOME/box.keytab host/box\"; \
         kinit -k -t $HOME/box.keytab host/box; klist -k; KRB5_KTNAME=$KRB5_CLIENT_KTNAME klist -k; \
         kinit -k -i alice; klist",
        kadmin.display()
    );
    let ended = kerbside(suite)
        .args("up --user alice:secret -- sh -c")
        .arg(script)
        .ok(&env(&home))?;
    ended.prints(&["Principal \"bob@", "HTTP/localhost@", "Default principal: alice@"])?;
    Ok(())
}

/// Starts `up` on a data folder, reads what it prints until it serves, and hands it over.
fn start(suite: &Suite, home: &tempfile::TempDir) -> Result<(std::process::Child, Vec<String>), String> {
    let data = home.path().join("data");
    let mut child = kerbside(suite).args("up --data").arg(&data).spawn(&env(home))?;
    let stdout = child.stdout.take().ok_or("no standard output")?;
    let (send, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    let mut said = Vec::new();
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        match lines.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => {
                let last = line.contains("Ctrl-C");
                said.push(line);
                if last {
                    return Ok((child, said));
                }
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("up did not come to serve; it said:\n{}", said.join("\n")))
}

fn stop(mut child: std::process::Child) -> Result<(), String> {
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .ok_or("no process id")?;
    rustix::process::kill_process(pid, rustix::process::Signal::INT).map_err(|e| e.to_string())?;
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            return expect(status.success(), &format!("interrupted, up ended with {status}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    Err("up did not stop within 10 s of SIGINT".to_owned())
}

/// The value of an `export NAME=value` line.
fn exported(said: &[String], name: &str) -> Result<String, String> {
    let found = said.iter().find_map(|line| {
        line.trim()
            .strip_prefix("export ")?
            .strip_prefix(name)?
            .strip_prefix('=')
    });
    found
        .map(str::to_owned)
        .ok_or_else(|| format!("no export of {name} in:\n{}", said.join("\n")))
}

fn serves(suite: &Suite) -> Result<(), String> {
    let home = folder()?;
    let (child, said) = start(suite, &home)?;
    let result = visit(&home, &said, None);
    stop(child)?;
    let (user, password) = result?;
    // The second start keeps the user and its password, and does not print it.
    let (child, again) = start(suite, &home)?;
    let result = visit(&home, &again, Some((user, password.clone())));
    stop(child)?;
    result?;
    expect(
        !again.iter().any(|line| line.contains(&password)),
        "the second start printed the password again",
    )
}

/// MIT's kinit with the printed password, then curl to the printed address.
fn visit(
    home: &tempfile::TempDir,
    said: &[String],
    known: Option<(String, String)>,
) -> Result<(String, String), String> {
    let mut env = env(home);
    for name in ["KRB5_CONFIG", "KRB5CCNAME"] {
        env = env.with(name, exported(said, name)?);
    }
    let text = said.join("\n");
    let (user, password) = match known {
        Some(known) => known,
        None => {
            let line = said
                .iter()
                .find(|line| line.contains("password"))
                .ok_or_else(|| format!("no password in:\n{text}"))?;
            let mut words = line.split_whitespace();
            let user = words
                .find(|word| word.contains('@'))
                .unwrap_or_default()
                .to_owned();
            let password = line.split_whitespace().last().unwrap_or_default().to_owned();
            (user, password)
        }
    };
    let url = said
        .iter()
        .flat_map(|line| line.split_whitespace())
        .find(|word| word.starts_with("http://localhost:"))
        .ok_or_else(|| format!("no address in:\n{text}"))?
        .to_owned();
    Program::new("/usr/bin/kinit")
        .arg(&user)
        .stdin(&format!("{password}\n"))
        .ok(&env)?;
    let page = Program::new("/usr/bin/curl")
        .args("-sS --negotiate -u : ")
        .arg(&url)
        .ok(&env)?;
    page.prints(&[&format!("You are {user}"), "HTTP/localhost@", "aes256-cts-hmac-"])?;
    Ok((user, password))
}
