//! Workers on one store and one queue: what comes in at any door is heard, worked on once, and told to others.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "a model is declared; the engine reads it")]

mod alerts;
mod checks;
mod doors;
mod failing;
mod feed;
mod indexes;
#[path = "../applying/model.rs"]
mod model;
mod office;
mod outages;
mod shares;
