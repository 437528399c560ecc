//! Schema drift: an attribute whose field is not what its mapping expects stands still there, loudly; the rest goes on.

use std::sync::Arc;

use accordant::check::Dimension;
use accordant::chrono::{DateTime, TimeDelta};
use accordant::clock::Clock as _;
use accordant::engine::{CaseKind, Checks, Finding, Schedule, SchemaChecked, Verification};
use accordant::model::Path;
use accordant::plan::Scope;
use accordant::role::{Role, Roles};
use accordant::rollout::Stage;
use accordant::schema::{FieldKind, FieldSchema, MismatchKind, ObjectSchema};
use accordant::testing::FakeSystem;
use accordant::{
    Accordant, Actor, Builder, Canonical, CanonicalValue, Email, Error, ManualClock, MemoryStore, RecordRef,
    StandingApproval, Tenant,
};
use futures::executor::block_on;
use serde_json::json;

use crate::model::journaled;
use crate::run::{Meanwhile, quiet, run};

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "member", system(crm, object = "contacts", required), system(shop, object = "customers"))]
struct Member {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(owner(crm), at(crm = "phone", shop("phone", strong)))]
    phone: Option<String>,
    #[canonical(owner(crm), at(crm = "city", shop("city", strong)))]
    city: Option<String>,
    #[canonical(owner(crm), at(crm = "tier", shop("tier", strong)))]
    tier: Option<Tier>,
}

#[derive(CanonicalValue, Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    Silver,
    Gold,
}

fn choice(options: &[&str]) -> FieldKind {
    FieldKind::Choice(options.iter().map(|option| (*option).into()).collect())
}

/// The fields of either system, as the model expects them.
fn right() -> Vec<FieldSchema> {
    let text = |path: &str| FieldSchema::new(Path::new(path), FieldKind::Text);
    let tier = FieldSchema::new(Path::new("tier"), choice(&["silver", "gold"]));
    vec![text("email"), text("phone"), text("city"), tier]
}

fn described(object: &str, fields: Vec<FieldSchema>) -> ObjectSchema {
    let mut schema = ObjectSchema::new(object);
    for field in fields {
        schema.field(field);
    }
    schema
}

/// The fields that are right, of which the one of this path is replaced.
fn but(object: &str, path: &str, field: Option<FieldSchema>) -> ObjectSchema {
    let mut fields = right();
    let place = fields.iter().position(|field| field.path == Path::new(path)).unwrap();
    fields.remove(place);
    fields.extend(field);
    described(object, fields)
}

struct World {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    crm: FakeSystem,
    shop: FakeSystem,
}

impl World {
    /// Ana is known in both systems, and both are described as the model expects.
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let models = [Member::model()];
        let (crm, shop) = (FakeSystem::new("crm", &models, &clock), FakeSystem::new("shop", &models, &clock));
        crm.describes_as([described("contacts", right())]);
        shop.describes_as([described("customers", right())]);
        let ana = json!({ "email": "ana@acme.test", "phone": "1", "city": "Oslo", "tier": "gold" });
        crm.edit("contacts", "1", &ana);
        shop.edit("customers", "7", &ana);
        let world = Self { clock, store: MemoryStore::new(), crm, shop };
        let tenant = world.tenant();
        world.poll(&tenant);
        assert_eq!(check(&tenant, "crm").stopped, [], "all is as expected");
        assert_eq!(check(&tenant, "shop").stopped, []);
        world
    }

    fn tenant(&self) -> Tenant {
        self.builder().build().unwrap().tenant("acme")
    }

    fn builder(&self) -> Builder {
        let schedule = Schedule { scan: None, ..Schedule::default() };
        let builder = Accordant::builder().clock(Arc::clone(&self.clock)).store(self.store.clone()).schedule(schedule);
        let builder = builder.connect(self.crm.clone()).connect(self.shop.clone()).entity::<Member>();
        builder.checks(Checks::new().schema_every(TimeDelta::hours(1)).unwrap())
    }

    fn poll(&self, tenant: &Tenant) {
        self.clock.advance(TimeDelta::minutes(5));
        block_on(tenant.poll("crm")).unwrap();
        block_on(tenant.poll("shop")).unwrap();
    }
}

