//! PACs that no KDC makes, made with the encoder. Names carry what the test is about: KS and KA are defects of a Go
//! implementation, numbers those of CVEs in MIT's, Heimdal's, Samba's and Microsoft's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod comparison;
mod container;
mod contents;
mod forge;
mod signatures;
mod table;

use forge::*;
use kerbside_asn1::{
    AdType, AuthorizationData, AuthorizationDataElement, EncTicketPart, EncryptionKey, KerberosString,
    KerberosTime, Principal, TicketFlags, TransitedEncoding, TransitedType, decode, encode,
};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key, KeyUsage, Zeroizing};
use kerbside_pac::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
