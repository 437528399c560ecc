//! The health of a connection: one number of four.

use serde::{Deserialize, Serialize};

use super::{Measure, WHOLE};

/// What was measured of a connection over the last minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Measured {
    /// Calls that failed, of all calls, in hundredths of a percent; `None`: no call was made.
    pub failure_rate: Option<u64>,
    /// How long a call took on average, in milliseconds; `None`: no call was made.
    pub latency: Option<u64>,
    /// How many records wait to be read.
    pub queue: Option<u64>,
    /// Items, answers and receipts that were wrong, of all, in hundredths of a percent; `None`: there were none.
    pub error_rate: Option<u64>,
    /// How long ago the record was verified of which that is longest ago, in hundredths of the interval of its priority; `None`: nothing is
    /// verified by a budget, or nothing is there to be.
    #[serde(default)]
    pub verification_age: Option<u64>,
}

impl Measured {
    /// A measure; `None`: nothing was measured.
    #[must_use]
    pub fn value(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::FailureRate => self.failure_rate,
            Measure::Latency => self.latency,
            Measure::Queue => self.queue,
            Measure::Health => Some(health(self)),
            Measure::ErrorRate => self.error_rate,
            Measure::VerificationAge => self.verification_age,
        }
    }
}

/// The health of a connection, in hundredths of a percent: 100 % less
///
/// - 4 × the failure rate, at most 40 %: at 10 % failed calls all of it is lost;
/// - 2 % for each second of latency, at most 20 %: at 10 s;
/// - 1 % for each hundred that wait, at most 20 %: at 2 000;
/// - the error rate, at most 20 %: at 20 %.
///
/// How long ago anything was verified is no part of it: that is no matter of the system's. What was not measured takes nothing away. At the standard thresholds it is 80 %, 90 %, 90 % and 90 %: each of them alone brings it
/// below 95 %. So does any failure rate above 1.25 %; half of any of the others does not.
#[must_use]
pub fn health(measured: &Measured) -> u64 {
    let loses = |value: Option<u64>, each: u64, of: u64, most: u64| {
        let value = value.unwrap_or(0);
        (value.saturating_mul(each) / of).min(most)
    };
    let lost = loses(measured.failure_rate, 4, 1, 4_000)
        + loses(measured.latency, 200, 1_000, 2_000)
        + loses(measured.queue, 100, 100, 2_000)
        + loses(measured.error_rate, 1, 1, 2_000);
    WHOLE.saturating_sub(lost)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_formula_is_what_is_published() {
        let of = |failure_rate, latency, queue, error_rate| {
            health(&Measured { failure_rate, latency, queue, error_rate, ..Measured::default() })
        };
        assert_eq!(of(None, None, None, None), 10_000);
        assert_eq!(of(Some(500), None, None, None), 8_000, "at the threshold of failures");
        assert_eq!(of(None, Some(5_000), None, None), 9_000, "of latency");
        assert_eq!(of(None, None, Some(1_000), None), 9_000, "of the queue");
        assert_eq!(of(None, None, None, Some(1_000)), 9_000, "of errors");
        assert_eq!((of(Some(125), None, None, None), of(Some(126), None, None, None)), (9_500, 9_496));
        let halves =
            [of(None, Some(2_500), None, None), of(None, None, Some(500), None), of(None, None, None, Some(500))];
        assert_eq!(halves, [9_500; 3]);
        assert_eq!(of(Some(100), Some(250), Some(10), Some(20)), 10_000 - 400 - 50 - 10 - 20);
        assert_eq!(of(Some(10_000), Some(u64::MAX), Some(u64::MAX), Some(10_000)), 0);
    }

    proptest! {
        /// It is a share of the whole, and nothing that gets worse makes it better.
        #[test]
        fn whatever_gets_worse_makes_it_no_better(
            values in proptest::array::uniform4(proptest::option::of(0_u64..20_000)),
            worse in 0_u64..20_000,
            which in 0_usize..4,
        ) {
            let of = |[failure_rate, latency, queue, error_rate]: [Option<u64>; 4]| {
                health(&Measured { failure_rate, latency, queue, error_rate, ..Measured::default() })
            };
            let mut then = values;
            if let Some(value) = then.get_mut(which) {
                *value = Some(value.unwrap_or(0) + worse);
            }
            prop_assert!(of(then) <= of(values) && of(values) <= WHOLE);
        }
    }
}
