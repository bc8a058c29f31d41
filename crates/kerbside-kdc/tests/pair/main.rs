//! Client and KDC in one memory: the client's machines of `kerbside-protocol`, and requests made by
//! hand where no honest client would make them, against the engine, on a virtual clock with seeded
//! randomness.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may panic: that is how it fails"
)]

mod altered;
mod as_exchange;
mod enctypes;
mod packets;
mod requests;
mod tgs_exchange;
mod tgs_refused;
mod world;
