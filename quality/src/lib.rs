//! How good data is, what is unusual about it, and what to mend first.
//!
//! A [`check::Checker`] counts exactly how many rows of a table pass each check; [`source`] reads tables from CSV and Parquet, and
//! [`validate`] says whether a text is an e-mail address, an IBAN, and so on. [`score`] makes scores of what was counted, and
//! recommendations. With the feature `engine`, `survey` measures all that a tenant of `accordant` holds, and `golden` has checks that its engine
//! makes of entities.
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
mod chart;
pub mod check;
mod detector;
#[cfg(feature = "engine")]
pub mod golden;
mod measure;
mod robust;
pub mod score;
mod settings;
pub mod share;
#[cfg(any(feature = "csv", feature = "parquet"))]
pub mod source;
#[cfg(feature = "engine")]
pub mod survey;
#[cfg(feature = "testing")]
pub mod testing;
mod trend;
#[cfg(feature = "validators")]
pub mod validate;

pub use detector::{Anomaly, Detector, Kind, SeriesError};
pub use measure::Measured;
pub use settings::{Settings, SettingsError};
pub use trend::{Breach, Trend};

#[cfg(all(doctest, feature = "csv", feature = "parquet", feature = "validators"))]
#[doc = include_str!("../README.md")]
struct Readme;
