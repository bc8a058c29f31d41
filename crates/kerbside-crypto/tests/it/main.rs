//! Tests of the public interface: published vectors, refusals, and messages in pieces.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod in_place;
mod primitives;
mod refusals;
mod support;
mod vectors;
