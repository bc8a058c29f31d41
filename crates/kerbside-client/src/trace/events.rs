//! The driver's events: the way to the KDCs, caches, keytabs. Those of the exchanges are `kerbside-protocol`'s.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use hickory_resolver::proto::rr::RData;
use kerbside_asn1::{Principal, Realm};
use kerbside_crypto::EncryptionType;
use kerbside_formats::Credential;
use kerbside_formats::ccache::{CacheEntry, CredentialCache};
use kerbside_formats::keytab::Keytab;
use kerbside_protocol::trace::{Counted, Etype, Etypes};

use crate::attempt::Transport;
use crate::dns::DnsKind;
use crate::names::{CacheName, KeytabName};
use crate::select::{SelectedBy, Selection};

/// One event: MIT's name of the trace point, the fields, MIT's line.
macro_rules! event {
    ($point:literal, { $($fields:tt)* }, $($line:tt)+) => {
        tracing::event!(
            name: $point,
            target: kerbside_protocol::trace::TARGET,
            tracing::Level::DEBUG,
            { $($fields)* },
            $($line)+
        )
    };
}

// --- exchanges ------------------------------------------------------------------------------------

/// A first ticket is wanted. What the exchange does then are its own events.
pub(crate) fn init_creds(client: &Principal, service: Option<&Principal>) {
    event!("init_creds", { client = %client }, "Getting initial credentials for {client}");
    // In an AS exchange it is of the client's realm: named without it, as it is typed.
    if let Some(service) = service {
        event!(
            "init_creds_service",
            { service = %service },
            "Setting initial creds service to {}", service.name
        );
    }
}

/// The realm that knows a user, by the word of a KDC.
pub(crate) fn identified_realm(realm: &Realm) {
    event!(
        "init_creds_identified_realm",
        { realm = %realm },
        "Identified realm of client principal as {realm}"
    );
}

/// A cache's ticket is to be the armor; `known` is the cache's word that the KDC of `realm` knows FAST.
pub(crate) fn armor_cache(cache: &CacheName, realm: &Realm, known: bool, required: bool) {
    event!("fast_armor_ccache", { cache = %cache }, "FAST armor ccache: {cache}");
    if required {
        event!("fast_required", {}, "Using FAST due to KRB5_FAST_REQUIRED flag");
    }
    if known {
        event!(
            "cc_get_config",
            { cache = %cache, realm = %realm, key = "fast_avail", value = "yes" },
            "Read config in {cache} for krbtgt/{realm}@{realm}: fast_avail: yes"
        );
        event!(
            "fast_ccache_config",
            {},
            "Using FAST due to armor ccache negotiation result"
        );
    }
}

// --- the way to the KDCs --------------------------------------------------------------------------

/// A request goes to the KDCs of a realm.
pub(crate) fn sending_request(bytes: usize, realm: &Realm, primary_only: bool, stream_only: bool) {
    event!(
        "sendto_kdc",
        { bytes, realm = %realm, primary_only, stream_only },
        "Sending request ({bytes} bytes) to {realm}{}{}",
        if primary_only { " (primary)" } else { "" },
        if stream_only { " (tcp only)" } else { "" }
    );
}

/// A question is put to DNS.
pub(crate) fn dns_query(kind: DnsKind, name: &str) {
    match kind {
        DnsKind::Uri => event!("dns_uri_send", { name }, "Sending DNS URI query for {name}."),
        DnsKind::Srv => event!("dns_srv_send", { name }, "Sending DNS SRV query for {name}."),
        // MIT tells of the answer alone.
        DnsKind::Txt => {}
    }
}

/// What DNS answered.
pub(crate) fn dns_answer(kind: DnsKind, name: &str, records: &[RData]) {
    if records.is_empty() {
        match kind {
            DnsKind::Uri => event!("dns_uri_notfound", { name }, "No URI records found"),
            DnsKind::Srv => event!("dns_srv_notfound", { name }, "No SRV records found"),
            DnsKind::Txt => event!("txt_lookup_notfound", { name }, "TXT record {name}. not found"),
        }
    }
    records.iter().for_each(|record| dns_record(name, record));
}

