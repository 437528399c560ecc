//! Identity without a shared key: which records are the same entity, how probable that is, and why.
#![expect(clippy::float_arithmetic, reason = "weights and probabilities are estimates; nothing here is an amount")]

pub mod assignment;
pub mod attribute;
pub mod blocking;
pub mod calibration;
pub mod cluster;
pub mod columns;
pub mod comparison;
pub mod csv_table;
pub mod decision;
pub mod dictionary;
pub mod drift;
#[cfg(feature = "engine")]
pub mod engine;
pub mod explain;
pub mod hash;
pub mod index;
pub mod layout;
pub mod lexicon;
pub mod linkage;
pub mod log;
pub mod model;
pub mod normalize;
pub mod pattern;
pub mod resolution;
pub mod review;
pub mod score;
pub mod signature;
pub mod similarity;
pub mod sniff;
pub mod table;
#[cfg(feature = "testing")]
pub mod testing;
