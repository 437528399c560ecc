//! What panics of what was written for one deployment come to: a case, a question to a person, a held change; never silence, and never the end
//! of the process.

use std::borrow::Cow;

use accordant::DiscrepancyKind::HardConflict;
use accordant::check::{EntityCheck, batch, each};
use accordant::chrono::TimeDelta;
use accordant::engine::{Checks, Finding};
use accordant::fingerprint::Fingerprint;
use accordant::policy::{Answer, Candidates, Policy};
use accordant::rule::{Verdict, rule};
use accordant::testing::Story;
use accordant::{Canonical, Email, RecordRef, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::examinations::{Buyer, World, cases, check, clean, reachable, reasons, result};
use crate::run::{quiet, run};

const CANARY: &str = "canary-4711";

/// A check that divides by the points of whom it looks at, and says what it looked at when it cannot.
fn average() -> impl EntityCheck {
    each("average", 1, |entity, _| {
        let points: i64 = entity.golden("points").map_or(1, |text| text.parse().unwrap());
        assert!(points > 0, "{CANARY}: {points}");
        (100 / points < 10).then(|| entity.violates("points", "are too many"))
    })
}

fn points(world: &World, id: &str, points: i64) {
    world.crm.edit("contacts", id, &json!({ "points": points }));
}

/// When the check looked at a contact last, and what it found.
fn ledger(tenant: &Tenant, id: &str, check: &str) -> (bool, Option<Finding>) {
    let entity = block_on(tenant.entity_of(&RecordRef::new("crm", "contacts", id))).unwrap().unwrap();
    let all = block_on(tenant.verified(entity)).unwrap();
    let of = all.into_iter().find(|one| one.check.as_deref() == Some(check)).unwrap();
    (of.at.is_some(), of.found)
}

#[test]
fn a_check_that_panics_over_one_entity_examines_the_others_and_a_case_stands_until_it_no_longer_does() {
    let world = World::filled(4);
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(average()).check_of::<Buyer>(reachable()));
    points(&world, "0", 0);
    points(&world, "1", 50);
    world.poll(&tenant);
    let checked = check(&world, &tenant);
    let panicked: Vec<_> =
        checked.panicked.iter().map(|of| (of.entity_type.as_str(), &*of.check, of.entities)).collect();
    assert_eq!(panicked, [("buyer", "average", 1)]);
    let reason = "\"average\": it panicked over this, and nobody knows what it would say";
    let mut found = reasons(&tenant);
    found.sort();
    assert_eq!(found, [reason, "\"average\": points are too many"]);
    let of = result(&tenant, "average");
    assert_eq!((of.examined, of.violating, of.panicked, of.listed), (3, 1, 1, 2));
    assert_eq!((result(&tenant, "reachable").examined, result(&tenant, "reachable").panicked), (4, 0));
    assert_eq!(ledger(&tenant, "0", "average"), (true, Some(Finding::Violates)));
    assert_eq!(ledger(&tenant, "2", "average"), (true, Some(Finding::AsHeld)));
    clean(&tenant);

    points(&world, "0", 1);
    world.poll(&tenant);
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(check(&world, &tenant).panicked, []);
    assert_eq!(reasons(&tenant), ["\"average\": points are too many"]);
    clean(&tenant);
}

#[test]
fn a_check_that_panics_over_several_together_says_nothing_of_any() {
    let world = World::filled(3);
    let together = batch("together", 1, |entities, _| {
        assert!(entities.len() < 3, "{CANARY}");
        entities.iter().map(|entity| entity.violates_whole("is there")).collect()
    });
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(together));
    world.poll(&tenant);
    let checked = check(&world, &tenant);
    assert_eq!((checked.panicked.len(), checked.panicked[0].entities, checked.violating), (1, 3, 0));
    assert_eq!(result(&tenant, "together").examined, 0);
    let cases = cases(&tenant);
    assert!(cases.len() == 3 && cases.iter().all(|case| case.reason.contains("it panicked")), "{cases:?}");
}

#[test]
fn a_run_goes_on_and_nothing_of_the_message_is_kept() {
    let world = World::filled(2);
    let tenant = world.tenant(Checks::new().check_of::<Buyer>(average()));
    points(&world, "0", 0);
    world.poll(&tenant);
    let (ran, _) = run(&tenant, &world.clock, 5, quiet());
    ran.unwrap();
    assert_eq!(cases(&tenant).len(), 1);
    let journal = block_on(accordant::store::Store::journal(&world.store, tenant.id(), 0, usize::MAX)).unwrap();
    assert!(!format!("{:?}{journal:?}", cases(&tenant)).contains(CANARY));
}

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "lead", system(crm, object = "leads"), system(shop, object = "customers"))]
struct Lead {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(at(crm = "score", shop = "score"), resolve(Divides, latest))]
    score: Option<i64>,
    #[canonical(at(crm = "note", shop = "note"), resolve(latest))]
    note: Option<String>,
}

/// Whoever says least wins; a score of nothing is not thought of.
struct Divides;

impl Policy<i64> for Divides {
    fn name(&self) -> Cow<'static, str> {
        "divides".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn resolve(&self, candidates: &Candidates<'_, i64>) -> Answer<i64> {
        let shares = (0..candidates.all().len()).map(|place| 100 / candidates.value(place).unwrap_or(1));
        shares
            .enumerate()
            .max_by_key(|(_, share)| *share)
            .map_or(Answer::Park("nobody"), |(place, _)| Answer::Winner(place))
    }
}

fn scored(score: i64) -> Story {
    Story::of::<Lead>()
        .says("crm", "1", json!({ "email": "a@acme.test", "score": 5, "note": "x" }))
        .says("shop", "9", json!({ "email": "a@acme.test", "score": 5, "note": "x" }))
        .later(TimeDelta::hours(1))
        .says("crm", "1", json!({ "score": score }))
        .says("shop", "9", json!({ "score": 7 }))
}

#[test]
fn a_policy_that_panics_asks_a_person_and_not_who_stands_behind_it() {
    drop(scored(4).expect(Lead::SCORE, "4"));
    let mut story = scored(0).expect_discrepancy(HardConflict, "score").expect(Lead::SCORE, "5");
    let id = story.entity_id::<Lead>();
    let told = block_on(story.tenant().explain_erased(id, "score")).unwrap().to_string();
    assert!(told.contains("the policy panicked"), "{told}");
    assert!(block_on(story.tenant().verify()).unwrap().is_clean());
    // Once nobody says what it cannot divide by, it decides.
    drop(story.later(TimeDelta::hours(1)).says("crm", "1", json!({ "score": 2 })).expect(Lead::SCORE, "2"));
}

#[test]
fn a_rule_that_panics_holds_the_change() {
    let short = rule("short", 1, |change: &accordant::rule::Change<'_, String>| {
        let after = change.after.as_deref().unwrap_or_default();
        assert!(after.len() < 5, "{CANARY}: {after}");
        Verdict::Pass
    });
    let story = Story::of::<Lead>().rule(Lead::NOTE, short);
    let story = story
        .says("crm", "1", json!({ "email": "a@acme.test", "note": "x" }))
        .says("shop", "9", json!({ "email": "a@acme.test", "note": "x" }))
        .later(TimeDelta::hours(1))
        .says("crm", "1", json!({ "note": "too long for it" }))
        .expect_held(Lead::NOTE, "too long for it")
        .later(TimeDelta::hours(1))
        .says("crm", "1", json!({ "note": "y" }));
    drop(story.expect(Lead::NOTE, "y"));
}
