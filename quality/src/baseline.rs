//! What is expected of a day, by the days before it.

use crate::robust::{median, scale, winsorized_mean};

/// A day, counted from any day on, and what was measured then.
pub(crate) type Day = (i64, f64);

const WEEKDAYS: usize = 7;

/// How often a weekday must have been seen before it is told from others.
const SEEN: usize = 3;

/// How many times as much weekdays must differ as chance has them differ, for half of the difference to be believed.
const DOUBT: f64 = 2.0;

/// How far values count, in standard deviations, in what is left unexplained.
const TAIL: f64 = 2.5;

/// Level, weekdays and spread of a series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Baseline {
    level: f64,
    weekdays: [f64; WEEKDAYS],
    /// One standard deviation about what is expected.
    pub(crate) scale: f64,
}

pub(crate) fn weekday(day: i64) -> usize {
    usize::try_from(day.rem_euclid(7)).unwrap_or_default()
}

impl Baseline {
    /// Of the days that are known.
    pub(crate) fn of(days: &[Day]) -> Self {
        let level = median(days.iter().map(|(_, value)| *value));
        let weekdays = weekdays(days, level);
        let rest = || days.iter().map(|(day, value)| value - level - weekdays[weekday(*day)]);
        let center = median(rest());
        let spread = scale(rest(), center);
        Self { level: level + winsorized_mean(rest(), center, spread), weekdays, scale: spread }
    }

    pub(crate) fn expected(&self, day: i64) -> f64 {
        self.level + self.weekdays[weekday(day)]
    }
}

/// How weekdays differ from the level. What chance explains of it is left out, by as much as it explains: the estimate of James
/// and Stein (*Estimation with Quadratic Loss*, 1961), on means that wild values do not move.
#[expect(clippy::cast_precision_loss, reason = "weeks of days are few")]
fn weekdays(days: &[Day], level: f64) -> [f64; WEEKDAYS] {
    let mut of: [Vec<f64>; WEEKDAYS] = Default::default();
    days.iter().for_each(|(day, value)| of[weekday(*day)].push(value - level));
    if of.iter().any(|values| values.len() < SEEN) {
        return [0.0; WEEKDAYS];
    }
    let middle = of.each_ref().map(|values| median(values.iter().copied()));
    let about = |center: &[f64; WEEKDAYS]| -> Vec<f64> {
        of.iter().zip(center).flat_map(|(values, center)| values.iter().map(move |value| value - center)).collect()
    };
    let spread = scale(about(&middle), 0.0);
    let mut means = middle;
    for ((mean, values), middle) in means.iter_mut().zip(&of).zip(middle) {
        *mean = winsorized_mean(values.iter().copied(), middle, spread);
    }
    let count = days.len() as f64;
    let overall = of.iter().zip(&means).map(|(values, mean)| values.len() as f64 * mean).sum::<f64>() / count;
    let between =
        of.iter().zip(&means).map(|(values, mean)| values.len() as f64 * (mean - overall).powi(2)).sum::<f64>()
            / (WEEKDAYS - 1) as f64;
    let tail = TAIL * spread;
    let within =
        about(&means).into_iter().map(|rest| rest.clamp(-tail, tail).powi(2)).sum::<f64>() / (count - WEEKDAYS as f64);
    let believed = if between > 0.0 { (1.0 - DOUBT * within / between).clamp(0.0, 1.0) } else { 0.0 };
    means.map(|mean| (mean - overall) * believed)
}

#[cfg(test)]
mod tests {
    use super::{Baseline, Day};

    #[test]
    fn weekdays_are_told_apart_where_they_differ_and_only_there() {
        let of = |weekend: f64| -> Vec<Day> {
            // Noise with no week in it: a multiple of an irrational step, folded.
            let noise = |day: i64| (f64::from(u8::try_from(day).unwrap_or(0)) * 0.618_034).fract() - 0.5;
            (0..84).map(|day| (day, noise(day) + if day % 7 >= 5 { weekend } else { 0.0 })).collect()
        };
        let weekly = Baseline::of(&of(-4.0));
        assert!(weekly.expected(0) - weekly.expected(6) > 3.5, "{weekly:?}");
        let even = Baseline::of(&of(0.0));
        assert!((even.expected(0) - even.expected(6)).abs() < 0.2, "{even:?}");
        // The week explains what would otherwise be spread.
        assert!(weekly.scale < 1.0, "{weekly:?}");
    }

    #[test]
    fn few_days_have_no_week() {
        let days: Vec<Day> = (0..14).map(|day| (day, if day % 7 == 0 { 100.0 } else { 1.0 })).collect();
        let baseline = Baseline::of(&days);
        assert!((baseline.expected(0) - baseline.expected(1)).abs() < f64::EPSILON);
    }
}