fn dns_record(name: &str, record: &RData) {
    match record {
        RData::SRV(srv) => event!(
            "dns_srv_ans",
            { name, priority = srv.priority, weight = srv.weight, port = srv.port, target = %srv.target },
            "SRV answer: {} {} {} \"{}\"", srv.priority, srv.weight, srv.port, srv.target
        ),
        RData::TXT(text) => {
            let text = Counted(text.txt_data.first().map(|text| &text[..]).unwrap_or_default());
            event!("txt_lookup_success", { name, text = %text }, "TXT record {name}. found: {text}");
        }
        RData::Unknown { rdata, .. } => {
            if let [p1, p2, w1, w2, uri @ ..] = &rdata.anything[..] {
                let (priority, weight) = (u16::from_be_bytes([*p1, *p2]), u16::from_be_bytes([*w1, *w2]));
                let uri = Counted(uri);
                event!(
                    "dns_uri_ans",
                    { name, priority, weight, uri = %uri },
                    "URI answer: {priority} {weight} \"{uri}\""
                );
            }
        }
        _ => {}
    }
}

/// A KDC refused that may not know yet what the primary one does.
pub(crate) fn retrying_at_primary() {
    event!("init_creds_primary", {}, "Retrying AS request with primary KDC");
}

pub(crate) fn resolving(host: &str) {
    event!("sendto_kdc_resolving", { host }, "Resolving hostname {host}");
}

/// A datagram goes out, for the first time or again.
pub(crate) fn udp_send(address: SocketAddr, again: bool) {
    if again {
        event!(
            "sendto_kdc_udp_send_retry",
            { transport = "udp", address = %address },
            "Sending retry UDP request to dgram {address}"
        );
    } else {
        event!(
            "sendto_kdc_udp_send_initial",
            { transport = "udp", address = %address },
            "Sending initial UDP request to dgram {address}"
        );
    }
}

pub(crate) fn udp_send_error(address: SocketAddr, error: &io::Error) {
    event!(
        "sendto_kdc_udp_error_send_initial",
        { transport = "udp", address = %address, errno = error.raw_os_error() },
        "UDP error sending to dgram {address}: {}", Errno(error)
    );
}

pub(crate) fn udp_receive_error(address: SocketAddr, error: &io::Error) {
    event!(
        "sendto_kdc_udp_error_recv",
        { transport = "udp", address = %address, errno = error.raw_os_error() },
        "UDP error receiving from dgram {address}: {}", Errno(error)
    );
}

pub(crate) fn tcp_send(address: SocketAddr) {
    event!(
        "sendto_kdc_tcp_send",
        { transport = "tcp", address = %address },
        "Sending TCP request to stream {address}"
    );
}

pub(crate) fn tcp_connect_error(address: SocketAddr, error: &io::Error) {
    event!(
        "sendto_kdc_tcp_error_connect",
        { transport = "tcp", address = %address, errno = error.raw_os_error() },
        "TCP error connecting to stream {address}: {}", Errno(error)
    );
}

pub(crate) fn tcp_send_error(address: SocketAddr, error: &io::Error) {
    event!(
        "sendto_kdc_tcp_error_send",
        { transport = "tcp", address = %address, errno = error.raw_os_error() },
        "TCP error sending to stream {address}: {}", Errno(error)
    );
}

pub(crate) fn tcp_receive_error(address: SocketAddr, error: &io::Error) {
    event!(
        "sendto_kdc_tcp_error_recv",
        { transport = "tcp", address = %address, errno = error.raw_os_error() },
        "TCP error receiving from stream {address}: {}", Errno(error)
    );
}

pub(crate) fn https_send(address: SocketAddr) {
    event!(
        "sendto_kdc_https_send",
        { transport = "https", address = %address },
        "Sending HTTPS request to https {address}"
    );
}

/// A reply came.
pub(crate) fn received(bytes: usize, transport: Transport, address: SocketAddr) {
    event!(
        "sendto_kdc_response",
        { bytes, transport = %transport, address = %address },
        "Received answer ({bytes} bytes) from {} {address}", kind(transport)
    );
}

/// A stream from the attempt to connect to its end, which it tells wherever it comes.
#[derive(Debug)]
pub(crate) struct TcpConnection {
    address: SocketAddr,
    transport: Transport,
}

impl TcpConnection {
    pub(crate) fn begins(address: SocketAddr) -> Self {
        event!(
            "sendto_kdc_tcp_connect",
            { transport = "tcp", address = %address },
            "Initiating TCP connection to stream {address}"
        );
        let transport = Transport::Tcp;
        Self { address, transport }
    }

