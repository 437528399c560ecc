//! What is unusual in a series of measurements, and where it leads.
//!
//! A [`Detector`] takes one measurement a day and says what is unusual about it: a value far from what its weekday has been, or
//! a level that has moved. A share of few rows is judged by itself ([`share`]), because a bound in standard deviations means
//! nothing there. A [`Trend`] says how a series moves, and when it will cross a threshold.
//!
//! Everything here is a function of what was measured: no clock, no randomness; the same measurements in the same order find
//! the same anomalies.
//!
//! ```
//! use accordant_quality::{Detector, Kind, Measured};
//!
//! let mut detector = Detector::new();
//! for day in 0..60 {
//!     let orders = if day % 7 < 5 { 1_000 } else { 300 };
//!     assert!(detector.take(day, Measured::Count(orders + day.unsigned_abs() % 13)).unwrap().is_none());
//! }
//! // A Friday with as few orders as a Sunday.
//! let found = detector.take(60, Measured::Count(310)).unwrap().unwrap();
//! assert_eq!(found.kind, Kind::Spike);
//! ```
#![expect(clippy::float_arithmetic, reason = "scores and trends are estimates; nothing here is an amount")]

mod baseline;
mod detector;
mod measure;
mod robust;
pub mod share;
#[cfg(feature = "testing")]
pub mod testing;
mod trend;

pub use detector::{Anomaly, Detector, Kind, SeriesError, Settings};
pub use measure::Measured;
pub use trend::{Breach, Trend};
