//! Addresses to listen on, and the sockets bound to them

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};

use kerbside_formats::host_string::HostPort;

use crate::error::{Result, ServerError, Transport};

/// Tries to find one free port for both transports
const FREE_PORT_TRIES: usize = 64;

/// Room for requests that arrive while all threads are busy
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

/// Bound sockets of a server, not yet served
#[derive(Debug, Default)]
pub struct Listeners {
    pub(crate) udp: Vec<UdpSocket>,
    pub(crate) tcp: Vec<TcpListener>,
}

impl Listeners {
    /// Binds all of the addresses, or none
    ///
    /// An entry without a host means every address of the machine. On a machine with several
    /// addresses name them one by one for UDP: a reply from a socket of all addresses leaves from
    /// the one the routing prefers, and clients refuse a reply from another address.
    ///
    /// # Errors
    /// [`ServerError::AddressTaken`] or [`ServerError::Listen`], naming the address.
    pub fn bind(udp: &[HostPort], tcp: &[HostPort]) -> Result<Listeners> {
        let mut listeners = Listeners::default();
        for entry in udp {
            for address in addresses(entry, Transport::Udp)? {
                match bind_udp(address) {
                    Ok(socket) => listeners.udp.push(socket),
                    Err(error) if is_spare(entry, address, &error) => {}
                    Err(error) => return Err(refused(address, Transport::Udp, error)),
                }
            }
        }
        for entry in tcp {
            for address in addresses(entry, Transport::Tcp)? {
                match bind_tcp(address) {
                    Ok(listener) => listeners.tcp.push(listener),
                    Err(error) if is_spare(entry, address, &error) => {}
                    Err(error) => return Err(refused(address, Transport::Tcp, error)),
                }
            }
        }
        Ok(listeners)
    }

    /// One free port of the loopback address, the same for UDP and TCP
    ///
    /// # Errors
    /// [`ServerError::Listen`] when none is found.
    pub fn loopback_free() -> Result<Listeners> {
        let mut last = None;
        for _ in 0..FREE_PORT_TRIES {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let tcp = bind_tcp(any).map_err(|e| refused(any, Transport::Tcp, e))?;
            let address = tcp.local_addr().map_err(|e| refused(any, Transport::Tcp, e))?;
            match bind_udp(address) {
                Ok(udp) => {
                    return Ok(Listeners {
                        udp: vec![udp],
                        tcp: vec![tcp],
                    });
                }
                Err(error) => last = Some(refused(address, Transport::Udp, error)),
            }
        }
        Err(last.unwrap_or_else(|| ServerError::Thread {
            name: "listen",
            detail: "no free port was found".to_owned(),
        }))
    }

    /// The UDP addresses
    #[must_use]
    pub fn udp_addresses(&self) -> Vec<SocketAddr> {
        self.udp
            .iter()
            .filter_map(|socket| socket.local_addr().ok())
            .collect()
    }

    /// The TCP addresses
    #[must_use]
    pub fn tcp_addresses(&self) -> Vec<SocketAddr> {
        self.tcp
            .iter()
            .filter_map(|socket| socket.local_addr().ok())
            .collect()
    }
}

fn addresses(entry: &HostPort, transport: Transport) -> Result<Vec<SocketAddr>> {
    let Some(host) = &entry.host else {
        let any = [
            IpAddr::from(Ipv6Addr::UNSPECIFIED),
            IpAddr::from(Ipv4Addr::UNSPECIFIED),
        ];
        return Ok(any.map(|ip| SocketAddr::new(ip, entry.port)).to_vec());
    };
    let failed = |source| ServerError::Listen {
        address: entry.to_string(),
        transport,
        source,
    };
    let found: Vec<SocketAddr> = (host.as_str(), entry.port)
        .to_socket_addrs()
        .map_err(failed)?
        .collect();
    if found.is_empty() {
        return Err(failed(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no address",
        )));
    }
    Ok(found)
}

/// Of "every address" one family may be missing, or the IPv6 socket may serve IPv4 as well
fn is_spare(entry: &HostPort, address: SocketAddr, error: &io::Error) -> bool {
    if entry.host.is_some() {
        return false;
    }
    if address.is_ipv6() {
        matches!(
            error.kind(),
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
        ) || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
    } else {
        // Taken by our own socket of [::], if that got the port; another owner kept us from that too.
        error.kind() == io::ErrorKind::AddrInUse && serves_both_families()
    }
}

/// Whether a socket of `[::]` also takes IPv4 here
fn serves_both_families() -> bool {
    let Ok(probe) = UdpSocket::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))) else {
        return false;
    };
    rustix::net::sockopt::ipv6_v6only(&probe).is_ok_and(|only| !only)
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    // The kernel gives what its administrator allows.
    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES);
    Ok(socket)
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
}

fn refused(address: SocketAddr, transport: Transport, source: io::Error) -> ServerError {
    match source.kind() {
        io::ErrorKind::AddrInUse => ServerError::AddressTaken { address, transport },
        _ => ServerError::Listen {
            address: address.to_string(),
            transport,
            source,
        },
    }
}