    /// One for HTTPS: MIT tells of its end alone.
    pub(crate) fn to_proxy(address: SocketAddr) -> Self {
        let transport = Transport::Https;
        Self { address, transport }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for TcpConnection {
    fn drop(&mut self) {
        let Self { address, transport } = *self;
        event!(
            "sendto_kdc_tcp_disconnect",
            { transport = %transport, address = %address },
            "Terminating TCP connection to {} {address}", kind(transport)
        );
    }
}

/// MIT's word for a transport.
fn kind(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "dgram",
        Transport::Tcp => "stream",
        Transport::Https => "https",
    }
}

/// A proxy's certificate is good for the name that it was asked by.
pub(crate) fn tls_name_matched(host: &str) {
    event!(
        "tls_server_name_match",
        { host },
        "TLS certificate name matched \"{host}\""
    );
}

/// A proxy cannot be trusted, or does not speak TLS.
pub(crate) fn tls_error(address: SocketAddr, error: &io::Error) {
    event!("tls_error", { error = %error }, "TLS error: {error}");
    event!(
        "sendto_kdc_https_error_send",
        { transport = "https", address = %address },
        "HTTPS error sending to https {address}"
    );
}

/// No connection to a proxy.
pub(crate) fn https_connect_error(address: SocketAddr, error: &io::Error) {
    https_error(&Errno(error));
    event!(
        "sendto_kdc_https_error_connect",
        { transport = "https", address = %address },
        "HTTPS error connecting to https {address}"
    );
}

pub(crate) fn https_send_error(address: SocketAddr, error: &dyn fmt::Display) {
    https_error(error);
    event!(
        "sendto_kdc_https_error_send",
        { transport = "https", address = %address },
        "HTTPS error sending to https {address}"
    );
}

pub(crate) fn https_receive_error(address: SocketAddr, error: &dyn fmt::Display) {
    https_error(error);
    event!(
        "sendto_kdc_https_error_recv",
        { transport = "https", address = %address },
        "HTTPS error receiving from https {address}"
    );
}

fn https_error(error: &dyn fmt::Display) {
    event!("sendto_kdc_https_error", { error = %error }, "HTTPS error: {error}");
}

/// An error of the operating system: `111/Connection refused`.
struct Errno<'a>(&'a io::Error);

impl fmt::Display for Errno<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        match self.0.raw_os_error() {
            Some(number) => {
                let words = text.split(" (os error").next().unwrap_or_default();
                write!(f, "{number}/{words}")
            }
            None => f.write_str(&text),
        }
    }
}

// --- caches ---------------------------------------------------------------------------------------

/// A ticket for `server` is wanted by whoever has this cache.
pub(crate) fn getting_credentials(client: &Principal, server: &Principal, cache: &CacheName) {
    event!(
        "tkt_creds",
        { client = %client, server = %server, cache = %cache },
        "Getting credentials {client} -> {server} using ccache {cache}"
    );
}

/// No KDC knew the name with the host as it was typed: the one that DNS names is tried.
pub(crate) fn canonical_fallback(server: &Principal) {
    let host = Counted(server.name.component(1).unwrap_or_default());
    event!(
        "get_creds_fallback",
        { server = %server, host = %host },
        "Falling back to canonicalized server hostname {host}"
    );
}

/// The client's KDC knew of no realm for the service: the one that its host suggests is tried.
pub(crate) fn fallback_realm(realm: &Realm) {
    event!(
        "tkt_creds_fallback",
        { realm = %realm },
        "Local realm referral failed; trying fallback realm {realm}"
    );
}

/// A cache was searched for a ticket.
pub(crate) fn retrieved(cache: &CacheName, client: &Principal, server: &Principal, found: bool) {
    event!(
        "cc_retrieve",
        { client = %client, server = %server, cache = %cache, found },
        "Retrieving {client} -> {server} from {cache} with result: {}", Retrieved(cache, found)
    );
}

struct Retrieved<'a>(&'a CacheName, bool);

impl fmt::Display for Retrieved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 {
            return f.write_str("0/Success");
        }
        f.write_str("-1765328243/Matching credential not found")?;
        match self.0 {
            CacheName::File(path) | CacheName::DirFile(path) => write!(f, " (filename: {})", path.display()),
            _ => Ok(()),
        }
    }
}

/// A cache is made anew with everything in it.
pub(crate) fn initialized(name: &CacheName, cache: &CredentialCache) {
    let primary = &cache.primary;
    event!(
        "cc_init",
        { principal = %primary, cache = %name },
        "Initializing {name} with default princ {primary}"
    );
    for entry in &cache.entries {
        match entry {
            CacheEntry::Credential(credential) => stored(name, credential),
            CacheEntry::Config(config) => {
                let (key, server) = (Counted(config.key()), config.server().map(Counted));
                let (server, value) = (server.unwrap_or(Counted(b"")), Counted(config.value()));
                let of = if config.server().is_some() { " for " } else { "" };
                event!(
                    "cc_set_config",
                    { cache = %name, key = %key, server = %server, value = %value },
                    "Storing config in {name}{of}{server}: {key}: {value}"
                );
            }
            _ => {}
        }
    }
}

