//! What the process environment says, read in this one place; everything else takes values.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The environment of a Kerberos program.
///
/// An empty variable counts as unset, as it does in a shell's `${NAME:-default}`. A program with more rights than its
/// user (set-user-ID, set-group-ID, capabilities) takes no variable at all: they would choose its files and its KDC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `KRB5_CONFIG`: krb5.conf files, separated by colons.
    pub config: Option<OsString>,
    /// `KRB5_KDC_PROFILE`: kdc.conf files, separated by colons.
    pub kdc_profile: Option<OsString>,
    /// `KRB5CCNAME`: the default credential cache.
    pub ccache_name: Option<OsString>,
    /// `KRB5_KTNAME`: the default keytab of services.
    pub keytab_name: Option<OsString>,
    /// `KRB5_CLIENT_KTNAME`: the default keytab of clients.
    pub client_keytab_name: Option<OsString>,
    /// `KRB5RCACHENAME`: the default replay cache.
    pub replay_cache_name: Option<OsString>,
    /// `KRB5RCACHETYPE`: its type, where it is not named.
    pub replay_cache_type: Option<OsString>,
    /// `KRB5RCACHEDIR`, else `TMPDIR`: where the replay cache `dfl:` is.
    pub replay_cache_dir: Option<PathBuf>,
    /// `HOME`: where `.k5identity` is looked for.
    pub home: Option<PathBuf>,
    /// `TMPDIR`, or `/tmp`: what `%{TEMP}` in krb5.conf stands for.
    pub temp_dir: PathBuf,
    /// The real user id: what `%{uid}` stands for.
    pub uid: u32,
    /// The effective user id: what `%{euid}` stands for.
    pub euid: u32,
    /// The login name of the real user, from `/etc/passwd`, else `USER` or `LOGNAME`.
    pub username: Option<String>,
    /// This machine's name, in small letters.
    pub hostname: Option<String>,
}

impl Environment {
    /// Reads the environment of this process.
    #[must_use]
    pub fn from_process() -> Self {
        let uid = rustix::process::getuid().as_raw();
        Self {
            config: variable("KRB5_CONFIG"),
            kdc_profile: variable("KRB5_KDC_PROFILE"),
            ccache_name: variable("KRB5CCNAME"),
            keytab_name: variable("KRB5_KTNAME"),
            client_keytab_name: variable("KRB5_CLIENT_KTNAME"),
            replay_cache_name: variable("KRB5RCACHENAME"),
            replay_cache_type: variable("KRB5RCACHETYPE"),
            replay_cache_dir: variable("KRB5RCACHEDIR")
                .or_else(|| variable("TMPDIR"))
                .map(PathBuf::from),
            home: variable("HOME").map(PathBuf::from),
            temp_dir: variable("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
            uid,
            euid: rustix::process::geteuid().as_raw(),
            username: login_name(Path::new("/etc/passwd"), uid)
                .or_else(|| text_variable("USER"))
                .or_else(|| text_variable("LOGNAME")),
            hostname: rustix::system::uname()
                .nodename()
                .to_str()
                .ok()
                .filter(|name| !name.is_empty())
                .map(str::to_ascii_lowercase),
        }
    }

    /// A variable that a value of krb5.conf names (`ENV:NAME`).
    pub(crate) fn variable(name: &str) -> Option<String> {
        text_variable(name)
    }

    /// Whether the variables of this process choose nothing, as it was given more rights than its user has.
    pub(crate) fn ignored() -> bool {
        static IGNORED: OnceLock<bool> = OnceLock::new();
        *IGNORED.get_or_init(more_rights_than_the_user)
    }

    /// The krb5.conf files named by `KRB5_CONFIG`, else `/etc/krb5.conf`.
    #[must_use]
    pub fn config_files(&self) -> Vec<PathBuf> {
        path_list(self.config.as_deref(), "/etc/krb5.conf")
    }

    /// The folder of the replay cache `dfl:`.
    pub(crate) fn replay_cache_dir(&self) -> &Path {
        self.replay_cache_dir
            .as_deref()
            .unwrap_or_else(|| Path::new("/var/tmp"))
    }

    /// The kdc.conf files named by `KRB5_KDC_PROFILE`, else `/etc/krb5kdc/kdc.conf`.
    #[must_use]
    pub fn kdc_profile_files(&self) -> Vec<PathBuf> {
        path_list(self.kdc_profile.as_deref(), "/etc/krb5kdc/kdc.conf")
    }
}

/// `KRB5_TRACE`: where to write what is done.
pub(crate) fn trace_file() -> Option<OsString> {
    variable("KRB5_TRACE")
}

/// Whether this program was given rights that the user who started it has not: then that user's variables must not
/// choose files (secure_getenv(3)).
fn more_rights_than_the_user() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    getuid() != geteuid() || getgid() != getegid() || capabilities_from_file(Path::new("/proc/self/auxv"))
}

