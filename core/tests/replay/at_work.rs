//! As-of equals a snapshot of the live store taken then, for histories of a day's work: writes and their receipts, entries,
//! proposals and approvals, held changes, dead letters, stages, standing approvals, desks.

use std::collections::BTreeMap;

use accordant::connector::Delivery;
use accordant::engine::{Case, CaseFilter, PlanThen, Tenant};
use accordant::id::ConnectionName;
use accordant::id::EntityId;
use accordant::plan::{GivenStanding, StandingApproval};
use accordant::rollout::{ConnectionState, Stage};
use accordant::rule::{moved_by, when};
use accordant::settle::{Choice, Ruling};
use accordant::testing::Story;
use accordant::value::Field;
use accordant::view::EntityView;
use accordant::{Actor, Canonical, Lifetime, Scope};
use chrono::{DateTime, TimeDelta};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

#[derive(Canonical)]
#[expect(dead_code, reason = "the model is read, no field is")]
#[canonical(entity = "customer", system(crm, object = "contacts"), system(shop, object = "customers"))]
struct Customer {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: String,
    /// What takes two people.
    #[canonical(at(crm = "phone", shop = "phone"))]
    phone: Option<i64>,
    /// What a rule holds when it leaps.
    #[canonical(resolve(latest), at(crm = "limit", shop = "limit"))]
    limit: Option<i64>,
    #[canonical(owner(crm), at(crm = "tier", shop("tier", strong)))]
    tier: Option<i64>,
    #[canonical(hub)]
    note: Option<String>,
}

