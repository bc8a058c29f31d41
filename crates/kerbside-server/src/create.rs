//! A new realm: the principals every database begins with

use std::path::Path;

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_kdc::{Attributes, PrincipalEntry};

use crate::admin::{AdminDefaults, AdminError, KeyChoice, make_keys};
use crate::clock;
use crate::error::{Result, ServerError};
use crate::store::{MasterKey, RedbStore};

/// Longest ticket life for `kadmin/admin`, as MIT krb5 sets it
const KADMIN_ADMIN_LIFE: i64 = 3 * 3600;
/// Longest ticket life for `kadmin/changepw`
const KADMIN_CHANGEPW_LIFE: i64 = 5 * 60;

/// What MIT's `kdb5_util create` puts into a new database, with random keys: `krbtgt/REALM`,
/// `kadmin/admin`, `kadmin/changepw` (`K/M` is added with the master key)
///
/// # Errors
/// When no enctype of the defaults can be used.
pub fn first_principals(realm: &str, defaults: &AdminDefaults) -> Result<Vec<PrincipalEntry>> {
    let now = clock::now().time;
    let mut krbtgt = service(Principal::krbtgt(realm, realm), "db_creation", defaults, now)?;
    krbtgt.attributes = Attributes::LOCKDOWN_KEYS;
    let mut admin = service(
        Principal::new(realm, &["kadmin", "admin"]),
        "kdb5_util",
        defaults,
        now,
    )?;
    admin.attributes = Attributes::DISALLOW_TGT_BASED | Attributes::LOCKDOWN_KEYS;
    admin.max_life = KADMIN_ADMIN_LIFE;
    admin.last_pw_change = Some(now);
    let mut changepw = service(
        Principal::new(realm, &["kadmin", "changepw"]),
        "kdb5_util",
        defaults,
        now,
    )?;
    changepw.attributes =
        Attributes::DISALLOW_TGT_BASED | Attributes::PWCHANGE_SERVICE | Attributes::LOCKDOWN_KEYS;
    changepw.max_life = KADMIN_CHANGEPW_LIFE;
    changepw.last_pw_change = Some(now);
    Ok(vec![krbtgt, admin, changepw])
}

fn service(
    principal: Principal,
    by: &str,
    defaults: &AdminDefaults,
    now: KerberosTime,
) -> Result<PrincipalEntry> {
    let mut entry = PrincipalEntry::new(principal, now);
    entry.keys = make_keys(
        &KeyChoice::Random,
        &defaults.keysalts,
        &defaults.enctype_policy,
        &entry.principal,
    )
    .map_err(of_defaults)?;
    entry.max_life = defaults.max_life;
    entry.max_renewable_life = defaults.max_renewable_life;
    entry.mod_by = Some(Principal::new(entry.principal.realm.as_bytes(), &[by]));
    Ok(entry)
}

fn of_defaults(error: AdminError) -> ServerError {
    ServerError::Config {
        place: "supported_enctypes".to_owned(),
        detail: error.to_string(),
    }
}

/// Creates the database of a realm, complete or not at all
///
/// # Errors
/// [`ServerError::DatabaseExists`] when anything has that name; [`ServerError`].
pub fn create_realm(
    database: &Path,
    realm: &str,
    master: &MasterKey,
    defaults: &AdminDefaults,
) -> Result<()> {
    RedbStore::create(database, realm, master, &first_principals(realm, defaults)?)
}
