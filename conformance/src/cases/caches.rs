//! Caches that are no files: the kernel's keys, and the cache daemons of SSSD and Heimdal. What one side wrote, the
//! other lists, uses, adds to and destroys.

use std::path::{Path, PathBuf};

use super::collections::{BOTH, login, of, same, shared};
use super::{case, expect, full_case};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::{Env, Program, Server};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for writer in BOTH {
        cases.push(case(
            &format!("caches: keyrings filled by {writer:?}, used by the other"),
            move |s| keyrings(s, writer),
        ));
        cases.push(case(
            &format!("caches: sssd-kcm filled by {writer:?}, used by the other"),
            move |s| sssd(s, writer),
        ));
        cases.push(full_case(
            &format!("caches: Heimdal's kcm filled by {writer:?}, used by the other"),
            move |s| heimdal(s, writer),
        ));
    }
    cases.push(case(
        "caches: a file that MIT's programs and ours write at the same time",
        together,
    ));
    cases.push(case(
        "caches: keyrings and daemons that are refused, alike",
        refused,
    ));
    cases
}

/// A user of whom this machine knows nothing: root may open his persistent keyring, and nobody's tickets are in it.
const STRANGER: u32 = 3_000_777;

fn keyrings(suite: &Suite, writer: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    // A session of our own: what is left in it ends with this process.
    keyutils_raw::keyctl_join_session_keyring(None).map_err(|e| format!("no new session: {e}"))?;
    let unique = std::process::id();
    for name in [
        format!("session:conform{unique}"),
        format!("user:conform{unique}"),
        format!("persistent:{STRANGER}"),
        // A name from before MIT 1.12.
        format!("conform{unique}"),
    ] {
        let env = realm.env.with("KRB5CCNAME", format!("KEYRING:{name}"));
        shared(&realm, &env, writer).map_err(|error| format!("KEYRING:{name}: {error}"))?;
    }
    // One that a program before MIT 1.12 could have made, and one cache by its whole name.
    let single = format!("KEYRING:session:other{unique}:mine");
    let env = realm.env.with("KRB5CCNAME", &single);
    login(&realm, writer, &env, "alice", PASSWORD)?;
    same(&realm, &env, "klist", "")?.prints(&[&single])?;
    same(&realm, &env, "klist", "-l")?;
    for side in BOTH {
        of(&realm, side, "kvno").args("HTTP/localhost").ok(&env)?;
    }
    of(&realm, writer, "kdestroy").ok(&env)?;
    same(&realm, &env, "klist", "")?;
    Ok(())
}

fn sssd(suite: &Suite, writer: Side) -> Result<(), String> {
    let daemon = Sssd::start()?;
    with_daemon(suite, writer, &daemon.socket)
}

fn heimdal(suite: &Suite, writer: Side) -> Result<(), String> {
    let daemon = Heimdal::start()?;
    with_daemon(suite, writer, &daemon.socket)
}

fn with_daemon(suite: &Suite, writer: Side, socket: &Path) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let conf = realm.path("kcm.conf");
    std::fs::write(
        &conf,
        format!("[libdefaults]\n  kcm_socket = {}\n", socket.display()),
    )
    .map_err(|e| e.to_string())?;
    let files = format!("{}:{}", conf.display(), realm.path("krb5.conf").display());
    let env = realm.env.with("KRB5_CONFIG", files);
    let single = env.with("KRB5CCNAME", "KCM:0:mine");
    let env = env.with("KRB5CCNAME", "KCM:");
    shared(&realm, &env, writer)?;
    // One cache by its name, which is a collection of one.
    let env = single;
    login(&realm, writer, &env, "alice", PASSWORD)?;
    same(&realm, &env, "klist", "")?.prints(&["KCM:0:mine"])?;
    let listing = same(&realm, &env, "klist", "-l")?;
    expect(listing.stdout.lines().count() == 3, "one cache is listed")?;
    for side in BOTH {
        of(&realm, side, "kvno").args("HTTP/localhost").ok(&env)?;
        of(&realm, side, "kvno")
            .args("--cached-only HTTP/localhost")
            .ok(&env)?;
    }
    of(&realm, writer, "kdestroy").ok(&env)?;
    same(&realm, &env, "klist", "")?;
    Ok(())
}

/// Each side adds twenty tickets to one file, and both read it all along: no ticket is lost, nothing is ever damaged.
fn together(suite: &Suite) -> Result<(), String> {
    const EACH: usize = 20;
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let names =
        |side: Side| (0..EACH).map(move |number| format!("{side:?}{number}/localhost").to_lowercase());
    let all = || BOTH.into_iter().flat_map(names);
    let lines: String = all().map(|name| format!("addprinc -randkey {name}\n")).collect();
    realm
        .mit("kadmin.local")
        .args("-r CONFORM.TEST")
        .stdin(&lines)
        .ok(&realm.env)?;
    let env = &realm.env;
    login(&realm, Side::Mit, env, "alice", PASSWORD)?;
    let realm = &realm;
    let add = |side: Side| -> Result<(), String> {
        for name in names(side) {
            of(realm, side, "kvno").args(&name).ok(env)?;
        }
        Ok(())
    };
    let (running, stop) = (
        &std::sync::atomic::AtomicBool::new(true),
        std::sync::atomic::Ordering::SeqCst,
    );
    let read = |side: Side| -> Result<(), String> {
        while running.load(stop) {
            of(realm, side, "klist").ok(env)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let readers = BOTH.map(|side| scope.spawn(move || read(side)));
        let writers = BOTH.map(|side| scope.spawn(move || add(side)));
        let mut results: Vec<_> = writers.into_iter().map(|thread| thread.join()).collect();
        running.store(false, stop);
        results.extend(readers.into_iter().map(|thread| thread.join()));
        results
            .into_iter()
            .try_for_each(|result| result.map_err(|_| "a panic".to_owned())?)
    })?;
    let listing = same(realm, env, "klist", "")?;
    let missing: Vec<String> = all()
        .filter(|name| !listing.stdout.contains(name.as_str()))
        .collect();
    expect(missing.is_empty(), &format!("lost: {missing:?}"))
}

