//! Names as the GSS-API has them (RFC 2743 section 4, RFC 1964 section 2.1): imported from text of a name type, turned
//! into the one name that Kerberos compares, exported for access control lists.
//!
//! Nothing is looked up. What a name leaves open (the realm, this machine's name) is what [`LocalNames`] says of it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::limits::MAX_PRINCIPAL_LEN;
use kerbside_asn1::{Name, NameError, NameType, ObjectIdentifier, Principal, Realm, oids};

use crate::error::Major;
use crate::key_source::ServiceName;
use crate::oid_name::oid_name;

mod exported;
#[cfg(test)]
mod tests;

pub use exported::export_principal;

/// A name of the GSS-API.
///
/// There is no `==`: two names are the same when what they stand for is, which depends on where one is. See
/// [`GssName::is_same`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum GssName {
    /// A service on a host: `HTTP@www.example.com` (`GSS_C_NT_HOSTBASED_SERVICE`). Without a host it is one on this
    /// machine.
    HostBased {
        /// The service, as written: case counts.
        service: String,
        /// The host, in lower case.
        host: Option<String>,
    },
    /// A service of a domain: `ldap@example.com@ds1.example.com` (`GSS_C_NT_DOMAINBASED_SERVICE`, RFC 5178, RFC 5179).
    DomainBased {
        /// The service, as written.
        service: String,
        /// The domain, in lower case.
        domain: String,
        /// The host, in lower case.
        host: String,
    },
    /// What a user types as his name: `alice`, `alice@EXAMPLE.COM` (`GSS_C_NT_USER_NAME`).
    User(KerberosName),
    /// A Kerberos principal: `alice/admin@EXAMPLE.COM` (`GSS_KRB5_NT_PRINCIPAL_NAME`).
    Krb5(KerberosName),
    /// A user as the company knows him: `alice@corp.example.com`, which the KDC finds a principal for
    /// (`GSS_KRB5_NT_ENTERPRISE_NAME`, RFC 6806 section 5).
    Enterprise(KerberosName),
    /// Nobody (`GSS_C_NT_ANONYMOUS`, RFC 8062).
    Anonymous,
    /// The exported name of another mechanism. It can be compared and exported again.
    OtherMechanism {
        /// Whose.
        mechanism: ObjectIdentifier,
        /// What the mechanism made of it.
        name: Vec<u8>,
    },
}

/// A principal that may leave the realm open.
#[derive(Debug, Clone)]
pub struct KerberosName {
    /// The name.
    pub name: Name,
    /// Its realm, where it was written.
    pub realm: Option<Realm>,
}

/// The realm of a host, where it is known.
pub type RealmOfHost<'a> = dyn Fn(&str) -> Option<Realm> + 'a;

/// What names leave open.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct LocalNames<'a> {
    /// The realm of users who give none.
    pub default_realm: Option<&'a Realm>,
    /// The name of this machine, for services without a host.
    pub local_host: Option<&'a str>,
    /// The realm of a host. Without an answer it is the empty realm: the client's KDC is asked (RFC 6806 section 8).
    pub realm_of_host: Option<&'a RealmOfHost<'a>>,
}

impl<'a> LocalNames<'a> {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With the realm of users who give none.
    #[must_use]
    pub fn with_default_realm(mut self, realm: &'a Realm) -> Self {
        self.default_realm = Some(realm);
        self
    }

    /// With the name of this machine.
    #[must_use]
    pub fn with_local_host(mut self, host: &'a str) -> Self {
        self.local_host = Some(host);
        self
    }

    /// With what says which realm a host is in.
    #[must_use]
    pub fn with_realm_of_host(mut self, realm_of_host: &'a RealmOfHost<'a>) -> Self {
        self.realm_of_host = Some(realm_of_host);
        self
    }
}

impl fmt::Debug for LocalNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalNames")
            .field("default_realm", &self.default_realm)
            .field("local_host", &self.local_host)
            .finish_non_exhaustive()
    }
}

/// Why something is no name, or not one that can be used here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GssNameError {
    /// A name type that is not known.
    NameType {
        /// Which.
        name_type: ObjectIdentifier,
    },
    /// A principal's name that does not parse, or leaves open what nobody here knows.
    Principal(NameError),
    /// No name at all.
    Empty,
    /// A service's name that is not `service@host`, or `service@domain@host`.
    Service {
        /// What was expected.
        expected: &'static str,
    },
    /// An enterprise name that is not UTF-8.
    NotText,
    /// A service without a host, and this machine's name is not known.
    NoLocalHost,
    /// An exported name that is none.
    Exported {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name of another mechanism where Kerberos' is needed.
    OtherMechanism {
        /// Which, with what people call it.
        mechanism: String,
    },
    /// A name that stands for no service where one is needed.
    NotAService,
}

