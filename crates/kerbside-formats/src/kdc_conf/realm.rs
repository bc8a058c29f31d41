//! `[realms]`, one realm, as the KDC and its tools read it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kerbside_crypto::EncryptionType;

use super::flags::parse_principal_flags;
use crate::host_string::{HostPort, KADMIN_PORT, KDC_PORT, KPASSWD_PORT};
use crate::keysalt::{DEFAULT_KEYSALTS, KeySalt, parse_keysalts};
use crate::profile::{ProfileError, Relation};
use crate::relations::{Place, relations};

const COUNT: &str = "a number from 1 to 4294967295";

relations! {
    /// What kdc.conf says of one realm. Durations are seconds; files are as written.
    pub struct KdcRealmConf, KDC_REALM, read(own, any, db) {
        /// kadmind's access list; an empty name means none is used, none leaves the place to the program.
        acl_file => acl_file: Option<String> = own.text();
        /// Section of `[dbmodules]`; none means that of the realm's name.
        database_module => database_module: Option<String> = own.text();
        /// `database_name` of the realm's `[dbmodules]` section, or of the realm; none leaves the
        /// place to the program.
        database_name => database_name: Option<String> = own.text_behind(db);
        /// `default_principal_expiration` as written.
        default_principal_expiration => default_principal_expiration: Option<String> = own.text();
        /// `KRB5_KDB_*` attribute bits of new principals. Default 0.
        default_principal_flags => default_principal_flags: u32 = own.principal_flags();
        /// Words that are no passwords.
        dict_file => dict_file: Option<String> = own.text();
        /// Issue no PAC. Default no.
        disable_pac => disable_pac: bool = own.boolean(false);
        /// Authentication indicator of tickets won by encrypted challenge.
        encrypted_challenge_indicator => encrypted_challenge_indicator: Option<String> = own.text();
        /// Services that get referrals though their name type does not ask for it.
        host_based_services => host_based_services: Option<String> = any.text();
        /// Incremental propagation. Default no; this build has none.
        iprop_enable => iprop_enable: bool = own.boolean(false);
        /// Log entries kept for propagation; `iprop_master_ulogsize` is the older name. Default 1000.
        iprop_ulogsize => iprop_ulogsize: u32 = own.number_or("iprop_master_ulogsize", 1000);
        /// The older name, if written.
        iprop_master_ulogsize => iprop_master_ulogsize: Option<u32> =
            own.optional_number(1..=0xffff_ffff, COUNT);
        /// How often a replica asks; `iprop_slave_poll` is the older name. Default 2 minutes.
        iprop_replica_poll => iprop_replica_poll_seconds: i64 = own.duration_or("iprop_slave_poll", 120);
        /// The older name, 2 minutes if not written.
        iprop_slave_poll => iprop_slave_poll_seconds: i64 = own.duration(120);
        /// Addresses for propagation. Default `iprop_port` of any address, or none without it.
        iprop_listen => iprop_listen: Vec<HostPort> = own.iprop_addresses();
        /// Port for propagation; there is no default.
        iprop_port => iprop_port: Option<u16> = own.optional_port();
        /// How long a full propagation may take. Default 5 minutes.
        iprop_resync_timeout => iprop_resync_timeout_seconds: i64 = own.duration(300);
        /// Where the update log is; none means `database_name` with `.ulog`.
        iprop_logfile => iprop_logfile: Option<String> = own.text();
        /// Addresses of kadmind; empty for none. Default `kadmind_port` of any address.
        kadmind_listen => kadmind_listen: Vec<HostPort> = own.service_addresses("kadmind_port", KADMIN_PORT);
        /// Default 749.
        kadmind_port => kadmind_port: u16 = own.port(KADMIN_PORT);
        /// Where the master key is; none leaves the place to the program.
        key_stash_file => key_stash_file: Option<String> = own.text();
        /// UDP addresses; empty for none. Default port 88 of any address.
        kdc_listen => kdc_listen: Vec<HostPort> = any.udp_addresses();
        /// The older name of `kdc_listen`, as written.
        kdc_ports => kdc_ports: Option<String> = any.text();
        /// TCP addresses; empty for none. Default as [`kdc_listen`](Self::kdc_listen).
        kdc_tcp_listen => kdc_tcp_listen: Vec<HostPort> = any.tcp_addresses();
        /// The older name of `kdc_tcp_listen`, as written.
        kdc_tcp_ports => kdc_tcp_ports: Option<String> = any.text();
        /// Addresses for password changes; empty for none. Default `kpasswd_port` of any address.
        kpasswd_listen => kpasswd_listen: Vec<HostPort> = own.service_addresses("kpasswd_port", KPASSWD_PORT);
        /// Default 464.
        kpasswd_port => kpasswd_port: u16 = own.port(KPASSWD_PORT);
        /// Name of the master key's principal. Default `K/M`.
        master_key_name => master_key_name: String = own.text_or("K/M");
        /// Default aes256-cts-hmac-sha1-96.
        master_key_type => master_key_type: EncryptionType = own.enctype();
        /// Longest ticket life. Default one day.
        max_life => max_life_seconds: i64 = own.duration(86_400);
        /// Longest renewable life. Default 0.
        max_renewable_life => max_renewable_life_seconds: i64 = own.duration(0);
        /// Services that never get referrals.
        no_host_referral => no_host_referral: Option<String> = any.text();
        /// Check the realms a ticket came through. Default yes.
        reject_bad_transit => reject_bad_transit: bool = own.boolean(true);
        /// Anonymous clients get TGTs only. Default no.
        restrict_anonymous_to_tgt => restrict_anonymous_to_tgt: bool = any.boolean(false);
        /// Authentication indicators of tickets won by SPAKE.
        spake_preauth_indicator => spake_preauth_indicators: Vec<String> = own.texts();
        /// Keys of new principals. Default aes256-cts-hmac-sha1-96 and aes128-cts-hmac-sha1-96, normal.
        supported_enctypes => supported_enctypes: Vec<KeySalt> = own.keysalts();
    }
    plus {
        /// `db_library` of the realm's `[dbmodules]` section.
        db_library: Option<String> = db.text("db_library")?;
        /// Do not record failed logins. Default no.
        disable_lockout: bool = db.boolean("disable_lockout", false)?;
        /// Do not record successful logins. Default no.
        disable_last_success: bool = db.boolean("disable_last_success", false)?;
    }
}

