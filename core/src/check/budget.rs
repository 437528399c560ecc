//! Budgets: how many calls a connection allows, and how many of them checks leave to others.

use chrono::{NaiveTime, TimeDelta, Timelike as _};

use super::CheckError;

/// A day, in milliseconds.
pub(super) const DAY: i64 = 24 * 60 * 60 * 1000;

/// How many calls a connection allows: so many at once and so many in an interval, and so many in a day. A share of all of it is
/// left to live and operator work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many come back in `per`.
    pub(super) calls: u32,
    /// In milliseconds: from 1 to a day.
    pub(super) per: i64,
    /// How many are held at most.
    pub(super) burst: u32,
    pub(super) daily: Option<Daily>,
    /// Percent, below 100.
    pub(super) reserved: u8,
}

/// So many calls a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Daily {
    pub(super) calls: u32,
    /// When the count begins anew, in milliseconds since midnight, UTC.
    pub(super) resets: i64,
}

impl Budget {
    /// So many calls in an interval, all of them at once if none was made before. A fifth is left to live and operator work.
    ///
    /// # Errors
    ///
    /// [`CheckError::NoCalls`]; [`CheckError::Interval`] for an interval that is none, or longer than a day;
    /// [`CheckError::NothingLeft`] for so few that a fifth of them is all: reserve less ([`Budget::reserving`]).
    pub fn new(calls: u32, per: TimeDelta) -> Result<Self, CheckError> {
        let milliseconds = per.num_milliseconds();
        if !(1..=DAY).contains(&milliseconds) {
            return Err(CheckError::Interval { what: "the interval of a budget", milliseconds, least: 1, most: DAY });
        }
        // A budget of very few calls is reserved nothing of by itself: the fifth of it is less than a call.
        let reserved = if calls < 5 { 0 } else { 20 };
        Self { calls, per: milliseconds, burst: calls, daily: None, reserved }.checked()
    }

    /// The same, of which at most so many calls are made at once.
    ///
    /// # Errors
    ///
    /// [`CheckError::NoCalls`], [`CheckError::NothingLeft`].
    pub fn bursting(self, burst: u32) -> Result<Self, CheckError> {
        Self { burst, ..self }.checked()
    }

    /// The same, with at most so many calls a day, counted anew at this time of day (UTC). Checks spread theirs over the day.
    ///
    /// # Errors
    ///
    /// [`CheckError::NoCalls`], [`CheckError::NothingLeft`].
    pub fn daily(self, calls: u32, resets_at: NaiveTime) -> Result<Self, CheckError> {
        let resets = i64::from(resets_at.num_seconds_from_midnight()) * 1000;
        Self { daily: Some(Daily { calls, resets }), ..self }.checked()
    }

    /// The same, of which this share, in percent, is left to live and operator work.
    ///
    /// # Errors
    ///
    /// [`CheckError::Reserved`] from 100 on, [`CheckError::NothingLeft`].
    pub fn reserving(self, percent: u8) -> Result<Self, CheckError> {
        Self { reserved: percent, ..self }.checked()
    }

    fn checked(self) -> Result<Self, CheckError> {
        if self.reserved >= 100 {
            return Err(CheckError::Reserved { percent: self.reserved });
        }
        for calls in [self.calls, self.burst].into_iter().chain(self.daily.map(|daily| daily.calls)) {
            if calls == 0 {
                return Err(CheckError::NoCalls);
            }
            if self.left_of(calls) == 0 {
                return Err(CheckError::NothingLeft { calls, percent: self.reserved });
            }
        }
        Ok(self)
    }

    /// How many of so many calls are reserved: rounded up, so that the share is kept.
    pub(super) fn reserved_of(&self, calls: u32) -> u32 {
        let reserved = (u64::from(calls) * u64::from(self.reserved)).div_ceil(100);
        u32::try_from(reserved).unwrap_or(calls)
    }

    /// How many of so many calls checks may make.
    pub(super) fn left_of(&self, calls: u32) -> u32 {
        calls.saturating_sub(self.reserved_of(calls))
    }

    /// The most that one check may cost: what costs more is never affordable.
    #[must_use]
    pub fn dearest(&self) -> u32 {
        let burst = self.left_of(self.burst);
        self.daily.map_or(burst, |daily| burst.min(self.left_of(daily.calls)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_that_cannot_be_meant_are_refused_and_say_why() {
        let second = TimeDelta::seconds(1);
        let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default();
        assert_eq!(Budget::new(0, second), Err(CheckError::NoCalls));
        for wrong in [TimeDelta::zero(), TimeDelta::seconds(-1), TimeDelta::days(2)] {
            let refused = Budget::new(10, wrong).map_err(|error| error.to_string());
            let milliseconds = wrong.num_milliseconds();
            let message = format!(
                "the interval of a budget is {milliseconds} ms; it must be at least 1 ms and at most 86400000 ms"
            );
            assert_eq!(refused, Err(message));
        }
        let ten = Budget::new(10, second).expect("ten calls a second");
        assert_eq!(ten.bursting(0), Err(CheckError::NoCalls));
        assert_eq!(ten.daily(0, noon), Err(CheckError::NoCalls));
        assert_eq!(ten.reserving(100), Err(CheckError::Reserved { percent: 100 }));
        assert_eq!(ten.reserving(95), Err(CheckError::NothingLeft { calls: 10, percent: 95 }));
        assert_eq!(ten.bursting(1), Err(CheckError::NothingLeft { calls: 1, percent: 20 }));
    }

    #[test]
    fn what_is_reserved_is_rounded_up() {
        let seven = Budget::new(7, TimeDelta::seconds(1)).expect("seven calls a second");
        assert_eq!((seven.reserved_of(7), seven.left_of(7), seven.dearest()), (2, 5, 5));
        let few = Budget::new(2, TimeDelta::seconds(1)).expect("two calls a second");
        assert_eq!((few.reserved_of(2), few.dearest()), (0, 2));
    }
}
