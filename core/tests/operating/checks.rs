//! Checks: what nothing told is found record by record, within budgets, and how old verifications are is known.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use accordant::check::{Budget, Cadence, Dimension, Load, Priority, age_bound};
use accordant::chrono::TimeDelta;
use accordant::clock::Clock as _;
use accordant::connector::{Connector as _, ConnectorError, ConnectorErrorKind, ReadAnswer, RecordKey, Retry};
use accordant::engine::{Ages, Checked, Checks, Finding, Schedule};
use accordant::store::Store;
use accordant::testing::{FakeSystem, Habits, Turns, Watched};
use accordant::{Accordant, RecordRef, Tenant};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Account, World, account};
use crate::run::{quiet, run};

/// The CRM, of which some records cannot be read by key, and all that were are remembered.
#[derive(Clone)]
struct Stubborn {
    fake: FakeSystem,
    refuses: Arc<Mutex<BTreeSet<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// It answers while so many were asked for.
    answers: Arc<AtomicUsize>,
    /// How often it was asked.
    tries: Arc<AtomicUsize>,
    /// It answers about one record at a time.
    alone: Arc<AtomicBool>,
}

impl Stubborn {
    fn new(world: &World) -> Self {
        let answers = Arc::new(AtomicUsize::new(usize::MAX));
        let (refuses, asked, tries, alone) = (Arc::default(), Arc::default(), Arc::default(), Arc::default());
        Self { fake: world.crm.clone(), refuses, asked, answers, tries, alone }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

#[async_trait]
impl Habits for Stubborn {
    fn fake(&self) -> &FakeSystem {
        &self.fake
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        if self.asked.lock().unwrap().len() >= self.answers.load(Ordering::SeqCst) {
            let error = ConnectorError::new(ConnectorErrorKind::Unavailable, "the story says so");
            return Err(error.retry(Retry::Backoff));
        }
        if keys.len() > 1 && self.alone.load(Ordering::SeqCst) {
            return Err(ConnectorError::new(ConnectorErrorKind::Malformed, "one at a time"));
        }
        let mut answers = self.fake.read_records(keys).await?;
        for (key, answer) in keys.iter().zip(&mut answers) {
            self.asked.lock().unwrap().push(key.id.to_string());
            if self.refuses.lock().unwrap().contains(key.id.as_str()) {
                let error = ConnectorError::new(ConnectorErrorKind::Unavailable, "the story says so");
                *answer = ReadAnswer::Failed(error.retry(Retry::Backoff));
            }
        }
        Ok(answers)
    }
}

/// So many reads an hour, none of them reserved.
fn an_hour(reads: u32) -> Budget {
    Budget::new(reads, TimeDelta::hours(1)).and_then(|budget| budget.reserving(0)).unwrap()
}

/// Accounts are verified every day in the CRM.
fn checks(reads: u32) -> Checks {
    Checks::new().budget("crm", an_hour(reads))
}

fn process(world: &World, crm: &Stubborn, checks: Checks) -> Tenant {
    process_on(world, crm, checks, world.store.clone())
}

fn process_on(world: &World, crm: &Stubborn, checks: Checks, store: impl Store) -> Tenant {
    let turn = TimeDelta::hours(1);
    let schedule = Schedule { poll: TimeDelta::days(90), idle: turn, retry: turn, scan: None };
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(store).schedule(schedule);
    let builder = builder.connect(crm.clone()).connect(world.shop.clone()).entity::<Account>().checks(checks);
    builder.build().unwrap().tenant("acme")
}

/// So many accounts that the CRM told of, and that a round of checks came by.
fn known(accounts: usize, checks: &Checks) -> (World, Stubborn, Tenant) {
    let world = World::new();
    for number in 0..accounts {
        world.crm.edit("accounts", &number.to_string(), &account(number));
    }
    let crm = Stubborn::new(&world);
    let tenant = process(&world, &crm, checks.clone());
    block_on(tenant.poll("crm")).unwrap();
    let checked = check(&tenant);
    assert_eq!((checked.verified, checked.waiting), (0, 0), "they were just told of");
    (world, crm, tenant)
}

fn check(tenant: &Tenant) -> Checked {
    block_on(tenant.check()).unwrap()
}

fn ages(tenant: &Tenant) -> Ages {
    block_on(tenant.verification_age()).unwrap()[&Priority::Normal]
}

/// What was found of an account in the CRM, in this dimension, and when.
fn found(tenant: &Tenant, id: &str, dimension: &Dimension) -> (Option<i64>, Option<Finding>) {
    let record = RecordRef::new("crm", "accounts", id);
    let entity = block_on(tenant.entity_of(&record)).unwrap().unwrap();
    let all = block_on(tenant.verified(entity)).unwrap();
    let of = all.iter().find(|one| one.record.as_ref() == Some(&record) && one.dimension == *dimension).unwrap();
    (of.at.map(|at| at.timestamp_millis()), of.found)
}

#[test]
fn what_no_surface_told_is_found_by_a_check_and_what_was_found_is_kept() {
    let (world, _, tenant) = known(3, &checks(100));
    world.crm.edit("accounts", "1", &json!({ "phone": "9" }));
    world.crm.delete("accounts", "2");
    assert_eq!(found(&tenant, "1", &Dimension::Freshness), (None, None), "never since it is known");
    world.clock.advance(TimeDelta::hours(23));
    assert_eq!(check(&tenant).verified, 0, "not before a day is over");
    world.clock.advance(TimeDelta::hours(1));
    let checked = check(&tenant);
    assert_eq!((checked.verified, checked.missed, checked.gone, checked.waiting), (3, 2, 1, 0), "{checked:?}");
    let now = Some(world.clock.now());
    assert_eq!(found(&tenant, "0", &Dimension::Freshness), (now, Some(Finding::AsHeld)));
    assert_eq!(found(&tenant, "1", &Dimension::Freshness), (now, Some(Finding::Missed)));
    assert_eq!(found(&tenant, "1", &Dimension::Presence), (now, Some(Finding::AsHeld)));
    assert_eq!(found(&tenant, "2", &Dimension::Presence), (now, Some(Finding::Gone)));
    let entity = block_on(tenant.entity_of(&RecordRef::new("crm", "accounts", "1"))).unwrap().unwrap();
    let view = block_on(tenant.inspect_erased(entity)).unwrap();
    assert!(serde_json::to_string(&view).unwrap().contains("\"9\""), "it was taken in");
    assert_eq!(check(&tenant).verified, 0, "once a day");
    world.clock.advance(TimeDelta::days(1));
    let checked = check(&tenant);
    assert_eq!((checked.verified, checked.missed), (3, 0), "what is known by now was not missed");
    assert!(block_on(tenant.verify()).unwrap().is_clean(), "the journal accounts for all of it");
}

#[test]
fn a_discrepancy_of_a_record_is_what_agreement_finds() {
    let (world, _, tenant) = known(1, &checks(100));
    // The shop must have the account, and has none.
    world.clock.advance(TimeDelta::days(1));
    let checked = check(&tenant);
    assert_eq!((checked.verified, checked.disagreeing, checked.missed), (1, 0, 0), "{checked:?}");
    world.shop.edit("customers", "7", &json!({ "email": "a0@acme.test", "balance": "100.00", "phone": "1" }));
    block_on(tenant.poll("shop")).unwrap();
    world.shop.edit("customers", "7", &json!({ "balance": "90.00" }));
    block_on(tenant.poll("shop")).unwrap();
    world.clock.advance(TimeDelta::days(1));
    let checked = check(&tenant);
    assert_eq!((checked.verified, checked.disagreeing, checked.missed), (1, 1, 0), "{checked:?}");
    assert_eq!(found(&tenant, "0", &Dimension::Agreement).1, Some(Finding::Disagrees(1)));
}

#[test]
fn too_small_a_budget_shows_as_age_and_drops_nothing() {
    let (world, crm, tenant) = known(20, &checks(4));
    world.clock.advance(TimeDelta::days(2));
    let mut verified = BTreeSet::new();
    for round in 0..5 {
        let checked = check(&tenant);
        assert_eq!((checked.verified, checked.waiting), (4, 16 - 4 * round), "round {round}");
        assert_eq!(check(&tenant).verified, 0, "the budget of the hour is spent");
        let asked = crm.asked();
        assert_eq!(asked.len(), 4);
        verified.extend(asked);
        let ages = ages(&tenant);
        let left = 16 - 4 * round;
        assert_eq!((ages.records, ages.overdue, ages.never), (20, left, left), "round {round}");
        let oldest = TimeDelta::days(2) + TimeDelta::hours(i64::try_from(round).unwrap());
        let oldest = if left > 0 { oldest } else { TimeDelta::hours(4) };
        assert_eq!(ages.oldest, oldest);
        // A probe sees it too, and an alert may stand on it.
        let status = block_on(tenant.status()).unwrap();
        let intervals = oldest.num_milliseconds() * 100 / TimeDelta::days(1).num_milliseconds();
        assert_eq!(status.connections["crm"].measured.verification_age, u64::try_from(intervals).ok());
        world.clock.advance(TimeDelta::hours(1));
    }
    assert_eq!(verified.len(), 20, "each had its turn");
}

#[test]
fn no_verification_gets_older_than_the_bound_that_was_computed_beforehand() {
    let (world, crm, tenant) = known(60, &checks(2));
    let load = Load { priority: Priority::Normal, checks: 60, cost: 1 };
    let bounds = age_bound(&[load], &an_hour(2), &Cadence::default(), TimeDelta::hours(1)).unwrap();
    let bound = bounds[&Priority::Normal];
    let (mut oldest, mut asked) = (TimeDelta::zero(), 0);
    for _ in 0..24 * 6 {
        world.clock.advance(TimeDelta::hours(1));
        oldest = oldest.max(ages(&tenant).oldest);
        check(&tenant);
        asked += crm.asked().len();
    }
    assert!(oldest <= bound, "{oldest} is older than {bound}");
    assert!(
        oldest > TimeDelta::hours(30) && asked > 120,
        "they wait for the budget, each again and again: {oldest}, {asked}"
    );
}

#[test]
fn of_several_processes_each_spends_what_the_others_left() {
    let (world, crm, one) = known(20, &checks(6));
    let other = process(&world, &crm, checks(6));
    world.clock.advance(TimeDelta::days(2));
    let (first, second) = block_on(futures::future::join(one.check(), other.check()));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.verified + second.verified, 6, "{first:?} {second:?}");
    assert_eq!(crm.asked().len(), 6);
    assert_eq!((check(&one).verified, check(&other).verified), (0, 0));
}

#[test]
fn of_two_tenants_that_call_one_account_each_spends_a_budget_of_its_own() {
    let world = World::new();
    for number in 0..20 {
        world.crm.edit("accounts", &number.to_string(), &account(number));
    }
    let crm = Stubborn::new(&world);
    let schedule = Schedule { scan: None, ..Schedule::default() };
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone()).schedule(schedule);
    let builder = builder.connect(crm.clone()).connect(world.shop.clone()).entity::<Account>().checks(checks(6));
    let accordant = builder.build().unwrap();
    let tenants = ["acme", "umbrella"].map(|name| accordant.tenant(name));
    for tenant in &tenants {
        block_on(tenant.poll("crm")).unwrap();
        check(tenant);
    }
    world.clock.advance(TimeDelta::days(2));
    crm.asked();
    assert_eq!(tenants.each_ref().map(|tenant| check(tenant).verified), [6, 6]);
    assert_eq!(crm.asked().len(), 12, "the account is called as often as both budgets say");
}

