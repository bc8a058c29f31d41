//! Which cache of a collection is used for a service, as MIT's three modules choose: by `.k5identity`, by the
//! service's realm, by its host.

use std::io::Read;
use std::path::Path;

use kerbside_asn1::Principal;
use kerbside_formats::k5identity::{K5Identity, MAX_K5IDENTITY_LEN, Service};
use rustix::fs::OFlags;

use crate::config::Config;
use crate::error::Error;
use crate::names::CacheName;
use crate::store::CacheStore;
use crate::trace;

/// What was chosen for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// The principal; `None` when nothing speaks for any.
    pub principal: Option<Principal>,
    /// The cache of the collection that holds its tickets; `None` when there is none.
    pub cache: Option<CacheName>,
    /// What spoke for it.
    pub by: SelectedBy,
}

/// What spoke for a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectedBy {
    /// A line of `.k5identity`.
    K5Identity,
    /// The principal's realm is the service's.
    Realm,
    /// The service's host lies in the domain that the principal's realm is named for.
    Host,
    /// Nothing: it is the collection's primary cache.
    Primary,
}

/// Chooses among the caches of `collection`.
pub(crate) fn select(
    config: &Config,
    store: &CacheStore,
    collection: &CacheName,
    server: &Principal,
) -> Result<Selection, Error> {
    let selection = choose(config, store, collection, server)?;
    trace::selected(&selection, server);
    Ok(selection)
}

fn choose(
    config: &Config,
    store: &CacheStore,
    collection: &CacheName,
    server: &Principal,
) -> Result<Selection, Error> {
    let caches = readable(store, collection)?;
    let holder = |wanted: &dyn Fn(&Principal) -> bool| {
        caches
            .iter()
            .find(|(_, principal)| wanted(principal))
            .map(|(name, principal)| (name.clone(), principal.clone()))
    };
    if let Some(principal) = from_file(config, server) {
        return Ok(Selection {
            cache: holder(&|found| *found == principal).map(|(name, _)| name),
            principal: Some(principal),
            by: SelectedBy::K5Identity,
        });
    }
    let chosen = |(cache, principal), by| Selection {
        principal: Some(principal),
        cache: Some(cache),
        by,
    };
    // An empty realm is one that only a KDC can tell.
    if !server.realm.as_bytes().is_empty()
        && let Some(found) = holder(&|principal| principal.realm == server.realm)
    {
        return Ok(chosen(found, SelectedBy::Realm));
    }
    if let Some(found) = host(server).and_then(|host| by_host(&caches, host)) {
        return Ok(chosen(found, SelectedBy::Host));
    }
    Ok(match caches.into_iter().next() {
        Some(first) => chosen(first, SelectedBy::Primary),
        None => Selection {
            principal: None,
            cache: None,
            by: SelectedBy::Primary,
        },
    })
}

/// The caches that can be read, the primary one first, with their principals.
fn readable(store: &CacheStore, collection: &CacheName) -> Result<Vec<(CacheName, Principal)>, Error> {
    let names = store.collection(collection)?;
    Ok(names
        .into_iter()
        .filter_map(|name| {
            let principal = store.read(&name).ok()?.primary;
            Some((name, principal))
        })
        .collect())
}

/// The principal that `.k5identity` in the user's folder names.
fn from_file(config: &Config, server: &Principal) -> Option<Principal> {
    let path = config.environment().home.as_ref()?.join(".k5identity");
    let text = own_text(&path)?;
    let realm = server.realm.as_bytes();
    let service = Service {
        realm: std::str::from_utf8(realm).ok().filter(|realm| !realm.is_empty()),
        service: host(server).and_then(|_| text_of(server, 0)),
        host: host(server),
    };
    let rules = K5Identity::parse(&text);
    let name = rules.principal_for(&service)?;
    match config.parse_principal(name) {
        Ok(principal) => Some(principal),
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "a line is passed over");
            None
        }
    }
}

/// A regular file of this user or of root: whoever writes it decides as whom we act. It is opened once, so that what is
/// checked is what is read.
fn own_text(path: &Path) -> Option<String> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    // Opening a pipe must not wait for somebody at its other end. The standard library adds O_CLOEXEC.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = std::fs::File::options()
        .read(true)
        .custom_flags(i32::try_from(flags).unwrap_or(0))
        .open(path)
        .ok()?;
    let metadata = file.metadata().ok()?;
    let owner = metadata.uid();
    let limit = u64::try_from(MAX_K5IDENTITY_LEN).unwrap_or(u64::MAX);
    let fits = metadata.is_file()
        && metadata.len() <= limit
        && (owner == 0 || owner == rustix::process::geteuid().as_raw());
    if !fits {
        tracing::warn!(file = %path.display(), "neither a short file nor one of this user: passed over");
        return None;
    }
    // It may grow while it is read.
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The host of a name of two components. MIT looks at names of the host-based type alone; the type is only a hint.
fn host(server: &Principal) -> Option<&str> {
    (server.name.components.len() == 2)
        .then(|| text_of(server, 1))
        .flatten()
}

