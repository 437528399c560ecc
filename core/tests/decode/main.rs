//! The decoder: bytes of an item to packed partial observations.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "tests: a panic is a failed test, and nobody links against them"
)]

mod collections;
mod faults;
mod hostile;
mod properties;
mod reach;
mod shapes;
mod support;
mod two_ways;
