//! krb5.conf as its relations mean it: a typed view over a [`Profile`], with MIT's defaults.
//!
//! Every documented relation is typed, used by this workspace or not; all others stay reachable through
//! [`profile`](Krb5Conf::profile), and [`spelling`] lists them. Meaning and defaults: MIT
//! krb5.conf(5).

pub(crate) mod libdefaults;
pub(crate) mod realm;
pub(crate) mod sections;

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

pub use libdefaults::{DnsCanonicalize, LibDefaults, SpakeGroup};
pub use realm::{RealmConf, UnusableServer};
pub use sections::{CaPath, PluginConf};

use crate::pkinit_conf::PkinitConf;
use crate::profile::{Loader, Profile, ProfileError};
use crate::relations::Place;
use crate::spelling::{self, Misspelling};

/// A krb5.conf, or several put together.
#[derive(Debug, Clone)]
pub struct Krb5Conf {
    /// `[libdefaults]`
    pub libdefaults: LibDefaults,
    profile: Profile,
}

impl Krb5Conf {
    /// Reads the typed relations out of `profile`.
    ///
    /// # Errors
    /// A value in `[libdefaults]` that is not of its relation's kind, with file and line.
    pub fn from_profile(profile: Profile) -> Result<Self, ProfileError> {
        let libdefaults = LibDefaults::of(&profile, None)?;
        Ok(Self { libdefaults, profile })
    }

    /// Parses one file; `name` is used in errors.
    ///
    /// # Errors
    /// As [`Profile::parse_with`] and [`from_profile`](Self::from_profile).
    pub fn parse(text: impl AsRef<[u8]>, name: &str, loader: &mut dyn Loader) -> Result<Self, ProfileError> {
        Self::from_profile(Profile::parse_with(text, name, loader)?)
    }

    /// The profile with every relation, typed or not.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// `default_realm`
    pub fn default_realm(&self) -> Option<&str> {
        self.libdefaults.default_realm.as_deref()
    }

    /// `[libdefaults]` as it stands for clients of `realm`: a subsection named after the realm goes
    /// first for the relations that shape initial requests.
    ///
    /// # Errors
    /// As [`from_profile`](Self::from_profile).
    pub fn libdefaults_for(&self, realm: &str) -> Result<LibDefaults, ProfileError> {
        LibDefaults::of(&self.profile, Some(realm))
    }

    /// The realms that have a subsection in `[realms]`, in order.
    pub fn realm_names(&self) -> impl Iterator<Item = &str> {
        self.profile
            .section(&["realms"])
            .into_iter()
            .flat_map(|section| section.section_names())
    }

    /// What `[realms]` says of `realm`; all empty when it says nothing.
    ///
    /// # Errors
    /// A boolean that is none. Servers that cannot be used are listed, not errors.
    pub fn realm(&self, realm: &str) -> Result<RealmConf, ProfileError> {
        RealmConf::read(Place::new(&self.profile, [&["realms", realm]]))
    }

    /// The PKINIT settings of clients of `realm`.
    ///
    /// # Errors
    /// A value that is not of its relation's kind, with file and line.
    pub fn pkinit(&self, realm: &str) -> Result<PkinitConf, ProfileError> {
        let paths: [&[&str]; 3] = [&["libdefaults", realm], &["realms", realm], &["libdefaults"]];
        PkinitConf::read(Place::new(&self.profile, paths))
    }

    /// Names that look like slips of known ones, in the order of the files.
    pub fn warnings(&self) -> Vec<Misspelling> {
        spelling::misspellings(&self.profile)
    }

    /// The realm of a host by `[domain_realm]`: the lower-cased host itself, then for each parent
    /// domain first `.domain`, then `domain`. Addresses have no realm.
    pub fn realm_of_host(&self, host: &str) -> Option<&str> {
        let host: String = host.trim_end_matches('.').to_ascii_lowercase();
        if host.is_empty() || host.parse::<IpAddr>().is_ok() {
            return None;
        }
        let map = self.profile.section(&["domain_realm"])?;
        let mut rest = Some(host.as_str());
        while let Some(name) = rest.filter(|name| !name.is_empty()) {
            if let Some(relation) = map.relation(name) {
                // An empty realm means "ask the KDC", as no entry does.
                return Some(relation.value).filter(|realm| !realm.is_empty());
            }
            rest = match name.strip_prefix('.') {
                Some(domain) => Some(domain),
                None => name.find('.').and_then(|dot| name.get(dot..)),
            };
        }
        None
    }
}
