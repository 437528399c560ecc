//! Examinations: what is held is looked at entity by entity and in total; what is wrong is a case until it is right again.

use std::sync::Arc;

use accordant::check::{
    Aggregate, Cadence, Dimension, EntityCheck, Examined, Priority, References, Total, Violation, batch, each,
};
use accordant::chrono::{DateTime, TimeDelta, Utc};
use accordant::clock::Clock as _;
use accordant::engine::{AsOf, Case, CaseFilter, CaseKind, CheckResult, Checked, Checks, Finding, Schedule};
use accordant::fingerprint::Fingerprint;
use accordant::role::{Role, Roles};
use accordant::settle::Choice;
use accordant::store::{Store as _, Table};
use accordant::testing::{FakeSystem, Turns, Watched};
use accordant::text::Text;
use accordant::{
    Accordant, Actor, Canonical, Email, EntityId, Id, ManualClock, MemoryStore, Money, RecordRef, Ref, Tenant,
};
use futures::executor::block_on;
use serde_json::json;

use crate::model::journaled;
use crate::run::{quiet, run};

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "firm", existence(crm), on_delete = archive, system(crm, object = "companies"))]
pub(crate) struct Firm {
    #[canonical(identity, at(crm = "vat"))]
    vat: String,
}

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "buyer", system(crm, object = "contacts"), system(shop, object = "customers"))]
pub(crate) struct Buyer {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(at(crm = "firm"))]
    firm: Option<Ref<Firm>>,
    #[canonical(pii, at(crm = "phone"))]
    phone: Option<String>,
    #[canonical(owner(crm), at(crm("balance", currency = "currency"), shop("balance", currency = "currency")))]
    balance: Option<Money>,
    #[canonical(owner(crm), at(crm = "points"))]
    points: Option<i64>,
    #[canonical(owner(crm), at(crm = "visits", shop("visits", write_only)))]
    visits: Option<i64>,
    #[canonical(set, at(crm = "tags"))]
    tags: Vec<String>,
}

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: MemoryStore,
    pub(crate) crm: FakeSystem,
    pub(crate) shop: FakeSystem,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let models = [Firm::model(), Buyer::model()];
        let (crm, shop) = (FakeSystem::new("crm", &models, &clock), FakeSystem::new("shop", &models, &clock));
        Self { clock, store: MemoryStore::new(), crm, shop }
    }

    /// So many buyers that name a firm, and have a phone.
    pub(crate) fn filled(buyers: usize) -> Self {
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

    pub(crate) fn builder(&self, checks: Checks) -> accordant::engine::Builder {
        let turn = TimeDelta::hours(1);
        let schedule = Schedule { poll: TimeDelta::days(90), idle: turn, retry: turn, scan: None };
        let builder = Accordant::builder().clock(Arc::clone(&self.clock)).store(self.store.clone()).schedule(schedule);
        let builder = builder.connect(self.crm.clone()).connect(self.shop.clone());
        builder.entity::<Firm>().entity::<Buyer>().checks(checks)
    }

    pub(crate) fn tenant(&self, checks: Checks) -> Tenant {
        self.builder(checks).build().unwrap().tenant("acme")
    }

    pub(crate) fn poll(&self, tenant: &Tenant) {
        self.clock.advance(TimeDelta::minutes(5));
        block_on(tenant.poll("crm")).unwrap();
        block_on(tenant.poll("shop")).unwrap();
    }
}

