//! What the store keeps of one principal.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_crypto::{EncryptionType, LongTermKey};

use crate::Attributes;

/// One principal of the database. The engine gets it behind an `Arc`, so that a store that keeps
/// entries in memory also keeps the derived keys of each [`KeyData`].
#[derive(Clone, Debug)]
pub struct PrincipalEntry {
    /// The canonical name.
    pub principal: Principal,
    /// Other names under which a lookup finds this entry.
    pub aliases: Vec<Principal>,
    /// Keys of all kept versions. Within the highest kvno the order is the administrator's
    /// preference: the first permitted one encrypts this principal's tickets.
    pub keys: Vec<KeyData>,
    /// What it may and must do.
    pub attributes: Attributes,
    /// Longest ticket life in seconds; 0: no limit of its own.
    pub max_life: i64,
    /// Longest renewable life in seconds; 0: nothing renewable.
    pub max_renewable_life: i64,
    /// When the principal expires.
    pub expiration: Option<KerberosTime>,
    /// When its password expires.
    pub pw_expiration: Option<KerberosTime>,
    /// When its password was last changed.
    pub last_pw_change: Option<KerberosTime>,
    /// Last successful pre-authenticated AS exchange.
    pub last_success: Option<KerberosTime>,
    /// Last failed pre-authentication.
    pub last_failed: Option<KerberosTime>,
    /// Failed pre-authentications since the last success.
    pub fail_auth_count: u32,
    /// When the entry was last changed by an administrator.
    pub mod_time: KerberosTime,
    /// Who changed it; `None` when nobody is recorded.
    pub mod_by: Option<Principal>,
    /// Name of its password policy.
    pub policy: Option<String>,
    /// String attributes (`session_enctypes`, `require_auth`, ...).
    pub strings: BTreeMap<String, String>,
    /// Whether the current keys come from a password. A service ticket made with such a key could
    /// be cracked offline, so it goes only to the principal itself (CVE-2024-3183).
    pub password_keys: bool,
}

impl PrincipalEntry {
    /// An entry with a name and nothing else: no keys, no limits, no attributes.
    #[must_use]
    pub fn new(principal: Principal, mod_time: KerberosTime) -> PrincipalEntry {
        PrincipalEntry {
            principal,
            aliases: Vec::new(),
            keys: Vec::new(),
            attributes: Attributes::NONE,
            max_life: 0,
            max_renewable_life: 0,
            expiration: None,
            pw_expiration: None,
            last_pw_change: None,
            last_success: None,
            last_failed: None,
            fail_auth_count: 0,
            mod_time,
            mod_by: None,
            policy: None,
            strings: BTreeMap::new(),
            password_keys: false,
        }
    }

    /// The highest key version, 0 when there is no key.
    #[must_use]
    pub fn current_kvno(&self) -> u32 {
        self.keys.iter().map(|key| key.kvno).max().unwrap_or(0)
    }

    /// The keys of the highest version, in the order kept.
    pub fn current_keys(&self) -> impl Iterator<Item = &KeyData> {
        let kvno = self.current_kvno();
        self.keys.iter().filter(move |key| key.kvno == kvno)
    }

    /// The current key of one enctype.
    #[must_use]
    pub fn current_key(&self, enctype: EncryptionType) -> Option<&KeyData> {
        self.current_keys().find(|key| key.key.enctype() == enctype)
    }

    /// The key of one version and enctype.
    #[must_use]
    pub fn key(&self, kvno: u32, enctype: EncryptionType) -> Option<&KeyData> {
        self.keys
            .iter()
            .find(|key| key.kvno == kvno && key.key.enctype() == enctype)
    }
}

/// One long-term key of a principal.
#[derive(Clone, Debug)]
pub struct KeyData {
    /// Version.
    pub kvno: u32,
    /// The key; its enctype is part of it.
    pub key: LongTermKey,
    /// The salt its password was stretched with; `None`: the principal's default salt.
    pub salt: Option<Salt>,
    /// String-to-key parameters sent in ETYPE-INFO2; `None`: the enctype's default.
    pub s2kparams: Option<Vec<u8>>,
}

impl KeyData {
    /// A key with the principal's default salt and default parameters.
    #[must_use]
    pub fn new(kvno: u32, key: LongTermKey) -> KeyData {
        KeyData {
            kvno,
            key,
            salt: None,
            s2kparams: None,
        }
    }
}

/// A salt that is not the principal's default one (MIT's salt types).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Salt {
    /// The name's components without the realm.
    NoRealm,
    /// The realm alone.
    OnlyRealm,
    /// Bytes of its own: an empty one is an empty salt.
    Special(Vec<u8>),
}

impl Salt {
    /// The bytes that go into string-to-key and ETYPE-INFO2.
    #[must_use]
    pub fn bytes(&self, principal: &Principal) -> Vec<u8> {
        match self {
            Salt::NoRealm => principal.name.components.concat(),
            Salt::OnlyRealm => principal.realm.as_bytes().to_vec(),
            Salt::Special(bytes) => bytes.clone(),
        }
    }

    /// MIT's name of the salt type, as in `supported_enctypes` and `getprinc`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Salt::NoRealm => "norealm",
            Salt::OnlyRealm => "onlyrealm",
            Salt::Special(_) => "special",
        }
    }
}
