//! Sockets: what listens, datagrams, streams

pub(crate) mod listen;
pub(crate) mod reply_cache;
pub(crate) mod tcp;
pub(crate) mod udp;

use std::time::Duration;

/// What one server takes at the same time, and how long it waits for others
#[derive(Clone, Debug)]
pub struct Limits {
    /// Threads that answer datagrams, per address
    pub udp_threads: usize,
    /// TCP connections; the oldest is closed for a new one
    pub tcp_connections_max: usize,
    /// How long an open connection may be silent between requests
    pub tcp_idle: Duration,
    /// How long a request may take from its first octet to its last, and a reply to be taken
    pub tcp_message: Duration,
    /// How long a connection may last
    pub tcp_total: Duration,
    /// Longest reply that goes by datagram, octets (`kdc_max_dgram_reply_size`)
    pub udp_reply_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            udp_threads: std::thread::available_parallelism().map_or(2, |cores| cores.get().min(16)),
            tcp_connections_max: 1024,
            tcp_idle: Duration::from_secs(10),
            tcp_message: Duration::from_secs(5),
            tcp_total: Duration::from_secs(120),
            udp_reply_bytes_max: 4096,
        }
    }
}
