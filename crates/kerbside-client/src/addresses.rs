//! The addresses of this machine, for tickets that are bound to them (RFC 4120 7.5.3).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};

use kerbside_asn1::AddressType;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// The addresses of `extra` (`extra_addresses` of krb5.conf: addresses and names of hosts), and those of the interfaces
/// that are up, but for loopback and link-local ones. As with MIT, what cannot be found is left out.
pub(crate) fn local_addresses(extra: &[String]) -> Vec<(AddressType, Vec<u8>)> {
    let mut found = Found::default();
    for name in extra {
        match name.parse::<IpAddr>() {
            Ok(address) => found.add(address),
            Err(_) => (name.as_str(), 0)
                .to_socket_addrs()
                .into_iter()
                .flatten()
                .for_each(|address| found.add(address.ip())),
        }
    }
    for interface in getifaddrs().into_iter().flatten() {
        let up = interface.flags.contains(InterfaceFlags::IFF_UP);
        let Some(address) = interface.address.filter(|_| up) else {
            continue;
        };
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        let v6 = || address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip()));
        found.add_local(v4.or_else(v6));
    }
    found.addresses
}

/// Addresses in the order they were found, each once.
#[derive(Default)]
struct Found {
    seen: BTreeSet<IpAddr>,
    addresses: Vec<(AddressType, Vec<u8>)>,
}

impl Found {
    fn add_local(&mut self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        let useful = match address {
            IpAddr::V4(address) => !Ipv4Addr::is_loopback(&address),
            IpAddr::V6(address) => !Ipv6Addr::is_loopback(&address) && !address.is_unicast_link_local(),
        };
        if useful {
            self.add(address);
        }
    }

    fn add(&mut self, address: IpAddr) {
        if self.seen.insert(address) {
            self.addresses.push(match address {
                IpAddr::V4(address) => (AddressType::IPV4, address.octets().to_vec()),
                IpAddr::V6(address) => (AddressType::IPV6, address.octets().to_vec()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_link_local_addresses_bind_nothing() {
        let mut found = Found::default();
        for text in ["127.0.0.1", "::1", "fe80::1", "192.0.2.2", "fd00::2", "192.0.2.2"] {
            found.add_local(text.parse().ok());
        }
        let v6 = vec![0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
        assert_eq!(
            found.addresses,
            [(AddressType::IPV4, vec![192, 0, 2, 2]), (AddressType::IPV6, v6)]
        );
    }

    #[test]
    fn extra_addresses_are_added_once_even_if_they_are_loopback() {
        let extra = ["198.51.100.7", "127.0.0.1", "198.51.100.7", "no host at all"];
        let found = local_addresses(&extra.map(str::to_owned));
        for wanted in [vec![198, 51, 100, 7], vec![127, 0, 0, 1]] {
            let times = found.iter().filter(|(_, address)| *address == wanted).count();
            assert_eq!(times, 1, "{wanted:?}");
        }
    }
}
