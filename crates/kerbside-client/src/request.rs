//! What a client is asked for, and what it brings.

use kerbside_asn1::{KerberosTime, PaDataType, Principal};
use kerbside_crypto::EncryptionType;
use kerbside_formats::Credential;

use crate::attempt::Attempt;
use crate::names::CacheName;

/// A first ticket to be got with a password or a key. What is `None` is as krb5.conf says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TgtRequest {
    /// Who logs in.
    pub client: Principal,
    /// The ticket's service; `None` for the realm's ticket-granting service.
    pub service: Option<Principal>,
    /// When the ticket shall begin: a postdated one, which has to be [validated](crate::Client::validate) then.
    pub start: Option<KerberosTime>,
    /// How long the ticket shall last.
    pub lifetime_seconds: Option<i64>,
    /// How long it shall be renewable; 0 for not at all.
    pub renew_lifetime_seconds: Option<i64>,
    /// Whether it can be forwarded to another host.
    pub forwardable: Option<bool>,
    /// Whether proxies of it can be made.
    pub proxiable: Option<bool>,
    /// Whether the KDC may answer with another name of the client.
    pub canonicalize: Option<bool>,
    /// Whether the ticket is good from any address, or from those of this machine and krb5.conf's `extra_addresses`.
    pub any_address: Option<bool>,
    /// Whether the KDC is asked to put a PAC into the ticket or to leave it out; `None` for its own default.
    pub request_pac: Option<bool>,
    /// The one pre-authentication to do, as a cache remembers it from an earlier login; `None` for any.
    pub allowed_preauth: Option<PaDataType>,
    /// The cache whose ticket armors the login (FAST): that of the host, or anybody's. `None` for a login in clear.
    pub armor: Option<CacheName>,
    /// Whether a KDC that does not say that it knows FAST is refused. Without this the armor is used where the cache
    /// remembers that the KDC knows it, or where the KDC says so, as MIT's `kinit -T` does.
    pub armor_required: bool,
    /// Whether the realm's primary KDC is asked, where one is known: others may not know yet of a password that was just
    /// changed.
    pub at_primary: bool,
}

impl TgtRequest {
    /// A ticket-granting ticket for `client`, everything else as krb5.conf says.
    #[must_use]
    pub fn new(client: Principal) -> Self {
        Self {
            client,
            service: None,
            start: None,
            lifetime_seconds: None,
            renew_lifetime_seconds: None,
            forwardable: None,
            proxiable: None,
            canonicalize: None,
            any_address: None,
            request_pac: None,
            allowed_preauth: None,
            armor: None,
            armor_required: false,
            at_primary: false,
        }
    }
}

/// A first ticket. Everything in it was verified with the client's key, but for a client name that the KDC changed
/// without armor: see [`kerbside_protocol::AsDone`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InitialTicket {
    /// The ticket with its session key.
    pub credential: Credential,
    /// How far the KDC's clock is ahead of ours, in seconds, when that is worth correcting.
    pub clock_offset_seconds: Option<i64>,
    /// Whether the client's name is the one asked for, or sealed in armor (FAST). Any other name came in clear, and is
    /// taken only beside a checksum over the request (RFC 6806 section 11), which says that the KDC may have chosen it.
    pub client_vouched: bool,
    /// When the client's key or password expires.
    pub key_expiration: Option<KerberosTime>,
    /// Whether the client proved its key before the reply.
    pub preauthenticated: bool,
    /// By which pre-authentication it did.
    pub preauth_type: Option<PaDataType>,
    /// Whether request and reply travelled in armor (FAST).
    pub armored: bool,
    /// Whether the KDC vouches that it knows FAST.
    pub fast_avail: bool,
    /// How the last round trip went.
    pub attempts: Vec<Attempt>,
}

/// How a service ticket is to be got.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ServiceTicketOptions {
    /// The enctypes that the session key may have, best first; `None` as krb5.conf says.
    pub enctypes: Option<Vec<EncryptionType>>,
    /// Whether the KDC must not be asked.
    pub cached_only: bool,
    /// Whether a new ticket is stored in the cache.
    pub store: bool,
}

impl Default for ServiceTicketOptions {
    fn default() -> Self {
        Self {
            enctypes: None,
            cached_only: false,
            store: true,
        }
    }
}

/// A ticket for a service.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceTicket {
    /// The ticket with its session key.
    pub credential: Credential,
    /// Whether the KDC says under a key whose ticket it is, as it can in armor (FAST) or by PA-S4U-X509-USER: only such
    /// tickets of others are stored. True for tickets of the cache's own principal, and for those in the cache.
    pub client_vouched: bool,
    /// Whether it was in the cache already.
    pub from_cache: bool,
    /// How the last round trip went; empty when there was none.
    pub attempts: Vec<Attempt>,
}
