//! Anomalies: values that are far out, and levels that have moved.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::baseline::Baseline;
use crate::chart::{Average, Sum};
use crate::measure::{Measured, Scale};
use crate::robust::median;
use crate::settings::{Settings, SettingsError};

/// How far one value counts towards a shift: a single wild one is a spike, and none.
const COUNTS: f64 = 2.5;

/// For how many days after a shift was told nothing more is: what is seen of it then is more of the same.
const HUSHED: i64 = 7;

/// For how many days after a shift was told its level is learned anew every day: a ramp goes on.
const FOLLOWED: i64 = 14;

/// Of how many days a level is learned that has just moved.
const LEARNED_OF: i64 = 10;

/// What is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// One value is far from what its day has been.
    Spike,
    /// The level has moved: many values are off to the same side.
    Shift,
}

/// Something unusual about a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Anomaly {
    /// What it is.
    pub kind: Kind,
    /// The day that showed it.
    pub day: i64,
    /// The day that it began on.
    pub since: i64,
    /// What was expected of the day, in the unit of the measurement; of a share, between 0 and 1.
    pub expected: f64,
    /// How far off the day is, in standard deviations, above or below.
    pub deviation: f64,
}

/// Why a measurement was not taken. The series stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// The day is not behind the last one.
    #[error("day {day} is not behind day {last}, the last of the series")]
    NotLater {
        /// The day.
        day: i64,
        /// The last one.
        last: i64,
    },
    /// It is no number or one beyond 1e100, a negative length of time, or a share of more than there are.
    #[error(
        "day {day} has no measurement: no number, or one beyond 1e100, a negative length of time, or more hits than rows"
    )]
    NotMeasured {
        /// The day.
        day: i64,
    },
    /// The series is one of something else.
    #[error("day {day} has a measurement of another kind than the days before")]
    OtherKind {
        /// The day.
        day: i64,
    },
}

/// Watches a series, a measurement a day. Days may be missing; weeks are counted in days, so that the seventh day from any is
/// of the same kind. What it remembers is bounded, and can be stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    settings: Settings,
    /// That of the first measurement.
    scale: Option<Scale>,
    /// As they would be at today's level.
    days: VecDeque<(i64, f64)>,
    above: Sum,
    below: Sum,
    #[serde(default)]
    average: Average,
    /// The shift that was told last, while its level is learned.
    #[serde(default)]
    shift: Option<Moved>,
}

