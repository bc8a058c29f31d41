//! kdc.conf as its relations mean it: a typed view over a [`Profile`], with MIT's defaults.
//!
//! MIT looks into kdc.conf first and then into krb5.conf: `Profile::merge([kdc_conf, krb5_conf])`.
//! Every documented relation is typed, used by this workspace or not. Meaning and defaults: MIT
//! kdc.conf(5).

pub(crate) mod database;
mod flags;
pub(crate) mod logging;
pub(crate) mod otp;
pub(crate) mod realm;

use alloc::string::String;
use alloc::vec::Vec;

pub use database::DatabaseConf;
pub use flags::{PRINCIPAL_FLAGS, PrincipalFlag, parse_principal_flags};
pub use logging::{LogTarget, LoggingConf};
pub use otp::OtpConf;
pub use realm::KdcRealmConf;

use crate::pkinit_conf::KdcPkinitConf;
use crate::profile::{Profile, ProfileError};
use crate::relations::{Place, relations};
use crate::spelling::{self, Misspelling};

/// A kdc.conf, or several files put together.
#[derive(Debug, Clone)]
pub struct KdcConf {
    /// `kdc_max_dgram_reply_size`: the longest reply that goes by UDP. Default 4096.
    pub kdc_max_dgram_reply_size: usize,
    /// `kdc_tcp_listen_backlog`. Default 5.
    pub kdc_tcp_listen_backlog: u32,
    /// `spake_preauth_kdc_challenge`: the group of a challenge that is sent unasked; none sends none.
    pub spake_preauth_kdc_challenge: Option<String>,
    profile: Profile,
}

relations! {
    /// The relations of `[kdcdefaults]` that are not defaults for realms.
    pub struct KdcDefaults, KDC_DEFAULTS, read(defaults) {
        /// Bytes.
        kdc_max_dgram_reply_size => max_dgram_reply_size: usize =
            defaults.number(4096, 0..=0xffff_ffff, "a number that is not negative");
        /// Connections.
        kdc_tcp_listen_backlog => tcp_listen_backlog: u32 =
            defaults.number(5, 0..=0xffff_ffff, "a number that is not negative");
        /// A group's name.
        spake_preauth_kdc_challenge => spake_preauth_kdc_challenge: Option<String> = defaults.text();
    }
}

impl KdcConf {
    /// Reads the typed relations out of `profile`.
    ///
    /// # Errors
    /// A value in `[kdcdefaults]` that is not of its relation's kind, with file and line.
    pub fn from_profile(profile: Profile) -> Result<Self, ProfileError> {
        let defaults = KdcDefaults::read(Place::new(&profile, [&["kdcdefaults"]]))?;
        Ok(Self {
            kdc_max_dgram_reply_size: defaults.max_dgram_reply_size,
            kdc_tcp_listen_backlog: defaults.tcp_listen_backlog,
            spake_preauth_kdc_challenge: defaults.spake_preauth_kdc_challenge,
            profile,
        })
    }

    /// The profile with every relation, typed or not.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The realms that have a subsection in `[realms]`, in order.
    pub fn realm_names(&self) -> impl Iterator<Item = &str> {
        self.section_names("realms")
    }

    fn section_names(&self, section: &str) -> impl Iterator<Item = &str> {
        let section = self.profile.section(&[section]);
        section.into_iter().flat_map(|section| section.section_names())
    }

    /// The realm's settings: its own subsection, then `[kdcdefaults]`, then MIT's defaults.
    ///
    /// # Errors
    /// A value that is not of its relation's kind, with file and line.
    pub fn realm(&self, realm: &str) -> Result<KdcRealmConf, ProfileError> {
        let own: &[&str] = &["realms", realm];
        let module = self.database_module(realm);
        KdcRealmConf::read(
            Place::new(&self.profile, [own]),
            Place::new(&self.profile, [own, &["kdcdefaults"]]),
            Place::new(&self.profile, [&["dbmodules", module]]),
        )
    }

    /// The realm's database section, which is named after the realm unless `database_module` says otherwise.
    fn database_module<'a>(&'a self, realm: &'a str) -> &'a str {
        self.profile
            .get(&["realms", realm, "database_module"])
            .unwrap_or(realm)
    }

    /// The realm's database settings: its section in `[dbmodules]`, then `[dbdefaults]`.
    ///
    /// # Errors
    /// A value that is not of its relation's kind, with file and line.
    pub fn database(&self, realm: &str) -> Result<DatabaseConf, ProfileError> {
        let own: &[&str] = &["dbmodules", self.database_module(realm)];
        DatabaseConf::read(
            Place::new(&self.profile, [own]),
            Place::new(&self.profile, [own, &["dbdefaults"]]),
        )
    }

    /// Where database modules are loaded from (`db_module_dir`). This build loads none.
    pub fn db_module_dir(&self) -> Option<&str> {
        self.profile.get(&["dbmodules", database::DB_MODULE_DIR])
    }

    /// `[logging]`
    ///
    /// # Errors
    /// A target that is none, with file and line.
    pub fn logging(&self) -> Result<LoggingConf, ProfileError> {
        LoggingConf::read(Place::new(&self.profile, [&["logging"]]))
    }

    /// The token types that have a subsection in `[otp]`, in order.
    pub fn otp_names(&self) -> impl Iterator<Item = &str> {
        self.section_names("otp")
    }

    /// One token type of `[otp]`; `DEFAULT` is there without being written.
    ///
    /// # Errors
    /// A value that is not of its relation's kind, with file and line.
    pub fn otp(&self, name: &str) -> Result<Option<OtpConf>, ProfileError> {
        let section = self.profile.section(&["otp", name]);
        if section.is_none() && name != "DEFAULT" {
            return Ok(None);
        }
        let mut otp = OtpConf::read(Place::new(&self.profile, [&["otp", name]]))?;
        // The implicit DEFAULT alone keeps the realm.
        otp.strip_realm &= section.is_some();
        Ok(Some(otp))
    }

    /// The KDC's PKINIT settings for the realm.
    ///
    /// # Errors
    /// A value that is not of its relation's kind, with file and line.
    pub fn pkinit(&self, realm: &str) -> Result<KdcPkinitConf, ProfileError> {
        let paths: [&[&str]; 2] = [&["realms", realm], &["kdcdefaults"]];
        KdcPkinitConf::read(Place::new(&self.profile, paths))
    }

    /// Names that look like slips of known ones, in the order of the files.
    pub fn warnings(&self) -> Vec<Misspelling> {
        spelling::misspellings(&self.profile)
    }
}