fn ana() -> Actor {
    Actor::new("ana")
}

fn check(tenant: &Tenant, connection: &str) -> SchemaChecked {
    block_on(tenant.check_schema(connection)).unwrap()
}

fn golden(tenant: &Tenant, attribute: &str) -> String {
    let entity = block_on(tenant.entity_of(&RecordRef::new("crm", "contacts", "1"))).unwrap().unwrap();
    let view = serde_json::to_value(block_on(tenant.inspect_erased(entity)).unwrap()).unwrap();
    let units = view["units"].as_array().unwrap();
    let unit = units.iter().find(|unit| unit["name"] == attribute).unwrap_or_else(|| panic!("{view:#}"));
    unit["golden"].as_str().unwrap_or_default().to_owned()
}

fn cases(tenant: &Tenant) -> Vec<String> {
    let cases = block_on(tenant.cases(None, 50)).unwrap();
    cases.iter().filter(|case| case.kind == CaseKind::SchemaDrift).map(|case| case.reason.to_string()).collect()
}

/// Plans, approves and applies all that is owed. Gives what was written to the shop, and what is kept out.
fn apply(world: &World, tenant: &Tenant) -> (Vec<String>, Vec<String>) {
    let before = world.shop.writes();
    let plan = block_on(tenant.plan(Scope::default()).into_future()).unwrap();
    let parked = plan.parked.iter().map(|parked| parked.why.to_string()).collect();
    if !plan.operations.is_empty() {
        block_on(tenant.approve(plan.hash, &ana())).unwrap();
        block_on(tenant.apply(plan.hash)).unwrap();
    }
    (world.shop.written().split_off(before), parked)
}

#[test]
fn the_ledger_and_the_status_say_when_a_system_last_described_itself_and_what_stands_still() {
    let world = World::new();
    let tenant = world.tenant();
    let entity = block_on(tenant.entity_of(&RecordRef::new("crm", "contacts", "1"))).unwrap().unwrap();
    let looks = || {
        let all = block_on(tenant.verified(entity)).unwrap().into_iter();
        let of_schema = all.filter(|one| one.dimension == Dimension::Schema);
        let look = |one: Verification| (one.record.unwrap().connection.to_string(), one.at, one.found);
        of_schema.map(look).collect::<Vec<_>>()
    };
    let status = |connection: &str| block_on(tenant.status()).unwrap().connections[connection].schema_checked;
    let then = DateTime::from_timestamp_millis(world.clock.now());
    let right = |name: &str| (name.to_owned(), then, Some(Finding::AsHeld));
    assert_eq!(looks(), [right("crm"), right("shop")]);
    world.clock.advance(TimeDelta::hours(2));
    world.crm.describes_as([but("contacts", "phone", None)]);
    check(&tenant, "crm");
    let now = DateTime::from_timestamp_millis(world.clock.now());
    assert_eq!(looks(), [("crm".to_owned(), now, Some(Finding::StandStill(1))), right("shop")]);
    assert_eq!((status("crm"), status("shop")), (now, then));
    let never = FakeSystem::new("crm", &[Member::model()], &world.clock);
    never.edit("contacts", "1", &json!({ "email": "ana@acme.test" }));
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).connect(never);
    let builder = builder.connect(FakeSystem::new("shop", &[Member::model()], &world.clock)).entity::<Member>();
    let silent = builder.build().unwrap().tenant("acme");
    block_on(silent.poll("crm")).unwrap();
    let entity = block_on(silent.entity_of(&RecordRef::new("crm", "contacts", "1"))).unwrap().unwrap();
    let all = block_on(silent.verified(entity)).unwrap();
    assert!(all.iter().all(|one| one.dimension != Dimension::Schema), "it does not describe itself: {all:?}");
}

