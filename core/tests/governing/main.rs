//! Tenants, permissions and erasure as laws: random roles, attributes, people, calls and histories.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canaries;
mod erasing;
mod histories;
mod interrupted;
mod lifted;
mod masks;
mod people;
mod roles;
#[path = "../replay/support.rs"]
#[allow(dead_code, reason = "it is the fake systems of another suite, of which not all is needed here")]
mod support;
mod tenants;
