//! `PA-SVR-REFERRAL-DATA`: where a service is, as old KDCs said it.

use crate::codec::sequence;
use crate::{KerberosString, PrincipalName};

sequence! {
    /// A referral to another realm, the value of [`PA_SVR_REFERRAL_INFO`](crate::PaDataType::PA_SVR_REFERRAL_INFO). Historic: the
    /// ticket's own name is the referral (RFC 6806 8).
    ///
    /// ```text
    /// PA-SVR-REFERRAL-DATA ::= SEQUENCE {
    ///         referred-name   [1] PrincipalName OPTIONAL,
    ///         referred-realm  [0] Realm
    /// }
    /// ```
    ///
    /// RFC 6806 appendix A.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaSvrReferralData<'a> {
        /// The service's name there.
        pub referred_name: Option<PrincipalName<'a>> = [1],
        /// The realm.
        pub referred_realm: KerberosString<'a> = [0],
    }
}
