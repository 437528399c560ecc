//! Examinations: what is held is looked at entity by entity and in total; what is wrong is a case until it is right again.

use std::sync::Arc;

use accordant::check::{Aggregate, Cadence, Dimension, EntityCheck, Priority, References, Tally, Total, batch, each};
use accordant::chrono::{DateTime, TimeDelta};
use accordant::clock::Clock as _;
use accordant::engine::{AsOf, Case, CaseFilter, CaseKind, CheckResult, Checked, Checks, Finding, Schedule};
use accordant::role::{Role, Roles};
use accordant::testing::FakeSystem;
use accordant::value::Decimal;
use accordant::{Accordant, Actor, Canonical, Email, ManualClock, MemoryStore, Money, RecordRef, Ref, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::model::journaled;
use crate::run::{quiet, run};

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "firm", existence(crm), on_delete = archive, system(crm, object = "companies"))]
struct Firm {
    #[canonical(identity, at(crm = "vat"))]
    vat: String,
}

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "buyer", system(crm, object = "contacts"), system(shop, object = "customers"))]
struct Buyer {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(at(crm = "firm"))]
    firm: Option<Ref<Firm>>,
    #[canonical(pii, at(crm = "phone"))]
    phone: Option<String>,
    #[canonical(owner(crm), at(crm("balance", currency = "currency"), shop("balance", currency = "currency")))]
    balance: Option<Money>,
}

struct World {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    crm: FakeSystem,
    shop: FakeSystem,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let models = [Firm::model(), Buyer::model()];
        let (crm, shop) = (FakeSystem::new("crm", &models, &clock), FakeSystem::new("shop", &models, &clock));
        Self { clock, store: MemoryStore::new(), crm, shop }
    }

    /// So many buyers that name a firm, and have a phone.
    fn filled(buyers: usize) -> Self {
        let world = Self::new();
        world.crm.edit("companies", "f1", &json!({ "vat": "ACME" }));
        for number in 0..buyers {
            let amount = json!({ "balance": "10.00", "currency": "USD" });
            let mut buyer = json!({ "email": format!("b{number}@acme.test"), "firm": "f1", "phone": "555-0100" });
            buyer.as_object_mut().unwrap().extend(amount.as_object().unwrap().clone());
            world.crm.edit("contacts", &number.to_string(), &buyer);
        }
        world
    }

    fn builder(&self, checks: Checks) -> accordant::engine::Builder {
        let turn = TimeDelta::hours(1);
        let schedule = Schedule { poll: TimeDelta::days(90), idle: turn, retry: turn, scan: None };
        let builder = Accordant::builder().clock(Arc::clone(&self.clock)).store(self.store.clone()).schedule(schedule);
        let builder = builder.connect(self.crm.clone()).connect(self.shop.clone());
        builder.entity::<Firm>().entity::<Buyer>().checks(checks)
    }

    fn tenant(&self, checks: Checks) -> Tenant {
        self.builder(checks).build().unwrap().tenant("acme")
    }

    fn poll(&self, tenant: &Tenant) {
        self.clock.advance(TimeDelta::minutes(5));
        block_on(tenant.poll("crm")).unwrap();
        block_on(tenant.poll("shop")).unwrap();
    }
}

/// Goes on until nothing is due.
fn check(world: &World, tenant: &Tenant) -> Checked {
    let mut all = Checked::default();
    loop {
        let checked = block_on(tenant.check()).unwrap();
        let due = checked.next;
        all += checked;
        if due.is_none_or(|due| due.timestamp_millis() > world.clock.now()) {
            return all;
        }
    }
}

fn cases(tenant: &Tenant) -> Vec<Case> {
    let filter = CaseFilter { kinds: vec![CaseKind::Violation], ..CaseFilter::default() };
    block_on(tenant.open_cases(&filter, None, 5_000)).unwrap().cases
}

fn reasons(tenant: &Tenant) -> Vec<String> {
    cases(tenant).iter().map(|case| case.reason.to_string()).collect()
}

fn result(tenant: &Tenant, check: &str) -> CheckResult {
    let all = block_on(tenant.check_results()).unwrap();
    all.into_iter().find(|result| *result.check == *check).unwrap()
}

/// Every buyer has a phone.
fn reachable() -> impl EntityCheck {
    each("reachable", 1, |entity, _| {
        entity.golden("phone").is_none().then(|| entity.violates("phone", "is missing: nobody can call them"))
    })
}

