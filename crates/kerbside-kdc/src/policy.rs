//! What a realm allows.

use kerbside_asn1::Realm;
use kerbside_crypto::{EncryptionType, EnctypePolicy};

/// The realm's rules, the same for every request. Made once, when the server starts.
#[derive(Clone, Debug)]
pub struct KdcPolicy {
    /// The realm this engine serves.
    pub realm: Realm,
    /// Longest ticket life in seconds (kdc.conf `max_life`); 0: no limit of the realm's own.
    pub max_life: i64,
    /// Longest renewable life in seconds (`max_renewable_life`); 0: nothing renewable.
    pub max_renewable_life: i64,
    /// How far a client's clock may be off, in seconds (`clockskew`).
    pub clockskew_seconds: i64,
    /// Enctypes that may protect anything at all: reply, ticket and session key. Keys of other
    /// enctypes lie in the database and are not used.
    pub enctype_policy: EnctypePolicy,
    /// Whether a service ticket for a principal whose keys come from a password goes to other
    /// clients than the principal itself. Such a ticket can be cracked offline (CVE-2024-3183), so
    /// the default is no.
    pub password_keys_as_service: bool,
    /// Ask the store to note each successful pre-authentication (MIT's `disable_last_success`
    /// turns it off).
    pub record_last_success: bool,
    /// Ask the store to count failed pre-authentications (MIT's `disable_lockout` turns it off).
    pub record_failures: bool,
}

impl KdcPolicy {
    /// MIT's defaults: a day, nothing renewable, five minutes of skew, every enctype but the weak ones.
    #[must_use]
    pub fn new(realm: Realm) -> KdcPolicy {
        KdcPolicy {
            realm,
            max_life: 24 * 3600,
            max_renewable_life: 0,
            clockskew_seconds: 300,
            enctype_policy: EnctypePolicy::DEFAULT,
            password_keys_as_service: false,
            record_last_success: true,
            record_failures: true,
        }
    }

    /// Whether `enctype` may be used: computed by us and permitted.
    #[must_use]
    pub fn permits(&self, enctype: EncryptionType) -> bool {
        self.enctype_policy.permits(enctype)
    }
}
