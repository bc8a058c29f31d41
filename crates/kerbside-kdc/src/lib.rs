//! The KDC engine: gather, check, issue.
//!
//! Request bytes, the time, a principal store and a random source go in; reply bytes, one audit
//! record and the store updates the request asks for come out. The engine opens no socket and no
//! database, reads no clock and keeps no state between requests.
//!
//! A request passes through three steps, and each is a type of its own:
//!
//! ```text
//! bytes --gather--> Facts --check--> Approved --issue--> Outcome
//!            |                |                              ^
//!            +---- Refusal <--+------ an error reply --------+
//! ```
//!
//! * [`Kdc::gather`] decodes, and asks for the principals a request names in at most
//!   [`LOOKUP_ROUNDS_MAX`] rounds, decrypting as it goes. It is the only step that waits for a
//!   store, so a remote store fits as well as an embedded one.
//! * [`Facts::check`] is a pure function from facts and policy to [`Approved`] or [`Refusal`].
//! * [`Approved::issue`] makes the keys and the ticket. There is no other way to a ticket.
//!
//! [`Kdc::handle_with`] runs the three with a synchronous lookup, and is what a server and a fuzz
//! target call.
//!
//! # Not offered yet
//!
//! Refused by name in the error's text, never silently granted: postdated tickets and their
//! validation, user-to-user, S4U2Self and S4U2Proxy, anonymous tickets, cross-realm tickets in both
//! directions, renewal of anything but a TGT, hardware pre-authentication. FAST, SPAKE and PKINIT
//! are not advertised, and their padata is ignored as RFC 4120 5.2.7 asks for unknown types.
//!
//! # Replays of a TGS-REQ
//!
//! The engine keeps no replay cache of TGS-REQ authenticators. RFC 4120 3.3.2 demands that an
//! identical request be answered with a valid reply, and a reply is of no use to anybody who does
//! not hold the session key; a request that differs in its body fails the authenticator's checksum.
//! The server's reply cache answers retransmissions with the bytes of the first answer.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod as_check;
mod attributes;
mod audit;
mod authorization_data;
mod enctype_choice;
mod error_reply;
mod gather;
mod issue;
mod kdc;
mod lifetime;
mod options;
mod outcome;
mod policy;
mod pre_authentication;
mod principal_entry;
mod refusal;
mod request_context;
mod subject;
mod tgs_check;
mod tgs_gather;

pub use attributes::Attributes;
pub use audit::{AuditRecord, AuditResult, RequestKind};
pub use gather::{Facts, Gather, LOOKUP_ROUNDS_MAX, Pending};
pub use issue::Approved;
pub use kdc::{Found, Kdc, REQUEST_BYTES_MAX};
pub use outcome::{Outcome, StoreError, StoreUpdate};
pub use policy::KdcPolicy;
pub use principal_entry::{KeyData, PrincipalEntry, Salt};
pub use refusal::Refusal;
pub use request_context::{ClientAddress, RequestContext, Transport};