fn refused(suite: &Suite) -> Result<(), String> {
    let options = Options {
        libdefaults: "kcm_socket = /nowhere/kcm-socket",
        ..Options::new(Side::Mit)
    };
    let realm = Realm::start(&suite.bin, &options)?;
    keyutils_raw::keyctl_join_session_keyring(None).map_err(|e| format!("no new session: {e}"))?;
    for (name, words) in [
        ("KCM:", "No KCM server found"),
        ("KCM:0", "No KCM server found"),
        ("KEYRING:group:x", "Invalid keyring anchor name"),
        (
            "KEYRING:persistent:alice",
            "Invalid UID in persistent keyring name",
        ),
        ("KEYRING:session:nothing", "not found"),
        ("NONESUCH:x", "Unknown credential cache type"),
    ] {
        let env = realm.env.with("KRB5CCNAME", name);
        same(&realm, &env, "klist", "")?;
        for side in BOTH {
            of(&realm, side, "klist").fails(&env)?.complains(&[words])?;
        }
        if !name.ends_with("nothing") {
            for (program, args) in [("kinit", "-k HTTP/localhost"), ("kdestroy", "-q")] {
                for side in BOTH {
                    of(&realm, side, program).args(args).run(&env).and_then(|ended| {
                        if program == "kinit" {
                            expect(ended.code == Some(1), &format!("{name}: {ended}"))?;
                            ended.complains(&[words])?;
                        }
                        Ok(())
                    })?;
                }
            }
        }
    }
    // One cache of a collection takes no second principal.
    let env = realm.env.with("KRB5CCNAME", "KEYRING:session:x:y");
    login(&realm, Side::Ours, &env, "alice", PASSWORD)?;
    for side in BOTH {
        of(&realm, side, "kinit")
            .args("bob")
            .stdin("Passw0rd-bob\n")
            .fails(&env)?
            .complains(&["Can't create new subsidiary cache"])?;
    }
    Ok(())
}

/// SSSD's cache daemon, with its database, configuration and socket in a folder of its own.
pub(super) struct Sssd {
    pub(super) socket: PathBuf,
    _server: Server,
    _dir: tempfile::TempDir,
}

/// SSSD has no options for its folders: they are replaced in a mount namespace of its own.
const SSSD: &str = r#"set -e
dir=$0
mount --make-rprivate /
mkdir -p "$dir/etc/conf.d" "$dir/lib/db" "$dir/lib/secrets" "$dir/lib/pipes/private" "$dir/lib/mc" "$dir/log"
printf '[sssd]\nservices =\ndomains =\n[kcm]\nsocket_path = %s\nresponder_idle_timeout = 0\n' \
  "$dir/socket" > "$dir/etc/sssd.conf"
chmod 600 "$dir/etc/sssd.conf"
mount --bind "$dir/etc" /etc/sssd
mount --bind "$dir/lib" /var/lib/sss
mount --bind "$dir/log" /var/log/sssd
/usr/sbin/sssd --genconf-section=kcm
exec /usr/libexec/sssd/sssd_kcm --uid 0 --gid 0 --logger=files
"#;

impl Sssd {
    pub(super) fn start() -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let socket = dir.path().join("socket");
        let program = Program::new("/usr/bin/unshare")
            .args("--mount /bin/sh -c")
            .arg(SSSD)
            .arg(dir.path());
        let server = Server::start("sssd_kcm", &program, &Env::default(), &|| answers(&socket))?;
        Ok(Self {
            socket,
            _server: server,
            _dir: dir,
        })
    }
}

fn answers(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

/// Heimdal's cache daemon, unpacked beside MIT's packages, which it conflicts with.
struct Heimdal {
    socket: PathBuf,
    _server: Server,
    _dir: tempfile::TempDir,
}

/// Heimdal listens in /run whatever its options say.
const HEIMDAL: &str = r#"set -e
dir=$0
root=$1
mount --make-rprivate /
mkdir -p "$dir/run"
: > "$dir/empty.conf"
mount --bind "$dir/run" /run
libraries=$(dirname "$(find "$root/usr/lib" -name 'libkrb5.so.26*' | head -n 1)")
export LD_LIBRARY_PATH="$libraries:$libraries/heimdal"
exec "$root/usr/sbin/kcm" -c "$dir/empty.conf"
"#;

impl Heimdal {
    fn start() -> Result<Self, String> {
        let root = crate::heimdal::root()?;
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let socket = dir.path().join("run/.heim_org.h5l.kcm-socket");
        let program = Program::new("/usr/bin/unshare")
            .args("--mount /bin/sh -c")
            .arg(HEIMDAL)
            .arg(dir.path())
            .arg(root);
        let server = Server::start("kcm", &program, &Env::default(), &|| answers(&socket))?;
        Ok(Self {
            socket,
            _server: server,
            _dir: dir,
        })
    }
}
