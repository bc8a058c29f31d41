//! What goes into an AS exchange and what comes out of it.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{
    AddressType, KdcOptions, KerberosTime, LrType, PaDataType, Principal, Realm, SpakeGroup,
};
use kerbside_crypto::{EncryptionType, EnctypePolicy, IterationLimits};
use kerbside_formats::Credential;

use super::{AsAsk, AsNeedArmor, AsPending};
use crate::fast::FastArmor;
use crate::kdc_request::{Constraints, DEFAULT_SKEW_SECONDS};
use crate::preauth::{KeyParams, Question};

/// What to ask an authentication service for.
#[derive(Clone, Debug)]
pub struct AsParams {
    /// Who logs in.
    pub client: Principal,
    /// The first ticket's service: `krbtgt/REALM@REALM`, or any other of the client's realm.
    pub service: Principal,
    /// Options. RENEWABLE is added when there is a `renew_lifetime_seconds`, the options for postdating when there is a
    /// `start`.
    pub options: KdcOptions,
    /// The start of a postdated ticket.
    pub start: Option<KerberosTime>,
    /// How long the ticket shall last, in seconds.
    pub lifetime_seconds: i64,
    /// How long it shall be renewable, in seconds.
    pub renew_lifetime_seconds: Option<i64>,
    /// The enctypes that the reply and the session key may have, best first.
    pub enctypes: Vec<EncryptionType>,
    /// Which of them may be used at all: weak ones need it said here as well.
    pub enctype_policy: EnctypePolicy,
    /// The addresses to bind the ticket to; none for a ticket that any host can use.
    pub addresses: Vec<(AddressType, Vec<u8>)>,
    /// How far the KDC's clock is known to be ahead of ours, in seconds.
    pub clock_offset_seconds: i64,
    /// The largest difference between the clocks that passes without a correction, in seconds.
    pub skew_seconds_max: i64,
    /// Bounds on the iteration counts that the KDC may name.
    pub iteration_limits: IterationLimits,
    /// The groups of SPAKE to offer, best first; those that are not of [`SPAKE_GROUPS`](crate::SPAKE_GROUPS) are left
    /// out. Without any, SPAKE is not done.
    pub spake_groups: Vec<SpakeGroup>,
    /// Whether an encrypted timestamp may be sent. Who sees one can try passwords on it, and who can change the KDC's
    /// answers can make a client send one.
    pub encrypted_timestamp: bool,
    /// Which pre-authentication goes first where the KDC offers both; SPAKE does where this names neither.
    pub preferred_preauth: Vec<PaDataType>,
    /// What to armor the exchange with (FAST, RFC 6113); none for an exchange in clear.
    pub armor: Option<FastArmor>,
    /// Whether the ticket shall have a PAC; `None` says nothing to the KDC (MS-KILE 2.2.3).
    pub include_pac: Option<bool>,
}

impl AsParams {
    /// A TGT for `client`, for ten hours, with every enctype that is supported.
    pub fn new(client: Principal) -> Self {
        let service = Principal::krbtgt(&client.realm, &client.realm);
        Self::for_service(client, service)
    }

    /// A ticket for `service`, for ten hours, with every enctype that is supported.
    pub fn for_service(client: Principal, service: Principal) -> Self {
        Self {
            client,
            service,
            options: KdcOptions::default(),
            start: None,
            lifetime_seconds: 10 * 3600,
            renew_lifetime_seconds: None,
            enctypes: EncryptionType::SUPPORTED.to_vec(),
            enctype_policy: EnctypePolicy::DEFAULT,
            addresses: Vec::new(),
            clock_offset_seconds: 0,
            skew_seconds_max: DEFAULT_SKEW_SECONDS,
            iteration_limits: IterationLimits::default(),
            spake_groups: vec![SpakeGroup::EDWARDS25519],
            encrypted_timestamp: true,
            preferred_preauth: Vec::new(),
            armor: None,
            include_pac: None,
        }
    }
}

/// What an AS exchange wants next.
#[derive(Debug)]
#[non_exhaustive]
pub enum AsOutcome {
    /// A round trip to a KDC.
    Send {
        /// The encoded AS-REQ.
        request: Vec<u8>,
        /// The realm whose KDC it goes to.
        realm: Realm,
        /// How it has to travel.
        constraints: Constraints,
        /// What takes the reply.
        pending: AsPending,
    },
    /// Something only the caller knows.
    Ask {
        /// What.
        question: Question,
        /// What takes the answer.
        pending: AsAsk,
    },
    /// Armor for another realm, to whose KDC the client was sent.
    NeedArmor {
        /// The realm whose ticket-granting service the armor is a ticket for.
        realm: Realm,
        /// What takes it.
        pending: AsNeedArmor,
    },
    /// The ticket.
    Done(Box<AsDone>),
}

/// What an AS exchange won. All of it is verified with the reply's key, but for one name: a client name other than the
/// one asked for (CANONICALIZE, enterprise names) is sealed in armor alone, and else the word of whoever brought the
/// reply. The ticket holds the true one: where it matters who logged in, a ticket for a service of one's own tells.
#[derive(Debug)]
#[non_exhaustive]
pub struct AsDone {
    /// The ticket with its session key.
    pub credential: Credential,
    /// How far the KDC's clock is ahead of ours, in seconds, by the reply's own word: present when that is more than
    /// `skew_seconds_max`, or when the clock had to be corrected on the way.
    pub clock_offset_seconds: Option<i64>,
    /// When the client's key or password expires.
    pub key_expiration: Option<KerberosTime>,
    /// Times of earlier requests, as far as the KDC tells.
    pub last_req: Vec<(LrType, KerberosTime)>,
    /// The KDC vouches that the request came to it as it was sent (RFC 6806 section 11).
    pub enc_pa_rep_verified: bool,
    /// Whether the client's name is the one asked for, or sealed in armor (FAST). Any other name came in clear, and is
    /// taken only beside a checksum over the request (RFC 6806 section 11), which says that the KDC may have chosen it.
    pub client_vouched: bool,
    /// The enctype of the client's key that the reply was encrypted with.
    pub reply_enctype: EncryptionType,
    /// The version of that key, as the KDC says.
    pub reply_kvno: Option<u32>,
    /// Whether the client proved its key before the reply.
    pub preauthenticated: bool,
    /// By which pre-authentication it did.
    pub preauth_type: Option<PaDataType>,
    /// Whether the exchange was armored: request and reply are the KDC's and ours, untouched on their way.
    pub armored: bool,
    /// Whether the KDC vouches that it knows FAST (RFC 6806 section 11).
    pub fast_avail: bool,
    /// How the key came out of the password, where the KDC said.
    pub key_params: Option<KeyParams>,
}
