//! Address types (RFC 4120 7.5.3).

use crate::registry::registry;

registry! {
    /// The `addr-type` of a host address.
    pub struct AddressType {
        IPV4 = 2, "IPv4", "";
        DIRECTIONAL = 3, "Directional", "";
        CHAOSNET = 5, "ChaosNet", "";
        XNS = 6, "XNS", "";
        ISO = 7, "ISO", "";
        DECNET_PHASE_IV = 12, "DECnet-Phase-IV", "";
        APPLETALK_DDP = 16, "AppleTalk-DDP", "";
        NETBIOS = 20, "NetBIOS", "";
        IPV6 = 24, "IPv6", "";
    }
}