impl GssNameError {
    /// The kind of failure, in RFC 2743's terms.
    #[must_use]
    pub fn major(&self) -> Major {
        match self {
            Self::NameType { .. } => Major::BadNameType,
            _ => Major::BadName,
        }
    }
}

impl fmt::Display for GssNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameType { name_type } => write!(f, "names of type {name_type} are not known"),
            Self::Principal(error) => error.fmt(f),
            Self::Empty => f.write_str("expected a name, but found an empty one"),
            Self::Service { expected } => write!(f, "malformed service name: expected {expected}"),
            Self::NotText => f.write_str("malformed enterprise name: expected UTF-8"),
            Self::NoLocalHost => {
                f.write_str("service name has no host, and the name of this machine is not known")
            }
            Self::Exported { reason } => write!(f, "exported name: {reason}"),
            Self::OtherMechanism { mechanism } => {
                write!(f, "expected a name of Kerberos, but found one of {mechanism}")
            }
            Self::NotAService => f.write_str("expected the name of a service, but found nobody's"),
        }
    }
}

impl core::error::Error for GssNameError {}

impl From<NameError> for GssNameError {
    fn from(error: NameError) -> Self {
        Self::Principal(error)
    }
}

const SERVICE: GssNameError = GssNameError::Service {
    expected: "service or service@host",
};
const DOMAIN_SERVICE: GssNameError = GssNameError::Service {
    expected: "service@domain@host",
};

impl GssName {
    /// Reads a name of the type `name_type` (`GSS_Import_name`).
    ///
    /// # Errors
    /// [`GssNameError`] for types that are not known, and for what is not a name of its type. Numbers of the operating
    /// system's users (`GSS_C_NT_MACHINE_UID_NAME`) are not known here: who they are is the operating system's to say.
    pub fn import(name: &[u8], name_type: &ObjectIdentifier) -> Result<Self, GssNameError> {
        match *name_type {
            oids::NT_HOSTBASED_SERVICE | oids::NT_HOSTBASED_SERVICE_X => {
                Self::host_based(text(name, SERVICE)?)
            }
            oids::NT_DOMAINBASED_SERVICE => Self::domain_based(text(name, DOMAIN_SERVICE)?),
            oids::NT_USER_NAME => KerberosName::parse(name).map(Self::User),
            oids::NT_KRB5_NAME => KerberosName::parse(name).map(Self::Krb5),
            oids::NT_KRB5_ENTERPRISE_NAME => KerberosName::parse_enterprise(name).map(Self::Enterprise),
            oids::NT_ANONYMOUS => Ok(Self::Anonymous),
            oids::NT_EXPORT_NAME => exported::parse(name),
            name_type => Err(GssNameError::NameType { name_type }),
        }
    }

    /// A service on a host: `service@host`, or `service` for one on this machine. The host is put into lower case, and
    /// otherwise left as it is: no resolver is asked.
    ///
    /// # Errors
    /// [`GssNameError::Service`].
    pub fn host_based(name: &str) -> Result<Self, GssNameError> {
        if !is_plain(name) {
            return Err(SERVICE);
        }
        let (service, host) = match name.split_once('@') {
            Some((service, host)) => (service, Some(host)),
            None => (name, None),
        };
        if service.is_empty() || host.is_some_and(|host| host.is_empty() || host.contains('@')) {
            return Err(SERVICE);
        }
        Ok(Self::HostBased {
            service: service.to_owned(),
            host: host.map(str::to_ascii_lowercase),
        })
    }

    /// A service of a domain: `service@domain@host`.
    ///
    /// # Errors
    /// [`GssNameError::Service`].
    pub fn domain_based(name: &str) -> Result<Self, GssNameError> {
        let parts: Vec<&str> = name.split('@').collect();
        match parts.as_slice() {
            [service, domain, host]
                if is_plain(name) && ![service, domain, host].iter().any(|part| part.is_empty()) =>
            {
                Ok(Self::DomainBased {
                    service: (*service).to_owned(),
                    domain: domain.to_ascii_lowercase(),
                    host: host.to_ascii_lowercase(),
                })
            }
            _ => Err(DOMAIN_SERVICE),
        }
    }

    /// What a user types as his name; without a realm it is in the default one.
    ///
    /// # Errors
    /// [`GssNameError::Principal`].
    pub fn user(name: &str) -> Result<Self, GssNameError> {
        KerberosName::parse(name.as_bytes()).map(Self::User)
    }

