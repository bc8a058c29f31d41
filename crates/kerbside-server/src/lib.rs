//! The KDC server: sockets, embedded database, administration, realms for tests

pub mod admin;
pub mod clock;
mod codec;
mod error;
mod net;
mod random;
pub mod store;

pub use error::{Result, ServerError, Transport};
pub use random::{SystemRng, system_rng};