#[test]
fn a_field_that_changed_stops_its_attribute_there_and_the_rest_goes_on_until_it_fits_again() {
    let world = World::new();
    let tenant = world.tenant();
    let yes_or_no = FieldSchema::new(Path::new("phone"), FieldKind::Bool);
    world.crm.describes_as([but("contacts", "phone", Some(yes_or_no))]);
    let stopped = check(&tenant, "crm").stopped;
    assert_eq!(stopped.iter().map(|stop| stop.attribute.as_str()).collect::<Vec<_>>(), ["member.phone"]);
    assert!(stopped[0].why.contains("yes or no"), "{:?}", stopped[0]);
    assert_eq!(cases(&tenant).len(), 1);
    assert!(
        cases(&tenant)[0].starts_with("member.phone stands still at crm: phone it holds yes or no"),
        "{:?}",
        cases(&tenant)
    );

    world.crm.edit("contacts", "1", &json!({ "phone": "true", "city": "Bergen" }));
    world.poll(&tenant);
    assert_eq!((golden(&tenant, "phone"), golden(&tenant, "city")), ("1".to_owned(), "Bergen".to_owned()));
    let (written, parked) = apply(&world, &tenant);
    assert_eq!((written.len(), parked.len()), (1, 0), "the city, and nothing of the phone: {written:?} {parked:?}");
    assert_eq!(world.shop.record("customers", "7").unwrap()["city"], "Bergen");
    assert_eq!(world.shop.record("customers", "7").unwrap()["phone"], "1");

    assert_eq!(check(&tenant, "crm").stopped, [], "it is told once");
    world.crm.describes_as([described("contacts", right())]);
    let mended = check(&tenant, "crm").mended;
    assert_eq!(mended, stopped);
    assert_eq!((cases(&tenant), block_on(tenant.schema_stops("crm")).unwrap()), (vec![], vec![]));
    world.crm.edit("contacts", "1", &json!({ "phone": "2" }));
    world.poll(&tenant);
    assert_eq!(golden(&tenant, "phone"), "2");
    assert_eq!(
        (journaled(&world.store, &tenant, "schema_stopped"), journaled(&world.store, &tenant, "schema_mended")),
        (1, 1)
    );
    assert!(block_on(tenant.verify()).unwrap().is_clean());
}

#[test]
fn nothing_is_written_to_a_field_that_stands_still_whatever_was_approved_before() {
    let world = World::new();
    let tenant = world.tenant();
    world.crm.edit("contacts", "1", &json!({ "phone": "2", "city": "Bergen" }));
    world.poll(&tenant);
    let plan = block_on(tenant.plan(Scope::default()).into_future()).unwrap();
    assert_eq!(plan.operations.len(), 2);
    block_on(tenant.approve(plan.hash, &ana())).unwrap();
    let own = FieldSchema::new(Path::new("phone"), FieldKind::Text).read_only(true);
    world.shop.describes_as([but("customers", "phone", Some(own))]);
    // Another process has noticed it.
    let stopped = check(&world.tenant(), "shop").stopped;
    assert_eq!(stopped.len(), 1);
    let again = block_on(tenant.plan(Scope::default()).into_future()).unwrap();
    let parked: Vec<&str> = again.parked.iter().map(|parked| parked.why.as_str()).collect();
    assert_eq!(
        (again.operations.len(), parked),
        (1, vec!["phone of shop stands still: it is written, and is read-only"])
    );
    let applied = block_on(tenant.apply(plan.hash)).unwrap();
    assert_eq!(applied.done, 1, "the city");
    let held: Vec<&str> = applied.held.iter().map(|held| held.why.as_str()).collect();
    assert_eq!(held, ["phone of shop stands still: it is written, and is read-only"]);
    assert_eq!(world.shop.record("customers", "7").unwrap()["phone"], "1");
    // What the answer of the write said of the phone was not believed either, so that nothing is known to be owed.
    assert_eq!(apply(&world, &tenant), (vec![], vec![]));
    world.shop.describes_as([described("customers", right())]);
    assert_eq!(check(&tenant, "shop").mended.len(), 1);
    let due = block_on(tenant.pulses()).unwrap().into_iter().find(|pulse| pulse.connection.as_str() == "shop");
    assert!(due.unwrap().due.unwrap().timestamp_millis() <= world.clock.now(), "all of it is to be read anew");
    block_on(tenant.pulse("shop")).unwrap();
    let applied = block_on(tenant.apply(plan.hash)).unwrap();
    assert_eq!((applied.done, world.shop.record("customers", "7").unwrap()["phone"].clone()), (1, json!("2")));
}