#[test]
fn wherever_another_round_comes_in_between_no_call_is_spent_twice() {
    let mut reached = 0;
    for calls in 0..60 {
        let (world, crm, other) = known(20, &checks(6));
        let store = Watched::new(world.store.clone(), Turns::default());
        let one = process_on(&world, &crm, checks(6), store.clone());
        world.clock.advance(TimeDelta::days(2));
        store.watch().happens_after(calls, async move { drop(other.check().await.unwrap()) });
        check(&one);
        check(&one);
        assert_eq!(crm.asked().len(), 6, "after {calls} calls");
        reached += usize::from(store.watch().have_passed());
    }
    assert!(reached > 10, "at {reached} places");
}

#[test]
fn what_is_asked_again_one_by_one_is_counted_in_the_budget() {
    let hours = TimeDelta::hours;
    let budget = Budget::new(10, hours(20)).and_then(|budget| budget.reserving(0)).unwrap();
    let cadence = Cadence::new(hours(2), hours(6), hours(24), hours(48)).unwrap();
    let checks = Checks::new().budget("crm", budget).cadence(cadence).priority_of::<Account>(Priority::Critical);
    let (world, crm, tenant) = known(4, &checks);
    world.clock.advance(hours(40));
    crm.alone.store(true, Ordering::SeqCst);
    assert_eq!(check(&tenant).verified, 4);
    crm.alone.store(false, Ordering::SeqCst);
    // Of ten calls eight were made, and one came back.
    world.clock.advance(hours(2));
    let checked = check(&tenant);
    assert_eq!((checked.verified, checked.waiting), (3, 1), "{checked:?}");
}