/// Goes on until nothing is due.
pub(crate) fn check(world: &World, tenant: &Tenant) -> Checked {
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

pub(crate) fn cases(tenant: &Tenant) -> Vec<Case> {
    let filter = CaseFilter { kinds: vec![CaseKind::Violation], ..CaseFilter::default() };
    block_on(tenant.open_cases(&filter, None, 5_000)).unwrap().cases
}

pub(crate) fn reasons(tenant: &Tenant) -> Vec<String> {
    cases(tenant).iter().map(|case| case.reason.to_string()).collect()
}

pub(crate) fn result(tenant: &Tenant, check: &str) -> CheckResult {
    let all = block_on(tenant.check_results()).unwrap();
    all.into_iter().find(|result| *result.check == *check).unwrap()
}

/// Every buyer has a phone.
pub(crate) fn reachable() -> impl EntityCheck {
    each("reachable", 1, |entity, _| {
        entity.golden("phone").is_none().then(|| entity.violates("phone", "is missing: nobody can call them"))
    })
}

pub(crate) fn clean(tenant: &Tenant) {
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

/// When the checks of an entity last looked at it, and what they found, by name.
fn verified(tenant: &Tenant, entity: EntityId) -> Vec<(String, Option<i64>, Option<Finding>)> {
    let all = block_on(tenant.verified(entity)).unwrap().into_iter();
    all.filter_map(|of| Some((of.check?.to_string(), of.at.map(|at| at.timestamp_millis()), of.found))).collect()
}

fn of_record(tenant: &Tenant, object: &str, id: &str) -> EntityId {
    block_on(tenant.entity_of(&RecordRef::new("crm", object, id))).unwrap().unwrap()
}

#[test]
fn what_was_not_there_as_itself_was_not_found_right() {
    let named = || each("named", 1, |_, _| None);
    let world = World::filled(1);
    let tenant = world.tenant(Checks::new().check_of::<Firm>(named()));
    world.crm.edit("companies", "f2", &json!({ "vat": "UMBRELLA" }));
    world.poll(&tenant);
    let (acme, umbrella) = (of_record(&tenant, "companies", "f1"), of_record(&tenant, "companies", "f2"));
    block_on(tenant.merge(acme, umbrella, &Actor::new("ana"))).unwrap();
    check(&world, &tenant);
    let then = Some(world.clock.now());
    let right = |at| vec![("named".to_owned(), at, Some(Finding::AsHeld))];
    let unknown = || vec![("named".to_owned(), None, None)];
    assert_eq!(verified(&tenant, acme), right(then));
    world.clock.advance(TimeDelta::hours(1));
    block_on(tenant.unmerge(umbrella, &Actor::new("ana"))).unwrap();
    assert_eq!((verified(&tenant, acme), verified(&tenant, umbrella)), (right(then), unknown()), "it was an alias");

    world.crm.delete("companies", "f1");
    world.poll(&tenant);
    assert_eq!(verified(&tenant, acme), [], "nobody looks at what was retired");
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(verified(&tenant, umbrella), right(Some(world.clock.now())));
    world.clock.advance(TimeDelta::minutes(1));
    let ana = Actor::new("ana");
    block_on(tenant.decide_presence(Id::<Firm>::new(acme), Choice::Restore, &ana, "it goes on")).unwrap();
    assert_eq!(verified(&tenant, acme), unknown(), "it came back since");
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(verified(&tenant, acme), right(Some(world.clock.now())));
    let left = block_on(world.store.scan(&"acme".into(), Table::Meta, "outdated/", None, 9)).unwrap();
    assert_eq!(left, [], "what was looked at again is forgotten");
    clean(&tenant);
}

#[test]
fn what_somebody_closed_was_not_found_right() {
    let world = World::filled(2);
    world.crm.edit("contacts", "1", &json!({ "phone": null }));
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(reachable()));
    world.poll(&tenant);
    check(&world, &tenant);
    let (key, entity) = (cases(&tenant)[0].key.clone(), of_record(&tenant, "contacts", "1"));
    world.clock.advance(TimeDelta::hours(1));
    assert!(block_on(tenant.close_case(&key, &Actor::new("ana"), "known")).unwrap());
    assert_eq!(verified(&tenant, entity), [("reachable".to_owned(), None, None)]);
    let other = of_record(&tenant, "contacts", "0");
    assert_eq!(verified(&tenant, other)[0].2, Some(Finding::AsHeld), "of others it is known as before");
    world.clock.advance(TimeDelta::days(1));
    check(&world, &tenant);
    assert_eq!(verified(&tenant, entity)[0].2, Some(Finding::Violates));
    clean(&tenant);
}

#[test]
fn a_check_that_is_new_has_verified_nothing_before_it_came_by() {
    let other = || each("other", 1, |_, _| None);
    let mut reached = 0;
    for calls in 0..40 {
        let world = World::filled(1);
        let tenant = world.tenant(Checks::new().check_of::<Buyer>(reachable()));
        world.poll(&tenant);
        check(&world, &tenant);
        world.clock.advance(TimeDelta::hours(1));
        let both = || Checks::new().check_of::<Buyer>(reachable()).check_of::<Buyer>(other());
        let (entity, now, looks) = (of_record(&tenant, "contacts", "0"), world.clock.now(), world.tenant(both()));
        let store = Watched::new(world.store.clone(), Turns::default());
        let new = world.builder(both()).store(store.clone()).build().unwrap().tenant("acme");
        store.watch().happens_after(calls, async move {
            for of in looks.verified(entity).await.unwrap() {
                let at = of.at.map(|at| at.timestamp_millis());
                assert!(of.check.as_deref() != Some("other") || at.is_none_or(|at| at == now), "{calls}: {of:?}");
            }
        });
        check(&world, &new);
        reached += usize::from(store.watch().have_passed());
        assert_eq!(verified(&new, entity).len(), 2);
    }
    assert!(reached > 5, "at {reached} places");
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
fn a_run_takes_away_what_a_check_found_that_is_declared_no_longer() {
    let world = World::filled(2);
    let nobody = each("nobody", 1, |entity, _| Some(entity.violates_whole("is here")));
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(nobody));
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(cases(&tenant).len(), 2);
    let tenant = world.tenant(Checks::new());
    let (ran, _) = run(&tenant, &world.clock, 3, quiet());
    ran.unwrap();
    assert_eq!((cases(&tenant), block_on(tenant.check_results()).unwrap()), (vec![], vec![]));
    clean(&tenant);
}

#[test]
fn nothing_stands_that_a_check_found_of_a_type_that_left_the_model() {
    let world = World::filled(2);
    let nobody = each("nobody", 1, |entity, _| Some(entity.violates_whole("is here")));
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(nobody));
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(cases(&tenant).len(), 2);
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(world.store.clone());
    let tenant = builder.connect(world.crm.clone()).entity::<Firm>().build().unwrap().tenant("acme");
    block_on(tenant.accept_model(&Actor::new("ana"))).unwrap();
    check(&world, &tenant);
    assert_eq!(cases(&tenant), []);
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

/// Of several units, of none alone, and in totals: what may tell of an attribute is shown to whoever may read it.
#[test]
fn what_may_tell_of_a_guarded_attribute_is_told_to_who_may_read_it() {
    let world = World::filled(1);
    let says = each("odd", 1, |entity, _| {
        [entity.violates("balance", "is 10.00 USD"), entity.violates("firm", "is none of ours")]
    });
    let owed =
        Aggregate::new("owed", Total::sum_of(Buyer::BALANCE).at("crm"), Total::sum_of(Buyer::BALANCE).at("shop"));
    let roles = Roles::new(&Actor::new("root")).read_from("buyer", "balance", Role::Admin);
    let builder = world.builder(Checks::new().check_of::<Buyer>(says).agree(owed)).roles(roles);
    let tenant = builder.build().unwrap().tenant("acme");
    let (root, vic) = (Actor::new("root"), Actor::new("vic"));
    block_on(tenant.grant(&vic, Role::Viewer, &root, "she looks")).unwrap();
    world.poll(&tenant);
    check(&world, &tenant);
    assert_eq!(cases(&tenant)[0].unit.as_deref().or(cases(&tenant)[1].unit.as_deref()), Some("balance"));
    let told = |by: &Actor| {
        let seen = block_on(tenant.seen_by(by).open_cases(&CaseFilter::default(), None, 10)).unwrap().cases;
        let found = seen.into_iter().filter(|case| case.kind == CaseKind::Violation);
        found.map(|case| case.reason.to_string()).collect::<Vec<_>>()
    };
    let all = told(&root);
    assert!(all.len() == 2 && all.iter().all(|reason| reason.contains("10")), "{all:?}");
    assert_eq!(told(&vic), ["•••", "•••"]);
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

/// It takes a collection for a value.
struct Tagged;

impl EntityCheck for Tagged {
    fn name(&self) -> Text {
        "tagged".into()
    }
    fn fingerprint(&self, _: &mut Fingerprint) {}
    fn looks_at(&self) -> Vec<Text> {
        vec!["tags".into()]
    }
    fn examine(&self, _: &[Examined<'_>], _: DateTime<Utc>) -> Vec<Violation> {
        Vec::new()
    }
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
        .agree(Aggregate::new("a", Total::count("byer"), Total::count("buyer").at("erp")))
        .agree(Aggregate::new("b", Total::count("firm").at("shop"), sum("buyer", "points").at("shop")))
        .agree(Aggregate::new("c", sum("buyer", "visits").at("crm"), sum("buyer", "visits").at("shop")))
        .check("buyer", Tagged);
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
        "aggregate \"b\" is of `firm` in `shop`, which has no object of it",
        "aggregate \"b\" adds `buyer.points` in `shop`, which is not mapped there",
        "aggregate \"c\" adds `buyer.visits` in `shop`, which is written there and never read",
        "check \"tagged\" of `buyer` looks at `buyer.tags`, which is a collection",
    ] {
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
