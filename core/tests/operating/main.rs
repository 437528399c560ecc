//! What operators allow: how far connections may go, what plans are, who approves what without being asked.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "a model is declared; the engine reads it; the shared world has more than one crate uses")]

mod alerts;
mod checks;
mod confirming;
mod consent;
mod counted;
mod examinations;
mod histories;
mod limits;
#[path = "../applying/model.rs"]
mod model;
mod money;
mod outages;
mod owed;
mod panics;
mod plans;
mod rollout;
mod run;
mod schema_drift;
mod standing;
mod sums;
mod totals;
mod two_people;
mod unscanned;
mod what_if;
mod workers;
