//! How old a verification can get, computed beforehand.
//!
//! Let a check of interval `P` have been verified at 0, and be chosen at `X`. From `P` on it is due; every check that is chosen before
//! it is at least as urgent. One whose interval `Q` is no shorter is chosen at most once meanwhile: after that it is younger, and
//! so less urgent. One whose interval is shorter is chosen at `x` only if it waited for `x·Q/P` since it was last chosen, so that
//! between two choices `x` and `y` of it `y ≥ x·P/(P−Q)`: from `P` to `X` that is at most 1 + log(X/P) / log(P/(P−Q)) times. All of
//! it together is the work that can come before the check, and it was done when the budget has allowed so many calls: the least
//! `X` for which that is so is the bound.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::budget::DAY;
use super::{Budget, Cadence, CheckError, Priority};

/// So many checks of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Their priority.
    pub priority: Priority,
    /// How many.
    pub checks: u64,
    /// How many calls each takes at most.
    pub cost: u32,
}

/// The longest that checks are chosen apart: twelve hours.
const APART: i64 = DAY / 2;

/// How often the bound may be moved before it is given up.
const STEPS: usize = 10_000;

/// The time between two choices of checks, in milliseconds, if it can be meant: at least so long, and at most twelve hours.
pub(crate) fn apart(every: TimeDelta, least: i64) -> Result<i64, CheckError> {
    let milliseconds = every.num_milliseconds();
    if (least..=APART).contains(&milliseconds) {
        return Ok(milliseconds);
    }
    Err(CheckError::Interval { what: "the time between two choices of checks", milliseconds, least, most: APART })
}

/// How old a verification of each priority gets at most, where checks are chosen `every` so often, for as long as live and
/// operator work takes no more than its reserved share of what comes back between two choices, and of the day, and what is chosen
/// is verified. A check whose connection does not answer is verified later.
///
/// # Errors
///
/// [`CheckError::Interval`] for an `every` that is none or longer than twelve hours, [`CheckError::TooDear`] for a check that
/// is never affordable, [`CheckError::TooLittle`] where the budget is too small for any bound.
pub fn age_bound(
    loads: &[Load],
    budget: &Budget,
    cadence: &Cadence,
    every: TimeDelta,
) -> Result<BTreeMap<Priority, TimeDelta>, CheckError> {
    let milliseconds = apart(every, 1)?;
    let loads: Vec<Load> = loads.iter().copied().filter(|load| load.checks > 0).collect();
    let dearest = loads.iter().map(|load| load.cost).max().unwrap_or(0);
    if dearest > budget.dearest() {
        return Err(CheckError::TooDear { cost: dearest, most: budget.dearest() });
    }
    let supply = Supply::of(budget, i128::from(dearest), i128::from(milliseconds));
    let mut bounds = BTreeMap::new();
    for load in &loads {
        let interval = i128::from(cadence.interval(load.priority));
        let bound = if load.cost == 0 {
            interval + i128::from(milliseconds)
        } else {
            least_bound(&loads, cadence, interval, &supply)?
        };
        let bound = i64::try_from(bound).ok().and_then(TimeDelta::try_milliseconds).ok_or(CheckError::TooLittle)?;
        let known = bounds.entry(load.priority).or_insert(bound);
        *known = bound.max(*known);
    }
    Ok(bounds)
}

/// The least age by which the budget has allowed all that can come before a check of this interval.
fn least_bound(loads: &[Load], cadence: &Cadence, interval: i128, supply: &Supply) -> Result<i128, CheckError> {
    let mut bound = interval;
    for _ in 0..STEPS {
        let mut work: i128 = 0;
        for load in loads {
            let other = i128::from(cadence.interval(load.priority));
            work += i128::from(load.checks) * i128::from(load.cost) * choices(other, interval, bound);
        }
        let next = interval + supply.time_for(work).ok_or(CheckError::TooLittle)?;
        if next > i128::from(i64::MAX) {
            return Err(CheckError::TooLittle);
        }
        if next <= bound {
            return Ok(bound);
        }
        bound = next;
    }
    Err(CheckError::TooLittle)
}

/// How often a check of the interval `other` can be chosen before one of `interval` that waits from `interval` to `until`.
fn choices(other: i128, interval: i128, until: i128) -> i128 {
    if other >= interval {
        return 1;
    }
    let (mut at, mut times) = (interval, 1);
    loop {
        // Rounded down: the next choice is no earlier than this.
        at = (at * interval / (interval - other)).max(at + 1);
        if at >= until {
            return times;
        }
        times += 1;
    }
}

/// What a budget allows checks at least.
struct Supply {
    /// Between two choices, in milliseconds.
    every: i128,
    /// Calls a day.
    daily: i128,
    /// Calls that are lost where a day ends: what was not paced yet, and what was being saved for.
    lost: i128,
    /// Calls that may be saved for others.
    saved: i128,
}

impl Supply {
    fn of(budget: &Budget, dearest: i128, every: i128) -> Self {
        let day = i128::from(DAY);
        let left = 100 - i128::from(budget.reserved);
        let comes_back = i128::from(budget.calls) * day * left / (i128::from(budget.per) * 100);
        // Whatever comes back while that much is held is lost.
        let holds = (i128::from(budget.left_of(budget.burst)) - dearest + 1).max(0) * (day / every);
        let (daily, lost) = match budget.daily {
            None => (comes_back.min(holds), 0),
            Some(daily) => {
                let calls = i128::from(budget.left_of(daily.calls));
                (comes_back.min(holds).min(calls), calls * every / day + 3 * dearest + 2)
            }
        };
        Self { every, daily, lost, saved: 2 * dearest }
    }

    /// By when checks were allowed so many calls, whenever one begins to wait.
    fn time_for(&self, calls: i128) -> Option<i128> {
        let net = self.daily - self.lost;
        if net <= 0 {
            return None;
        }
        let needed = calls + self.saved + self.lost;
        let time = (needed * i128::from(DAY) + net - 1) / net;
        // The first choice comes after the beginning, and the last when the calls were allowed already.
        Some((time + self.every - 1) / self.every * self.every + 2 * self.every)
    }
}
