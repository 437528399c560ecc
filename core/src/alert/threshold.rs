//! Thresholds: from where on something is wrong, and where it is right again.

use chrono::TimeDelta;

use super::{Measure, Severity, WHOLE};

/// The longest that something must last: a day.
const LONGEST: i64 = 24 * 60 * 60 * 1000;

/// From which level on something is wrong, at which it is right again, and for how long either must last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    measure: Measure,
    severity: Severity,
    limit: u64,
    right: u64,
    /// In milliseconds.
    lasting: i64,
}

/// A threshold that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AlertError {
    /// A share of more than all.
    #[error("a threshold of {value} hundredths of a percent for {measure} is more than all")]
    OutOfRange {
        /// Of what.
        measure: Measure,
        /// The threshold.
        value: u64,
    },
    /// A threshold that nothing can be beyond.
    #[error("nothing is ever beyond a threshold of {value} for {measure}")]
    NeverBeyond {
        /// Of what.
        measure: Measure,
        /// The threshold.
        value: u64,
    },
    /// It would be right again where it is wrong.
    #[error("{measure} is wrong beyond {limit} and would be right again at {right}, which is beyond it too")]
    RightIsWrong {
        /// Of what.
        measure: Measure,
        /// From where on it is wrong.
        limit: u64,
        /// Where it was to be right again.
        right: u64,
    },
    /// A time that is negative, or longer than a day.
    #[error("something must last for 0 to 86400000 ms, not for {milliseconds} ms")]
    Lasting {
        /// What was asked for.
        milliseconds: i64,
    },
}

impl Threshold {
    /// Something is wrong beyond this level (in the unit of the [`Measure`]): over it, or of health below it. It is right again at a
    /// level a tenth of that better, and either counts when it has lasted for a minute.
    ///
    /// # Errors
    ///
    /// [`AlertError::OutOfRange`], [`AlertError::NeverBeyond`].
    pub fn new(measure: Measure, severity: Severity, limit: u64) -> Result<Self, AlertError> {
        if measure.is_share() && limit > WHOLE {
            return Err(AlertError::OutOfRange { measure, value: limit });
        }
        let never = if measure.falls() { limit == 0 } else { measure.is_share() && limit == WHOLE };
        if never {
            return Err(AlertError::NeverBeyond { measure, value: limit });
        }
        let right = if measure.falls() { limit + (WHOLE - limit) / 10 } else { limit - limit / 10 };
        Ok(Self { measure, severity, limit, right, lasting: 60_000 })
    }

    /// The same, right again at this level.
    ///
    /// # Errors
    ///
    /// [`AlertError::OutOfRange`], [`AlertError::RightIsWrong`].
    pub fn right_again_at(self, right: u64) -> Result<Self, AlertError> {
        let Self { measure, limit, .. } = self;
        if measure.is_share() && right > WHOLE {
            return Err(AlertError::OutOfRange { measure, value: right });
        }
        if self.is_wrong(right) {
            return Err(AlertError::RightIsWrong { measure, limit, right });
        }
        Ok(Self { right, ..self })
    }

    /// The same, that counts when it has lasted for so long; zero: at once.
    ///
    /// # Errors
    ///
    /// [`AlertError::Lasting`] for a negative time, or more than a day.
    pub fn lasting(self, lasting: TimeDelta) -> Result<Self, AlertError> {
        let milliseconds = lasting.num_milliseconds();
        if !(0..=LONGEST).contains(&milliseconds) {
            return Err(AlertError::Lasting { milliseconds });
        }
        Ok(Self { lasting: milliseconds, ..self })
    }

    /// What is told unless somebody says otherwise: a failure rate over 5 % (error), a latency over 5 s (warning), a queue over 1 000
    /// (warning), a health below 95 % (warning), an error rate over 10 % (error).
    #[must_use]
    pub fn standard() -> Vec<Self> {
        let of = |measure, severity, limit| Self::new(measure, severity, limit).ok();
        let all = [
            of(Measure::FailureRate, Severity::Error, 500),
            of(Measure::Latency, Severity::Warning, 5_000),
            of(Measure::Queue, Severity::Warning, 1_000),
            of(Measure::Health, Severity::Warning, 9_500),
            of(Measure::ErrorRate, Severity::Error, 1_000),
        ];
        all.into_iter().flatten().collect()
    }

    /// What is measured.
    #[must_use]
    pub const fn measure(&self) -> Measure {
        self.measure
    }

    /// How grave it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// From where on it is wrong.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// For how long it must last, in milliseconds.
    pub(super) const fn lasts(&self) -> i64 {
        self.lasting
    }

    /// Whether a value is beyond the limit.
    pub(super) const fn is_wrong(&self, value: u64) -> bool {
        if self.measure.falls() { value < self.limit } else { value > self.limit }
    }

    /// Whether a value is right again.
    pub(super) const fn is_right(&self, value: u64) -> bool {
        if self.measure.falls() { value >= self.right } else { value <= self.right }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_that_cannot_be_meant_are_refused_and_say_why() {
        use Measure::{ErrorRate, FailureRate, Health, Latency, Queue};
        let refused =
            |measure, limit| Threshold::new(measure, Severity::Error, limit).map_err(|error| error.to_string());
        let too_much = "a threshold of 10001 hundredths of a percent for failure rate is more than all";
        assert_eq!(refused(FailureRate, 10_001), Err(too_much.to_owned()));
        assert_eq!(
            refused(ErrorRate, 10_000),
            Err("nothing is ever beyond a threshold of 10000 for error rate".to_owned())
        );
        assert_eq!(refused(Health, 0), Err("nothing is ever beyond a threshold of 0 for health".to_owned()));
        let queue = Threshold::new(Queue, Severity::Error, 1_000).expect("a threshold");
        let wrong = AlertError::RightIsWrong { measure: Queue, limit: 1_000, right: 1_001 };
        assert_eq!(queue.right_again_at(1_001), Err(wrong));
        assert!(queue.right_again_at(1_000).is_ok());
        let health = Threshold::new(Health, Severity::Error, 9_500).expect("a threshold");
        assert!(health.right_again_at(9_499).is_err() && health.right_again_at(10_001).is_err());
        for minutes in [-1, 24 * 60 + 1] {
            let milliseconds = minutes * 60_000;
            let refused = queue.lasting(TimeDelta::minutes(minutes));
            assert_eq!(refused, Err(AlertError::Lasting { milliseconds }));
        }
        assert!(Threshold::new(Latency, Severity::Info, 0).is_ok(), "any latency at all");
    }

    #[test]
    fn the_standard_is_what_is_promised() {
        let standard: Vec<String> = Threshold::standard()
            .iter()
            .map(|one| {
                format!(
                    "{} {} {} {}",
                    one.severity,
                    one.measure,
                    one.measure.show(one.limit),
                    one.measure.show(one.right)
                )
            })
            .collect();
        assert_eq!(
            standard,
            [
                "error failure rate 5.00 % 4.50 %",
                "warning latency 5000 ms 4500 ms",
                "warning queue 1000 900",
                "warning health 95.00 % 95.50 %",
                "error error rate 10.00 % 9.00 %",
            ]
        );
    }
}
