//! The laws of the schedule of checks: nobody starves, ages stay below the computed bound, budgets and reserves are kept, and the
//! same inputs give the same schedule.

use std::collections::BTreeMap;

use accordant::check::{Account, Budget, Cadence, Check, CheckError, Chosen, Load, Priority, age_bound, choose};
use accordant::chrono::{NaiveTime, TimeDelta};
use accordant::id::ConnectionName;
use proptest::prelude::*;

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn crm() -> ConnectionName {
    ConnectionName::new("crm")
}

fn one(budget: Budget, account: Account) -> BTreeMap<ConnectionName, (Budget, Account)> {
    BTreeMap::from([(crm(), (budget, account))])
}

/// A connection whose checks are chosen at every tick, and verified at once.
struct World {
    budget: Budget,
    account: Account,
    cadence: Cadence,
    every: i64,
    now: i64,
    /// Priority, cost, and when it was last verified.
    checks: Vec<(Priority, u32, i64)>,
    /// The greatest age at which any was verified, or that any has now.
    oldest: BTreeMap<Priority, i64>,
}

impl World {
    fn new(budget: Budget, cadence: Cadence, every: i64, loads: &[Load]) -> Self {
        let of = |load: &Load| {
            let check = (load.priority, load.cost, 0);
            (0..load.checks).map(move |_| check)
        };
        let checks = loads.iter().flat_map(of).collect();
        let account = Account::full(&budget, 0);
        Self { budget, account, cadence, every, now: 0, checks, oldest: BTreeMap::new() }
    }

    fn due(&self) -> Vec<Check<usize>> {
        let check = |(what, (priority, cost, since)): (usize, &(Priority, u32, i64))| Check {
            what,
            connection: crm(),
            priority: *priority,
            since: *since,
            cost: *cost,
        };
        self.checks.iter().enumerate().map(check).collect()
    }

    fn tick(&mut self) -> Chosen<usize> {
        self.now += self.every;
        let chosen = choose(self.due(), &one(self.budget, self.account), &self.cadence, self.now).expect("a budget");
        let cost = chosen.cost.get(&crm()).copied().unwrap_or(0);
        self.account.spend_checks(&self.budget, cost, self.now);
        for (priority, _, since) in &self.checks {
            let oldest = self.oldest.entry(*priority).or_default();
            *oldest = (*oldest).max(self.now - since);
        }
        for what in &chosen.checks {
            if let Some((_, _, since)) = self.checks.get_mut(*what) {
                *since = self.now;
            }
        }
        chosen
    }
}

fn priority() -> impl Strategy<Value = Priority> {
    proptest::sample::select(&Priority::ALL)
}

fn loads(most: u64, dearest: u32) -> impl Strategy<Value = Vec<Load>> {
    let load = (priority(), 1..=most, 1..=dearest);
    proptest::collection::vec(load.prop_map(|(priority, checks, cost)| Load { priority, checks, cost }), 1..5)
}

/// Any budget that pays for checks of this cost.
fn budget(dearest: u32) -> impl Strategy<Value = Budget> {
    let daily = proptest::option::of((0_u32..2000, 0_u32..24));
    (1_u32..40, 1_i64..90, 0_u32..60, 0_u8..60, daily).prop_filter_map("pays for the dearest", {
        move |(calls, minutes, burst, reserved, daily)| {
            let mut budget = Budget::new(calls, TimeDelta::minutes(minutes)).ok()?.reserving(reserved).ok()?;
            budget = budget.bursting(burst.max(1)).ok()?;
            if let Some((calls, hour)) = daily {
                budget = budget.daily(calls, NaiveTime::from_hms_opt(hour, 0, 0)?).ok()?;
            }
            (budget.dearest() >= dearest).then_some(budget)
        }
    })
}