    /// A Kerberos principal as `krb5_parse_name` reads it; without a realm it is in the default one.
    ///
    /// # Errors
    /// [`GssNameError::Principal`].
    pub fn krb5(name: &str) -> Result<Self, GssNameError> {
        KerberosName::parse(name.as_bytes()).map(Self::Krb5)
    }

    /// An enterprise name: `alice@corp.example.com`, perhaps with `@REALM` behind it.
    ///
    /// # Errors
    /// [`GssNameError::Principal`].
    pub fn enterprise(name: &str) -> Result<Self, GssNameError> {
        KerberosName::parse_enterprise(name.as_bytes()).map(Self::Enterprise)
    }

    /// Reads an exported name (RFC 2743 section 3.2).
    ///
    /// # Errors
    /// [`GssNameError::Exported`]; [`GssNameError::Principal`] for a name of Kerberos that does not parse or has no realm.
    pub fn from_exported(token: &[u8]) -> Result<Self, GssNameError> {
        exported::parse(token)
    }

    /// The type that it is of (what `GSS_Display_name` tells beside the text).
    #[must_use]
    pub fn name_type(&self) -> ObjectIdentifier {
        match self {
            Self::HostBased { .. } => oids::NT_HOSTBASED_SERVICE,
            Self::DomainBased { .. } => oids::NT_DOMAINBASED_SERVICE,
            Self::User(_) => oids::NT_USER_NAME,
            Self::Krb5(_) => oids::NT_KRB5_NAME,
            Self::Enterprise(_) => oids::NT_KRB5_ENTERPRISE_NAME,
            Self::Anonymous => oids::NT_ANONYMOUS,
            Self::OtherMechanism { .. } => oids::NT_EXPORT_NAME,
        }
    }

    /// The one name that Kerberos has for it (`GSS_Canonicalize_name`). An enterprise name stays one: which principal it
    /// is only its KDC knows.
    ///
    /// # Errors
    /// [`GssNameError::Principal`] without a realm, [`GssNameError::NoLocalHost`] without a host,
    /// [`GssNameError::OtherMechanism`].
    pub fn to_principal(&self, local: &LocalNames<'_>) -> Result<Principal, GssNameError> {
        let on_host = |name: Name, host: &str| Principal {
            realm: local
                .realm_of_host
                .and_then(|realm| realm(host))
                .unwrap_or_default(),
            name,
        };
        match self {
            Self::HostBased { service, host } => {
                let host = host_or_local(host.as_deref(), local.local_host)?;
                Ok(on_host(Name::service(service, &host), &host))
            }
            Self::DomainBased {
                service,
                domain,
                host,
            } => Ok(on_host(domain_name(service, domain, host), host)),
            Self::User(name) | Self::Krb5(name) | Self::Enterprise(name) => {
                name.in_realm(local.default_realm)
            }
            Self::Anonymous => Ok(Principal::anonymous()),
            Self::OtherMechanism { mechanism, .. } => Err(other(mechanism)),
        }
    }

    /// Which service an acceptor of this name is. A host-based service is one in whatever realm its keys are of; a
    /// principal without a realm too. `local_host` is this machine's name.
    ///
    /// # Errors
    /// [`GssNameError::NotAService`] for nobody, and as [`Self::to_principal`].
    pub fn to_service(&self, local_host: Option<&str>) -> Result<ServiceName, GssNameError> {
        match self {
            Self::HostBased { service, host } => {
                let host = host_or_local(host.as_deref(), local_host)?;
                Ok(ServiceName::Name(Name::service(service, &host)))
            }
            Self::DomainBased {
                service,
                domain,
                host,
            } => Ok(ServiceName::Name(domain_name(service, domain, host))),
            Self::User(name) | Self::Krb5(name) | Self::Enterprise(name) => Ok(match &name.realm {
                Some(_) => ServiceName::Principal(name.in_realm(None)?),
                None => ServiceName::Name(name.name.clone()),
            }),
            Self::Anonymous => Err(GssNameError::NotAService),
            Self::OtherMechanism { mechanism, .. } => Err(other(mechanism)),
        }
    }

    /// The token for access control lists (`GSS_Export_name`), equal for names that are the same to Kerberos.
    ///
    /// # Errors
    /// As [`Self::to_principal`].
    pub fn export(&self, local: &LocalNames<'_>) -> Result<Vec<u8>, GssNameError> {
        match self {
            Self::OtherMechanism { mechanism, name } => Ok(exported::write(mechanism, name)),
            _ => Ok(export_principal(&self.to_principal(local)?)),
        }
    }