fn clean(tenant: &Tenant) {
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "the journal accounts for all of it: {verified:?}");
}

#[test]
fn what_a_check_finds_is_a_case_until_it_is_right_again_and_counted() {
    let world = World::filled(3);
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(reachable()));
    world.crm.edit("contacts", "1", &json!({ "phone": null }));
    world.poll(&tenant);
    let checked = check(&world, &tenant);
    assert_eq!((checked.examined, checked.violating), (3, 1), "{checked:?}");
    assert_eq!(reasons(&tenant), ["\"reachable\": phone is missing: nobody can call them"]);
    let case = &cases(&tenant)[0];
    assert_eq!(
        (case.unit.as_deref(), case.pii, case.entity_type.as_ref().unwrap().as_str()),
        (Some("phone"), true, "buyer")
    );
    let counted = result(&tenant, "reachable");
    assert_eq!((counted.examined, counted.violating, counted.listed), (3, 1, 1));
    assert_eq!(counted.units.iter().map(|(unit, many)| (unit.as_str(), *many)).collect::<Vec<_>>(), [("phone", 1)]);
    assert_eq!(counted.dimension, Dimension::Own("reachable".into()));
    clean(&tenant);

    // Not before its interval is over, and then the case goes.
    world.crm.edit("contacts", "1", &json!({ "phone": "555-0101" }));
    world.poll(&tenant);
    assert_eq!(check(&world, &tenant).examined, 0);
    assert_eq!(cases(&tenant).len(), 1);
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(check(&world, &tenant).violating, 0);
    assert_eq!(cases(&tenant), []);
    let kinds = |kind| journaled(&world.store, &tenant, kind);
    assert_eq!((kinds("case_opened"), kinds("case_gone"), kinds("examined")), (1, 1, 2), "firms have no check");
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(check(&world, &tenant).examined, 3);
    assert_eq!(kinds("examined"), 2, "what is as it was is not told again");
    clean(&tenant);
}

#[test]
fn the_ledger_says_when_a_check_examined_an_entity_and_what_it_found() {
    let world = World::filled(2);
    world.crm.edit("contacts", "1", &json!({ "phone": null }));
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(reachable()));
    world.poll(&tenant);
    let found = |id: &str| {
        let entity = block_on(tenant.entity_of(&RecordRef::new("crm", "contacts", id))).unwrap().unwrap();
        let all = block_on(tenant.verified(entity)).unwrap();
        let of = all.into_iter().find(|one| one.check.as_deref() == Some("reachable"));
        of.map(|of| (of.record, of.at.map(|at| at.timestamp_millis()), of.found))
    };
    assert_eq!(found("0"), None, "nothing was examined yet");
    let now = Some(world.clock.now());
    check(&world, &tenant);
    assert_eq!(found("0"), Some((None, now, Some(Finding::AsHeld))));
    assert_eq!(found("1"), Some((None, now, Some(Finding::Violates))));
    world.clock.advance(TimeDelta::hours(1));
    world.crm.edit("contacts", "9", &json!({ "email": "new@acme.test" }));
    world.poll(&tenant);
    assert_eq!(found("9"), Some((None, None, None)), "it came after the last pass began");
}

#[test]
fn a_reference_to_what_was_retired_is_found_and_one_to_what_was_merged_is_followed() {
    let world = World::filled(2);
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(References));
    world.crm.edit("companies", "f2", &json!({ "vat": "UMBRELLA" }));
    world.crm.edit("contacts", "1", &json!({ "firm": "f2" }));
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(reasons(&tenant), Vec::<String>::new());

    let entity = |id: &str| block_on(tenant.entity_of(&RecordRef::new("crm", "companies", id))).unwrap().unwrap();
    let (acme, umbrella) = (entity("f1"), entity("f2"));
    block_on(tenant.merge(acme, umbrella, &Actor::new("ana"))).unwrap();
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(reasons(&tenant), Vec::<String>::new());
    block_on(tenant.unmerge(umbrella, &Actor::new("ana"))).unwrap();

    world.crm.delete("companies", "f2");
    world.poll(&tenant);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(reasons(&tenant), ["\"references\": firm leads to a firm that was retired"]);
    assert_eq!(result(&tenant, "references").dimension, Dimension::Reference);
    clean(&tenant);
}

