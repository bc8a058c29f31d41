//! Owned names: [`Realm`], [`Name`] and [`Principal`], and how people write them.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use crate::kerberos_string::write_escaped;
use crate::principal_name::MAX_COMPONENTS;
use crate::{KerberosString, NameType, PrincipalName};

mod quoting;

/// The longest principal that is parsed, in octets as written but for the backslashes that quote others.
pub const MAX_PRINCIPAL_LEN: usize = 4096;

/// The first component of a ticket-granting service's name.
const KRBTGT: &[u8] = b"krbtgt";

/// A realm. Two realms are the same when their octets are: case counts (RFC 4120 6.1).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Realm(Vec<u8>);

impl Realm {
    /// The realm with these octets.
    pub fn new(octets: impl AsRef<[u8]>) -> Self {
        Self(octets.as_ref().to_vec())
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The realm as text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    /// Whether it has no octets: the referral realm of MIT, "not known yet".
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The realm of a message.
    pub fn from_wire(realm: KerberosString<'_>) -> Self {
        Self::new(realm.0)
    }

    /// The realm for a message.
    pub fn to_wire(&self) -> KerberosString<'_> {
        KerberosString(&self.0)
    }
}

impl AsRef<[u8]> for Realm {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Realm {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Realm {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<Vec<u8>> for Realm {
    fn from(octets: Vec<u8>) -> Self {
        Self(octets)
    }
}

impl From<KerberosString<'_>> for Realm {
    fn from(realm: KerberosString<'_>) -> Self {
        Self::from_wire(realm)
    }
}

impl PartialEq<KerberosString<'_>> for Realm {
    fn eq(&self, other: &KerberosString<'_>) -> bool {
        self.0 == other.0
    }
}

/// Control characters and what is not UTF-8 are escaped.
impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, &self.0)
    }
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A principal's name without its realm.
///
/// `==`, ordering and hashing look at the components alone: the type is a hint (RFC 4120 6.2).
#[derive(Clone)]
pub struct Name {
    /// A hint at what kind of name this is.
    pub name_type: NameType,
    /// The components, as octets.
    pub components: Vec<Vec<u8>>,
}

impl Name {
    /// The name with these components, and the type MIT gives such a name.
    pub fn new<C: AsRef<[u8]>>(components: &[C]) -> Self {
        Self::from_components(
            components
                .iter()
                .map(|component| component.as_ref().to_vec())
                .collect(),
        )
    }

    /// As [`Name::new`], without a copy.
    pub fn from_components(components: Vec<Vec<u8>>) -> Self {
        Self {
            name_type: default_name_type(&components),
            components,
        }
    }

    /// The same name with another type.
    #[must_use]
    pub fn with_type(mut self, name_type: NameType) -> Self {
        self.name_type = name_type;
        self
    }

    /// An enterprise name: one component such as `user@domain` (RFC 6806 5).
    pub fn enterprise(name: impl AsRef<[u8]>) -> Self {
        Self {
            name_type: NameType::NT_ENTERPRISE,
            components: alloc::vec![name.as_ref().to_vec()],
        }
    }

    /// The name of the ticket-granting service for `realm`: `krbtgt/realm`.
    pub fn krbtgt(realm: impl AsRef<[u8]>) -> Self {
        Self::from_components(alloc::vec![KRBTGT.to_vec(), realm.as_ref().to_vec()])
    }

    /// A service on a host, from the GSS-API's `service@host`; the host is put into lower case.
    ///
    /// # Errors
    /// [`NameError::HostBased`] when the service or the host is missing.
    pub fn host_based(text: &str) -> Result<Self, NameError> {
        match text.split_once('@') {
            Some((service, host)) if !service.is_empty() && !host.is_empty() => {
                Ok(Self::service(service, host))
            }
            _ => Err(NameError::HostBased),
        }
    }

    /// A service on a host: `service/host`; the host is put into lower case.
    pub fn service(service: &str, host: &str) -> Self {
        Self {
            name_type: NameType::NT_SRV_HST,
            components: alloc::vec![
                service.as_bytes().to_vec(),
                host.to_ascii_lowercase().into_bytes()
            ],
        }
    }

