//! The PKINIT relations of krb5.conf and kdc.conf. Read and kept; PKINIT itself is not built yet.

use alloc::string::String;
use alloc::vec::Vec;

use crate::profile::ProfileError;
use crate::relations::{Place, relations};

/// A Diffie-Hellman group, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DhGroup {
    /// 1024 bits (Oakley group 2).
    Modp1024,
    /// 2048 bits (group 14).
    Modp2048,
    /// NIST P-256.
    P256,
    /// 4096 bits (group 16).
    Modp4096,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

/// Which extended key usage a KDC's certificate must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KdcKeyUsage {
    /// `kpKDC`: id-pkinit-KPKdc.
    Kdc,
    /// `kpServerAuth`: id-kp-serverAuth is enough.
    ServerAuth,
    /// `none`: it is not checked.
    Unchecked,
}

/// Which extended key usage a client's certificate must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientKeyUsage {
    /// `kpClientAuth`: id-pkinit-KPClientAuth.
    ClientAuth,
    /// `scLogin`: Microsoft's smart card login is enough.
    SmartCardLogin,
    /// `none`: it is not checked.
    Unchecked,
}

const DH_GROUPS: &[(&str, DhGroup)] = &[
    ("1024", DhGroup::Modp1024),
    ("2048", DhGroup::Modp2048),
    ("P-256", DhGroup::P256),
    ("4096", DhGroup::Modp4096),
    ("P-384", DhGroup::P384),
    ("P-521", DhGroup::P521),
];

impl Place<'_> {
    fn dh_group(&self, name: &str) -> Result<DhGroup, ProfileError> {
        self.choice(
            name,
            DhGroup::Modp2048,
            DH_GROUPS,
            "1024, 2048, P-256, 4096, P-384 or P-521",
        )
    }

    fn kdc_key_usage(&self, name: &str) -> Result<KdcKeyUsage, ProfileError> {
        let choices = &[
            ("kpKDC", KdcKeyUsage::Kdc),
            ("kpServerAuth", KdcKeyUsage::ServerAuth),
            ("none", KdcKeyUsage::Unchecked),
        ];
        self.choice(name, KdcKeyUsage::Kdc, choices, "kpKDC, kpServerAuth or none")
    }

    fn client_key_usage(&self, name: &str) -> Result<ClientKeyUsage, ProfileError> {
        let choices = &[
            ("kpClientAuth", ClientKeyUsage::ClientAuth),
            ("scLogin", ClientKeyUsage::SmartCardLogin),
            ("none", ClientKeyUsage::Unchecked),
        ];
        let default = ClientKeyUsage::ClientAuth;
        self.choice(name, default, choices, "kpClientAuth, scLogin or none")
    }
}

relations! {
    /// A client's PKINIT settings: the realm's subsection of `[libdefaults]`, then `[realms]`, then
    /// `[libdefaults]`. Locations are as written (`FILE:`, `DIR:`, `PKCS12:`, `PKCS11:`, `ENV:`).
    pub struct PkinitConf, PKINIT, read(client) {
        /// Certificates trusted to sign a KDC's.
        pkinit_anchors => anchors: Vec<String> = client.texts();
        /// Rules by which a client certificate is chosen, in order.
        pkinit_cert_match => cert_match: Vec<String> = client.texts();
        /// What a KDC's certificate must be for. Default `kpKDC`.
        pkinit_eku_checking => eku_checking: KdcKeyUsage = client.kdc_key_usage();
        /// The group to try. Default 2048 bits.
        pkinit_dh_min_bits => dh_min_bits: DhGroup = client.dh_group();
        /// Where the user's certificate and key are, in order.
        pkinit_identities => identities: Vec<String> = client.texts();
        /// Host names that a KDC's certificate may bear in place of its Kerberos name.
        pkinit_kdc_hostname => kdc_hostnames: Vec<String> = client.texts();
        /// Intermediate certificates.
        pkinit_pool => pool: Vec<String> = client.texts();
        /// Refuse a certificate whose issuer's revocation list is missing. Default no.
        pkinit_require_crl_checking => require_crl_checking: bool = client.boolean(false);
        /// Revocation lists.
        pkinit_revoke => revoke: Vec<String> = client.texts();
    }
}

relations! {
    /// A KDC's PKINIT settings: the realm's in `[realms]`, then `[kdcdefaults]`.
    pub struct KdcPkinitConf, KDC_PKINIT, read(kdc) {
        /// Certificates trusted to sign clients'.
        pkinit_anchors => anchors: Vec<String> = kdc.texts();
        /// The weakest group that is accepted. Default 2048 bits.
        pkinit_dh_min_bits => dh_min_bits: DhGroup = kdc.dh_group();
        /// Accept Microsoft's user principal name in a certificate. Default no.
        pkinit_allow_upn => allow_upn: bool = kdc.boolean(false);
        /// What a client's certificate must be for. Default `kpClientAuth`.
        pkinit_eku_checking => eku_checking: ClientKeyUsage = kdc.client_key_usage();
        /// Where the KDC's certificate and key are.
        pkinit_identity => identity: Option<String> = kdc.text();
        /// Authentication indicators of tickets won by PKINIT.
        pkinit_indicator => indicators: Vec<String> = kdc.texts();
        /// Intermediate certificates.
        pkinit_pool => pool: Vec<String> = kdc.texts();
        /// Revocation lists.
        pkinit_revoke => revoke: Vec<String> = kdc.texts();
        /// Refuse a certificate whose issuer's revocation list is missing. Default no.
        pkinit_require_crl_checking => require_crl_checking: bool = kdc.boolean(false);
        /// Require a freshness token (RFC 8070). Default no.
        pkinit_require_freshness => require_freshness: bool = kdc.boolean(false);
    }
}
