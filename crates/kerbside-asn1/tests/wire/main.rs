//! The crate against published and captured messages, and against hostile ones. Data and its sources: `tests/vectors/`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test that panics has failed, which is what it should do"
)]

mod context_tokens;
mod corpus;
mod families;
mod files;
mod hostile;
mod kdc_messages;
mod names;
mod pkinit;
mod reference;
mod registries;
mod secrets;
mod tolerances;
mod tree;
mod values;
