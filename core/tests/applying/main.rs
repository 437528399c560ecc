//! Applying, where it could go wrong: values nobody approved, approvals that outlive their write, limits that are met a
//! little at a time, workers that meet, and a crash at every point.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "a model is declared; the engine reads it")]
#![allow(unused_must_use, reason = "a story that has been told is dropped")]

mod approvals;
mod crash;
mod deletes;
mod fuse;
mod keys;
mod model;
mod retention;
mod sharing;
mod spelling;
mod unread;
mod workers;
