//! Several realms that trust each other, and one krb5.conf that names them all.

use std::path::Path;

use crate::realm::{Options, Realm, Side, krb5_conf, realm_part, write};
use crate::run::Env;

/// Running realms; all of them go away with this value.
#[derive(Debug)]
pub(crate) struct Realms {
    /// In the order of the options.
    pub(crate) all: Vec<Realm>,
    /// The clients': the first realm is their default, every realm's KDC and every host's realm is known to them.
    pub(crate) env: Env,
    /// The same clients without `[domain_realm]`: they must be told by their KDC where a service lives.
    pub(crate) untold: Env,
}

impl Realms {
    /// Makes and starts a realm for each of `options`. Realm `B.TEST` has, beside the usual principals, the services
    /// `HTTP/www.b.test` and `host/www.b.test` in its `service.keytab`.
    ///
    /// `trust` names pairs `(a, b)`: users of `a` get tickets of `b`, that is, both have the key of `krbtgt/B@A`.
    /// Each KDC and the clients have a krb5.conf of their own; every KDC's has the whole `[domain_realm]`.
    pub(crate) fn start(bin: &Path, options: &[Options], trust: &[(&str, &str)]) -> Result<Self, String> {
        let mut all = Vec::new();
        for options in options {
            all.push(Realm::files(bin, options)?);
        }
        let first = all.first().ok_or("no realm was asked for")?;
        let realms: String = all.iter().map(|r| realm_part(r.options.realm, r.port)).collect();
        let hosts: String = all
            .iter()
            .map(|r| {
                let domain = r.options.realm.to_lowercase();
                format!("  {domain} = {0}\n  .{domain} = {0}\n", r.options.realm)
            })
            .collect();
        let mut envs = Vec::new();
        for (name, hosts) in [("clients.conf", hosts.as_str()), ("untold.conf", "")] {
            let base = first.path("");
            write(
                &first.path(name),
                &krb5_conf(&first.options, &base, &realms, hosts),
            )?;
            envs.push(first.env.with("KRB5_CONFIG", first.path(name)));
        }
        for realm in &all {
            let text = krb5_conf(&realm.options, &realm.path(""), &realms, &hosts);
            write(&realm.path("krb5.conf"), &text)?;
            realm.populate()?;
            let domain = realm.options.realm.to_lowercase();
            let keytab = realm.path("service.keytab");
            for service in ["HTTP", "host"] {
                realm.kadmin(&format!("addprinc -randkey {service}/www.{domain}"))?;
                realm.kadmin(&format!("ktadd -k {} {service}/www.{domain}", keytab.display()))?;
            }
            for (a, b) in trust {
                if [*a, *b].contains(&realm.options.realm) {
                    realm.kadmin(&format!("addprinc -pw trust-{a}-{b} krbtgt/{b}@{a}"))?;
                }
            }
        }
        for realm in &mut all {
            realm.start_kdc()?;
        }
        let mut envs = envs.into_iter();
        let env = envs.next().unwrap_or_default();
        Ok(Self {
            all,
            untold: envs.next().unwrap_or_else(|| env.clone()),
            env,
        })
    }

    /// The realm of this name.
    pub(crate) fn of(&self, name: &str) -> Result<&Realm, String> {
        self.all
            .iter()
            .find(|realm| realm.options.realm == name)
            .ok_or_else(|| format!("no realm {name}"))
    }

    /// A program of ours, to be run with [`Realms::env`] or [`Realms::untold`].
    pub(crate) fn ours(&self, name: &str) -> Result<crate::run::Program, String> {
        Ok(self.all.first().ok_or("no realm")?.ours(name))
    }

    /// A program of MIT's.
    pub(crate) fn mit(&self, name: &str) -> Result<crate::run::Program, String> {
        Ok(self.all.first().ok_or("no realm")?.mit(name))
    }
}

/// Options of MIT realms with these names.
pub(crate) fn mit_realms(names: &[&'static str]) -> Vec<Options> {
    names.iter().map(|name| Options::named(Side::Mit, name)).collect()
}
