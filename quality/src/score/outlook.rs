//! Where a score leads.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::measure::share;
use crate::{Breach, Trend};

/// Where a score leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outlook {
    /// The score of the last day that has one; nothing where none has.
    pub last: Option<f64>,
    /// How many days have a score. Days on which nothing was judged have none.
    pub days: usize,
    /// How it moves; nothing of fewer than seven days.
    pub trend: Option<Trend>,
    /// When it will be below the threshold; nothing where it may never be, or its line is there already.
    pub breach: Option<Breach>,
    /// How near that is.
    pub risk: Risk,
}

/// How near a score is to its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Too few days are known to say.
    Unknown,
    /// No breach is forecast within the horizon.
    Low,
    /// One is plausible within the horizon.
    Elevated,
    /// One is likely within the horizon; or the line that falls is below the threshold already, and the last day alone was not.
    High,
    /// The score is below the threshold already.
    Breached,
}

/// Why there is no outlook.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum OutlookError {
    /// The threshold is no share.
    #[error("the threshold is {threshold}, and a share is between 0 and 1")]
    Threshold {
        /// The threshold.
        threshold: f64,
    },
    /// The horizon is not ahead.
    #[error("the horizon is {days} days, and must be one at least")]
    Horizon {
        /// The horizon.
        days: i64,
    },
    /// A day comes twice, or behind a later one.
    #[error("day {day} is not behind the one before it")]
    NotLater {
        /// The day.
        day: i64,
    },
    /// More were good than were judged.
    #[error("on day {day}, more were good than were judged")]
    NoShare {
        /// The day.
        day: i64,
    },
}

/// Where a score leads: of days and what was good of what was judged on them, in order, a threshold that it must not be below, and
/// how many days ahead matter. Days may be missing, and days on which nothing was judged count as missing: they are no zeros.
///
/// It looks at each pair of days: give it weeks, not years.
///
/// # Errors
///
/// [`OutlookError`] if the threshold is no share, the horizon is not ahead, or the days are no series.
#[expect(clippy::cast_precision_loss, reason = "a horizon is days")]
pub fn outlook(days: &[(i64, u64, u64)], threshold: f64, horizon: i64) -> Result<Outlook, OutlookError> {
    if !(0.0..=1.0).contains(&threshold) {
        return Err(OutlookError::Threshold { threshold });
    }
    if horizon < 1 {
        return Err(OutlookError::Horizon { days: horizon });
    }
    if let Some(pair) = days.windows(2).find(|pair| pair[1].0 <= pair[0].0) {
        return Err(OutlookError::NotLater { day: pair[1].0 });
    }
    if let Some((day, ..)) = days.iter().find(|(_, good, of)| good > of) {
        return Err(OutlookError::NoShare { day: *day });
    }
    let scores: Vec<(i64, f64)> = days.iter().filter_map(|(day, good, of)| Some((*day, share(*good, *of)?))).collect();
    let last = scores.last().map(|(_, score)| *score);
    let trend = Trend::of(&scores);
    // A trend that rises does not breach what must not be fallen below.
    let falling = trend.filter(|trend| trend.slope < 0.0);
    let breach = falling.and_then(|trend| trend.breach(threshold));
    // One that falls and is below it already breaches it again the next day: the last day alone was above it.
    let due = falling.is_some_and(|trend| trend.now < threshold);
    let within = |days: f64| days <= horizon as f64;
    let risk = match (last, &breach) {
        (Some(last), _) if last < threshold => Risk::Breached,
        _ if due => Risk::High,
        (_, Some(breach)) if within(breach.likely) => Risk::High,
        (_, Some(breach)) if within(breach.earliest) => Risk::Elevated,
        _ if trend.is_none() => Risk::Unknown,
        _ => Risk::Low,
    };
    Ok(Outlook { last, days: scores.len(), trend, breach, risk })
}