    /// The name of a message.
    pub fn from_wire(name: &PrincipalName<'_>) -> Self {
        Self {
            name_type: name.name_type,
            components: name
                .name_string
                .iter()
                .map(|component| component.0.to_vec())
                .collect(),
        }
    }

    /// The name for a message.
    pub fn to_wire(&self) -> PrincipalName<'_> {
        PrincipalName {
            name_type: self.name_type,
            name_string: self
                .components
                .iter()
                .map(|component| KerberosString(component))
                .collect(),
        }
    }

    /// The component at `index`.
    pub fn component(&self, index: usize) -> Option<&[u8]> {
        self.components.get(index).map(Vec::as_slice)
    }

    /// Whether it has exactly these components.
    pub fn is(&self, components: &[&str]) -> bool {
        self.components.len() == components.len()
            && self
                .components
                .iter()
                .zip(components)
                .all(|(own, other)| own == other.as_bytes())
    }

    /// Whether it names a ticket-granting service: `krbtgt/REALM`.
    pub fn is_krbtgt(&self) -> bool {
        self.krbtgt_realm().is_some()
    }

    /// The realm a ticket-granting service's name speaks of.
    pub fn krbtgt_realm(&self) -> Option<&[u8]> {
        match self.components.as_slice() {
            [first, realm] if first == KRBTGT => Some(realm),
            _ => None,
        }
    }

    /// The name as `krb5_unparse_name` writes it, without a realm.
    pub fn unparse(&self) -> Vec<u8> {
        quoting::unparse(self, None)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.components == other.components
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.components.hash(state);
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.components.cmp(&other.components)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As it is written, quoted; control characters and what is not UTF-8 are escaped.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, &self.unparse())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self}, {})", self.name_type)
    }
}

/// The type MIT gives a parsed name.
fn default_name_type(components: &[Vec<u8>]) -> NameType {
    match components {
        [first, _] if first == KRBTGT => NameType::NT_SRV_INST,
        [first, _, ..] if first == b"WELLKNOWN" => NameType::NT_WELLKNOWN,
        _ => NameType::NT_PRINCIPAL,
    }
}

/// A principal: a name in a realm. Comparisons ignore the name's type.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    /// The realm.
    pub realm: Realm,
    /// The name.
    pub name: Name,
}

impl Principal {
    /// The principal with these components in this realm, and the name type MIT gives it.
    pub fn new<C: AsRef<[u8]>>(realm: impl AsRef<[u8]>, components: &[C]) -> Self {
        Self {
            realm: Realm::new(realm),
            name: Name::new(components),
        }
    }

    /// The ticket-granting service of `realm` for `of`: `krbtgt/of@realm`. For a realm's own TGT both are the same.
    pub fn krbtgt(realm: impl AsRef<[u8]>, of: impl AsRef<[u8]>) -> Self {
        Self {
            realm: Realm::new(realm),
            name: Name::krbtgt(of),
        }
    }

    /// Reads what people write: `name/instance@REALM`, where `\` takes `/`, `@` and `\` as they are and `\n`, `\t`,
    /// `\b`, `\0` stand for control characters.
    ///
    /// # Errors
    /// [`NameError`] when the text is malformed, too long, or has no realm and none is given.
    pub fn parse(text: &str, default_realm: Option<&Realm>) -> Result<Self, NameError> {
        Self::parse_bytes(text.as_bytes(), default_realm)
    }

    /// As [`Principal::parse`], for octets in any encoding.
    ///
    /// # Errors
    /// As [`Principal::parse`].
    pub fn parse_bytes(text: &[u8], default_realm: Option<&Realm>) -> Result<Self, NameError> {
        let (components, realm) = quoting::parse(text, false)?;
        let realm = realm
            .map(Realm)
            .or_else(|| default_realm.cloned())
            .ok_or(NameError::NoRealm)?;
        Ok(Self {
            realm,
            name: Name::from_components(components),
        })
    }