/// A ticket was added to a cache.
pub(crate) fn stored(name: &CacheName, credential: &Credential) {
    let (client, server) = (&credential.client, &credential.server);
    event!(
        "cc_store",
        { client = %client, server = %server, cache = %name },
        "Storing {client} -> {server} in {name}"
    );
}

/// A cache of a collection was chosen for a service.
pub(crate) fn selected(selection: &Selection, server: &Principal) {
    let module = match selection.by {
        SelectedBy::K5Identity => "k5identity",
        SelectedBy::Realm => "realm",
        SelectedBy::Host => "hostname",
        SelectedBy::Primary => return selected_default(selection, server),
    };
    match (&selection.principal, &selection.cache) {
        (Some(principal), Some(cache)) => event!(
            "ccselect_modchoice",
            { module, cache = %cache, principal = %principal, server = %server },
            "ccselect module {module} chose cache {cache} with client principal {principal} for server principal \
             {server}"
        ),
        (Some(principal), None) => event!(
            "ccselect_modnotfound",
            { module, principal = %principal, server = %server },
            "ccselect module {module} chose client principal {principal} for server principal {server} but found no \
             cache"
        ),
        (None, _) => {}
    }
}

fn selected_default(selection: &Selection, server: &Principal) {
    match &selection.cache {
        Some(cache) => event!(
            "ccselect_default",
            { cache = %cache, server = %server },
            "ccselect choosing default cache {cache} for server principal {server}"
        ),
        None => event!(
            "ccselect_notfound",
            { server = %server },
            "ccselect can't find appropriate cache for server principal {server}"
        ),
    }
}

/// A collection was searched for the cache of a principal.
pub(crate) fn matched(principal: &Principal, found: bool) {
    if found {
        event!(
            "cc_cache_match",
            { principal = %principal, found },
            "Matching {principal} in collection with result: 0/Success"
        );
    } else {
        event!(
            "cc_cache_match",
            { principal = %principal, found },
            "Matching {principal} in collection with result: -1765328243/Can't find client principal {principal} in \
             cache collection"
        );
    }
}

/// A new cache gets a name in the collection.
pub(crate) fn unique_cache(collection: &CacheName) {
    let kind = CacheKind(collection);
    event!("cc_new_unique", { kind = %kind }, "Resolving unique ccache of type {kind}");
}

/// The type in a cache's name.
struct CacheKind<'a>(&'a CacheName);

impl fmt::Display for CacheKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            CacheName::File(_) => "FILE",
            CacheName::Memory(_) => "MEMORY",
            CacheName::Dir(_) | CacheName::DirFile(_) => "DIR",
            CacheName::Keyring(_) => "KEYRING",
            CacheName::Kcm(_) => "KCM",
            CacheName::Other { kind, .. } => kind,
        })
    }
}

pub(crate) fn destroying(name: &CacheName) {
    event!("cc_destroy", { cache = %name }, "Destroying ccache {name}");
}

// --- keytabs --------------------------------------------------------------------------------------

/// A keytab has keys of a client.
pub(crate) fn keytab_lookup(client: &Principal, keytab: &Keytab) {
    event!(
        "init_creds_keytab_lookup",
        { client = %client, enctypes = %KeytabEtypes(keytab, client) },
        "Found entries for {client} in keytab: {}", KeytabEtypes(keytab, client)
    );
}

/// The enctypes of a principal's newest keys, in the order of the keytab.
struct KeytabEtypes<'a>(&'a Keytab, &'a Principal);

impl fmt::Display for KeytabEtypes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = || self.0.entries().filter(|entry| entry.principal == *self.1);
        let newest = own().map(|entry| entry.kvno).max();
        let newest = own().filter(|entry| Some(entry.kvno) == newest);
        let enctypes: Vec<EncryptionType> = newest.map(|entry| entry.enctype()).collect();
        Etypes(&enctypes).fmt(f)
    }
}

/// A keytab was searched for a key of any version.
pub(crate) fn keytab_entry(keytab: &KeytabName, principal: &Principal, enctype: EncryptionType, found: bool) {
    if found {
        event!(
            "kt_get_entry",
            { principal = %principal, keytab = %keytab, enctype = %Etype(enctype), found },
            "Retrieving {principal} from {keytab} (vno 0, enctype {}) with result: 0/Success", Etype(enctype)
        );
    } else {
        event!(
            "kt_get_entry",
            { principal = %principal, keytab = %keytab, enctype = %Etype(enctype), found },
            "Retrieving {principal} from {keytab} (vno 0, enctype {}) with result: -1765328203/No key table entry \
             found for {principal}",
            Etype(enctype)
        );
    }
}
