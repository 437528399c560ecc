//! Amounts in several currencies: added once each, converted by the rates of one day, and never moved by a cent for ever.

use std::borrow::Cow;
use std::sync::Arc;

use accordant::chrono::NaiveDate;
use accordant::fingerprint::Fingerprint;
use accordant::model::{At, Derivation, EntityModel, Inputs, SystemObject, TypedAttribute};
use accordant::testing::{FakeSystem, Story};
use accordant::value::{Converted, Currency, Decimal, Rates};
use accordant::{Accordant, Actor, Canonical, Email, ManualClock, MemoryStore, Money, Scope, SeededEntropy, Tenant};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn rates(rate: Decimal) -> Rates {
    dated(2, rate, false)
}

/// The rates of a day of January: so many dollars for a euro, or so many euros for a dollar; none where it is zero.
fn dated(day: u32, rate: Decimal, reverse: bool) -> Rates {
    let none = Rates::of_day(NaiveDate::from_ymd_opt(2026, 1, day).unwrap());
    if rate == Decimal::ZERO {
        return none;
    }
    let (from, to) = if reverse { (Currency::USD, Currency::EUR) } else { (Currency::EUR, Currency::USD) };
    none.rate(from, to, rate).unwrap()
}

/// A deal whose total the CRM holds in dollars and the shop in euros; either may change it.
fn deals(rates: Rates) -> EntityModel {
    let mut model = EntityModel::new("deal");
    for system in ["crm", "shop"] {
        model.object(SystemObject::new(system, "deals").required());
    }
    let name = TypedAttribute::<String>::new("name").identity().required(true);
    model.attribute(name.at(At::path("crm", "name")).at(At::path("shop", "name")));
    let euros = At::via("shop", &["total"], Converted::new(Currency::EUR, Currency::USD, rates));
    let total = TypedAttribute::<Money>::new("total").at(At::amount_in("crm", "total", "USD")).at(euros);
    model.attribute(total);
    model
}

struct World {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    crm: FakeSystem,
    shop: FakeSystem,
    tenant: Tenant,
}

impl World {
    fn new(rates: Rates) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let models = [deals(rates)];
        let [crm, shop] = ["crm", "shop"].map(|name| FakeSystem::new(name, &models, &clock));
        let [model] = models;
        let store = MemoryStore::new();
        let tenant = open(&clock, &store, &crm, &shop, model, 5);
        let world = Self { clock, store, crm, shop, tenant };
        world.hear();
        world
    }

    /// The same deals by other rates, as somebody accepted them.
    fn by(self, rates: Rates) -> Self {
        let tenant = open(&self.clock, &self.store, &self.crm, &self.shop, deals(rates), 6);
        block_on(tenant.accept_model(&Actor::new("ana"))).unwrap();
        Self { tenant, ..self }
    }

    fn verifies(&self) {
        let verified = block_on(self.tenant.verify()).unwrap();
        assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    }

    fn hear(&self) {
        for system in ["crm", "shop"] {
            block_on(self.tenant.poll(system)).unwrap();
        }
        while block_on(self.tenant.step()).unwrap().more() {}
    }

    /// Carries out what is owed until nothing is; how many rounds had anything to do.
    fn rest(&self) -> usize {
        for round in 0..8 {
            let plan = block_on(self.tenant.plan(Scope::default()).into_future()).unwrap();
            if plan.operations.is_empty() {
                return round;
            }
            block_on(self.tenant.approve(plan.hash, &Actor::new("ana"))).unwrap();
            block_on(self.tenant.apply(plan.hash)).unwrap();
            self.hear();
        }
        panic!("it does not come to rest")
    }

    fn held(&self) -> (Json, Json) {
        let of = |system: &FakeSystem| {
            let id = system.ids("deals").remove(0);
            system.record("deals", &id).unwrap()["total"].clone()
        };
        (of(&self.crm), of(&self.shop))
    }
}