fn addresses(relation: Relation<'_>, port: u16) -> Result<Vec<HostPort>, ProfileError> {
    HostPort::parse_list(relation.value, port).map_err(|_| {
        relation.expected("a list of addresses, ports or address:port (no UNIX domain sockets yet)")
    })
}

fn any_address(port: u16) -> Vec<HostPort> {
    Vec::from([HostPort { host: None, port }])
}

impl Place<'_> {
    fn text_behind(&self, name: &str, first: Self) -> Result<Option<String>, ProfileError> {
        let relation = first.relation(name).or_else(|| self.relation(name));
        Ok(relation.map(|relation| relation.value.to_string()))
    }

    fn number_or(&self, name: &str, older: &str, default: u32) -> Result<u32, ProfileError> {
        let name = if self.relation(name).is_some() {
            name
        } else {
            older
        };
        self.number(name, default, 1..=0xffff_ffff, COUNT)
    }

    fn duration_or(&self, name: &str, older: &str, default: i64) -> Result<i64, ProfileError> {
        let name = if self.relation(name).is_some() {
            name
        } else {
            older
        };
        self.duration(name, default)
    }

    fn udp_addresses(&self, name: &str) -> Result<Vec<HostPort>, ProfileError> {
        match self.relation(name).or_else(|| self.relation("kdc_ports")) {
            Some(relation) => addresses(relation, KDC_PORT),
            None => Ok(any_address(KDC_PORT)),
        }
    }

    fn tcp_addresses(&self, name: &str) -> Result<Vec<HostPort>, ProfileError> {
        match self.relation(name).or_else(|| self.relation("kdc_tcp_ports")) {
            Some(relation) => addresses(relation, KDC_PORT),
            None => self.udp_addresses("kdc_listen"),
        }
    }

    fn service_addresses(
        &self,
        name: &str,
        port_name: &str,
        default: u16,
    ) -> Result<Vec<HostPort>, ProfileError> {
        let port = self.port(port_name, default)?;
        match self.relation(name) {
            Some(relation) => addresses(relation, port),
            None => Ok(any_address(port)),
        }
    }

    fn iprop_addresses(&self, name: &str) -> Result<Vec<HostPort>, ProfileError> {
        match (self.relation(name), self.optional_port("iprop_port")?) {
            (Some(relation), Some(port)) => addresses(relation, port),
            (None, Some(port)) => Ok(any_address(port)),
            (None, None) => Ok(Vec::new()),
            // Without a port of its own an entry has none at all.
            (Some(relation), None) => match addresses(relation, 0)? {
                list if list.iter().any(|address| address.port == 0) => {
                    Err(relation.expected("a port with each address, since there is no iprop_port"))
                }
                list => Ok(list),
            },
        }
    }

    fn enctype(&self, name: &str) -> Result<EncryptionType, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(EncryptionType::AES256_CTS_HMAC_SHA1_96);
        };
        let enctype = EncryptionType::from_name(relation.value).filter(|enctype| enctype.is_supported());
        enctype.ok_or_else(|| relation.expected("a supported encryption type"))
    }

    fn keysalts(&self, name: &str) -> Result<Vec<KeySalt>, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(DEFAULT_KEYSALTS.to_vec());
        };
        parse_keysalts(relation.value)
            .map_err(|_| relation.expected("a list of enctype:salttype with supported encryption types"))
    }

    fn principal_flags(&self, name: &str) -> Result<u32, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(0);
        };
        parse_principal_flags(relation.value, 0)
            .ok_or_else(|| relation.expected("a list of principal flags, each with + or -"))
    }
}
