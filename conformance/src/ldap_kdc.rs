//! MIT's KDC with its database in an LDAP directory of its own: the database module that knows constrained delegation.

use std::path::Path;

use crate::realm::{Options, Realm, write};
use crate::run::{Program, Server};

const ROOT_DN: &str = "cn=root,dc=kdb";
/// The administrator's password of a directory that lives as long as one case.
const ROOT_PASSWORD: &str = "directory-password";
const SCHEMA: &str = "/usr/share/doc/krb5-kdc-ldap/kerberos.schema";

/// The realm and its directory; both go away with this value, the KDC first.
#[derive(Debug)]
pub(crate) struct LdapKdc {
    pub(crate) realm: Realm,
    uri: String,
    _slapd: Server,
}

impl LdapKdc {
    /// Makes the directory and the realm, with what [`Realm::populate`] puts into each, and starts the KDC.
    pub(crate) fn start(bin: &Path, options: &Options) -> Result<Self, String> {
        let mut realm = Realm::files(bin, options)?;
        let socket = realm.path("ldapi");
        let uri = format!("ldapi://{}", socket.display().to_string().replace('/', "%2F"));
        let slapd = slapd(&realm, &uri)?;
        let kdc_conf = std::fs::read_to_string(realm.path("kdc.conf")).map_err(|e| e.to_string())?;
        let kdc_conf = kdc_conf.replacen(
            "    database_name",
            "    database_module = directory\n    database_name",
            1,
        );
        write(
            &realm.path("kdc.conf"),
            &format!(
                "{kdc_conf}\n[dbmodules]\n  directory = {{\n    db_library = kldap\n    \
                 ldap_kerberos_container_dn = cn=krb,dc=kdb\n    ldap_kdc_dn = {ROOT_DN}\n    \
                 ldap_kadmind_dn = {ROOT_DN}\n    ldap_service_password_file = {}\n    ldap_servers = {uri}\n  }}\n",
                realm.path("service.pw").display()
            ),
        )?;
        let hex: String = ROOT_PASSWORD.bytes().map(|byte| format!("{byte:02x}")).collect();
        write(&realm.path("service.pw"), &format!("{ROOT_DN}#{{HEX}}{hex}\n"))?;
        Program::new("/usr/sbin/kdb5_ldap_util")
            .args("-D")
            .arg(ROOT_DN)
            .args("-w")
            .arg(ROOT_PASSWORD)
            .args("-H")
            .arg(&uri)
            .args("create -subtrees dc=kdb -s -P master-key-password -r")
            .arg(options.realm)
            .ok(&realm.env)?;
        realm.principals()?;
        realm.start_kdc()?;
        Ok(Self {
            realm,
            uri,
            _slapd: slapd,
        })
    }

    /// Lets `service` act for users at each of `targets` (krbAllowedToDelegateTo), in place of what it could before.
    pub(crate) fn delegate(&self, service: &str, targets: &[&str]) -> Result<(), String> {
        let name = self.realm.options.realm;
        let mut ldif = format!(
            "dn: krbPrincipalName={service}@{name},cn={name},cn=krb,dc=kdb\nchangetype: modify\n\
             replace: krbAllowedToDelegateTo\n"
        );
        for target in targets {
            ldif.push_str(&format!("krbAllowedToDelegateTo: {target}@{name}\n"));
        }
        directory("ldapmodify", &self.uri, &ldif, &self.realm)
    }
}

/// The directory's server on a socket in the realm's folder, with the tree's root entry.
fn slapd(realm: &Realm, uri: &str) -> Result<Server, String> {
    let base = realm.path("");
    let base = base.display();
    let schema = if Path::new(SCHEMA).exists() {
        std::fs::read_to_string(SCHEMA).map_err(|e| e.to_string())?
    } else {
        let packed = format!("{SCHEMA}.gz");
        Program::new("/usr/bin/gzip")
            .args("-dc")
            .arg(packed)
            .ok(&realm.env)?
            .stdout
    };
    write(&realm.path("kerberos.schema"), &schema)?;
    std::fs::create_dir(realm.path("directory")).map_err(|e| e.to_string())?;
    write(
        &realm.path("slapd.conf"),
        &format!(
            "include /etc/ldap/schema/core.schema\ninclude {base}/kerberos.schema\npidfile {base}/slapd.pid\n\
             modulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nsuffix \"dc=kdb\"\nrootdn \"{ROOT_DN}\"\n\
             rootpw {ROOT_PASSWORD}\ndirectory {base}/directory\nmaxsize 104857600\n"
        ),
    )?;
    let program = Program::new("/usr/sbin/slapd")
        .args("-d 0 -h")
        .arg(uri)
        .args("-f")
        .arg(realm.path("slapd.conf"));
    let socket = realm.path("ldapi");
    let server = Server::start("slapd", &program, &realm.env, &|| {
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    })?;
    let root = "dn: dc=kdb\nobjectClass: dcObject\nobjectClass: organization\no: kdb\ndc: kdb\n";
    directory("ldapadd", uri, root, realm)?;
    Ok(server)
}

fn directory(program: &str, uri: &str, ldif: &str, realm: &Realm) -> Result<(), String> {
    Program::new(Path::new("/usr/bin").join(program))
        .args("-x -D")
        .arg(ROOT_DN)
        .args("-w")
        .arg(ROOT_PASSWORD)
        .args("-H")
        .arg(uri)
        .stdin(ldif)
        .ok(&realm.env)?;
    Ok(())
}
