//! How a series moves, and when it crosses a threshold.

use serde::{Deserialize, Serialize};

use crate::robust::median;

/// The slope of a series, with the interval that it is in nineteen times of twenty (Theil, *A Rank-Invariant Method of Linear and
/// Polynomial Regression Analysis*, 1950; Sen, *Estimates of the Regression Coefficient Based on Kendall's Tau*, 1968).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trend {
    /// By how much it moves in a day.
    pub slope: f64,
    /// The least slope that is plausible.
    pub least: f64,
    /// The greatest.
    pub most: f64,
    /// Where the line is on the last day.
    pub now: f64,
}

/// When a threshold will be crossed, in days from the last one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Breach {
    /// At the slope itself.
    pub likely: f64,
    /// At the steepest slope that is plausible.
    pub earliest: f64,
    /// At the gentlest.
    pub latest: f64,
}

/// How many days a trend needs at least.
const LEAST: usize = 7;

/// The normal deviate that one value in forty is beyond.
const NINETEEN_OF_TWENTY: f64 = 1.959_963_984_540_054;

impl Trend {
    /// Of days and values, in any order. Nothing of fewer than seven days, of values that are no numbers, or of days that come
    /// twice.
    ///
    /// It looks at each pair of days: give it weeks, not years.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "days and pairs of them are few")]
    pub fn of(days: &[(i64, f64)]) -> Option<Self> {
        let mut days = days.to_vec();
        days.sort_unstable_by_key(|(day, _)| *day);
        let fits = days.len() >= LEAST
            && days.iter().all(|(_, value)| value.is_finite())
            && days.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let (last, _) = *days.last().filter(|_| fits)?;
        let mut slopes: Vec<f64> = Vec::with_capacity(days.len() * (days.len() - 1) / 2);
        for (place, (day, value)) in days.iter().enumerate() {
            slopes.extend(days[..place].iter().map(|(earlier, was)| (value - was) / (day.abs_diff(*earlier) as f64)));
        }
        slopes.sort_unstable_by(f64::total_cmp);
        let slope = median(slopes.iter().copied());
        // How far Kendall's statistic varies where there is no trend, values all different.
        let (count, pairs) = (days.len() as f64, slopes.len() as f64);
        let spread = NINETEEN_OF_TWENTY * (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
        let at = |rank: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among the slopes")]
            let place = rank.clamp(0.0, pairs - 1.0) as usize;
            slopes[place]
        };
        let least = at(((pairs - spread) / 2.0).floor());
        let most = at(((pairs + spread) / 2.0).ceil());
        let now = median(days.iter().map(|(day, value)| value + slope * last.abs_diff(*day) as f64));
        Some(Self { slope, least, most, now })
    }

    /// When the line crosses `threshold`; zero where it is on it. Nothing where it moves away from it, or may: a forecast whose
    /// latest day is never is none. Whether it is on the wrong side already is known to whoever knows which side that is.
    #[must_use]
    pub fn breach(&self, threshold: f64) -> Option<Breach> {
        let way = threshold - self.now;
        let after = |slope: f64| way / slope;
        let towards = |slope: f64| slope != 0.0 && (way == 0.0 || (way > 0.0) == (slope > 0.0));
        if !towards(self.slope) || !towards(self.least) || !towards(self.most) {
            return None;
        }
        let (one, other) = (after(self.least), after(self.most));
        Some(Breach { likely: after(self.slope), earliest: one.min(other), latest: one.max(other) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::Trend;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn a_line_is_itself_whatever_one_day_says() {
        let mut days: Vec<(i64, f64)> =
            (0..30).map(|day| (day, 99.0 - 0.1 * f64::from(i32::try_from(day).unwrap()))).collect();
        days[11].1 = -1_000.0;
        let trend = Trend::of(&days).unwrap();
        assert!(near(trend.slope, -0.1) && near(trend.now, 96.1), "{trend:?}");
        let breach = trend.breach(95.1).unwrap();
        assert!(near(breach.likely, 10.0) && breach.earliest <= 10.0 && breach.latest >= 10.0 - 1e-9, "{breach:?}");
        assert_eq!(trend.breach(99.5), None, "it moves away");
    }

    #[test]
    fn what_may_as_well_never_happen_is_not_forecast() {
        // Up and down, with no way to go.
        let noise = |day: i64| (f64::from(i32::try_from(day).unwrap()) * 0.618_034).fract();
        let days: Vec<(i64, f64)> = (0..40).map(|day| (day, 90.0 + noise(day))).collect();
        let trend = Trend::of(&days).unwrap();
        assert!(trend.least <= 0.0 && trend.most >= 0.0, "{trend:?}");
        assert_eq!(trend.breach(200.0), None, "{trend:?}");
    }

    #[test]
    fn what_is_no_series_has_no_trend() {
        let line: Vec<(i64, f64)> = (0..10).map(|day| (day, 1.0)).collect();
        assert!(Trend::of(&line).is_some_and(|trend| trend.breach(2.0).is_none()));
        assert_eq!(Trend::of(&line[..6]), None);
        let mut twice = line.clone();
        twice[3].0 = 4;
        assert_eq!(Trend::of(&twice), None);
        let mut bad = line;
        bad[3].1 = f64::NAN;
        assert_eq!(Trend::of(&bad), None);
    }

    #[test]
    fn extremes_of_time_are_taken() {
        let days: Vec<(i64, f64)> = [i64::MIN, -5, -4, 0, 1, 9, i64::MAX].map(|day| (day, 1.0)).to_vec();
        assert!(Trend::of(&days).is_some());
    }
}