#[test]
fn every_way_in_which_a_field_may_move_away_stops_it_and_says_what_it_is() {
    let text = |path: &str| FieldSchema::new(Path::new(path), FieldKind::Text);
    let tier = |options: &[&str]| Some(FieldSchema::new(Path::new("tier"), choice(options)));
    let ways = [
        ("phone", None, "there is none, or it is not seen"),
        ("phone", Some(text("mobile")), "there is none any more; it seems to be mobile now"),
        ("phone", Some(text("phone").read_only(true)), "it is written, and is read-only"),
        (
            "phone",
            Some(FieldSchema::new(Path::new("phone"), FieldKind::Bool)),
            "it holds yes or no, and the attribute is of type text",
        ),
        (
            "phone",
            Some(FieldSchema::new(Path::new("phone"), FieldKind::Integer)),
            "it holds a whole number, and the attribute is of type text",
        ),
        ("tier", tier(&["silver", "gold", "diamond"]), "nothing is made of its option diamond"),
        ("tier", tier(&["silver"]), "it has no option gold"),
        ("tier", Some(text("tier")), "it holds text, and the attribute is of type tier"),
    ];
    for (path, field, why) in ways {
        let world = World::new();
        let tenant = world.tenant();
        world.shop.describes_as([but("customers", path, field)]);
        let stopped = check(&tenant, "shop").stopped;
        let told: Vec<(&str, &str)> = stopped.iter().map(|stop| (stop.field.as_str(), stop.why.as_str())).collect();
        assert_eq!(told, [(path, why)]);
        // Said again, it is no news, and it stays what it was.
        assert_eq!(check(&tenant, "shop").stopped, []);
        assert_eq!(block_on(tenant.schema_stops("shop")).unwrap(), stopped);
    }
}

#[test]
fn a_person_lets_an_attribute_go_on_until_something_else_is_wrong() {
    let world = World::new();
    let tenant = world.tenant();
    let tier = |options: &[&str]| but("contacts", "tier", Some(FieldSchema::new(Path::new("tier"), choice(options))));
    world.crm.describes_as([tier(&["silver", "gold", "diamond"])]);
    let stopped = check(&tenant, "crm").stopped;
    assert!(block_on(tenant.waive_schema("crm", &stopped[0], &ana(), "nobody is diamond yet")).unwrap());
    assert!(!block_on(tenant.waive_schema("crm", &stopped[0], &ana(), "again")).unwrap());
    assert_eq!((cases(&tenant), check(&tenant, "crm").stopped), (vec![], vec![]));
    world.crm.edit("contacts", "1", &json!({ "tier": "silver" }));
    world.poll(&tenant);
    assert_eq!(golden(&tenant, "tier"), "silver");
    world.crm.describes_as([tier(&["silver", "gold", "diamond", "lead"])]);
    assert_eq!(check(&tenant, "crm").stopped.len(), 1, "that was not waived");
    world.crm.describes_as([tier(&["silver", "gold"])]);
    assert_eq!(check(&tenant, "crm").mended.len(), 1);
    world.crm.describes_as([tier(&["silver", "gold", "diamond"])]);
    assert_eq!(check(&tenant, "crm").stopped.len(), 1, "what was mended and comes back is asked anew");
}

