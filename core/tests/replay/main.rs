//! Invariant 9: replaying the journal into an empty state gives the same golden records and open discrepancies.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod at_work;
mod canaries;
mod compaction;
mod erasure;
mod evolution;
mod kept;
mod looking_back;
mod matching;
mod migrations;
mod properties;
#[cfg(feature = "keys")]
mod sealed;
mod support;
mod tombstones;
mod unlearning;
mod verify;