#[test]
fn totals_of_one_type_are_compared_at_once() {
    let world = World::filled(3);
    let owed = |at: &str| Total::sum_of(Buyer::BALANCE).at(at);
    let aggregate = Aggregate::new("owed", owed("crm"), owed("shop"));
    let counted = Aggregate::new("buyers", Total::count_of::<Buyer>(), Total::count_of::<Buyer>().at("shop"));
    let tenant = world.tenant(Checks::new().agree(aggregate).agree(counted));
    for number in 0..2 {
        let email = format!("b{number}@acme.test");
        world.shop.edit(
            "customers",
            &number.to_string(),
            &json!({ "email": email, "balance": "10.00", "currency": "USD" }),
        );
    }
    world.poll(&tenant);
    check(&world, &tenant);
    let expected = [
        "\"buyers\": the number of buyer is 3, the number of buyer in shop is 2",
        "\"owed\": the sum of buyer.balance in crm is 30 USD, the sum of buyer.balance in shop is 20 USD",
    ];
    assert_eq!(reasons(&tenant), expected);
    world.shop.edit("customers", "2", &json!({ "email": "b2@acme.test", "balance": "10.00", "currency": "USD" }));
    world.poll(&tenant);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(cases(&tenant), []);
    let results = block_on(tenant.aggregate_results()).unwrap();
    let sum = |tally: &Tally| tally.sums.get("USD").map(Decimal::to_string);
    assert!(results.iter().all(|result| result.agree));
    assert_eq!((sum(&results[0].left), sum(&results[0].right)), (Some("30".to_owned()), Some("30".to_owned())));
    clean(&tenant);
}

#[test]
fn totals_of_two_types_are_told_when_they_differ_twice() {
    let world = World::filled(2);
    let tenant = world.tenant(Checks::new().agree(Aggregate::new(
        "one each",
        Total::count_of::<Firm>(),
        Total::count_of::<Buyer>(),
    )));
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(cases(&tenant), [], "what changed between the two counts is no difference");
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(reasons(&tenant), ["\"one each\": the number of firm is 1, the number of buyer is 2"]);
    world.crm.edit("companies", "f2", &json!({ "vat": "UMBRELLA" }));
    world.poll(&tenant);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(cases(&tenant), []);
}

#[test]
fn a_check_that_is_another_or_declared_no_longer_leaves_no_case_behind() {
    let world = World::filled(3);
    let nobody =
        |version| each("nobody", version, move |entity, _| (version == 1).then(|| entity.violates_whole("is here")));
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(nobody(1)));
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(cases(&tenant).len(), 3);
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(nobody(2)));
    assert_eq!(check(&world, &tenant).examined, 3, "at once: it is another check");
    assert_eq!(cases(&tenant), []);
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(nobody(1)));
    check(&world, &tenant);
    assert_eq!(cases(&tenant).len(), 3);
    let tenant = world.tenant(Checks::new());
    let checked = check(&world, &tenant);
    assert_eq!((checked.examined, cases(&tenant).len()), (0, 0));
    assert_eq!(block_on(tenant.check_results()).unwrap(), []);
    clean(&tenant);
}

#[test]
fn more_entities_than_a_page_are_examined_and_of_many_violations_a_thousand_are_cases() {
    let world = World::filled(1_100);
    let seen = batch("all", 1, |entities, _| entities.iter().map(|one| one.violates_whole("is here")).collect());
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(seen).check_of::<Buyer>(reachable()));
    world.poll(&tenant);
    let checked = check(&world, &tenant);
    assert_eq!((checked.examined, checked.violating), (1_100, 1_100));
    let counted = result(&tenant, "all");
    assert_eq!((counted.examined, counted.violating, counted.listed), (1_100, 1_100, 1_000));
    let listed = block_on(tenant.cases(None, 5_000)).unwrap();
    assert_eq!(listed.iter().filter(|case| case.kind == CaseKind::Violation).count(), 1_000);
    assert_eq!((result(&tenant, "reachable").examined, result(&tenant, "reachable").violating), (1_100, 0));
}

