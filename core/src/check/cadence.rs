//! Cadence: how often what is of which priority is verified.

use chrono::TimeDelta;

use super::budget::DAY;
use super::{CheckError, Priority};

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;

/// The longest interval: a year.
const LONGEST: i64 = 366 * DAY;

/// How often what is of which priority is verified, while the budget suffices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence([i64; 4]);

impl Default for Cadence {
    /// Every hour, every six hours, every day, every week.
    fn default() -> Self {
        Self([HOUR, 6 * HOUR, DAY, 7 * DAY])
    }
}

impl Cadence {
    /// The intervals, the most urgent first.
    ///
    /// # Errors
    ///
    /// [`CheckError::Interval`] for one below a minute or above 366 days, [`CheckError::Disorder`] where a more urgent one is longer.
    pub fn new(critical: TimeDelta, high: TimeDelta, normal: TimeDelta, low: TimeDelta) -> Result<Self, CheckError> {
        let intervals = [critical, high, normal, low].map(|interval| interval.num_milliseconds());
        for milliseconds in intervals {
            if !(MINUTE..=LONGEST).contains(&milliseconds) {
                let what = "the interval of a priority";
                return Err(CheckError::Interval { what, milliseconds, least: MINUTE, most: LONGEST });
            }
        }
        for (pair, of) in intervals.windows(2).zip(Priority::ALL.windows(2)) {
            if let ([shorter, longer], [more, less]) = (pair, of)
                && shorter > longer
            {
                return Err(CheckError::Disorder { more: *more, less: *less });
            }
        }
        Ok(Self(intervals))
    }

    /// How often what is of a priority is verified.
    #[must_use]
    pub fn of(&self, priority: Priority) -> TimeDelta {
        TimeDelta::milliseconds(self.interval(priority))
    }

    /// The same, in milliseconds: above zero.
    pub(super) const fn interval(&self, priority: Priority) -> i64 {
        let [critical, high, normal, low] = self.0;
        match priority {
            Priority::Critical => critical,
            Priority::High => high,
            Priority::Normal => normal,
            Priority::Low => low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_cannot_be_meant_are_refused_and_say_why() {
        let (hour, day) = (TimeDelta::hours(1), TimeDelta::days(1));
        let refused =
            |critical, high, normal, low| Cadence::new(critical, high, normal, low).map_err(|e| e.to_string());
        for wrong in [TimeDelta::zero(), TimeDelta::minutes(-5), TimeDelta::seconds(59), TimeDelta::days(367)] {
            let message = format!(
                "the interval of a priority is {} ms; it must be at least 60000 ms and at most 31622400000 ms",
                wrong.num_milliseconds()
            );
            assert_eq!(refused(wrong, day, day, day), Err(message.clone()));
            assert_eq!(refused(hour, day, day, wrong), Err(message));
        }
        assert_eq!(refused(hour, day, hour, day), Err("high would be verified less often than normal".to_owned()));
        let same = Cadence::new(hour, hour, hour, hour).expect("one interval for all");
        assert_eq!(same.of(Priority::Low), hour);
    }
}