    /// Whether both stand for the same (`GSS_Compare_name`): the same components in the same realm, octet by octet.
    /// Nobody is the same as anybody, himself included (RFC 2743 section 2.4.3).
    ///
    /// # Errors
    /// As [`Self::to_principal`].
    pub fn is_same(&self, other: &Self, local: &LocalNames<'_>) -> Result<bool, GssNameError> {
        match (self, other) {
            (
                Self::OtherMechanism { mechanism, name },
                Self::OtherMechanism {
                    mechanism: other_mechanism,
                    name: other_name,
                },
            ) => Ok(mechanism == other_mechanism && name == other_name),
            (Self::OtherMechanism { .. }, _) | (_, Self::OtherMechanism { .. }) => Ok(false),
            _ => {
                let principal = self.to_principal(local)?;
                Ok(!principal.name.is_anonymous() && principal == other.to_principal(local)?)
            }
        }
    }
}

impl From<Principal> for GssName {
    fn from(principal: Principal) -> Self {
        if principal.name.is_anonymous() && principal.realm.is_anonymous() {
            return Self::Anonymous;
        }
        let is_enterprise = principal.name.name_type == NameType::NT_ENTERPRISE;
        let name = KerberosName {
            name: principal.name,
            realm: Some(principal.realm),
        };
        if is_enterprise {
            Self::Enterprise(name)
        } else {
            Self::Krb5(name)
        }
    }
}

/// As it was written (`GSS_Display_name`), for people: control characters and what is not UTF-8 are escaped. Never
/// compare it: see [`GssName::is_same`].
impl fmt::Display for GssName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostBased { service, host: None } => f.write_str(service),
            Self::HostBased {
                service,
                host: Some(host),
            } => write!(f, "{service}@{host}"),
            Self::DomainBased {
                service,
                domain,
                host,
            } => write!(f, "{service}@{domain}@{host}"),
            Self::User(name) | Self::Krb5(name) | Self::Enterprise(name) => name.fmt(f),
            Self::Anonymous => Principal::anonymous().fmt(f),
            Self::OtherMechanism { mechanism, name } => {
                write!(f, "{}: ", oid_name(mechanism))?;
                name.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}

impl KerberosName {
    fn parse(text: &[u8]) -> Result<Self, GssNameError> {
        check_len(text)?;
        let open = Realm::default();
        let principal = Principal::parse_bytes(text, Some(&open))?;
        Self::of(principal)
    }

    fn parse_enterprise(name: &[u8]) -> Result<Self, GssNameError> {
        check_len(name)?;
        let name = text(name, GssNameError::NotText)?;
        let open = Realm::default();
        Self::of(Principal::parse_enterprise(name, Some(&open))?)
    }

    fn of(principal: Principal) -> Result<Self, GssNameError> {
        let Principal { realm, name } = principal;
        if name.components.iter().all(Vec::is_empty) {
            return Err(GssNameError::Empty);
        }
        Ok(Self {
            name,
            realm: Some(realm).filter(|realm| !realm.is_empty()),
        })
    }

    fn in_realm(&self, default_realm: Option<&Realm>) -> Result<Principal, GssNameError> {
        let realm = self.realm.as_ref().or(default_realm).ok_or(NameError::NoRealm)?;
        Ok(Principal {
            realm: realm.clone(),
            name: self.name.clone(),
        })
    }
}

impl fmt::Display for KerberosName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.in_realm(None) {
            Ok(principal) => principal.fmt(f),
            Err(_) => self.name.fmt(f),
        }
    }
}

fn host_or_local(host: Option<&str>, local_host: Option<&str>) -> Result<String, GssNameError> {
    match host.or(local_host).filter(|host| !host.is_empty()) {
        Some(host) => Ok(host.to_ascii_lowercase()),
        None => Err(GssNameError::NoLocalHost),
    }
}

/// `service/host/domain` (RFC 5179 section 3).
fn domain_name(service: &str, domain: &str, host: &str) -> Name {
    Name::new(&[service, host, domain]).with_type(NameType::NT_SRV_HST_DOMAIN)
}

fn other(mechanism: &ObjectIdentifier) -> GssNameError {
    GssNameError::OtherMechanism {
        mechanism: oid_name(mechanism),
    }
}

fn check_len(text: &[u8]) -> Result<(), GssNameError> {
    // Twice: each octet may have a backslash before it.
    match text.len() {
        len if len > MAX_PRINCIPAL_LEN.saturating_mul(2) => {
            Err(GssNameError::Principal(NameError::TooLong { len }))
        }
        _ => Ok(()),
    }
}

fn text(name: &[u8], error: GssNameError) -> Result<&str, GssNameError> {
    core::str::from_utf8(name).map_err(|_| error)
}

/// Short, and without the octet that ends a text for C's libraries.
fn is_plain(name: &str) -> bool {
    name.len() <= MAX_PRINCIPAL_LEN && !name.contains('\0')
}