#[test]
fn who_may_not_see_an_attribute_is_not_told_what_is_wrong_with_it() {
    let world = World::filled(1);
    let says = each("short", 1, |entity, _| Some(entity.violates("phone", "has too few digits")));
    let builder = world.builder(Checks::new().check_of::<Buyer>(says)).roles(Roles::new(&Actor::new("root")));
    let tenant = builder.build().unwrap().tenant("acme");
    let (root, vic) = (Actor::new("root"), Actor::new("vic"));
    block_on(tenant.grant(&vic, Role::Viewer, &root, "she looks")).unwrap();
    world.poll(&tenant);
    check(&world, &tenant);
    let seen = |by: &Actor| block_on(tenant.seen_by(by).open_cases(&CaseFilter::default(), None, 10)).unwrap().cases;
    let reason = |by: &Actor| seen(by).iter().find(|case| case.kind == CaseKind::Violation).unwrap().reason.to_string();
    assert_eq!(reason(&root), "\"short\": phone has too few digits");
    assert_eq!(reason(&vic), "•••");
}

#[test]
fn nothing_is_left_of_the_cases_of_somebody_who_was_erased() {
    let world = World::filled(2);
    let says = each("here", 1, |entity, _| Some(entity.violates_whole("canary-of-a-check")));
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(says));
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(cases(&tenant).len(), 2);
    let entity = block_on(tenant.entity_of(&RecordRef::new("crm", "contacts", "1"))).unwrap().unwrap();
    block_on(tenant.erase(entity, &Actor::new("ana"), "asked for")).unwrap();
    assert!(cases(&tenant).iter().all(|case| !case.entities.contains(&entity)));
    assert_eq!(cases(&tenant).len(), 1);
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(cases(&tenant).len(), 1);
    clean(&tenant);
}

#[test]
fn the_past_of_what_a_check_found_is_told() {
    let world = World::filled(1);
    world.crm.edit("contacts", "0", &json!({ "phone": null }));
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(reachable()));
    world.poll(&tenant);
    check(&world, &tenant);
    let (key, then) = (cases(&tenant)[0].key.clone(), world.clock.now());
    world.crm.edit("contacts", "0", &json!({ "phone": "1" }));
    world.clock.advance(TimeDelta::days(1));
    world.poll(&tenant);
    check(&world, &tenant);
    let told = block_on(tenant.case_history(&key)).unwrap();
    let kinds: Vec<&str> = told.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["case_opened", "case_gone"]);
    let at = DateTime::from_timestamp_millis(then).unwrap();
    let past: AsOf = tenant.as_of(at);
    let open = block_on(past.open_cases(&CaseFilter::default())).unwrap();
    assert!(open.iter().any(|case| case.key == key));
}

#[test]
fn a_run_examines_by_itself_as_often_as_the_priority_says() {
    let hours = TimeDelta::hours;
    let cadence = Cadence::new(hours(2), hours(6), hours(24), hours(48)).unwrap();
    let world = World::filled(1);
    let checks = Checks::new().check_of::<Buyer>(reachable()).cadence(cadence).priority_of::<Buyer>(Priority::High);
    let tenant = world.tenant(checks.every(hours(1)).unwrap());
    world.poll(&tenant);
    let began = world.clock.now();
    let (ran, _) = run(&tenant, &world.clock, 13, quiet());
    ran.unwrap();
    let last = result(&tenant, "reachable").at.timestamp_millis();
    let passed = TimeDelta::milliseconds(last - began).num_hours();
    assert!((12..=13).contains(&passed), "every six hours: {passed}");
}

#[test]
fn checks_of_what_is_not_there_are_mistakes() {
    let world = World::new();
    let nothing = |name| each(name, 1, |_, _| None);
    let sum = |of: &str, id: &str| Total::sum(of, id);
    let checks = Checks::new()
        .check("byer", nothing("one"))
        .check("buyer", nothing("two"))
        .check("buyer", nothing("two"))
        .check("buyer", nothing(""))
        .agree(Aggregate::new("a", sum("buyer", "phone"), sum("buyer", "balanc")))
        .agree(Aggregate::new("a", Total::count("byer"), Total::count("buyer").at("erp")));
    let error = world.builder(checks).build().map(drop).unwrap_err().to_string();
    for expected in [
        "check \"one\" is of `byer`, which is not declared",
        "check \"two\" of `buyer` needs a name of its own",
        "check \"\" of `buyer` needs a name of its own",
        "aggregate \"a\" adds `buyer.phone`, which is not one number",
        "aggregate \"a\" adds `buyer.balanc`, which does not exist",
        "aggregate \"a\" needs a name of its own",
        "aggregate \"a\" is of `byer`, which is not declared",
        "aggregate \"a\" names `erp`, which is no connection",
    ] {
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
