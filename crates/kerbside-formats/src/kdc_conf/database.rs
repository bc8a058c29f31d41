//! `[dbmodules]` and `[dbdefaults]`

use alloc::string::String;
use alloc::vec::Vec;

use crate::relations::relations;

/// The relation that stands in `[dbmodules]` itself.
pub(crate) const DB_MODULE_DIR: &str = "db_module_dir";

const COUNT: &str = "a number from 1 to 4294967295";

relations! {
    /// The database settings of a realm. What concerns databases of other makers (LDAP, LMDB, DB2) is
    /// read and kept; this build has a database of its own.
    pub struct DatabaseConf, DATABASE, read(own, any) {
        /// Where the database is; none leaves the place to the program.
        database_name => database_name: Option<String> = own.text();
        /// The kind of database.
        db_library => db_library: Option<String> = own.text();
        /// Do not record successful logins. Default no.
        disable_last_success => disable_last_success: bool = own.boolean(false);
        /// Do not record failed logins. Default no.
        disable_lockout => disable_lockout: bool = own.boolean(false);
        /// LDAP: connections kept to each server.
        ldap_conns_per_server => ldap_conns_per_server: Option<u32> =
            any.optional_number(1..=0xffff_ffff, COUNT);
        /// LDAP: name that the KDC binds by.
        ldap_kdc_dn => ldap_kdc_dn: Option<String> = any.text();
        /// LDAP: name that kadmind and the tools bind by.
        ldap_kadmind_dn => ldap_kadmind_dn: Option<String> = any.text();
        /// LDAP: SASL mechanism of the KDC.
        ldap_kdc_sasl_mech => ldap_kdc_sasl_mech: Option<String> = any.text();
        /// LDAP: SASL mechanism of kadmind.
        ldap_kadmind_sasl_mech => ldap_kadmind_sasl_mech: Option<String> = any.text();
        /// LDAP: SASL authentication identity of the KDC.
        ldap_kdc_sasl_authcid => ldap_kdc_sasl_authcid: Option<String> = any.text();
        /// LDAP: SASL authentication identity of kadmind.
        ldap_kadmind_sasl_authcid => ldap_kadmind_sasl_authcid: Option<String> = any.text();
        /// LDAP: SASL authorization identity of the KDC.
        ldap_kdc_sasl_authzid => ldap_kdc_sasl_authzid: Option<String> = any.text();
        /// LDAP: SASL authorization identity of kadmind.
        ldap_kadmind_sasl_authzid => ldap_kadmind_sasl_authzid: Option<String> = any.text();
        /// LDAP: SASL realm of the KDC.
        ldap_kdc_sasl_realm => ldap_kdc_sasl_realm: Option<String> = any.text();
        /// LDAP: SASL realm of kadmind.
        ldap_kadmind_sasl_realm => ldap_kadmind_sasl_realm: Option<String> = any.text();
        /// LDAP: object that holds the realms.
        ldap_kerberos_container_dn => ldap_kerberos_container_dn: Option<String> = any.text();
        /// LDAP: addresses of the servers.
        ldap_servers => ldap_servers: Vec<String> = own.words();
        /// LDAP: file with the passwords to bind by.
        ldap_service_password_file => ldap_service_password_file: Option<String> = any.text();
        /// LMDB: size of each environment in megabytes. Default 128.
        mapsize => mapsize: u32 = own.number(128, 1..=0xffff_ffff, COUNT);
        /// LMDB: readers at one time. Default 128.
        max_readers => max_readers: u32 = own.number(128, 1..=0xffff_ffff, COUNT);
        /// LMDB: do not wait for the disk. Default no.
        nosync => nosync: bool = own.boolean(false);
        /// DB2: unlock between principals when iterating. Default no.
        unlockiter => unlockiter: bool = own.boolean(false);
    }
}