/// What was polled while it stood still was not believed, and no poll tells it again.
#[test]
fn what_was_said_while_an_attribute_stood_still_is_read_when_a_person_lets_it_go_on() {
    let world = World::new();
    let tenant = world.tenant();
    world.crm.describes_as([but("contacts", "phone", Some(FieldSchema::new(Path::new("phone"), FieldKind::Bool)))]);
    let stopped = check(&tenant, "crm").stopped;
    world.crm.edit("contacts", "1", &json!({ "phone": "2" }));
    world.poll(&tenant);
    assert_eq!(golden(&tenant, "phone"), "1");
    let due = || {
        let pulses = block_on(tenant.pulses()).unwrap();
        pulses.into_iter().find(|pulse| pulse.connection.as_str() == "crm").unwrap().due
    };
    assert_eq!(due(), None);
    // In another process: this one knows of the stop, and has looked just now.
    assert!(block_on(world.tenant().waive_schema("crm", &stopped[0], &ana(), "it is text after all")).unwrap());
    assert_eq!(due().map(|at| at.timestamp_millis()), Some(world.clock.now()));
    let (ran, _) = run(&tenant, &world.clock, 3, quiet());
    assert!(ran.unwrap().failed.is_empty());
    assert_eq!((golden(&tenant, "phone"), due()), ("2".to_owned(), None));
}

/// What was owed to a field that stood still is written once it goes on, by the run that held it back.
#[test]
fn a_run_writes_what_it_held_back_when_the_field_fits_again_and_when_a_person_lets_it_go_on() {
    for waived in [false, true] {
        let world = World::new();
        let tenant = world.tenant();
        let standing = StandingApproval::of(Member::PHONE).toward("shop").at_most(9);
        let standing = standing.until("2026-02-01T00:00:00Z".parse().unwrap());
        block_on(tenant.give_standing(standing, &ana(), "phones follow the CRM")).unwrap();
        block_on(tenant.set_stage("shop", Stage::Act, &ana(), "two quiet weeks")).unwrap();
        let own = FieldSchema::new(Path::new("phone"), FieldKind::Text).read_only(true);
        world.shop.describes_as([but("customers", "phone", Some(own))]);
        let stopped = check(&tenant, "shop").stopped;
        world.crm.edit("contacts", "1", &json!({ "phone": "2" }));
        let meanwhile: Meanwhile<'_> = Box::new(|sleep| {
            let (world, tenant, stop) = (&world, &tenant, &stopped[0]);
            Box::pin(async move {
                if sleep == 30 {
                    assert_eq!(world.shop.writes(), 0, "it was polled, and is held back");
                    if waived {
                        tenant.waive_schema("shop", stop, &ana(), "it can be written").await.unwrap();
                    } else {
                        world.shop.describes_as([described("customers", right())]);
                        tenant.check_schema("shop").await.unwrap();
                    }
                }
            })
        });
        // A few minutes: no pulse comes by, and no look at the schema.
        let (ran, _) = run(&tenant, &world.clock, 45, meanwhile);
        assert_eq!((ran.unwrap().done, world.shop.writes()), (1, 1), "waived: {waived}");
        assert_eq!(world.shop.record("customers", "7").unwrap()["phone"], "2");
    }
}

#[test]
fn a_description_that_cannot_be_meant_stops_nothing_and_lifts_nothing() {
    let world = World::new();
    let tenant = world.tenant();
    world.crm.describes_as([but("contacts", "phone", None)]);
    let stopped = check(&tenant, "crm").stopped;
    let huge: Vec<FieldSchema> =
        (0..20_001).map(|n| FieldSchema::new(Path::new(&format!("f{n}")), FieldKind::Text)).collect();
    for fields in [Vec::new(), huge] {
        let number = fields.len();
        world.crm.describes_as([described("contacts", fields)]);
        let error = block_on(tenant.check_schema("crm")).unwrap_err();
        let error = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.contains(&format!("crm/contacts is described with {number} fields")), "{error}");
        assert_eq!(block_on(tenant.schema_stops("crm")).unwrap(), stopped);
    }
    world.crm.describes_as([]);
    assert_eq!(check(&tenant, "crm").mended, [], "what is not described stays as it is");
    world.crm.describes_as([described("contacts", right())]).unavailable(true);
    assert!(matches!(block_on(tenant.check_schema("crm")), Err(Error::Connector { .. })));
    assert_eq!(block_on(tenant.schema_stops("crm")).unwrap(), stopped);
    world.crm.unavailable(false);
    assert_eq!(check(&tenant, "crm").mended, stopped);
    assert!(matches!(block_on(tenant.check_schema("erp")), Err(Error::UnknownConnection { .. })));
}

