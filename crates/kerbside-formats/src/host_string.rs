//! Addresses of KDCs and of our own listeners as configuration files write them.
//!
//! ```text
//! host   host:port   [v6]   [v6]:port   port          tcp/host:port   udp/host   https://host[:port][/path]
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::profile::is_space;

/// The port of the KDC (RFC 4120 7.2.1).
pub const KDC_PORT: u16 = 88;
/// The port of kpasswd (RFC 3244 2).
pub const KPASSWD_PORT: u16 = 464;
/// The port of MIT's kadmind.
pub const KADMIN_PORT: u16 = 749;
/// The port of a KDC proxy (MS-KKDCP 2.1).
pub const HTTPS_PORT: u16 = 443;

/// A host and a port; no host means any address of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name or an address without brackets.
    pub host: Option<String>,
    /// The port.
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, "*:{}", self.port),
        }
    }
}

/// A host string that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostStringError {
    /// It names nothing.
    Empty,
    /// It has no host where one is needed.
    NoHost {
        /// The string.
        found: String,
    },
    /// A colon too many: an IPv6 address needs brackets.
    Colons {
        /// The string.
        found: String,
    },
    /// A bracket that is not closed, or something other than a port behind it.
    Brackets {
        /// The string.
        found: String,
    },
    /// No port number between 1 and 65535.
    Port {
        /// What stands there.
        found: String,
    },
    /// A way to reach a KDC that is not built yet.
    NotSupported {
        /// Its name.
        transport: &'static str,
        /// The string.
        found: String,
    },
}

impl fmt::Display for HostStringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "expected a host, but found an empty string"),
            Self::NoHost { found } => write!(f, "expected a host, but found {found:?}"),
            Self::Colons { found } => {
                write!(
                    f,
                    "expected host or host:port, but found {found:?} (an IPv6 address needs brackets)"
                )
            }
            Self::Brackets { found } => {
                write!(f, "expected [address] or [address]:port, but found {found:?}")
            }
            Self::Port { found } => write!(f, "expected a port from 1 to 65535, but found {found:?}"),
            Self::NotSupported { transport, found } => {
                write!(f, "{transport} is not supported yet, but found {found:?}")
            }
        }
    }
}

impl core::error::Error for HostStringError {}

fn parse_port(text: &str) -> Result<u16, HostStringError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = if digits { text.parse::<u16>().ok() } else { None };
    port.filter(|port| *port != 0)
        .ok_or_else(|| HostStringError::Port {
            found: text.to_string(),
        })
}

impl HostPort {
    /// Parses `host`, `host:port`, `[v6]`, `[v6]:port` or a port alone.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, HostStringError> {
        let text = text.trim_matches(is_space);
        if text.is_empty() {
            return Err(HostStringError::Empty);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self {
                host: None,
                port: parse_port(text)?,
            });
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let brackets = || HostStringError::Brackets {
                    found: text.to_string(),
                };
                let (host, rest) = rest.split_once(']').ok_or_else(brackets)?;
                match rest.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if rest.is_empty() => (host, None),
                    None => return Err(brackets()),
                }
            }
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err(HostStringError::Colons {
                        found: text.to_string(),
                    });
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() || host.contains(|c| is_space(c) || matches!(c, '[' | ']' | '/')) {
            return Err(HostStringError::NoHost {
                found: text.to_string(),
            });
        }
        let port = port.map_or(Ok(default_port), parse_port)?;
        Ok(Self {
            host: Some(host.to_string()),
            port,
        })
    }

    /// Parses a list of listening addresses, apart by blanks or commas; `*` is any address.
    ///
    /// # Errors
    /// The first entry that cannot be used; UNIX domain sockets are not supported yet.
    pub fn parse_list(list: &str, default_port: u16) -> Result<Vec<Self>, HostStringError> {
        let words = list
            .split(|c| is_space(c) || c == ',')
            .filter(|word| !word.is_empty());
        words
            .map(|word| {
                refuse_unix(word)?;
                let mut address = Self::parse(word, default_port)?;
                address.host = address.host.filter(|host| host != "*");
                Ok(address)
            })
            .collect()
    }
}

fn refuse_unix(text: &str) -> Result<(), HostStringError> {
    if text.starts_with('/') {
        return Err(HostStringError::NotSupported {
            transport: "a UNIX domain socket",
            found: text.to_string(),
        });
    }
    Ok(())
}

/// How a server is to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// UDP only.
    Udp,
    /// TCP only.
    Tcp,
    /// A KDC proxy over HTTPS (MS-KKDCP).
    Https,
}

/// The address of a KDC or one of its companions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    /// A name or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The only transport to use; `None` leaves the choice to the client.
    pub transport: Option<Transport>,
    /// Of a KDC proxy: what follows the slash behind its host. MIT asks for `/` where there is nothing.
    pub path: String,
}

impl ServerAddress {
    /// Parses a value of `kdc`, `admin_server` and their like.
    ///
    /// # Errors
    /// Not a host string; HTTP without TLS and UNIX domain sockets are not supported.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, HostStringError> {
        let text = text.trim_matches(is_space);
        let prefixed = |prefix: &str| {
            let head = text
                .get(..prefix.len())
                .filter(|head| head.eq_ignore_ascii_case(prefix))?;
            text.get(head.len()..)
        };
        if let Some(rest) = prefixed("https://") {
            return Self::parse_proxy(text, rest);
        }
        for prefix in ["http://", "http/"] {
            if prefixed(prefix).is_some() {
                let transport = "a KDC proxy over HTTP without TLS";
                return Err(HostStringError::NotSupported {
                    transport,
                    found: text.to_string(),
                });
            }
        }
        refuse_unix(text)?;
        let (transport, rest) = match (prefixed("tcp/"), prefixed("udp/")) {
            (Some(rest), _) => (Some(Transport::Tcp), rest),
            (None, Some(rest)) => (Some(Transport::Udp), rest),
            (None, None) => (None, text),
        };
        let HostPort { host, port } = HostPort::parse(rest, default_port)?;
        let host = host.ok_or_else(|| HostStringError::NoHost {
            found: text.to_string(),
        })?;
        Ok(Self {
            host,
            port,
            transport,
            path: String::new(),
        })
    }

    /// `host[:port][/path]`, what is behind `https://`. A path goes into the request's first line: nothing that is not
    /// printable ASCII may be in it.
    fn parse_proxy(text: &str, rest: &str) -> Result<Self, HostStringError> {
        let no_host = || HostStringError::NoHost {
            found: text.to_string(),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains(['@', '?', '#']) || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(no_host());
        }
        let HostPort { host, port } =
            HostPort::parse(authority, HTTPS_PORT).map_err(|error| match error {
                HostStringError::Empty => no_host(),
                other => other,
            })?;
        Ok(Self {
            host: host.ok_or_else(no_host)?,
            port,
            transport: Some(Transport::Https),
            path: path.to_string(),
        })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transport {
            Some(Transport::Udp) => f.write_str("udp/")?,
            Some(Transport::Tcp) => f.write_str("tcp/")?,
            Some(Transport::Https) => f.write_str("https://")?,
            None => {}
        }
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)?;
        } else {
            write!(f, "{}:{}", self.host, self.port)?;
        }
        if self.transport == Some(Transport::Https) {
            write!(f, "/{}", self.path)?;
        }
        Ok(())
    }
}