fn open(
    clock: &Arc<ManualClock>,
    store: &MemoryStore,
    crm: &FakeSystem,
    shop: &FakeSystem,
    model: EntityModel,
    seed: u64,
) -> Tenant {
    let builder = Accordant::builder().clock(Arc::clone(clock)).entropy(SeededEntropy::new(seed)).store(store.clone());
    builder.connect(crm.clone()).connect(shop.clone()).entity_model(model).build().unwrap().tenant("acme")
}

#[test]
fn the_rates_of_another_day_move_no_amount_and_lose_no_base() {
    let world = World::new(rates("1.1".parse().unwrap()));
    world.crm.edit("deals", "1", &json!({ "name": "fair", "total": "1.27" }));
    world.hear();
    world.rest();
    let mut world = world;
    // Twice before anybody reads, and again after all was read.
    for (day, rate, read) in [(3, "1.2", false), (4, "0.35", true), (5, "1.3", true)] {
        world = world.by(dated(day, rate.parse().unwrap(), false));
        world.verifies();
        if read {
            block_on(world.tenant.scan("shop")).unwrap();
            world.hear();
            world.verifies();
        }
        assert_eq!(world.rest(), 0, "nothing is owed on the {day}");
        assert_eq!(world.held(), (json!("1.27"), json!("1.15")));
        let cases = block_on(world.tenant.open_cases(&Default::default(), None, 9)).unwrap().cases;
        assert!(cases.is_empty(), "{cases:?}");
    }
    // What somebody enters from now on is read by the rates of now.
    let id = world.shop.ids("deals").remove(0);
    world.shop.edit("deals", &id, &json!({ "total": "10.00" }));
    world.hear();
    assert_eq!(world.rest(), 1);
    assert_eq!(world.held(), (json!("13.00"), json!("10.00")));
    world.verifies();
}

#[test]
fn an_amount_that_is_converted_comes_to_rest_at_once_and_stays() {
    // A euro is worth more than a dollar, so that not every cent here has one there: 1.27 is 1.15 there, which is 1.26.
    let world = World::new(rates("1.1".parse().unwrap()));
    world.shop.answers_without_record();
    world.crm.edit("deals", "1", &json!({ "name": "fair", "total": "1.27" }));
    world.hear();
    assert_eq!(world.rest(), 1, "one write");
    assert_eq!(world.held(), (json!("1.27"), json!("1.15")));
    // Heard again, scanned, hinted at: what the shop holds is what it was sent.
    for _ in 0..3 {
        block_on(world.tenant.scan("shop")).unwrap();
        let id = world.shop.ids("deals").remove(0);
        block_on(world.tenant.receive("shop", world.shop.hint_webhook("deals", &id))).unwrap();
        world.hear();
        assert_eq!(world.rest(), 0);
    }
    world.shop.edit("deals", &world.shop.ids("deals").remove(0), &json!({ "total": "20.00" }));
    world.hear();
    assert_eq!(world.rest(), 1);
    assert_eq!(world.held(), (json!("22.00"), json!("20.00")), "a person's amount stays as it was entered");
}

#[test]
fn a_mapping_that_converts_keeps_the_laws() {
    for rate in ["0.92", "1.1", "155.5", "0.0064"] {
        accordant::laws::check(&deals(rates(rate.parse().unwrap())))
            .unwrap_or_else(|broken| panic!("{rate}: {broken:?}"));
    }
}

#[test]
fn what_no_rate_converts_is_parked_and_never_guessed() {
    let world = World::new(rates(Decimal::ZERO));
    world.crm.edit("deals", "1", &json!({ "name": "fair", "total": "1.27" }));
    world.hear();
    // The deal is made, without the amount.
    assert_eq!(world.rest(), 1);
    let (_, there) = world.held();
    let plan = block_on(world.tenant.plan(Scope::default()).into_future()).unwrap();
    assert_eq!((there, plan.operations.len(), plan.parked.len()), (Json::Null, 0, 1), "{plan}");
    assert!(plan.parked[0].why.contains("cannot be spelled"), "{plan}");
}