fn text_of(server: &Principal, index: usize) -> Option<&str> {
    std::str::from_utf8(server.name.components.get(index)?).ok()
}

/// The cache whose realm is the host's longest domain: EXAMPLE.COM for `www.example.com`.
fn by_host(caches: &[(CacheName, Principal)], host: &str) -> Option<(CacheName, Principal)> {
    let host = host.to_ascii_uppercase();
    let mut domain = Some(host.as_str());
    while let Some(wanted) = domain {
        let found = caches
            .iter()
            .find(|(_, principal)| principal.realm.as_bytes() == wanted.as_bytes());
        if found.is_some() {
            return found.cloned();
        }
        domain = wanted.split_once('.').map(|(_, rest)| rest);
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;
    use crate::environment::Environment;
    use kerbside_formats::ccache::CredentialCache;

    fn principal(text: &str) -> Principal {
        Principal::parse_bytes(text.as_bytes(), None).unwrap()
    }

    #[test]
    fn what_was_checked_is_what_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        assert_eq!(own_text(dir.path()), None);
        assert_eq!(own_text(&path("none")), None);
        let pipe = path("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(own_text(&pipe), None);

        std::fs::write(path("short"), "x").unwrap();
        std::fs::write(path("long"), vec![b'x'; MAX_K5IDENTITY_LEN + 1]).unwrap();
        assert_eq!(own_text(&path("short")).as_deref(), Some("x"));
        assert_eq!(own_text(&path("long")), None);
        // A name that points now to the one and now to the other.
        let end = std::time::Instant::now() + std::time::Duration::from_millis(300);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for target in ["short", "long"].into_iter().cycle() {
                    std::os::unix::fs::symlink(path(target), path("new")).unwrap();
                    std::fs::rename(path("new"), path("link")).unwrap();
                    if std::time::Instant::now() > end {
                        break;
                    }
                }
            });
            while std::time::Instant::now() < end {
                let text = own_text(&path("link"));
                assert!(text.is_none_or(|text| text == "x"));
            }
        });
    }

    #[test]
    fn file_then_realm_then_host_then_primary() {
        let home = tempfile::tempdir().unwrap();
        let conf = home.path().join("krb5.conf");
        std::fs::write(&conf, "[libdefaults]\n default_realm = R\n").unwrap();
        std::fs::write(
            home.path().join(".k5identity"),
            "mail@A.COM service=imap host=*.b.com\nnobody@A.COM host=none.b.com\n",
        )
        .unwrap();
        let config = Config::load(Environment {
            config: Some(conf.into()),
            home: Some(home.path().to_owned()),
            ..Environment::default()
        })
        .unwrap();
        let store = CacheStore::new();
        let name = |text: &str| CacheName::Memory(text.to_owned());
        let collection = name("1");
        let empty = select(&config, &store, &collection, &principal("x/y@Z")).unwrap();
        assert_eq!((empty.principal, empty.cache), (None, None));
        for (cache, owner) in [
            ("1", "first@R"),
            ("2", "alice@A.COM"),
            ("3", "mail@A.COM"),
            ("4", "bob@B.COM"),
        ] {
            store
                .initialize(&name(cache), &CredentialCache::new(principal(owner)))
                .unwrap();
        }
        for (server, cache, by) in [
            ("imap/m.b.com@B.COM", Some("3"), SelectedBy::K5Identity),
            ("HTTP/none.b.com@B.COM", None, SelectedBy::K5Identity),
            ("HTTP/m.b.com@A.COM", Some("2"), SelectedBy::Realm),
            ("HTTP/www.x.b.com@C.COM", Some("4"), SelectedBy::Host),
            ("HTTP/www.x.b.com@", Some("4"), SelectedBy::Host),
            ("HTTP/www.d.com@D.COM", Some("1"), SelectedBy::Primary),
            ("krbtgt@D.COM", Some("1"), SelectedBy::Primary),
        ] {
            let found = select(&config, &store, &collection, &principal(server)).unwrap();
            assert_eq!((found.cache, found.by), (cache.map(name), by), "{server}");
        }
    }
}
