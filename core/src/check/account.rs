//! Accounts: what was spent of a budget.

use serde::{Deserialize, Serialize};

use super::Budget;
use super::budget::{DAY, Daily};

/// What was spent of a connection's [`Budget`]: kept from one choice of checks to the next.
///
/// Live and operator work goes first: it is counted, never refused. Checks leave it its share of what may be made at once, and of
/// what is left of the day; and they spread their own share over the day, so that they do not all happen in its first hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// How many calls may be made at once, times the interval of the budget in milliseconds: so nothing is rounded.
    held: u64,
    /// Until when what came back is counted, in milliseconds since the epoch.
    at: i64,
    /// The day that is counted, from reset to reset.
    day: i64,
    /// How many calls checks made in it.
    checks: u32,
    /// How many everything else made.
    live: u32,
}

impl Account {
    /// Nothing was spent lately.
    #[must_use]
    pub fn full(budget: &Budget, now: i64) -> Self {
        Self { held: most(budget), at: now, day: day(budget.daily, now), checks: 0, live: 0 }
    }

    /// Live or operator work made so many calls.
    pub fn spend_live(&mut self, budget: &Budget, calls: u32, now: i64) {
        self.pass(budget, now);
        self.live = self.live.saturating_add(calls);
        self.take(budget, calls);
    }

    /// Checks made so many calls. What [`choose`](super::choose) chose is within the budget; what turned out dearer empties it.
    pub fn spend_checks(&mut self, budget: &Budget, calls: u32, now: i64) {
        self.pass(budget, now);
        self.checks = self.checks.saturating_add(calls);
        self.take(budget, calls);
    }

    /// How many calls checks may make now.
    #[must_use]
    pub fn for_checks(&self, budget: &Budget, now: i64) -> u32 {
        let mut account = *self;
        account.pass(budget, now);
        let held = u32::try_from(account.held / per(budget)).unwrap_or(u32::MAX);
        let at_once = held.saturating_sub(budget.reserved_of(budget.burst));
        budget.daily.map_or(at_once, |daily| at_once.min(account.for_checks_today(budget, daily, now)))
    }

    /// How many of the day's calls checks may make by now.
    fn for_checks_today(&self, budget: &Budget, daily: Daily, now: i64) -> u32 {
        // A clock that was set back into the day before counts as the beginning of this one.
        let passed = now.saturating_sub(start(daily, self.day)).clamp(0, DAY);
        let paced = i64::from(budget.left_of(daily.calls)) * passed / DAY;
        let paced = u32::try_from(paced).unwrap_or(u32::MAX).saturating_sub(self.checks);
        let reserved = budget.reserved_of(daily.calls).saturating_sub(self.live);
        let left = daily.calls.saturating_sub(self.checks).saturating_sub(self.live).saturating_sub(reserved);
        paced.min(left)
    }

    /// What came back by now is added, and a new day is counted.
    fn pass(&mut self, budget: &Budget, now: i64) {
        let passed = u64::try_from(now.saturating_sub(self.at)).unwrap_or(0);
        self.held = self.held.saturating_add(passed.saturating_mul(u64::from(budget.calls))).min(most(budget));
        self.at = self.at.max(now);
        let today = day(budget.daily, now);
        if today > self.day {
            (self.day, self.checks, self.live) = (today, 0, 0);
        }
    }

    fn take(&mut self, budget: &Budget, calls: u32) {
        self.held = self.held.saturating_sub(u64::from(calls) * per(budget));
    }
}

fn per(budget: &Budget) -> u64 {
    u64::try_from(budget.per).unwrap_or(1).max(1)
}

fn most(budget: &Budget) -> u64 {
    u64::from(budget.burst) * per(budget)
}

/// The day of an instant, from reset to reset.
fn day(daily: Option<Daily>, now: i64) -> i64 {
    daily.map_or(0, |daily| now.saturating_sub(daily.resets).div_euclid(DAY))
}

fn start(daily: Daily, day: i64) -> i64 {
    day.saturating_mul(DAY).saturating_add(daily.resets)
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveTime, TimeDelta};

    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    #[test]
    fn calls_come_back_with_time_and_never_beyond_what_may_be_made_at_once() {
        let budget = Budget::new(10, TimeDelta::seconds(1)).expect("ten calls a second");
        let mut account = Account::full(&budget, 0);
        assert_eq!(account.for_checks(&budget, 0), 8, "two of ten are reserved");
        account.spend_checks(&budget, 8, 0);
        assert_eq!(account.for_checks(&budget, 99), 0);
        assert_eq!(account.for_checks(&budget, 100), 1);
        assert_eq!(account.for_checks(&budget, -1000), 0, "a clock that was set back gives nothing");
        assert_eq!(account.for_checks(&budget, HOUR), 8);
    }

    #[test]
    fn live_work_goes_first_and_may_use_what_is_reserved() {
        let budget = Budget::new(10, TimeDelta::seconds(1)).expect("ten calls a second");
        let mut account = Account::full(&budget, 0);
        account.spend_live(&budget, 9, 0);
        assert_eq!(account.for_checks(&budget, 0), 0);
        account.spend_live(&budget, 5, 0);
        assert_eq!(account.for_checks(&budget, 200), 0, "live work comes up to its share first");
        assert_eq!(account.for_checks(&budget, 500), 3);
    }

    #[test]
    fn the_calls_of_a_day_are_spread_over_it_and_counted_anew_at_the_reset() {
        let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default();
        let budget = Budget::new(1000, TimeDelta::seconds(1)).and_then(|budget| budget.daily(100, noon));
        let budget = budget.expect("a hundred calls a day");
        let mut account = Account::full(&budget, 12 * HOUR);
        let mut spent = Vec::new();
        for hour in 12..48 {
            let calls = account.for_checks(&budget, hour * HOUR);
            account.spend_checks(&budget, calls, hour * HOUR);
            spent.push(calls);
        }
        assert_eq!(spent.get(..4), Some([0, 3, 3, 4].as_slice()), "80 calls, over 24 hours");
        assert_eq!(spent.iter().take(24).sum::<u32>(), 76, "the last hour's share would come at the reset");
        assert_eq!(spent.get(24), Some(&0), "the next day begins at noon");
        account.spend_live(&budget, 100, 47 * HOUR);
        assert_eq!(account.for_checks(&budget, 47 * HOUR), 0, "live work used all of the day");
        assert_eq!(account.for_checks(&budget, 59 * HOUR), 0);
        assert_eq!(account.for_checks(&budget, 60 * HOUR), 0, "the next day begins");
        assert_eq!(account.for_checks(&budget, 72 * HOUR), 40);
    }
}
