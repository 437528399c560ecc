//! When something is unusual: how a detector is set.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// When something is unusual. The defaults find more than three quarters of spikes of 3 to 8 standard deviations and nearly all
/// shifts, at less than a false alarm in five months of a series, all days counted: `accordant-bench anomaly` measures it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How many days must be known before one is judged.
    pub warm_up: usize,
    /// How many days are remembered.
    pub memory: usize,
    /// How many standard deviations out a value is a spike.
    pub spike: f64,
    /// By how much of a standard deviation a level may be off without being looked at: half of the least shift that matters.
    pub drift: f64,
    /// How much of what goes beyond it adds up to a shift.
    pub decision: f64,
    /// What the last day counts in an average of days, above 0 and at most 1; what was before it counts the rest.
    pub smoothing: f64,
    /// How many of its own standard deviations that average is off where there is a shift.
    pub limit: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { warm_up: 28, memory: 84, spike: 5.3, drift: 1.0, decision: 5.5, smoothing: 0.3, limit: 4.0 }
    }
}

/// How many days a detector remembers at most: ten years.
const MOST_DAYS: usize = 3_653;

/// Why a detector cannot be set so.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// It is no number, infinite, below zero, or zero where that finds something every day.
    #[error("`{setting}` is {value}, which is not above zero and finite, or a weight above one")]
    OutOfRange {
        /// Its name.
        setting: &'static str,
        /// What it is.
        value: f64,
    },
    /// More days than ten years have.
    #[error("`{setting}` is {days} days, and ten years are the most")]
    Days {
        /// Its name.
        setting: &'static str,
        /// What it is.
        days: usize,
    },
}

impl Settings {
    /// Whether a detector can be set so.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] of the first setting that cannot be meant: one that is no number, infinite, zero or below (a drift may be
    /// zero), a weight above one, more days than ten years.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let days = [("warm_up", self.warm_up), ("memory", self.memory)];
        if let Some((setting, days)) = days.into_iter().find(|(_, days)| *days > MOST_DAYS) {
            return Err(SettingsError::Days { setting, days });
        }
        let numbers = [
            ("spike", self.spike, self.spike > 0.0),
            ("drift", self.drift, self.drift >= 0.0),
            ("decision", self.decision, self.decision > 0.0),
            ("smoothing", self.smoothing, self.smoothing > 0.0 && self.smoothing <= 1.0),
            ("limit", self.limit, self.limit > 0.0),
        ];
        match numbers.into_iter().find(|(_, value, fits)| !fits || !value.is_finite()) {
            Some((setting, value, _)) => Err(SettingsError::OutOfRange { setting, value }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Settings, SettingsError};
    use crate::Detector;

    #[test]
    fn settings_that_cannot_be_meant_are_refused() {
        type Setting = (&'static str, fn(&mut Settings) -> &mut f64);
        let usual = Settings::default();
        let of: [Setting; 5] = [
            ("spike", |of| &mut of.spike),
            ("drift", |of| &mut of.drift),
            ("decision", |of| &mut of.decision),
            ("smoothing", |of| &mut of.smoothing),
            ("limit", |of| &mut of.limit),
        ];
        for (name, of) in of {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
                let mut settings = usual;
                *of(&mut settings) = bad;
                let refused = Detector::with(settings).unwrap_err();
                assert!(matches!(refused, SettingsError::OutOfRange { setting, .. } if setting == name), "{refused}");
            }
            let mut settings = usual;
            *of(&mut settings) = 0.0;
            assert_eq!(Detector::with(settings).is_ok(), name == "drift", "{name}");
        }
        let weight = Detector::with(Settings { smoothing: 1.01, ..usual });
        assert!(matches!(weight, Err(SettingsError::OutOfRange { setting: "smoothing", .. })), "{weight:?}");
        for days in [Settings { memory: usize::MAX, ..usual }, Settings { warm_up: 4_000, ..usual }] {
            assert!(matches!(Detector::with(days), Err(SettingsError::Days { .. })));
        }
        assert!(
            Detector::with(Settings { warm_up: 0, memory: 0, ..usual }).is_ok(),
            "two days are the least that it uses"
        );
    }
}
