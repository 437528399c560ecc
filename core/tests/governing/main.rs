//! Tenants, erasure and what is kept nowhere, as laws over random histories.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canaries;
mod erasing;
mod histories;
mod stored;
#[path = "../replay/support.rs"]
#[allow(dead_code, reason = "it is the fake systems of another suite, of which not all is needed here")]
mod support;
mod tenants;