/// AT_SECURE of the auxiliary vector: it tells of capabilities that came from the program's file, too.
fn capabilities_from_file(auxiliary_vector: &Path) -> bool {
    const AT_SECURE: usize = 23;
    const WORD: usize = size_of::<usize>();
    match std::fs::read(auxiliary_vector) {
        Ok(bytes) => {
            let (words, _) = bytes.as_chunks::<WORD>();
            let (pairs, _) = words.as_chunks::<2>();
            pairs
                .iter()
                .any(|[kind, value]| usize::from_ne_bytes(*kind) == AT_SECURE && *value != [0; WORD])
        }
        // The kernel hides a process with more rights from its user.
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// A variable's value; none at all for a program that was given more rights than its user has.
fn variable(name: &str) -> Option<OsString> {
    if Environment::ignored() {
        return None;
    }
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn text_variable(name: &str) -> Option<String> {
    variable(name)?.into_string().ok()
}

fn path_list(value: Option<&OsStr>, default: &str) -> Vec<PathBuf> {
    match value {
        Some(list) => std::env::split_paths(list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        None => vec![PathBuf::from(default)],
    }
}

/// The login name of a user id, from a file in the form of passwd(5).
fn login_name(passwd: &Path, uid: u32) -> Option<String> {
    let text = std::fs::read(passwd).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id = fields.nth(1)?;
        (id.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    #[test]
    fn config_files_are_a_list_with_a_default() {
        let mut environment = Environment::default();
        assert_eq!(environment.config_files(), [Path::new("/etc/krb5.conf")]);
        environment.config = Some("/a/krb5.conf::b".into());
        assert_eq!(
            environment.config_files(),
            [Path::new("/a/krb5.conf"), Path::new("b")]
        );
    }

    #[test]
    fn a_program_with_more_rights_is_known_by_the_auxiliary_vector() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("auxv");
        let vector = |secure: usize| {
            let words = [6, 4096, 23, secure, 0, 0].map(usize::to_ne_bytes);
            std::fs::write(&file, words.concat()).unwrap();
            capabilities_from_file(&file)
        };
        assert!(!vector(0));
        assert!(vector(1));
        assert!(!capabilities_from_file(&dir.path().join("none")));
        assert!(!more_rights_than_the_user());
    }

    #[test]
    fn the_login_name_is_found_by_user_id() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("passwd");
        std::fs::write(
            &file,
            "root:x:0:0::/:/bin/sh\nbroken\nalice:x:1000:1000::/:/bin/sh\n",
        )
        .unwrap();
        assert_eq!(login_name(&file, 1000).as_deref(), Some("alice"));
        assert_eq!(login_name(&file, 0).as_deref(), Some("root"));
        assert_eq!(login_name(&file, 7), None);
        assert_eq!(login_name(&dir.path().join("none"), 0), None);
    }
}
