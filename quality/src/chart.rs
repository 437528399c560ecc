//! Charts of deviations: what adds up, or stays off on average, though no day of it is far out.

use serde::{Deserialize, Serialize};

/// A sum of what goes beyond the drift on one side (Page, *Continuous Inspection Schemes*, 1954).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) value: f64,
    /// The day from which on it is above zero.
    pub(crate) since: i64,
}

impl Sum {
    pub(crate) fn add(&mut self, day: i64, excess: f64) {
        if self.value <= 0.0 {
            self.since = day;
        }
        self.value = (self.value + excess).max(0.0);
    }
}

/// An average of deviations in which each counts less the longer ago it was (Roberts, *Control Chart Tests Based on Geometric Moving
/// Averages*, 1959).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Average {
    pub(crate) value: f64,
    /// The day from which on it is on its side; nothing before the first.
    since: Option<i64>,
}

impl Average {
    /// Takes a deviation that counts by this weight, and gives the day from which on the average has been on its side.
    pub(crate) fn add(&mut self, day: i64, deviation: f64, weight: f64) -> i64 {
        let value = weight * deviation + (1.0 - weight) * self.value;
        let turned = value.is_sign_negative() != self.value.is_sign_negative();
        let since = self.since.filter(|_| !turned).unwrap_or(day);
        *self = Self { value, since: Some(since) };
        since
    }

    /// How many of its own standard deviations it is off, above or below: of independent days it varies by the root of
    /// `weight / (2 - weight)`.
    pub(crate) fn deviation(self, weight: f64) -> f64 {
        self.value / (weight / (2.0 - weight)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::{Average, Sum};

    #[test]
    fn a_sum_begins_where_it_rises() {
        let mut sum = Sum::default();
        for (day, excess) in (0..).zip([-1.0, 1.0, -2.0, 0.5, 0.5]) {
            sum.add(day, excess);
        }
        assert!((sum.value - 1.0).abs() < 1e-12);
        assert_eq!(sum.since, 3);
    }

    #[test]
    fn an_average_forgets_and_knows_since_when_it_is_on_its_side() {
        let mut average = Average::default();
        let since: Vec<i64> =
            (0..).zip([2.0, 2.0, -8.0, -1.0]).map(|(day, deviation)| average.add(day, deviation, 0.5)).collect();
        // 1, 1.5, -3.25, -2.125
        assert_eq!(since, [0, 0, 2, 2]);
        assert!((average.value + 2.125).abs() < 1e-12, "{average:?}");
        assert!((average.deviation(0.5) + 2.125 * 3.0_f64.sqrt()).abs() < 1e-12, "{average:?}");
    }
}
