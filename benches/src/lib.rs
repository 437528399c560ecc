//! What Accordant costs: a seeded workload of deliveries, and the way from their bytes to resolved state.
//!
//! `benches/README.md` says what each figure means and how to repeat it.

pub mod answer;
pub mod beside;
pub mod centre;
pub mod customer;
pub mod delivery;
pub mod fresh;
pub mod shards;
pub mod stream;
#[cfg(feature = "sweep")]
pub mod sweep;
pub mod usage;
pub mod workload;
pub mod world;