/// A shift that was told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Moved {
    since: i64,
    told: i64,
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    /// Watches with the usual [`Settings`].
    #[must_use]
    pub fn new() -> Self {
        Self::set(Settings::default())
    }

    /// Watches with settings of one's own.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] if they cannot be meant.
    pub fn with(settings: Settings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self::set(settings))
    }

    fn set(settings: Settings) -> Self {
        Self {
            settings,
            scale: None,
            days: VecDeque::new(),
            above: Sum::default(),
            below: Sum::default(),
            average: Average::default(),
            shift: None,
        }
    }

    /// Takes a day's measurement, and says what is unusual about it. A shift is told once: its level is learned for a fortnight,
    /// and nothing else is told for the first week of it. A day of a share of no rows is a day that is missing.
    ///
    /// # Errors
    ///
    /// [`SeriesError`]: the day is not behind the last one, or what was measured is none or of another kind.
    pub fn take(&mut self, day: i64, measured: Measured) -> Result<Option<Anomaly>, SeriesError> {
        if let Some((last, _)) = self.days.back().filter(|(last, _)| day <= *last) {
            return Err(SeriesError::NotLater { day, last: *last });
        }
        if self.scale.is_some_and(|scale| scale != measured.scale()) {
            return Err(SeriesError::OtherKind { day });
        }
        if measured.is_empty() {
            return Ok(None);
        }
        let baseline =
            (self.days.len() >= self.settings.warm_up.max(2)).then(|| Baseline::of(self.days.make_contiguous()));
        let expected = baseline.as_ref().map(|baseline| baseline.expected(day));
        let scaled = measured.scaled(expected).ok_or(SeriesError::NotMeasured { day })?;
        self.scale = Some(measured.scale());
        self.days.push_back((day, scaled.value));
        if self.days.len() > self.settings.memory.max(self.settings.warm_up).max(2) {
            self.days.pop_front();
        }
        let Some((baseline, expected)) = baseline.zip(expected) else { return Ok(None) };
        // A series that never moved has no spread, and any move of it is news.
        let spread = baseline.scale.max(scaled.noise).max(1e-9 * (1.0 + expected.abs()));
        let deviation = (scaled.value - expected) / spread;
        let found = |kind, since| Anomaly { kind, day, since, expected: measured.unscaled(expected), deviation };
        let spike = (deviation.abs() > self.settings.spike).then(|| found(Kind::Spike, day));
        if let Some(Moved { since, told }) = self.shift {
            let gone = day.saturating_sub(told);
            if gone <= FOLLOWED {
                self.settle(&baseline, since.max(day.saturating_sub(LEARNED_OF - 1)));
                return Ok(spike.filter(|_| gone > HUSHED));
            }
            self.shift = None;
        }
        match self.moved(day, deviation.clamp(-COUNTS, COUNTS)) {
            Some(since) => {
                self.settle(&baseline, since);
                (self.above, self.below, self.average) = Default::default();
                self.shift = Some(Moved { since, told: day });
                Ok(Some(found(Kind::Shift, since)))
            }
            None => Ok(spike),
        }
    }

    /// Takes what a day counts, and says since when the level is another, if it is.
    fn moved(&mut self, day: i64, counted: f64) -> Option<i64> {
        let Settings { drift, decision, smoothing, limit, .. } = self.settings;
        self.above.add(day, counted - drift);
        self.below.add(day, -counted - drift);
        let turned = self.average.add(day, counted, smoothing);
        let off = self.average.deviation(smoothing);
        let side = if off > 0.0 { self.above } else { self.below };
        let sum = [self.above, self.below].into_iter().find(|sum| sum.value > decision);
        // An average is on its side long before it is off: the sum of that side says better when it began.
        let began = if side.value > 0.0 { side.since } else { turned };
        sum.map(|sum| sum.since).or((off.abs() > limit).then_some(began))
    }

    /// Moves what was before a day to the level from it on: weekdays and spread stay known, and only the level is new.
    fn settle(&mut self, baseline: &Baseline, since: i64) {
        let behind = self.days.iter().filter(|(day, _)| *day >= since);
        let step = median(behind.map(|(day, value)| value - baseline.expected(*day)));
        self.days.iter_mut().filter(|(day, _)| *day < since).for_each(|(_, value)| *value += step);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::{Detector, Kind, SeriesError, Settings};
    use crate::measure::Measured;

    /// A hundred, and a little more or less.
    fn usual(day: i64) -> f64 {
        100.0 + f64::from(i32::try_from(day * 7 % 11).unwrap()) / 5.0
    }

    fn watched(days: i64) -> Detector {
        let mut detector = Detector::new();
        for day in 0..days {
            assert_eq!(detector.take(day, Measured::Value(usual(day))).unwrap(), None, "day {day}");
        }
        detector
    }

    #[test]
    fn a_wild_value_is_a_spike_and_the_next_day_is_usual_again() {
        let mut detector = watched(60);
        let found = detector.take(60, Measured::Value(130.0)).unwrap().unwrap();
        assert_eq!((found.kind, found.since), (Kind::Spike, 60));
        assert!((found.expected - 101.0).abs() < 0.5 && found.deviation > 5.3, "{found:?}");
        for day in 61..90 {
            assert_eq!(detector.take(day, Measured::Value(usual(day))).unwrap(), None, "day {day}");
        }
    }

    #[test]
    fn a_level_that_moved_is_told_once_since_it_moved() {
        let mut detector = watched(60);
        let mut shifts = Vec::new();
        for day in 60..100 {
            // Two to three standard deviations: no value of it is far out.
            if let Some(found) = detector.take(day, Measured::Value(usual(day) + 2.0)).unwrap() {
                assert_eq!(found.kind, Kind::Shift, "{found:?}");
                shifts.push(found);
            }
        }
        assert_eq!(shifts.len(), 1, "{shifts:?}");
        assert!((60..64).contains(&shifts[0].since) && shifts[0].day < 75, "{shifts:?}");
    }

    /// A level that rises for ten days is one shift, although each of its days is off from the one before.
    #[test]
    fn a_ramp_is_told_once_and_where_it_ends_is_usual() {
        let mut detector = watched(60);
        let told: Vec<_> = (60..120)
            .filter_map(|day| {
                let rise = f64::from(i32::try_from((day - 59).min(10)).unwrap()) * 0.8;
                detector.take(day, Measured::Value(usual(day) + rise)).unwrap()
            })
            .collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].kind == Kind::Shift && told[0].day < 70, "{told:?}");
        let later = detector.take(120, Measured::Value(usual(120))).unwrap().unwrap();
        assert!((later.expected - 109.0).abs() < 1.0, "{later:?}");
    }

    /// Nothing far out, and too little a day to add up quickly: the average tells.
    #[test]
    fn what_stays_off_is_told_by_the_average_where_sums_do_not_look() {
        let deaf = Settings { drift: 2.5, ..Settings::default() };
        for (smoothing, found) in [(Settings::default().smoothing, true), (1.0, false)] {
            let mut detector = Detector::with(Settings { smoothing, ..deaf }).unwrap();
            let mut take = |day, more| detector.take(day, Measured::Value(usual(day) + more)).unwrap();
            assert!((0..60).all(|day| take(day, 0.0).is_none()));
            assert_eq!((60..75).any(|day| take(day, 1.8).is_some_and(|found| found.kind == Kind::Shift)), found);
        }
    }

    /// A detector that was stored before there was an average goes on.
    #[test]
    fn what_was_stored_without_an_average_is_read() {
        let mut stored = serde_json::to_value(watched(40)).unwrap();
        stored.as_object_mut().unwrap().retain(|name, _| name != "average" && name != "shift");
        stored["settings"].as_object_mut().unwrap().retain(|name, _| name != "smoothing" && name != "limit");
        let mut detector: Detector = serde_json::from_value(stored).unwrap();
        assert_eq!(detector.take(40, Measured::Value(usual(40))).unwrap(), None);
    }

    #[test]
    fn what_is_no_measurement_leaves_the_series_as_it_was() {
        let mut detector = watched(40);
        let before = detector.clone();
        assert_eq!(detector.take(39, Measured::Value(1.0)), Err(SeriesError::NotLater { day: 39, last: 39 }));
        assert_eq!(detector.take(40, Measured::Value(f64::NAN)), Err(SeriesError::NotMeasured { day: 40 }));
        assert_eq!(detector.take(40, Measured::Count(3)), Err(SeriesError::OtherKind { day: 40 }));
        assert_eq!(detector, before);
    }

    #[test]
    fn days_may_be_missing() {
        let mut detector = Detector::new();
        for day in (0..200).filter(|day| day % 5 != 3) {
            assert_eq!(detector.take(day, Measured::Value(usual(day))).unwrap(), None, "day {day}");
        }
        assert!(detector.take(230, Measured::Value(150.0)).unwrap().is_some());
    }

    #[test]
    fn a_series_that_never_moved_is_unusual_once_it_does() {
        let mut detector = Detector::new();
        for day in 0..40 {
            assert_eq!(detector.take(day, Measured::Lag(5.0)).unwrap(), None);
        }
        assert!(detector.take(40, Measured::Lag(5.5)).unwrap().is_some());
    }

    #[test]
    fn days_of_few_rows_are_no_shift_and_days_of_none_are_missing() {
        let mut detector = Detector::new();
        let mut take = |day, hits, of| detector.take(day, Measured::Share { hits, of }).unwrap();
        for day in 0..60 {
            assert_eq!(take(day, 990 - u64::try_from(day % 5).unwrap(), 1_000), None, "day {day}");
        }
        for day in 60..75 {
            assert_eq!(take(day, 0, 0), None, "no rows, day {day}");
        }
        for day in 75..90 {
            assert_eq!(take(day, 1, 1), None, "one row, and it is good, day {day}");
        }
        assert!((90..95).any(|day| take(day, 0, 3).is_some()), "none of three, day for day");
    }

    #[test]
    fn few_events_may_be_none_without_that_being_news() {
        let mut detector = Detector::new();
        for day in 0..90 {
            assert_eq!(detector.take(day, Measured::Count(u64::from(day % 3 == 0))).unwrap(), None, "day {day}");
        }
    }

    proptest! {
        #[test]
        fn what_was_stored_goes_on_as_if_it_had_not_been(values in prop::collection::vec(-1e6..1e6f64, 1..120)) {
            let (mut whole, mut stored) = (Detector::new(), Detector::new());
            for (day, value) in (0..).zip(&values) {
                stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
                let measured = Measured::Value(*value);
                prop_assert_eq!(whole.take(day, measured), stored.take(day, measured));
            }
            prop_assert_eq!(whole, stored);
        }

        #[test]
        fn any_numbers_are_taken(values in prop::collection::vec(any::<f64>(), 0..100)) {
            let mut detector = Detector::new();
            for (day, value) in (0..).zip(values) {
                let taken = detector.take(day, Measured::Value(value));
                prop_assert_eq!(taken.is_ok(), value.abs() <= 1e100);
            }
        }
    }
}
