//! Questions to DNS. Its answers are not authenticated: nothing but addresses of servers is taken from them, and, where
//! `dns_lookup_realm` says so, the realm of a host.

mod records;
mod servers;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::trace;

pub(crate) use servers::{FoundServers, find_servers};

/// More records of one answer are not looked at.
pub(crate) const MAX_RECORDS: usize = 32;

/// No resolv.conf is longer.
const MAX_RESOLV_CONF_BYTES: u64 = 65_536;

/// The type of a DNS record (RFC 1035, 2782, 7553).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DnsKind {
    /// A URI with priority and weight.
    Uri,
    /// A host and a port with priority and weight.
    Srv,
    /// Text.
    Txt,
}

impl fmt::Display for DnsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uri => "URI",
            Self::Srv => "SRV",
            Self::Txt => "TXT",
        })
    }
}

impl DnsKind {
    fn record_type(self) -> RecordType {
        match self {
            Self::Uri => RecordType::from(256),
            Self::Srv => RecordType::SRV,
            Self::Txt => RecordType::TXT,
        }
    }
}

/// A question that was put to DNS, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsQuery {
    /// The name asked, without the dot at its end.
    pub name: String,
    /// The type asked for.
    pub kind: DnsKind,
    /// The answer.
    pub outcome: DnsOutcome,
}

/// What came of a question to DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DnsOutcome {
    /// Records came.
    Records {
        /// How many were used.
        used: usize,
        /// How many say nothing that can be used.
        skipped: usize,
    },
    /// The name does not exist (NXDOMAIN).
    NoSuchName,
    /// The name exists and has no such record.
    NoRecord,
    /// One record whose target is the root: the service is decidedly not offered (RFC 2782).
    NotOffered,
    /// No answer, or an error; in words.
    Failed(String),
    /// The name cannot be a DNS name: nothing was asked.
    NotAName,
}

impl fmt::Display for DnsOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records { used, skipped: 0 } => write!(f, "{used} records"),
            Self::Records { used, skipped } => write!(f, "{used} records and {skipped} that cannot be used"),
            Self::NoSuchName => f.write_str("no such name"),
            Self::NoRecord => f.write_str("no such record"),
            Self::NotOffered => f.write_str("the service is not offered"),
            Self::Failed(reason) => f.write_str(reason),
            Self::NotAName => f.write_str("not asked: it is no DNS name"),
        }
    }
}

impl fmt::Display for DnsQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DNS {} {}: {}",
            self.kind,
            self.name.escape_debug(),
            self.outcome
        )
    }
}

/// Where questions are put.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameServers {
    /// `None`: those of `/etc/resolv.conf`.
    pub(crate) given: Option<Arc<[SocketAddr]>>,
}

impl NameServers {
    /// The resolver's configuration. It reads a file and may block.
    pub(crate) fn read(&self) -> Result<Settings, String> {
        let (mut config, mut options) = match &self.given {
            Some(_) => (ResolverConfig::default(), ResolverOpts::default()),
            None => resolv_conf("/etc/resolv.conf")?,
        };
        if let Some(servers) = &self.given {
            config = ResolverConfig::from_name_servers(servers.iter().map(|address| at(*address)).collect());
        }
        options.use_hosts_file = ResolveHosts::Never;
        // Every resolver lives for one look-up.
        options.cache_size = 0;
        Ok(Settings { config, options })
    }
}

/// A name server on any port, by both transports.
fn at(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.to_vec())
}

fn resolv_conf(path: &str) -> Result<(ResolverConfig, ResolverOpts), String> {
    let mut text = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file
            .take(MAX_RESOLV_CONF_BYTES)
            .read_to_end(&mut text)
            .map(|_| ()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
    .map_err(|error| format!("{path}: {}", crate::transport::io_words(&error)))?;
    hickory_resolver::system_conf::parse_resolv_conf(&text)
        // resolv.conf(5): without a name server there, the one of this machine is asked.
        .or_else(|_| hickory_resolver::system_conf::parse_resolv_conf(b"nameserver 127.0.0.1\n"))
        .map_err(|error| format!("{path}: {error}"))
}

/// What a resolver is made of.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    config: ResolverConfig,
    options: ResolverOpts,
}

/// A resolver with an end to its patience. It needs a tokio runtime.
pub(crate) struct Resolver {
    inner: TokioResolver,
    until: Instant,
    limit: Duration,
}

impl Resolver {
    pub(crate) fn new(settings: Settings, limit: Duration) -> Result<Self, String> {
        let mut builder =
            TokioResolver::builder_with_config(settings.config, TokioRuntimeProvider::default());
        *builder.options_mut() = settings.options;
        Ok(Self {
            inner: builder.build().map_err(|error| error.to_string())?,
            until: Instant::now() + limit,
            limit,
        })
    }

    /// The records of that type at that name, which is taken as it is: no search list.
    async fn records(&self, name: &str, kind: DnsKind) -> Result<Vec<RData>, DnsOutcome> {
        trace::dns_query(kind, name);
        let found = self.asked_for(name, kind).await;
        trace::dns_answer(kind, name, found.as_deref().unwrap_or_default());
        found
    }

    async fn asked_for(&self, name: &str, kind: DnsKind) -> Result<Vec<RData>, DnsOutcome> {
        let asked = dns_name(name).ok_or(DnsOutcome::NotAName)?;
        let left = self.until.saturating_duration_since(Instant::now());
        let lookup = self.inner.lookup(asked, kind.record_type());
        let answer = match tokio::time::timeout(left, lookup).await {
            Ok(answer) => answer.map_err(|error| outcome(&error))?,
            Err(_) => {
                let seconds = self.limit.as_secs_f64();
                return Err(DnsOutcome::Failed(format!("no answer within {seconds:.1} s")));
            }
        };
        let records = answer.answers().iter().map(|record| &record.data);
        let wanted = records.filter(|data| data.record_type() == kind.record_type());
        let records: Vec<RData> = wanted.take(MAX_RECORDS).cloned().collect();
        if records.is_empty() {
            return Err(DnsOutcome::NoRecord);
        }
        Ok(records)
    }

    /// The first text of the name, as MIT reads `_kerberos.HOST`.
    pub(crate) async fn first_text(&self, name: &str) -> Option<String> {
        let records = self.records(name, DnsKind::Txt).await.ok()?;
        records.iter().find_map(|data| match data {
            RData::TXT(text) => text.txt_data.first().and_then(|text| records::realm(text)),
            _ => None,
        })
    }
}

/// A name without the characters that zone files would have to escape; RFC 1035 bounds its length.
fn dns_name(name: &str) -> Option<Name> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || !name.bytes().all(plain) {
        return None;
    }
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn outcome(error: &NetError) -> DnsOutcome {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(found)) => match found.response_code {
            ResponseCode::NXDomain => DnsOutcome::NoSuchName,
            _ => DnsOutcome::NoRecord,
        },
        NetError::Dns(DnsError::ResponseCode(code)) => {
            DnsOutcome::Failed(format!("the name server says: {}", code.to_str()))
        }
        NetError::Timeout => DnsOutcome::Failed("no answer of a name server".to_owned()),
        NetError::NoConnections => DnsOutcome::Failed("no name server can be reached".to_owned()),
        NetError::Io(error) => DnsOutcome::Failed(crate::transport::io_words(error)),
        other => DnsOutcome::Failed(other.to_string()),
    }
}