#[test]
fn what_hints_and_polls_take_is_counted_in_the_budget() {
    let (world, crm, tenant) = known(20, &checks(10));
    world.clock.advance(TimeDelta::days(2));
    for number in 0..6 {
        block_on(tenant.receive("crm", world.crm.hint_webhook("accounts", &number.to_string()))).unwrap();
    }
    while block_on(tenant.step()).unwrap().more() {}
    assert_eq!(crm.asked().len(), 6);
    assert_eq!(check(&tenant).verified, 4, "six of ten calls were made");
    world.clock.advance(TimeDelta::hours(1));
    world.crm.edit("accounts", "19", &json!({ "phone": "9" }));
    block_on(tenant.poll("crm")).unwrap();
    assert_eq!(check(&tenant).verified, 9, "one record stood on a page");
    assert_eq!(check(&tenant).verified, 0, "and it is counted once");
}

#[test]
fn what_was_verified_before_a_system_failed_counts() {
    let (world, crm, tenant) = known(150, &checks(1_000));
    world.clock.advance(TimeDelta::days(2));
    crm.answers.store(100, Ordering::SeqCst);
    let checked = check(&tenant);
    assert_eq!((checked.verified, checked.failed.len()), (100, 1), "a hundred are asked for at once");
    crm.answers.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(check(&tenant).verified, 50, "the others are as overdue as they were");
}