fn cadence() -> impl Strategy<Value = Cadence> {
    proptest::array::uniform4(10_i64..6000).prop_filter_map("in order", |mut minutes| {
        minutes.sort_unstable();
        let [critical, high, normal, low] = minutes.map(TimeDelta::minutes);
        Cadence::new(critical, high, normal, low).ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the load, the budget and the intervals: no check is ever older than the bound that was computed beforehand,
    /// and so each is verified again and again.
    #[test]
    fn no_verification_is_older_than_the_computed_bound(
        loads in loads(40, 3),
        budget in budget(3),
        cadence in cadence(),
        every in 1_i64..120,
    ) {
        let bounds = match age_bound(&loads, &budget, &cadence, TimeDelta::minutes(every)) {
            Ok(bounds) => bounds,
            // Those without a bound prove nothing of it: others are drawn in their place.
            Err(CheckError::TooLittle) => return Err(TestCaseError::reject("no bound")),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let longest = bounds.values().max().map_or(0, TimeDelta::num_milliseconds);
        let mut world = World::new(budget, cadence, every * MINUTE, &loads);
        let ticks = (3 * longest / world.every).min(1500);
        for _ in 0..ticks {
            world.tick();
        }
        for (priority, oldest) in &world.oldest {
            let bound = bounds.get(priority).map_or(0, TimeDelta::num_milliseconds);
            prop_assert!(*oldest <= bound, "{priority}: {oldest} ms is older than {bound} ms");
        }
    }

    /// In no window of time are more calls made than the budget allows, and in no day; and what is reserved is left.
    #[test]
    fn no_budget_is_ever_overspent_and_the_reserve_is_left(
        loads in loads(60, 4),
        calls in 5_u32..40,
        minutes in 1_i64..90,
        daily in 20_u32..400,
        reserved in 0_u8..60,
        ticks in proptest::collection::vec(1_i64..200, 1..80),
        live in proptest::collection::vec(0_u32..4, 80),
    ) {
        let budget = Budget::new(calls, TimeDelta::minutes(minutes))
            .and_then(|budget| budget.reserving(reserved))
            .and_then(|budget| budget.daily(daily, NaiveTime::MIN));
        let Ok(budget) = budget else { return Err(TestCaseError::reject("no budget")) };
        let mut world = World::new(budget, Cadence::default(), 0, &loads);
        let mut made: Vec<(i64, u32)> = Vec::new();
        let mut days: BTreeMap<i64, u32> = BTreeMap::new();
        for (every, live) in ticks.iter().zip(live) {
            world.every = every * MINUTE;
            let chosen = world.tick();
            let cost = chosen.cost.get(&crm()).copied().unwrap_or(0);
            let known: u32 = chosen.checks.iter().filter_map(|what| world.checks.get(*what)).map(|check| check.1).sum();
            prop_assert_eq!(cost, known, "it costs what the checks cost");
            world.account.spend_live(&budget, live, world.now);
            made.push((world.now, cost));
            *days.entry(world.now.div_euclid(DAY)).or_default() += cost;
        }
        let left = |of: u32| of - (u64::from(of) * u64::from(reserved)).div_ceil(100) as u32;
        for (first, (from, _)) in made.iter().enumerate() {
            let mut sum = 0;
            for (until, cost) in &made[first..] {
                sum += i64::from(*cost);
                let allowed = i64::from(left(calls)) + (until - from) * i64::from(calls) / (minutes * MINUTE);
                prop_assert!(sum <= allowed, "{sum} calls where {allowed} are allowed");
            }
        }
        for checks in days.values() {
            prop_assert!(*checks <= left(daily), "{checks} calls of checks in a day, of {daily}");
        }
    }

    /// The same checks in any order give the same schedule: what is chosen, in which order, and what waits.
    #[test]
    fn the_same_inputs_give_the_same_schedule_in_whatever_order_they_come(
        checks in proptest::collection::vec((priority(), 0_u32..5, 0_i64..40), 0..60),
        budget in budget(2),
        seed in any::<u64>(),
    ) {
        let now = 40 * DAY;
        let mut shuffled: Vec<Check<usize>> = checks
            .iter()
            .enumerate()
            .map(|(what, (priority, cost, day))| Check {
                what,
                connection: crm(),
                priority: *priority,
                since: day * DAY,
                cost: *cost,
            })
            .collect();
        let budgets = one(budget, Account::full(&budget, now - DAY));
        let chosen = choose(shuffled.clone(), &budgets, &Cadence::default(), now).expect("a budget");
        let due = shuffled.iter().filter(|check| check.since + Cadence::default().of(check.priority).num_milliseconds() <= now);
        let told = chosen.checks.len() + chosen.too_dear.len() + usize::try_from(chosen.waiting).unwrap_or(usize::MAX);
        prop_assert_eq!(told, due.count(), "nothing is dropped silently");
        let mut state = seed;
        for place in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(place, usize::try_from(state >> 33).unwrap_or(0) % (place + 1));
        }
        prop_assert_eq!(choose(shuffled, &budgets, &Cadence::default(), now).expect("a budget"), chosen);
    }
}

#[test]
fn with_too_small_a_budget_every_priority_is_late_by_the_same_factor() {
    // A hundred checks an hour are asked for, and fifty are paid for: what is reserved and nobody uses comes back to checks.
    let loads = [(Priority::Critical, 40), (Priority::High, 180), (Priority::Normal, 480), (Priority::Low, 1680)];
    let loads = loads.map(|(priority, checks)| Load { priority, checks, cost: 1 });
    let budget = Budget::new(50, TimeDelta::hours(1)).expect("fifty calls an hour");
    let mut world = World::new(budget, Cadence::default(), HOUR / 4, &loads);
    for _ in 0..(60 * 24 * 4) {
        world.tick();
    }
    world.oldest.clear();
    for _ in 0..(40 * 24 * 4) {
        world.tick();
    }
    let factor = |priority| {
        let oldest = world.oldest.get(&priority).copied().unwrap_or(0);
        oldest * 100 / Cadence::default().of(priority).num_milliseconds()
    };
    let factors = Priority::ALL.map(factor);
    for factor in factors {
        assert!((200..=230).contains(&factor), "each is about twice its interval: {factors:?} percent");
    }
}

#[test]
fn a_dear_check_is_saved_for_and_not_overtaken_by_cheap_ones_for_ever() {
    let budget =
        Budget::new(10, TimeDelta::hours(1)).and_then(|budget| budget.reserving(0)).expect("ten calls an hour");
    let loads = [
        Load { priority: Priority::Low, checks: 1, cost: 10 },
        Load { priority: Priority::Critical, checks: 30, cost: 1 },
    ];
    let mut world = World::new(budget, Cadence::default(), HOUR / 10, &loads);
    for _ in 0..(60 * 24 * 10) {
        world.tick();
    }
    let bounds = age_bound(&loads, &budget, &Cadence::default(), TimeDelta::minutes(6)).expect("a bound");
    let oldest = world.oldest.get(&Priority::Low).copied().unwrap_or(0);
    assert!(oldest > 7 * DAY && oldest <= bounds[&Priority::Low].num_milliseconds(), "{oldest}");
    assert!(world.now - world.checks[0].2 < oldest + HOUR, "and it was verified again");
}

#[test]
fn what_is_never_affordable_is_told_and_holds_up_nothing() {
    let budget = Budget::new(10, TimeDelta::hours(1)).expect("ten calls an hour");
    let loads = [
        Load { priority: Priority::Critical, checks: 1, cost: 9 },
        Load { priority: Priority::Low, checks: 1, cost: 8 },
        Load { priority: Priority::Normal, checks: 1, cost: 0 },
    ];
    let mut world = World::new(budget, Cadence::default(), 8 * DAY, &loads);
    let chosen = world.tick();
    assert_eq!((chosen.checks, chosen.too_dear, chosen.waiting), (vec![2, 1], vec![0], 0));
    let bound = age_bound(&loads, &budget, &Cadence::default(), TimeDelta::hours(1));
    assert_eq!(bound, Err(CheckError::TooDear { cost: 9, most: 8 }));
}

#[test]
fn what_cannot_be_meant_is_refused_and_says_why() {
    let budget = Budget::new(10, TimeDelta::hours(1)).expect("ten calls an hour");
    for every in [TimeDelta::zero(), TimeDelta::hours(-1), TimeDelta::hours(13)] {
        let refused = age_bound(&[], &budget, &Cadence::default(), every).map_err(|error| error.to_string());
        let milliseconds = every.num_milliseconds();
        let message = format!(
            "the time between two choices of checks is {milliseconds} ms; it must be at least 1 ms and at most 43200000 ms"
        );
        assert_eq!(refused, Err(message));
    }
    let check = Check { what: 1, connection: "shop".into(), priority: Priority::Low, since: 0, cost: 1 };
    let refused = choose([check], &one(budget, Account::full(&budget, 0)), &Cadence::default(), 0);
    assert_eq!(refused.map_err(|error| error.to_string()), Err("connection `shop` has no budget".to_owned()));
    let nothing = choose(Vec::<Check<u8>>::new(), &BTreeMap::new(), &Cadence::default(), 0).expect("nothing is due");
    assert_eq!((nothing.checks, nothing.next_due), (Vec::new(), None));
    let few =
        Budget::new(5, TimeDelta::days(1)).and_then(|budget| budget.daily(5, NaiveTime::MIN)).expect("five a day");
    let load = Load { priority: Priority::Low, checks: 9, cost: 1 };
    assert_eq!(age_bound(&[load], &few, &Cadence::default(), TimeDelta::hours(1)), Err(CheckError::TooLittle));
}
