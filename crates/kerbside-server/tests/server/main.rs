//! A running server from the outside: logins, administration beside it, and abuse of its sockets

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod administration;
mod as_client;
mod realm;
mod sockets;