#[test]
fn a_round_reads_as_many_as_the_budget_allows() {
    let (world, crm, tenant) = known(1_100, &checks(2_000));
    // A round comes by ten pages of the records that are known, and no further.
    world.clock.advance(TimeDelta::days(2));
    assert_eq!((check(&tenant).verified, crm.asked().len()), (1_100, 1_100));
}

/// A round in which nothing is due asks nothing: that says nothing about a system that is down.
#[test]
fn a_round_that_asks_nothing_does_not_count_as_an_answer() {
    let (world, crm, tenant) = known(1, &checks(100).every(TimeDelta::minutes(1)).unwrap());
    block_on(tenant.receive("crm", world.crm.hint_webhook("accounts", "0"))).unwrap();
    world.crm.unavailable(true);
    crm.answers.store(0, Ordering::SeqCst);
    let tries = Arc::clone(&crm.tries);
    let (ran, slept) = run(&tenant, &world.clock, 300, quiet());
    let hours = usize::try_from(slept.iter().sum::<i64>() / (60 * 60 * 1000)).unwrap();
    let often = tries.load(Ordering::SeqCst);
    assert!(hours >= 4 && often <= 8 + hours, "asked {often} times in {hours} hours");
    assert!(ran.unwrap().failed.contains_key("crm"), "and it has not answered since");
}

#[test]
fn a_record_that_cannot_be_read_ages_and_holds_up_no_other() {
    let (world, crm, tenant) = known(3, &checks(2));
    crm.refuses.lock().unwrap().insert("0".to_owned());
    world.clock.advance(TimeDelta::days(1));
    let mut asked = Vec::new();
    for _ in 0..4 {
        let checked = check(&tenant);
        let refused: Vec<String> =
            checked.unread.iter().filter_map(|one| Some(one.record.clone()?.id.to_string())).collect();
        let now = crm.asked();
        assert_eq!(refused, if now.contains(&"0".to_owned()) { vec!["0"] } else { vec![] });
        asked.extend(now);
        world.clock.advance(TimeDelta::hours(1));
    }
    assert_eq!(asked, ["0", "1", "2"], "each once a day");
    let ages = ages(&tenant);
    assert_eq!((ages.never, ages.overdue, ages.oldest), (1, 1, TimeDelta::hours(28)));
    crm.refuses.lock().unwrap().clear();
    world.clock.advance(TimeDelta::days(1));
    while check(&tenant).verified > 0 {
        world.clock.advance(TimeDelta::hours(1));
    }
    assert!(crm.asked().contains(&"0".to_owned()));
    assert_eq!(self::ages(&tenant).never, 0);
}

#[test]
fn what_a_hint_has_read_and_a_pulse_has_met_is_verified() {
    let (world, crm, tenant) = known(3, &checks(100));
    world.clock.advance(TimeDelta::hours(20));
    block_on(tenant.receive("crm", world.crm.hint_webhook("accounts", "1"))).unwrap();
    while block_on(tenant.step()).unwrap().more() {}
    assert_eq!(crm.asked(), ["1"]);
    assert_eq!(found(&tenant, "1", &Dimension::Freshness), (Some(world.clock.now()), Some(Finding::AsHeld)));
    world.clock.advance(TimeDelta::hours(4));
    assert_eq!(check(&tenant).verified, 2, "the others");
    assert_eq!(crm.asked(), ["0", "2"]);
    world.clock.advance(TimeDelta::hours(20));
    let began = world.clock.now();
    block_on(tenant.pulse("crm")).unwrap();
    assert_eq!(found(&tenant, "0", &Dimension::Presence), (Some(began), None), "what it found stands with the entity");
    world.clock.advance(TimeDelta::hours(23));
    assert_eq!(check(&tenant).verified, 0);
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(check(&tenant).verified, 3);
}

