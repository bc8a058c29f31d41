//! `[capaths]`, `[appdefaults]`, `[plugins]`

use alloc::string::String;
use alloc::vec::Vec;

use super::Krb5Conf;
use crate::profile::{ProfileError, Relation};
use crate::relations::{Place, relations};

/// How one realm's clients reach another realm (`[capaths]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaPath<'a> {
    /// `.`: the realms share a key.
    Direct,
    /// By way of these realms, in the order of the file.
    Through(Vec<&'a str>),
}

relations! {
    /// Which modules of one pluggable interface are on (`[plugins]`). This build loads no modules.
    pub struct PluginConf, PLUGIN, read(interface) {
        /// Modules that are off.
        disable => disable: Vec<String> = interface.texts();
        /// When there are any, only these modules are on, in this order.
        enable_only => enable_only: Vec<String> = interface.texts();
        /// `name:path` of modules to load.
        module => modules: Vec<String> = interface.texts();
    }
}

/// The pluggable interfaces that have a subsection in `[plugins]`.
pub(crate) const PLUGIN_INTERFACES: &[&str] = &[
    "ccselect",
    "pwqual",
    "kadm5_hook",
    "kadm5_auth",
    "clpreauth",
    "kdcpreauth",
    "hostrealm",
    "localauth",
    "certauth",
];

impl PluginConf {
    /// Whether a built-in module counts.
    pub fn is_enabled(&self, module: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name == module);
        !named(&self.disable) && (self.enable_only.is_empty() || named(&self.enable_only))
    }
}

impl Krb5Conf {
    /// How `[capaths]` leads from clients of one realm to services of another; none when it is silent,
    /// and the hierarchy of the realms' names counts.
    pub fn capath(&self, client_realm: &str, server_realm: &str) -> Option<CaPath<'_>> {
        let values = self.profile().get_all(&["capaths", client_realm, server_realm]);
        match values.as_slice() {
            [] => None,
            ["."] => Some(CaPath::Direct),
            _ => Some(CaPath::Through(
                values.into_iter().filter(|realm| *realm != ".").collect(),
            )),
        }
    }

    /// The option of an application in `[appdefaults]`: for the application in the realm, for the
    /// application, for the realm, for all.
    pub fn appdefault(&self, application: &str, realm: Option<&str>, option: &str) -> Option<Relation<'_>> {
        let at = |path: &[&str]| self.profile().relation(path);
        let in_realm = |first: &[&str]| {
            let mut path = Vec::from(first);
            path.extend([realm?, option]);
            at(&path)
        };
        in_realm(&["appdefaults", application])
            .or_else(|| at(&["appdefaults", application, option]))
            .or_else(|| in_realm(&["appdefaults"]))
            .or_else(|| at(&["appdefaults", option]))
    }

    /// What `[plugins]` says of one interface.
    ///
    /// # Errors
    /// None at present.
    pub fn plugins(&self, interface: &str) -> Result<PluginConf, ProfileError> {
        PluginConf::read(Place::new(self.profile(), [&["plugins", interface]]))
    }
}
