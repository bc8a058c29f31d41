//! What comes with a request besides its bytes.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use kerbside_asn1::ErrorCode;
use kerbside_protocol::Now;

use crate::error_reply::error_reply;
use crate::subject::Subject;

/// When, from where and how a request came.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext {
    /// The KDC's clock.
    pub now: Now,
    /// Who sent it.
    pub from: ClientAddress,
    /// What it came over.
    pub transport: Transport,
}

/// The sender's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAddress {
    /// A socket's peer.
    Socket(SocketAddr),
    /// The same process: no address. Tickets that are bound to addresses are refused from here.
    InProcess,
}

impl ClientAddress {
    /// The IP address, an IPv4-mapped one as IPv4.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            ClientAddress::Socket(address) => Some(address.ip().to_canonical()),
            ClientAddress::InProcess => None,
        }
    }
}

impl fmt::Display for ClientAddress {
    /// The address without its port, as MIT's KDC logs it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip() {
            Some(ip) => ip.fmt(f),
            None => f.write_str("in-process"),
        }
    }
}

/// What carries the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// One datagram: a longer reply becomes KRB_ERR_RESPONSE_TOO_BIG (52), and the client comes
    /// back over a stream.
    Datagram {
        /// Longest reply in bytes.
        reply_bytes_max: usize,
    },
    /// A stream (TCP): any length.
    Stream,
}

/// The reply itself, or the error that sends the client to a stream.
pub(crate) fn fit_transport(reply: Vec<u8>, subject: &Subject) -> Vec<u8> {
    match subject.context.transport {
        Transport::Datagram { reply_bytes_max } if reply.len() > reply_bytes_max => error_reply(
            subject,
            ErrorCode::KRB_ERR_RESPONSE_TOO_BIG,
            "RESPONSE_TOO_BIG",
            None,
        )
        .unwrap_or_default(),
        Transport::Datagram { .. } | Transport::Stream => reply,
    }
}