#[test]
fn an_amount_that_is_spelled_as_what_is_there_already_owes_nothing() {
    // Ten dollars are 0.44 euros, and 9.89 are too: the shop's amount is that of the edit as it stands.
    let world = World::new(dated(2, "22.49".parse().unwrap(), false));
    world.crm.edit("deals", "1", &json!({ "name": "fair", "total": "10.00" }));
    world.hear();
    world.rest();
    world.crm.edit("deals", "1", &json!({ "total": "9.89" }));
    world.hear();
    let plan = block_on(world.tenant.plan(Scope::default()).into_future()).unwrap();
    assert!(plan.is_empty(), "{plan}");
    assert_eq!(world.held(), (json!("9.89"), json!("0.44")));
    world.verifies();
}

#[derive(Debug, Clone, Copy)]
enum Act {
    /// Somebody enters so many cents.
    Crm(u32),
    Shop(u32),
    Fault(u8),
    Silent,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => (1..100_000_u32).prop_map(Act::Crm),
        3 => (1..100_000_u32).prop_map(Act::Shop),
        1 => (0..4_u8).prop_map(Act::Fault),
        1 => Just(Act::Silent),
    ];
    proptest::collection::vec(act, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the rate, in whatever direction it is given, whoever edits, however answers get lost: each edit takes at most two writes (one that came to
    /// nothing, and one more), the world comes to rest, and an amount that a person entered is never changed where it was.
    #[test]
    fn a_converted_amount_never_oscillates(acts in acts(), cents in 10_u32..5_000, reverse in any::<bool>()) {
        let world = World::new(dated(2, Decimal::from_parts(cents.into(), 2).unwrap(), reverse));
        world.crm.edit("deals", "1", &json!({ "name": "fair", "total": "10.00" }));
        world.hear();
        world.rest();
        let id = world.shop.ids("deals").remove(0);
        let text = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
        for act in acts {
            let before = world.crm.writes() + world.shop.writes();
            let entered = match act {
                Act::Crm(cents) => {
                    world.crm.edit("deals", "1", &json!({ "total": text(cents) }));
                    Some((true, text(cents)))
                }
                Act::Shop(cents) => {
                    world.shop.edit("deals", &id, &json!({ "total": text(cents) }));
                    Some((false, text(cents)))
                }
                Act::Fault(0) => { world.shop.loses_answer(); None }
                Act::Fault(1) => { world.shop.loses_request(); None }
                Act::Fault(2) => { world.crm.loses_answer(); None }
                Act::Fault(_) => { world.shop.goes_stale(); None }
                Act::Silent => { world.shop.answers_without_record(); None }
            };
            world.hear();
            world.rest();
            let written = world.crm.writes() + world.shop.writes() - before;
            prop_assert!(written <= 2, "{act:?} took {written} writes");
            if let Some((crm, entered)) = entered {
                let held = world.held();
                prop_assert_eq!(if crm { held.0 } else { held.1 }, json!(entered), "{:?}", act);
            }
            let golden = block_on(world.tenant.plan(Scope::default()).into_future()).unwrap();
            prop_assert!(golden.is_empty(), "{}", golden);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the rates of the next day, in whatever direction they are given, and whoever entered the amount: when all is read
    /// again nothing has moved, is owed, or waits. What somebody enters before it is read again is heard.
    #[test]
    fn the_rates_of_another_day_are_no_move(
        amount in 1_u32..1_000_000, of_shop in any::<bool>(), before in 10_u32..3_000, after in 10_u32..3_000,
        reverse in any::<bool>(), entered in prop_oneof![2 => Just(None), 1 => (1_000_001_u32..100_000_000).prop_map(Some)],
    ) {
        let rate = |cents: u32| Decimal::from_parts(cents.into(), 2).unwrap();
        let text = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
        let world = World::new(dated(2, rate(before), reverse));
        let (author, id) = if of_shop { (&world.shop, "7") } else { (&world.crm, "1") };
        author.edit("deals", id, &json!({ "name": "fair", "total": text(amount) }));
        world.hear();
        world.rest();
        let stood = world.held();
        let shops = world.shop.ids("deals").remove(0);
        let world = world.by(dated(3, rate(after), reverse));
        if let Some(entered) = entered {
            world.shop.edit("deals", &shops, &json!({ "total": text(entered) }));
        }
        block_on(world.tenant.scan("shop")).unwrap();
        world.hear();
        let cases = block_on(world.tenant.open_cases(&Default::default(), None, 9)).unwrap().cases;
        prop_assert!(cases.is_empty(), "{:?}", cases);
        let rounds = world.rest();
        match entered {
            None => {
                prop_assert_eq!(rounds, 0);
                prop_assert_eq!(world.held(), stood);
            }
            Some(entered) => {
                let euros = Money::new(Decimal::from_parts(entered.into(), 2).unwrap(), Currency::EUR);
                let dollars = dated(3, rate(after), reverse).convert(euros, Currency::USD).unwrap();
                prop_assert_eq!(&world.held().1, &json!(text(entered)));
                let Json::String(crm) = world.held().0 else { return Err(TestCaseError::fail("an amount")) };
                prop_assert_eq!(crm.parse::<Decimal>().unwrap(), dollars.amount());
            }
        }
        let verified = block_on(world.tenant.verify()).unwrap();
        prop_assert!(verified.is_clean(), "{}: {:?}", verified, verified.differences);
    }
}

/// What a customer spent in the shop and owes in the books, together, in dollars.
struct Spent;

impl Derivation<Money> for Spent {
    fn name(&self) -> Cow<'static, str> {
        "spent".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
        rates("1.1".parse().unwrap()).fingerprint(fingerprint);
    }
    fn derive(&self, inputs: &Inputs<'_>) -> Option<Money> {
        rates("1.1".parse().unwrap()).sum([0, 1].into_iter().filter_map(|index| inputs.value(index)), Currency::USD)
    }
}

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "customer")]
#[canonical(system(crm, object = "contacts"), system(shop, object = "customers"), system(books, object = "debtors"))]
struct Customer {
    #[canonical(identity, at(crm = "email", shop = "email", books = "email"))]
    email: Email,
    #[canonical(owner(shop), at(shop("spent", read_only, currency = EUR)))]
    in_shop: Option<Money>,
    #[canonical(owner(books), at(books("owes", read_only, currency = USD)))]
    in_books: Option<Money>,
    #[canonical(derived(from(in_shop, in_books), by = Spent), at(crm("total", strong, currency = USD)))]
    total: Option<Money>,
}

#[test]
fn a_sum_over_systems_and_currencies_follows_each_summand_and_writes_none() {
    let ana = |field: &str, amount: &str| json!({ "email": "ana@acme.test", field: amount });
    let mut story = Story::of::<Customer>()
        .says("shop", "1", ana("spent", "100.00"))
        .says("books", "2", ana("owes", "5.00"))
        .says("crm", "3", json!({ "email": "ana@acme.test" }))
        .bootstrap()
        .expect_in("crm", "3", "total", json!("115.00"))
        .says("shop", "1", ana("spent", "200.00"))
        .apply()
        .expect_in("crm", "3", "total", json!("225.00"))
        .says("crm", "3", json!({ "total": "1.00" }))
        .apply()
        .expect_in("crm", "3", "total", json!("225.00"))
        .expect_in("shop", "1", "spent", json!("200.00"))
        .expect_quiet();
    assert_eq!(story.fake("shop").writes() + story.fake("books").writes(), 0, "summands are never written");
}