#[test]
fn a_record_that_belongs_to_nobody_any_more_is_forgotten() {
    let (world, crm, tenant) = known(2, &checks(100));
    let by = accordant::Actor::new("ana");
    world.shop.edit("customers", "7", &json!({ "email": "a1@acme.test" }));
    block_on(tenant.poll("shop")).unwrap();
    let record = RecordRef::new("crm", "accounts", "1");
    let entity = block_on(tenant.entity_of(&record)).unwrap().unwrap();
    block_on(tenant.unlink(entity, &record, &by, "a test account")).unwrap();
    world.clock.advance(TimeDelta::days(1));
    assert_eq!((check(&tenant).verified, crm.asked()), (1, vec!["0".to_owned()]));
    world.clock.advance(TimeDelta::days(1));
    assert_eq!((check(&tenant).verified, ages(&tenant).records), (1, 1));
}

#[test]
fn a_connection_that_is_paused_or_does_not_answer_is_verified_later() {
    let (world, crm, tenant) = known(2, &checks(1));
    let by = accordant::Actor::new("ana");
    world.clock.advance(TimeDelta::days(1));
    block_on(tenant.pause("crm", &by, "month end")).unwrap();
    assert_eq!((check(&tenant), crm.asked()), (Checked::default(), Vec::new()));
    block_on(tenant.resume("crm", &by, "it is over")).unwrap();
    world.crm.unavailable(true);
    let checked = check(&tenant);
    let failed: Vec<String> = checked.failed.iter().map(|call| call.connection.to_string()).collect();
    assert_eq!((checked.verified, failed), (0, vec!["crm".to_owned()]));
    world.crm.unavailable(false);
    assert_eq!(check(&tenant).verified, 0, "the call counts that was not answered");
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(check(&tenant).verified, 1);
}

#[test]
fn a_run_verifies_by_itself_what_is_due() {
    let every = Checks::new().budget("crm", an_hour(100)).every(TimeDelta::hours(1)).unwrap();
    let (world, crm, tenant) = known(3, &every);
    world.crm.edit("accounts", "1", &json!({ "phone": "9" }));
    // Polls come once in ninety days after the first; that one is read before the edit is due to be found.
    let (ran, _) = run(&tenant, &world.clock, 60, quiet());
    assert!(ran.unwrap().failed.is_empty());
    let mut asked = crm.asked();
    asked.sort();
    assert_eq!(asked, ["0", "0", "1", "1", "2", "2"], "each once a day");
}

#[test]
fn more_urgent_entities_are_verified_more_often() {
    let hours = TimeDelta::hours;
    let cadence = Cadence::new(hours(2), hours(6), hours(24), hours(48)).unwrap();
    for (priority, times) in [(Priority::Critical, 24), (Priority::High, 8), (Priority::Normal, 2), (Priority::Low, 1)]
    {
        let (world, crm, tenant) = known(1, &checks(100).cadence(cadence).priority_of::<Account>(priority));
        for _ in 0..48 {
            world.clock.advance(hours(1));
            check(&tenant);
        }
        assert_eq!(crm.asked().len(), times, "{priority}");
        assert!(block_on(tenant.verification_age()).unwrap().contains_key(&priority));
    }
}

#[test]
fn names_that_are_not_there_are_mistakes() {
    let world = World::new();
    let checks = checks(1).budget("erp", an_hour(1)).priority("acount", Priority::High);
    let builder = Accordant::builder().connect(world.crm.clone()).connect(world.shop.clone()).entity::<Account>();
    let error = builder.checks(checks).build().map(drop).unwrap_err().to_string();
    assert!(error.contains("`checks` names `erp`, which is no connection"), "{error}");
    assert!(error.contains("`checks` names entity `acount`, which is not declared"), "{error}");
    let seldom = Checks::new().every(TimeDelta::zero()).map_err(|error| error.to_string());
    let why = "the time between two choices of checks is 0 ms; it must be at least 1000 ms and at most 43200000 ms";
    assert_eq!(seldom.map(drop), Err(why.to_owned()));
}
