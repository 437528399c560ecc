//! What is measured, and on which scale its deviations are alike.

use serde::{Deserialize, Serialize};

/// A measurement of a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Measured {
    /// A value on a scale of its own: an average price.
    Value(f64),
    /// How many: rows, events, errors. Compared by ratios.
    Count(u64),
    /// How long, in seconds or whatever unit the series keeps to. Compared by ratios.
    Lag(f64),
    /// `hits` of `of`: the share of rows that pass a check. Compared by odds.
    Share {
        /// Those that are counted.
        hits: u64,
        /// All of them.
        of: u64,
    },
}

/// Where measurements of a series are compared: those of another are no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scale {
    Value,
    Count,
    Lag,
    Share,
}

/// A measurement where deviations add up, and how far chance alone moves it there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaled {
    pub(crate) value: f64,
    /// One standard deviation of counting alone: nothing below it is news.
    pub(crate) noise: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are no nearer to each other than their logarithms")]
fn number(count: u64) -> f64 {
    count as f64
}

/// Beyond it, squares would be no numbers any more.
const FARTHEST: f64 = 1e100;

impl Measured {
    /// Whether there was nothing to measure: a share of no rows says nothing.
    pub(crate) const fn is_empty(self) -> bool {
        matches!(self, Self::Share { hits: 0, of: 0 })
    }

    /// On the scale of its kind: as it is, by its logarithm, by its log odds. Nothing where it is no number or one
    /// beyond 1e100, a negative length of time, or more hits than rows. A share is drawn to what is expected of it by the
    /// weight of one row, so that few rows are no more news than they can be.
    pub(crate) fn scaled(self, expected: Option<f64>) -> Option<Scaled> {
        let scaled = match self {
            Self::Value(value) => Scaled { value, noise: 0.0 },
            Self::Lag(lag) if lag >= 0.0 => Scaled { value: lag.ln_1p(), noise: 0.0 },
            Self::Lag(_) => return None,
            // A count varies by its root (Poisson), so its logarithm by one over it.
            Self::Count(count) => {
                let count = number(count) + 1.0;
                Scaled { value: count.ln(), noise: count.sqrt().recip() }
            }
            // Where nothing is expected, Haldane's and Anscombe's half keeps none and all of them from being infinitely far.
            Self::Share { hits, of } => {
                let prior = expected.map_or(0.5, |expected| self.unscaled(expected)).clamp(1e-9, 1.0 - 1e-9);
                let (hit, missed) = (number(hits) + prior, number(of.checked_sub(hits)?) + (1.0 - prior));
                Scaled { value: (hit / missed).ln(), noise: (hit.recip() + missed.recip()).sqrt() }
            }
        };
        (scaled.value.abs() <= FARTHEST).then_some(scaled)
    }

    /// A scaled value as it would have been measured: for a share, of 1.
    pub(crate) fn unscaled(self, value: f64) -> f64 {
        match self {
            Self::Value(_) => value,
            Self::Lag(_) => value.exp_m1(),
            Self::Count(_) => value.exp() - 1.0,
            Self::Share { .. } => (1.0 + (-value).exp()).recip(),
        }
    }

    /// Where it is compared.
    pub(crate) const fn scale(self) -> Scale {
        match self {
            Self::Value(_) => Scale::Value,
            Self::Count(_) => Scale::Count,
            Self::Lag(_) => Scale::Lag,
            Self::Share { .. } => Scale::Share,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::Measured;

    #[test]
    fn what_is_scaled_comes_back() {
        let cases = [
            (Measured::Value(-3.5), -3.5),
            (Measured::Lag(12.25), 12.25),
            (Measured::Count(0), 0.0),
            (Measured::Count(1_234), 1_234.0),
        ];
        for (measured, value) in cases {
            let back = measured.unscaled(measured.scaled(None).unwrap().value);
            assert!((back - value).abs() < 1e-9, "{measured:?} {back}");
        }
        let share = Measured::Share { hits: 90, of: 99 };
        assert!((share.unscaled(share.scaled(None).unwrap().value) - 90.5 / 100.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_measurement_is_none() {
        for bad in [
            Measured::Value(f64::NAN),
            Measured::Value(f64::INFINITY),
            Measured::Value(-1e101),
            Measured::Lag(f64::NAN),
            Measured::Lag(-1.0),
            Measured::Lag(f64::INFINITY),
            Measured::Share { hits: 3, of: 2 },
        ] {
            assert!(bad.scaled(None).is_none(), "{bad:?}");
        }
        assert!(Measured::Share { hits: 0, of: 0 }.is_empty() && !Measured::Share { hits: 0, of: 1 }.is_empty());
    }
}