#[derive(Debug, Clone)]
enum Event {
    Says(usize, &'static str, i64),
    Applies,
    Plans,
    Approves,
    Enters(i64),
    Rules(usize, &'static str, Choice, bool),
    Seconds(usize, &'static str, bool),
    Stage(Stage),
    Gives,
    Withdraws,
    Garbage,
    Notes,
}

fn event() -> impl Strategy<Value = (Event, i64)> {
    let unit = || prop_oneof![Just("phone"), Just("limit"), Just("tier")];
    let choice = prop_oneof![
        Just(Choice::Accept),
        Just(Choice::Keep),
        Just(Choice::Value(Field::value("7"))),
        Just(Choice::LetDiffer("shop".into()))
    ];
    let stage = prop_oneof![Just(Stage::Observe), Just(Stage::Propose), Just(Stage::Act)];
    let event = prop_oneof![
        6 => (0_usize..2, unit(), 0_i64..40).prop_map(|(system, unit, value)| Event::Says(system, unit, value)),
        2 => Just(Event::Applies),
        1 => Just(Event::Plans),
        1 => Just(Event::Approves),
        1 => (0_i64..3).prop_map(Event::Enters),
        3 => (0_usize..2, unit(), choice, any::<bool>()).prop_map(|(who, unit, choice, until)| Event::Rules(who, unit, choice, until)),
        2 => (0_usize..2, unit(), any::<bool>()).prop_map(|(who, unit, approves)| Event::Seconds(who, unit, approves)),
        1 => stage.prop_map(Event::Stage),
        1 => Just(Event::Gives),
        1 => Just(Event::Withdraws),
        1 => Just(Event::Garbage),
        1 => Just(Event::Notes),
    ];
    (event, prop_oneof![1 => Just(0_i64), 3 => 1_i64..90_000])
}

const PEOPLE: [&str; 2] = ["ana", "ben"];
const RECORDS: [(&str, &str); 2] = [("crm", "1"), ("shop", "2")];

fn customer() -> Story {
    let said = json!({ "email": "ana@acme.test", "phone": 1, "limit": 1, "tier": 1 });
    Story::of::<Customer>()
        .configure(|builder| builder.four_eyes(Customer::PHONE))
        .rule(Customer::LIMIT, when(moved_by(10)).hold("a leap"))
        .says("crm", "1", said.clone())
        .says("shop", "2", said)
}

/// Lets something happen. Much of it is refused where it makes no sense: then nothing happens.
fn happen(story: Story, event: &Event) -> Story {
    let mut story = story;
    let (tenant, id, now) = (story.tenant(), story.entity_id::<Customer>(), story.now());
    let by = |who: usize| Actor::new(PEOPLE[who]);
    match event {
        Event::Says(system, unit, value) => {
            let (system, id) = RECORDS[*system];
            return story.says(system, id, json!({ (*unit): value }));
        }
        Event::Applies => return story.apply(),
        Event::Plans => drop(block_on(tenant.plan(Scope::default()).into_future())),
        Event::Approves => {
            let plan = block_on(tenant.plan(Scope::default()).into_future()).unwrap();
            if !plan.is_empty() {
                block_on(tenant.approve(plan.hash, &by(0))).unwrap();
            }
        }
        Event::Enters(note) => drop(block_on(tenant.enter_erased(id, "note", Some(&note.to_string()), &by(0), "seen"))),
        Event::Rules(who, unit, choice, until) => {
            let lifetime = if *until { Lifetime::Until(now + TimeDelta::minutes(2)) } else { Lifetime::default() };
            let ruling = Ruling { choice: choice.clone(), lifetime, by: by(*who), reason: "so it is".to_owned() };
            drop(block_on(tenant.rule(id, unit, ruling)));
        }
        Event::Seconds(who, unit, true) => drop(block_on(tenant.approve_decision(id, unit, &by(*who)))),
        Event::Seconds(who, unit, false) => drop(block_on(tenant.reject_decision(id, unit, &by(*who), "no"))),
        Event::Stage(stage) => block_on(tenant.set_stage("shop", *stage, &by(0), "a try")).unwrap(),
        Event::Gives => {
            let standing =
                StandingApproval::of(Customer::TIER).toward("shop").at_most(2).until(now + TimeDelta::minutes(3));
            let _given = block_on(tenant.give_standing(standing, &by(0), "by themselves")).unwrap();
        }
        Event::Withdraws => {
            if let Some(given) = block_on(tenant.standing_approvals(None, 9)).unwrap().first() {
                block_on(tenant.withdraw_standing(given.id, &by(1), "enough")).unwrap();
            }
        }
        Event::Garbage => {
            let body = bytes::Bytes::from_static(br#"{ "email": "#);
            drop(block_on(tenant.receive("shop", Delivery::new(body))));
        }
        Event::Notes => {
            let cases = block_on(tenant.open_cases(&CaseFilter::default(), None, 9)).unwrap().cases;
            if let Some(case) = cases.first() {
                block_on(tenant.assign(&case.key, Some(&by(1)), &by(0))).unwrap();
                block_on(tenant.comment(&case.key, "seen", &by(0))).unwrap();
            }
        }
    }
    while block_on(story.tenant().step()).unwrap().more() {}
    story
}

/// What anybody can see of a tenant.
#[derive(Debug, PartialEq)]
struct Snapshot {
    views: BTreeMap<EntityId, EntityView>,
    cases: BTreeMap<String, Case>,
    connections: BTreeMap<ConnectionName, ConnectionState>,
    standing: Vec<GivenStanding>,
    plans: Vec<PlanThen>,
}

async fn live(tenant: &Tenant, now: DateTime<chrono::Utc>) -> Snapshot {
    let mut views = BTreeMap::new();
    for id in tenant.entities("customer", None, 99).await.unwrap() {
        views.insert(id, tenant.inspect_erased(id).await.unwrap());
    }
    let cases = tenant.open_cases(&CaseFilter::default(), None, 99).await.unwrap().cases;
    Snapshot {
        views,
        cases: cases
            .into_iter()
            .filter(|case| case.discrepancy.is_some())
            .map(|case| (case.key.to_string(), case))
            .collect(),
        connections: tenant.connections().await.unwrap(),
        standing: tenant.standing_approvals(None, 99).await.unwrap(),
        plans: tenant.as_of(now).plans().await.unwrap(),
    }
}

async fn looked_back(tenant: &Tenant, at: DateTime<chrono::Utc>, ids: impl Iterator<Item = EntityId>) -> Snapshot {
    let then = tenant.as_of(at);
    let mut views = BTreeMap::new();
    for id in ids {
        views.insert(id, then.inspect_erased(id).await.unwrap());
    }
    let cases = then.open_cases(&CaseFilter::default()).await.unwrap();
    Snapshot {
        views,
        cases: cases.into_iter().map(|case| (case.key.to_string(), case)).collect(),
        connections: then.connections().await.unwrap(),
        standing: then.standing_approvals().await.unwrap(),
        plans: then.plans().await.unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_of_equals_a_snapshot_of_the_live_store(events in vec(event(), 1..14)) {
        let mut story = customer();
        let mut taken: BTreeMap<DateTime<chrono::Utc>, Snapshot> = BTreeMap::new();
        for (event, pause) in &events {
            story = happen(story, event);
            let now = story.now();
            taken.insert(now, block_on(live(&story.tenant(), now)));
            story = story.later(TimeDelta::milliseconds(*pause));
        }
        let tenant = story.tenant();
        let verified = block_on(tenant.verify()).unwrap();
        prop_assert!(verified.is_clean(), "{}: {:?}", verified, verified.differences);
        for (at, expected) in &taken {
            let seen = block_on(looked_back(&tenant, *at, expected.views.keys().copied()));
            prop_assert_eq!(&seen, expected, "at {}", at);
        }
    }
}

#[test]
fn what_was_allowed_then_is_shown_though_it_is_not_now() {
    let mut story = customer();
    let tenant = story.tenant();
    let by = Actor::new("ana");
    let dawn = story.now();
    let story = story.later(TimeDelta::minutes(1));
    block_on(tenant.set_stage("shop", Stage::Act, &by, "a try")).unwrap();
    let until = story.now() + TimeDelta::days(1);
    let standing = StandingApproval::of(Customer::TIER).toward("shop").at_most(2).until(until);
    let id = block_on(tenant.give_standing(standing, &by, "by themselves")).unwrap();
    let story = story.says("crm", "1", json!({ "tier": 2 }));
    let plan = block_on(tenant.plan(Scope::default()).into_future()).unwrap();
    let noon = story.now();
    let story = story.later(TimeDelta::minutes(1));
    block_on(tenant.approve(plan.hash, &by)).unwrap();
    block_on(tenant.set_stage("shop", Stage::Observe, &by, "enough")).unwrap();
    block_on(tenant.withdraw_standing(id, &by, "enough")).unwrap();
    let stage = |at| block_on(tenant.as_of(at).connections()).unwrap()[&ConnectionName::new("shop")].stage;
    assert_eq!([stage(dawn), stage(noon), stage(story.now())], [Stage::Propose, Stage::Act, Stage::Observe]);
    let given = |at| block_on(tenant.as_of(at).standing_approvals()).unwrap();
    assert!(given(dawn).is_empty());
    assert_eq!(given(noon).iter().map(|given| given.withdrawn.is_some()).collect::<Vec<_>>(), [false]);
    assert!(given(story.now())[0].withdrawn.is_some());
    let plans = |at| block_on(tenant.as_of(at).plans()).unwrap();
    assert!(plans(dawn).is_empty());
    assert_eq!((plans(noon).len(), plans(noon)[0].hash, plans(noon)[0].approved.len()), (1, plan.hash, 0));
    assert_eq!(plans(story.now())[0].approved, plans(noon)[0].operations);
}