#[test]
fn what_is_only_wrong_about_creates_stops_nothing_and_is_told() {
    let world = World::new();
    let tenant = world.tenant();
    let with = |field: FieldSchema| {
        let mut fields = right();
        fields.push(field);
        described("contacts", fields)
    };
    world.crm.describes_as([with(FieldSchema::new(Path::new("vat"), FieldKind::Text).required(true))]);
    let checked = check(&tenant, "crm");
    let found: Vec<&MismatchKind> = checked.mismatches.found.iter().map(|one| &one.kind).collect();
    assert_eq!((checked.stopped.len(), found), (0, vec![&MismatchKind::RequiredNotMapped]));
}

#[test]
fn a_run_asks_by_itself_and_holds_back_what_stands_still() {
    let world = World::new();
    let tenant = world.tenant();
    block_on(tenant.set_stage("shop", Stage::Act, &ana(), "two quiet weeks")).unwrap();
    world.clock.advance(TimeDelta::hours(1));
    world.shop.describes_as([but("customers", "phone", None)]);
    let (ran, _) = run(&tenant, &world.clock, 5, quiet());
    assert!(ran.unwrap().failed.is_empty());
    assert_eq!(block_on(tenant.schema_stops("shop")).unwrap().len(), 1);
    world.shop.describes_as([described("customers", right())]);
    // It is asked again when an hour is over, and not before.
    let (ran, _) = run(&tenant, &world.clock, 5, quiet());
    assert!(ran.unwrap().failed.is_empty());
    assert_eq!(block_on(tenant.schema_stops("shop")).unwrap().len(), 1);
    world.clock.advance(TimeDelta::hours(1));
    let (ran, _) = run(&tenant, &world.clock, 5, quiet());
    assert!(ran.unwrap().failed.is_empty());
    assert_eq!(block_on(tenant.schema_stops("shop")).unwrap(), []);
}

#[test]
fn only_who_lets_writes_through_lets_an_attribute_go_on() {
    let world = World::new();
    let (root, omar) = (Actor::new("root"), Actor::new("omar"));
    let tenant = world.builder().roles(Roles::new(&root)).build().unwrap().tenant("acme");
    block_on(tenant.grant(&omar, Role::Operator, &root, "works on cases")).unwrap();
    let yes_or_no = FieldSchema::new(Path::new("phone"), FieldKind::Bool);
    world.crm.describes_as([but("contacts", "phone", Some(yes_or_no))]);
    let stop = check(&tenant, "crm").stopped.remove(0);
    let waive = |by: &Actor| block_on(tenant.waive_schema("crm", &stop, by, "it is only told so"));
    assert!(matches!(waive(&omar), Err(Error::Forbidden { needs: Role::Approver, .. })));
    assert_eq!(block_on(tenant.schema_stops("crm")).unwrap().len(), 1);
    assert!(waive(&root).unwrap());
}

/// What was never known to hold anything else goes on where it is read: of what is written, the system refuses what it does not take.
#[test]
fn a_field_that_always_held_another_type_and_is_read_goes_on() {
    let world = World::new();
    let number = |path: &str| Some(FieldSchema::new(Path::new(path), FieldKind::Integer));
    world.crm.describes_as([but("contacts", "phone", number("phone"))]);
    let clock = Arc::clone(&world.clock);
    let fresh = World { clock, store: MemoryStore::new(), ..world };
    let tenant = fresh.tenant();
    fresh.poll(&tenant);
    let checked = check(&tenant, "crm");
    let found: Vec<String> = checked.mismatches.found.iter().map(|one| one.kind.to_string()).collect();
    assert_eq!(found, ["it holds a whole number, and may refuse what is written of type text"]);
    assert_eq!((checked.stopped.len(), golden(&tenant, "phone")), (0, "1".to_owned()));
    // Where nothing reads it, it stops from the first look on.
    fresh.crm.describes_as([but("contacts", "email", number("email"))]);
    assert_eq!(check(&tenant, "crm").stopped.len(), 1);
}
