//! `KERB-AD-RESTRICTION-ENTRY`: the integrity level of a Windows client (MS-KILE 2.2.5, 2.2.6).

use alloc::vec::Vec;

use crate::codec::{Element, newtype, sequence};

sequence! {
    /// One restriction.
    ///
    /// ```text
    /// KERB-AD-RESTRICTION-ENTRY ::= SEQUENCE {
    ///         restriction-type [0] Int32,
    ///         restriction      [1] OCTET STRING
    /// }
    /// ```
    ///
    /// MS-KILE 2.2.6.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KerbAdRestrictionEntry<'a> {
        /// 0.
        pub restriction_type: i32 = [0],
        /// An [`LsapTokenInfoIntegrity`].
        pub restriction: &'a [u8] = [1],
    }
}

impl Element for KerbAdRestrictionEntry<'_> {
    const MAX_COUNT: usize = crate::authorization_data::MAX_AUTHORIZATION_DATA;
}

newtype! {
    /// The `ad_data` of type 141.
    ///
    /// ```text
    /// SEQUENCE OF KERB-AD-RESTRICTION-ENTRY
    /// ```
    ///
    /// MS-KILE 2.2.6.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct KerbAdRestrictions<'a>(pub Vec<KerbAdRestrictionEntry<'a>>);
}

/// The integrity level of the client's process (MS-KILE 2.2.5). Numbers have their least significant octet first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LsapTokenInfoIntegrity<'a> {
    /// 0 for a full token, 1 for one restricted by User Account Control.
    pub flags: u32,
    /// 0x1000 low, 0x2000 medium, 0x3000 high, 0x4000 system, 0x5000 protected process.
    pub token_il: u32,
    /// Drawn at every boot.
    pub per_boot_machine_id: &'a [u8; 32],
    /// Kept on disk; Windows 11 24H2 and Server 2025 send it.
    pub cross_boot_machine_id: Option<&'a [u8; 32]>,
}

impl<'a> LsapTokenInfoIntegrity<'a> {
    /// Reads the structure; `None` when it has neither 40 nor 72 octets.
    pub fn from_octets(octets: &'a [u8]) -> Option<Self> {
        let (flags, rest) = octets.split_first_chunk()?;
        let (token_il, rest) = rest.split_first_chunk()?;
        let (per_boot_machine_id, rest) = rest.split_first_chunk()?;
        let cross_boot_machine_id = if rest.is_empty() {
            None
        } else {
            Some(rest.try_into().ok()?)
        };
        Some(Self {
            flags: u32::from_le_bytes(*flags),
            token_il: u32::from_le_bytes(*token_il),
            per_boot_machine_id,
            cross_boot_machine_id,
        })
    }

    /// Writes the structure.
    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(72);
        octets.extend_from_slice(&self.flags.to_le_bytes());
        octets.extend_from_slice(&self.token_il.to_le_bytes());
        octets.extend_from_slice(self.per_boot_machine_id);
        octets.extend_from_slice(self.cross_boot_machine_id.map_or(&[], |id| &id[..]));
        octets
    }
}
