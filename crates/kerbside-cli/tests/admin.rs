//! kdb5_util, kadmin.local and krb5kdc as processes: what they print, with what they exit, and what
//! is left of a realm after kill -9.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is the test's failure"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A folder with a realm's configuration; programs run in its environment.
struct Home {
    folder: tempfile::TempDir,
    port: u16,
}

#[derive(Debug, PartialEq, Eq)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn ok(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:#?}");
        &self.stdout
    }
}

fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Home {
    fn new() -> Home {
        let home = Home {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
        };
        let folder = home.folder.path().display();
        let port = home.port;
        home.write(
            "krb5.conf",
            &format!(
                "[libdefaults]\n default_realm = EXAMPLE.TEST\n dns_lookup_kdc = false\n\
                 [realms]\n EXAMPLE.TEST = {{\n  kdc = 127.0.0.1:{port}\n }}\n"
            ),
        );
        home.write(
            "kdc.conf",
            &format!(
                "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n\
                 [realms]\n EXAMPLE.TEST = {{\n  database_name = {folder}/principal\n\
                 key_stash_file = {folder}/stash\n }}\n[logging]\n kdc = FILE:{folder}/kdc.log\n"
            ),
        );
        home
    }

    /// With a database and its stash.
    fn created() -> Home {
        let home = Home::new();
        home.run("kdb5_util", &["create", "-s", "-P", "master"], "").ok();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerbside"));
        command
            .arg(program)
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TZ", "UTC")
            .env("USER", "tester")
            .env("KRB5_CONFIG", self.path("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.path("kdc.conf"))
            .env("KRB5CCNAME", self.path("cc"));
        command
    }

    fn run(&self, program: &str, args: &[&str], input: &str) -> Run {
        let mut child = self
            .command(program, args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let here = self.folder.path().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&here, "HERE");
        Run {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// One query of kadmin.local; its output without the line that every one begins with.
    fn query(&self, query: &str, input: &str) -> Run {
        let mut run = self.run("kadmin.local", &["-q", query], input);
        let greeting = "Authenticating as principal tester/admin@EXAMPLE.TEST with password.\n";
        run.stdout = run.stdout.strip_prefix(greeting).expect(&run.stdout).to_owned();
        run
    }

    fn start_kdc(&self) -> Kdc {
        let mut child = self
            .command("krb5kdc", &["-n"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "krb5kdc: starting...\n");
        Kdc(child)
    }
}

/// A running krb5kdc; killed when dropped.
struct Kdc(Child);

impl Kdc {
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn terminate(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Kdc {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_realm_is_made_as_the_walkthrough_types_it() {
    let home = Home::new();
    let created = home.run(
        "kdb5_util",
        &["-r", "EXAMPLE.TEST", "create", "-s"],
        "master\nmaster\n",
    );
    assert_eq!(
        created.ok(),
        "Initializing database 'HERE/principal' for realm 'EXAMPLE.TEST',\n\
         master key name 'K/M@EXAMPLE.TEST'\n\
         You will be prompted for the database Master Password.\n\
         It is important that you NOT FORGET this password.\n\
         Enter KDC database master key: \nRe-enter KDC database master key to verify: \n"
    );
    for name in ["principal", "stash"] {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(
            home.path(name).metadata().unwrap().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
    let admin = home.query("addprinc admin/host", "secret\nsecret\n");
    assert_eq!(
        admin,
        Run {
            code: Some(0),
            stdout: "Enter password for principal \"admin/host@EXAMPLE.TEST\": \n\
                     Re-enter password for principal \"admin/host@EXAMPLE.TEST\": \n\
                     Principal \"admin/host@EXAMPLE.TEST\" created.\n"
                .to_owned(),
            stderr: "No policy specified for admin/host@EXAMPLE.TEST; defaulting to no policy\n".to_owned(),
        }
    );
    let prompt = home.run(
        "kadmin.local",
        &["-r", "EXAMPLE.TEST"],
        "addprinc -randkey HTTP/host\nktadd -k HTTP_host.keytab -norandkey HTTP/host@EXAMPLE.TEST\n\
         addprinc user\nuserpw\nuserpw\nquit\n",
    );
    assert_eq!(prompt.code, Some(0));
    let mut expected = String::from(
        "Authenticating as principal tester/admin@EXAMPLE.TEST with password.\n\
         kadmin.local:  addprinc -randkey HTTP/host\n\
         Principal \"HTTP/host@EXAMPLE.TEST\" created.\n\
         kadmin.local:  ktadd -k HTTP_host.keytab -norandkey HTTP/host@EXAMPLE.TEST\n",
    );
    for enctype in [
        "aes256-cts-hmac-sha384-192",
        "aes128-cts-hmac-sha256-128",
        "aes256-cts-hmac-sha1-96",
        "aes128-cts-hmac-sha1-96",
    ] {
        writeln!(
            expected,
            "Entry for principal HTTP/host@EXAMPLE.TEST with kvno 1, encryption type {enctype} added to keytab \
             WRFILE:HTTP_host.keytab."
        )
        .unwrap();
    }
    expected.push_str(
        "kadmin.local:  addprinc user\n\
         Enter password for principal \"user@EXAMPLE.TEST\": \n\
         Re-enter password for principal \"user@EXAMPLE.TEST\": \n\
         Principal \"user@EXAMPLE.TEST\" created.\n\
         kadmin.local:  quit\n",
    );
    assert_eq!(prompt.stdout, expected);
    assert_eq!(
        home.query("listprincs", "").ok(),
        "HTTP/host@EXAMPLE.TEST\nK/M@EXAMPLE.TEST\nadmin/host@EXAMPLE.TEST\nkadmin/admin@EXAMPLE.TEST\n\
         kadmin/changepw@EXAMPLE.TEST\nkrbtgt/EXAMPLE.TEST@EXAMPLE.TEST\nuser@EXAMPLE.TEST\n"
    );
}

#[test]
fn refusals_of_kadmin_local_are_worded_and_exit_as_mits() {
    let home = Home::created();
    home.query("addprinc -pw x -clearpolicy alice", "").ok();
    let policy =
        |name: &str| format!("No policy specified for {name}@EXAMPLE.TEST; defaulting to no policy\n");
    let overlong = "x".repeat(4097);
    for (query, input, stderr) in [
        (
            "getprinc nobody",
            "",
            "get_principal: Principal does not exist while retrieving \"nobody@EXAMPLE.TEST\".\n",
        ),
        (
            "addprinc -clearpolicy -pw x alice",
            "",
            "add_principal: Principal or policy already exists while creating \"alice@EXAMPLE.TEST\".\n",
        ),
        (
            "addprinc -clearpolicy bob",
            "one\ntwo\n",
            "add_principal: Password mismatch while reading password for \"bob@EXAMPLE.TEST\".\n",
        ),
        (
            "addprinc -clearpolicy bob",
            "\n\n",
            "add_principal: Empty passwords are not allowed while creating \"bob@EXAMPLE.TEST\".\n",
        ),
        (
            &format!("addprinc -clearpolicy -pw {overlong} bob"),
            "",
            "add_principal: Password is too long: at most 4096 bytes are taken while creating \"bob@EXAMPLE.TEST\".\n",
        ),
        (
            "addprinc -policy strict bob",
            "",
            "add_principal: -policy strict: policies are not built yet\n",
        ),
        (
            "cpw -pw x nobody",
            "",
            "change_password: Principal does not exist while changing password for \"nobody@EXAMPLE.TEST\".\n",
        ),
        (
            "cpw -randkey nobody",
            "",
            "change_password: Principal does not exist while randomizing key for \"nobody@EXAMPLE.TEST\".\n",
        ),
        (
            "cpw",
            "",
            "change_password: missing principal name\n\
             usage: change_password [-randkey] [-keepold] [-e keysaltlist] [-pw password] principal\n",
        ),
        (
            "modprinc +needchange nobody",
            "",
            "modify_principal: Principal does not exist while getting \"nobody@EXAMPLE.TEST\".\n",
        ),
        (
            "delprinc -force nobody",
            "",
            "delete_principal: Principal does not exist while deleting principal \"nobody@EXAMPLE.TEST\"\n",
        ),
        (
            "delprinc -force K/M",
            "",
            "delete_principal: Cannot change protected principal while deleting principal \"K/M@EXAMPLE.TEST\"\n",
        ),
        (
            "ktadd -k new.keytab nobody",
            "",
            "kadmin.local: Principal nobody does not exist.\n",
        ),
        (
            "ktrem -k none.keytab alice",
            "",
            "kadmin.local: Keytab WRFILE:none.keytab does not exist.\n",
        ),
        ("addpol strict", "", "add_policy: not built yet\n"),
        (
            "getprinc \"a b",
            "",
            "kadmin.local: Unbalanced quotes in command line\n",
        ),
    ] {
        let run = home.query(query, input);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), stderr), "{query}");
    }
    assert!(
        !home.path("new.keytab").exists(),
        "no keytab for a principal that does not exist"
    );
    let unknown = home.query("frob", "");
    assert_eq!(
        (unknown.code, unknown.stderr.as_str()),
        (
            Some(1),
            "kadmin.local: Unknown request \"frob\".  Type \"?\" for a request list.\n"
        )
    );
    let silent = home.query("addprinc -pw x bob", "");
    assert_eq!(silent.stderr, policy("bob"));

    // As words of the command line: no remarks, no questions, and an exit code.
    assert_eq!(
        home.run("kadmin.local", &["addprinc", "-pw", "x", "carol"], "")
            .ok(),
        ""
    );
    assert_eq!(home.run("kadmin.local", &["delprinc", "carol"], "").ok(), "");
    let failed = home.run("kadmin.local", &["getprinc", "carol"], "");
    assert_eq!(failed.code, Some(1));
    let failed = home.run("kadmin.local", &["frob"], "");
    assert_eq!(
        (failed.code, failed.stderr.as_str()),
        (Some(1), "kadmin.local: Command not found frob\n")
    );

    let kept = home.query("delprinc alice", "no\n");
    assert_eq!(
        kept.stdout,
        "Are you sure you want to delete the principal \"alice@EXAMPLE.TEST\"? (yes/no): "
    );
    assert_eq!(kept.stderr, "Principal \"alice@EXAMPLE.TEST\" not deleted\n");
    assert_eq!(
        home.query("delprinc alice", "yes\n").ok(),
        "Are you sure you want to delete the principal \"alice@EXAMPLE.TEST\"? (yes/no): \
         Principal \"alice@EXAMPLE.TEST\" deleted.\n\
         Make sure that you have removed this principal from all ACLs before reusing.\n"
    );
}

#[test]
fn what_is_there_is_never_overwritten() {
    let home = Home::created();
    let initializing = "Initializing database 'HERE/principal' for realm 'EXAMPLE.TEST',\n\
                        master key name 'K/M@EXAMPLE.TEST'\n";
    let refused = |error: &str| Run {
        code: Some(1),
        stdout: initializing.to_owned(),
        stderr: error.to_owned(),
    };
    let before = std::fs::read(home.path("principal")).unwrap();
    assert_eq!(
        home.run("kdb5_util", &["create", "-P", "x"], ""),
        refused(
            "kdb5_util: error: HERE/principal already exists and is left as it is\n  \
             it is the database of EXAMPLE.TEST\n\
             kdb5_util: hint: remove it with `kdb5_util destroy` if it is no longer needed, or give another name with -d\n"
        )
    );
    assert_eq!(std::fs::read(home.path("principal")).unwrap(), before);

    std::fs::remove_file(home.path("principal")).unwrap();
    assert_eq!(
        home.run("kdb5_util", &["create", "-s", "-P", "x"], ""),
        refused(
            "kdb5_util: error: the stash file HERE/stash already exists and is left as it is\n\
             kdb5_util: hint: it may be the only copy of another database's master key: move it away, or name another \
             with -sf\n"
        )
    );
    assert!(
        !home.path("principal").exists(),
        "and no database without its stash"
    );

    // A database of MIT krb5 in our place: every program leaves it as it is.
    let foreign = b"\x00\x06\x15\x61\x00\x00\x00\x02\x00\x00\x04\xd2\x00\x00\x10\x00 and so on";
    std::fs::write(home.path("principal"), foreign).unwrap();
    let cause = "HERE/principal is not a kerbside database: expected one, but found a Berkeley DB file, as MIT krb5 writes";
    let hint = "it was left untouched; give another database_name in kdc.conf, or move the file away";
    for (program, args) in [
        ("kadmin.local", &["-q", "addprinc -pw x alice"][..]),
        ("krb5kdc", &["-n"]),
        ("kdb5_util", &["destroy", "-f"]),
    ] {
        let run = home.run(program, args, "");
        assert_eq!(run.code, Some(1), "{program}");
        assert_eq!(
            run.stderr,
            format!("{program}: error: {cause}\n{program}: hint: {hint}\n")
        );
    }
    let run = home.run("kdb5_util", &["create", "-P", "x"], "");
    assert!(
        run.stderr
            .contains("not a kerbside database, but a Berkeley DB file"),
        "{}",
        run.stderr
    );
    assert_eq!(std::fs::read(home.path("principal")).unwrap(), foreign);

    // A keytab that is none.
    let other = Home::created();
    other.write("precious.keytab", "not a keytab at all");
    other.query("addprinc -randkey -clearpolicy HTTP/host", "").ok();
    let run = other.query("ktadd -k precious.keytab HTTP/host", "");
    assert!(
        run.stderr
            .starts_with("kadmin.local: error: Unsupported key table format version number"),
        "{run:?}"
    );
    assert_eq!(
        std::fs::read(other.path("precious.keytab")).unwrap(),
        b"not a keytab at all"
    );
    let shown = other.query("getprinc HTTP/host", "");
    assert!(
        shown.ok().contains("Key: vno 1,"),
        "the keys were not changed for a keytab that takes none"
    );
}

#[test]
fn a_key_is_not_changed_when_its_keytab_cannot_be_written() {
    let home = Home::created();
    let _kdc = home.start_kdc();
    home.query("addprinc -randkey HTTP/host", "");
    // No file of this process may grow, as on a full disk; the database is the KDC's.
    let program = home.command("kadmin.local", &["-q", "ktadd -k service.keytab HTTP/host"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(home.folder.path())
        .env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let output = shell.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("WRFILE:service.keytab: cannot write: "), "{said}");
    assert!(!home.path("service.keytab").exists());
    let facts = home.query("getprinc HTTP/host", "").stdout;
    assert!(
        facts.contains("Key: vno 1, ") && !facts.contains("Key: vno 2, "),
        "{facts}"
    );
}

#[test]
fn what_is_wrong_with_a_realm_is_said_with_its_evidence() {
    let home = Home::created();
    let stderr = |program: &str, args: &[&str]| {
        let run = home.run(program, args, "");
        assert_eq!(run.code, Some(1), "{run:?}");
        run.stderr
    };
    assert_eq!(
        stderr("krb5kdc", &["-n", "-r", "OTHER.TEST", "-d", "principal"]),
        "krb5kdc: error: the database principal belongs to realm EXAMPLE.TEST, expected OTHER.TEST\n\
         krb5kdc: hint: say -r EXAMPLE.TEST, or name this realm's own database in kdc.conf\n"
    );
    assert_eq!(
        stderr("kadmin.local", &["-d", "nowhere", "-q", "listprincs"]),
        "kadmin.local: error: there is no database at nowhere\n\
         kadmin.local: hint: create it with `kdb5_util create -s`, or check database_name in kdc.conf and \
         KRB5_KDC_PROFILE\n"
    );
    let taken = TcpListener::bind(("127.0.0.1", home.port)).unwrap();
    assert_eq!(
        stderr("krb5kdc", &["-n"]),
        format!(
            "krb5kdc: error: cannot listen on 127.0.0.1:{port} (TCP): the port is taken\n\
             krb5kdc: hint: see who listens with `ss -lnp 'sport = :{port}'`, or change kdc_listen in kdc.conf\n",
            port = home.port
        )
    );
    drop(taken);
    std::fs::rename(home.path("stash"), home.path("hidden")).unwrap();
    for (program, args) in [("krb5kdc", &["-n"][..]), ("kadmin.local", &["listprincs"])] {
        assert_eq!(
            stderr(program, args),
            format!(
                "{program}: error: the stash file HERE/stash: it cannot be read: No such file or directory (os error 2)\n\
                 {program}: hint: write it again with `kdb5_util -m stash`, or check key_stash_file in kdc.conf\n"
            )
        );
    }
    // The master password does as well, and only the right one.
    assert_eq!(
        home.run("kadmin.local", &["-m", "listprincs", "krbtgt*"], "master\n")
            .ok(),
        "Enter KDC database master key: \nkrbtgt/EXAMPLE.TEST@EXAMPLE.TEST\n"
    );
    let wrong = home.run("kadmin.local", &["-m", "listprincs"], "mistress\n");
    assert_eq!(
        wrong.stderr,
        "kadmin.local: error: the master key of the typed password does not open the database HERE/principal\n\
         kadmin.local: hint: the stash file and the database must come from the same `kdb5_util create`; check \
         key_stash_file in kdc.conf\n"
    );
    home.run("kdb5_util", &["-m", "stash"], "master\n").ok();
    assert_eq!(
        std::fs::read(home.path("stash")).unwrap().len(),
        std::fs::read(home.path("hidden")).unwrap().len()
    );
    home.run("kadmin.local", &["listprincs"], "").ok();

    home.write("kdc.conf", "[realms]\n EXAMPLE.TEST = {\n  max_life = soon\n }\n");
    let run = home.run("krb5kdc", &["-n"], "");
    assert!(
        run.stderr.contains("kdc.conf") && run.stderr.contains('3'),
        "file and line: {}",
        run.stderr
    );
    home.write("krb5.conf", "[libdefaults]\n");
    home.write("kdc.conf", "");
    let run = home.run("krb5kdc", &["-n"], "");
    assert_eq!(
        run.stderr,
        "krb5kdc: error: no realm is named\n  HERE/kdc.conf: no default_realm in it\n  \
         HERE/krb5.conf: no default_realm in it\n\
         krb5kdc: hint: say -r REALM, or set default_realm in the [libdefaults] of krb5.conf\n"
    );
}

#[test]
fn a_running_kdc_sees_each_change_at_its_next_request() {
    let home = Home::created();
    let kdc = home.start_kdc();
    let login = |password: &str| home.run("kinit", &["alice"], &format!("{password}\n")).code;
    assert_eq!(login("secret"), Some(1));
    home.query("addprinc -clearpolicy -pw secret alice", "").ok();
    assert_eq!(login("secret"), Some(0));
    home.query("cpw -pw changed alice", "").ok();
    assert_eq!(login("secret"), Some(1));
    assert_eq!(login("changed"), Some(0));
    home.query("ktadd -k alice.keytab -q alice", "").ok();
    assert_eq!(login("changed"), Some(1));
    let by_keytab = home.run("kinit", &["-k", "-t", "alice.keytab", "alice"], "");
    assert_eq!(by_keytab.code, Some(0), "{by_keytab:?}");
    home.query("modprinc -allow_tix alice", "").ok();
    assert_eq!(
        home.run("kinit", &["-k", "-t", "alice.keytab", "alice"], "").code,
        Some(1)
    );
    // A prompt open since before sees the same database.
    let shown = home.query("getprinc alice", "");
    assert!(shown.ok().contains("Attributes: DISALLOW_ALL_TIX\n"));
    assert!(shown.stdout.contains("Failed password attempts: "));
    let log = std::fs::read_to_string(home.path("kdc.log")).unwrap();
    assert!(
        log.contains("ISSUE: authtime") && log.contains("alice@EXAMPLE.TEST for krbtgt/"),
        "{log}"
    );

    let second = home.run("krb5kdc", &["-n"], "");
    assert_eq!(
        second.stderr,
        "krb5kdc: error: the database HERE/principal is in use by another process\n  \
         a KDC answers on HERE/principal.sock\n\
         krb5kdc: hint: that KDC serves this realm already; stop it first\n"
    );
    let destroyed = home.run("kdb5_util", &["destroy", "-f"], "");
    assert_eq!(destroyed.code, Some(1));
    assert_eq!(kdc.terminate(), Some(0), "a clean stop");
    assert!(!home.path("principal.sock").exists());
    assert!(home.query("getprinc alice", "").ok().contains("DISALLOW_ALL_TIX"));
    assert_eq!(
        home.run("kdb5_util", &["destroy"], "yes\n").ok(),
        "Deleting KDC database stored in 'HERE/principal', are you sure?\n(type 'yes' to confirm)? \
         OK, deleting database 'HERE/principal'...\n** Database 'HERE/principal' destroyed.\n"
    );
    assert!(!home.path("principal").exists() && !home.path("stash").exists());
}

#[test]
fn a_kdc_starts_in_the_middle_of_a_long_script() {
    let home = Home::created();
    let mut script = home
        .command("kadmin.local", &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = script.stdin.take().unwrap();
    let (begun, begins) = std::sync::mpsc::channel();
    let output = BufReader::new(script.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let created = output.lines().map_while(Result::ok);
        let created = created.filter(|line| line.ends_with(" created."));
        created.inspect(|_| begun.send(()).unwrap_or(())).count()
    });
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let (started, starts) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let mut asked = 0;
        // More than the program's buffer holds, so that it never has to wait for input.
        while !stopping.load(Ordering::SeqCst) {
            writeln!(input, "addprinc -nokey p{asked}").unwrap();
            asked += 1;
            if asked > 600 {
                begins.recv().unwrap();
                let _ = started.send(());
            }
        }
        asked
    });
    starts.recv().unwrap();
    // Held by the script for a while at most.
    let _kdc = home.start_kdc();
    stop.store(true, Ordering::SeqCst);
    let asked = writer.join().unwrap();
    assert_eq!(reader.join().unwrap(), asked);
    assert_eq!(script.wait().unwrap().code(), Some(0));
    // A prompt that waits holds nothing, with the KDC or without it.
    let listed = home.run("kadmin.local", &["listprincs", "p*"], "");
    assert_eq!(listed.ok().lines().count(), asked);
}

#[test]
fn a_prompt_left_open_holds_nothing() {
    let home = Home::created();
    let mut prompt = home
        .command("kadmin.local", &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = prompt.stdin.take().unwrap();
    input.write_all(b"addprinc -nokey p\n").unwrap();
    let mut lines = BufReader::new(prompt.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with(" created.")));
    home.start_kdc().terminate();
    drop(input);
    prompt.wait().unwrap();
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let home = Home::created();
    let mut acknowledged = BTreeSet::new();
    for round in 0..4 {
        let kdc = home.start_kdc();
        // Several administrators at once, killed in the middle of their work.
        let mut prompts: Vec<Child> = (0..3)
            .map(|writer| {
                let mut script = String::new();
                for number in 0..400 {
                    writeln!(script, "addprinc -nokey -clearpolicy u{round}-{writer}-{number}").unwrap();
                }
                let mut child = home
                    .command("kadmin.local", &[])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                let mut input = child.stdin.take().unwrap();
                // Ends by a broken pipe when the session is given up.
                std::thread::spawn(move || input.write_all(script.as_bytes()));
                child
            })
            .collect();
        let readers: Vec<_> = prompts
            .iter_mut()
            .map(|child| {
                let output = child.stdout.take().unwrap();
                std::thread::spawn(move || {
                    let lines = BufReader::new(output).lines().map_while(Result::ok);
                    lines
                        .filter_map(|line| {
                            Some(line.strip_suffix("\" created.")?.split_once('"')?.1.to_owned())
                        })
                        .collect()
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(60 + 40 * round));
        kdc.kill();
        for child in &mut prompts {
            let _ = child.kill();
            let _ = child.wait();
        }
        for reader in readers {
            let created: Vec<String> = reader.join().unwrap();
            acknowledged.extend(created);
        }
        // The next program finds it whole: the lock is gone with its holder, the old socket is no obstacle.
        let present: BTreeSet<String> = home
            .query("listprincs u*", "")
            .ok()
            .lines()
            .map(str::to_owned)
            .collect();
        let lost: Vec<_> = acknowledged.difference(&present).collect();
        assert!(lost.is_empty(), "lost after kill -9: {lost:?}");
    }
    assert!(
        acknowledged.len() > 20,
        "only {} changes were made",
        acknowledged.len()
    );
    assert_eq!(home.start_kdc().terminate(), Some(0));
}

#[test]
fn a_kdc_goes_to_the_background_and_writes_its_pid() {
    let home = Home::created();
    let run = home.run("krb5kdc", &["-P", "kdc.pid", "-w", "2"], "");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(0), "krb5kdc: starting...\n")
    );
    let pid: i32 = std::fs::read_to_string(home.path("kdc.pid"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    home.query("addprinc -clearpolicy -pw secret alice", "").ok();
    assert_eq!(home.run("kinit", &["alice"], "secret\n").code, Some(0));
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let give_up = Instant::now() + Duration::from_secs(10);
    while home.path("kdc.pid").exists() {
        assert!(Instant::now() < give_up, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    // What keeps one in the background from starting is said in the foreground.
    let taken = UdpSocket::bind(("127.0.0.1", home.port)).unwrap();
    let run = home.run("krb5kdc", &[], "");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("(UDP): the port is taken"), "{}", run.stderr);
    drop(taken);
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let home = Home::created();
    for (program, args, stderr) in [
        (
            "kdb5_util",
            &["dump", "file"][..],
            "kdb5_util: error: dump is not built yet\n",
        ),
        (
            "kdb5_util",
            &["add_mkey"],
            "kdb5_util: error: add_mkey is not built yet\n",
        ),
        (
            "krb5kdc",
            &["-n", "-r", "A", "-r", "B"],
            "krb5kdc: error: -r twice: several realms in one krb5kdc are not built yet\n\
             krb5kdc: hint: start one krb5kdc for each realm\n",
        ),
        (
            "krb5kdc",
            &["-n", "-T", "60"],
            "krb5kdc: error: -T: a time offset is not built yet\n",
        ),
        (
            "kadmin.local",
            &["-k", "-q", "listprincs"],
            "kadmin.local: error: -k is an option of kadmin, which is not built yet\n\
             kadmin.local: hint: kadmin.local works on the database directly and logs in nowhere\n",
        ),
    ] {
        let run = home.run(program, args, "");
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(1), stderr),
            "{program} {args:?}"
        );
    }
    assert!(Path::new(&home.path("principal")).exists());
}