    /// Reads an enterprise name: `user@domain` or `user@domain@REALM`, where the first `@` and each `/` belong to the
    /// name.
    ///
    /// # Errors
    /// As [`Principal::parse`].
    pub fn parse_enterprise(text: &str, default_realm: Option<&Realm>) -> Result<Self, NameError> {
        let (components, realm) = quoting::parse(text.as_bytes(), true)?;
        let realm = realm
            .map(Realm)
            .or_else(|| default_realm.cloned())
            .ok_or(NameError::NoRealm)?;
        Ok(Self {
            realm,
            name: Name {
                name_type: NameType::NT_ENTERPRISE,
                components,
            },
        })
    }

    /// The principal of a message.
    pub fn from_wire(realm: KerberosString<'_>, name: &PrincipalName<'_>) -> Self {
        Self {
            realm: Realm::from_wire(realm),
            name: Name::from_wire(name),
        }
    }

    /// The name for a message; the realm is [`Realm::to_wire`].
    pub fn to_wire(&self) -> PrincipalName<'_> {
        self.name.to_wire()
    }

    /// Whether this is the principal of a message.
    pub fn matches_wire(&self, realm: KerberosString<'_>, name: &PrincipalName<'_>) -> bool {
        self.realm == realm
            && self
                .name
                .components
                .iter()
                .map(Vec::as_slice)
                .eq(name.name_string.iter().map(|part| part.0))
    }

    /// The salt of a password whose KDC names none: the realm and the components, without separators (RFC 4120 4).
    pub fn default_salt(&self) -> Vec<u8> {
        let mut salt = self.realm.0.to_owned();
        self.name
            .components
            .iter()
            .for_each(|component| salt.extend_from_slice(component));
        salt
    }

    /// Whether it is a ticket-granting service: `krbtgt/ANY@REALM`.
    pub fn is_krbtgt(&self) -> bool {
        self.name.is_krbtgt()
    }

    /// Whether it is the ticket-granting service of its own realm: `krbtgt/REALM@REALM`.
    pub fn is_local_krbtgt(&self) -> bool {
        self.name.krbtgt_realm() == Some(self.realm.as_bytes())
    }

    /// The principal as `krb5_unparse_name` writes it: exact, to be parsed again. For people use `Display`.
    pub fn unparse(&self) -> Vec<u8> {
        quoting::unparse(&self.name, Some(&self.realm))
    }
}

impl FromStr for Principal {
    type Err = NameError;

    /// As [`Principal::parse`] without a default realm.
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text, None)
    }
}

/// As it is written, quoted; control characters and what is not UTF-8 are escaped.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, &self.unparse())
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({self})")
    }
}

/// Why a text is not a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It ends in a `\`.
    TrailingBackslash,
    /// The realm has a `/` or `@` without a `\` before it.
    SeparatorInRealm {
        /// The separator's offset in octets.
        offset: usize,
    },
    /// It has no realm, and no default realm is known.
    NoRealm,
    /// It is longer than any principal may be.
    TooLong {
        /// Octets given.
        len: usize,
    },
    /// It has more components than any principal may have.
    TooManyComponents,
    /// A host-based service name is not `service@host`.
    HostBased,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrailingBackslash => f.write_str("malformed principal name: it ends in a backslash"),
            Self::SeparatorInRealm { offset } => write!(
                f,
                "malformed principal name: expected a realm without '/' and '@', but found one at octet {offset}"
            ),
            Self::NoRealm => f.write_str("principal name has no realm, and there is no default realm"),
            Self::TooLong { len } => write!(
                f,
                "malformed principal name: expected at most {MAX_PRINCIPAL_LEN} octets, but found {len}"
            ),
            Self::TooManyComponents => write!(
                f,
                "malformed principal name: expected at most {MAX_COMPONENTS} components, but found more"
            ),
            Self::HostBased => f.write_str("malformed service name: expected service@host"),
        }
    }
}

impl core::error::Error for NameError {}
