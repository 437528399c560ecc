//! What tests of connectors share: a connector alone, before a stand-in of its system ([`walk`], [`write()`]), and in an
//! engine beside two systems in memory, under the quickstart's model as it is ([`Rehearsal`]); a way out that loses answers
//! ([`Unanswered`]), one that changes them ([`Altered`]), and what benches of passports do with it and with a stand-in ([`Faulty`]).
//!
//! Everything here panics where a test should fail.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::missing_panics_doc, reason = "said once, above")]

mod alone;
mod altered;
mod engine;
mod faulty;
mod unanswered;

pub use alone::{Asleep, json, key, walk, write};
pub use altered::Altered;
pub use engine::{Rehearsal, models};
pub use faulty::{Faulty, delivered};
pub use unanswered::Unanswered;
