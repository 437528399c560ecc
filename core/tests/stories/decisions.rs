//! How decisions end, and decisions that take two people.

use accordant::DiscrepancyKind::HardConflict;
use accordant::chrono::{DateTime, TimeDelta, Utc};
use accordant::engine::{CaseFilter, Next, Ruled};
use accordant::rule::{Verdict, rule};
use accordant::settle::{Choice, Ruling};
use accordant::testing::{Story, journal};
use accordant::value::Field;
use accordant::view::EntityView;
use accordant::{Actor, Error, Lifetime};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, ana};

fn disagreement(story: Story) -> Story {
    story
        .says("crm", "101", json!({ "phone": "2" }))
        .says("shop", "9", json!({ "phone": "3" }))
        .expect_discrepancy(HardConflict, "phone")
        .expect_quiet()
}

fn view(story: &mut Story) -> EntityView {
    let id = story.entity_id::<Customer>();
    block_on(story.tenant().inspect_erased(id)).expect("the view")
}

/// Why the phone is what it is.
fn told(story: &mut Story) -> String {
    let id = story.entity_id::<Customer>();
    block_on(story.tenant().explain_erased(id, "phone")).expect("an explanation").to_string()
}

fn ruling(by: &str, choice: Choice, lifetime: Lifetime) -> Ruling {
    Ruling { choice, lifetime, by: Actor::new(by), reason: "she was called".to_owned() }
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn verifies(story: &mut Story) {
    let verified = block_on(story.tenant().verify()).expect("it verifies");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

#[test]
fn a_decision_that_news_ends_is_reopened_and_says_which_input_changed() {
    let mut story = disagreement(ana())
        .decides("ana", Customer::PHONE, Choice::Keep)
        .apply()
        .later(TimeDelta::hours(1))
        .edits("netsuite", "7", json!({ "phone": "7" }))
        .edits("shop", "9", json!({ "phone": "8" }))
        .tells("netsuite", "7")
        .tells("shop", "9")
        .expect_discrepancy(HardConflict, "phone");
    let case = block_on(story.tenant().open_cases(&CaseFilter::default(), None, 10)).expect("the list").cases.remove(0);
    let why = r#"reopened: input netsuite/customer/7 changed from "1" to "7", where ana had chosen "2": "#;
    assert!(case.reason.starts_with(why), "{}", case.reason);
    let shown = view(&mut story);
    assert_eq!((shown.lapses.len(), shown.decisions.len()), (1, 0));
    let text = told(&mut story);
    let line = r#"the decision for "2" by ana ended at 2026-01-05 10:00 UTC: input netsuite/customer/7 changed from "1" to "7""#;
    assert!(text.contains(line), "{text}");
    verifies(&mut story);
    // Once it is decided anew, how the first decision ended is history.
    let mut story = story.decides("ana", Customer::PHONE, Choice::Take("shop".into())).apply();
    assert_eq!(view(&mut story).lapses, []);
    verifies(&mut story);
    drop(story.expect(Customer::PHONE, "8").expect_no_discrepancy().expect_quiet());
}

#[test]
fn an_input_that_was_on_the_table_says_what_it_said_before() {
    let mut story = disagreement(ana())
        .decides("ana", Customer::PHONE, Choice::Take("crm".into()))
        .later(TimeDelta::hours(1))
        .says("shop", "9", json!({ "phone": "4" }));
    let told = told(&mut story);
    assert!(told.contains(r#"input shop/customers/9 changed from "3" to "4""#), "{told}");
    verifies(&mut story);
}

#[test]
fn what_reopened_a_unit_is_over_when_the_systems_agree() {
    let mut story = disagreement(ana())
        .decides("ana", Customer::PHONE, Choice::Keep)
        .apply()
        .later(TimeDelta::hours(1))
        .says("netsuite", "7", json!({ "phone": "7" }));
    assert_eq!(view(&mut story).lapses.len(), 1);
    let mut story = story.apply().expect_no_discrepancy().expect_quiet();
    assert_eq!(view(&mut story).lapses, []);
    verifies(&mut story);
}

#[test]
fn a_decision_until_a_date_hears_nothing_before_and_ends_then() {
    let until = Lifetime::Until(instant("2026-01-07T00:00:00Z"));
    let mut story = disagreement(ana())
        .decides_for("ana", Customer::PHONE, Choice::Keep, until)
        .apply()
        .later(TimeDelta::hours(1))
        .says("netsuite", "7", json!({ "phone": "7" }))
        .expect(Customer::PHONE, "2")
        .apply()
        .expect_in("netsuite", "7", "phone", json!("2"))
        .expect_no_discrepancy();
    let stepped = block_on(story.tenant().step()).expect("a step");
    assert_eq!(stepped.next, Next::At(instant("2026-01-07T00:00:00Z")));
    verifies(&mut story);
    let mut story = story.later(TimeDelta::days(3));
    let before = view(&mut story);
    assert_eq!((before.decisions.len(), before.lapses.len()), (1, 0), "nothing happens without a step");
    let stepped = block_on(story.tenant().step()).expect("a step");
    assert_ne!(stepped.next, Next::Now);
    let after = view(&mut story);
    assert_eq!((after.decisions.len(), after.lapses.len()), (0, 1));
    assert!(after.to_string().contains("phone: \"2\" by ana ended at 2026-01-08 10:00 UTC: its date came"), "{after}");
    verifies(&mut story);
    // It is an ordinary unit again.
    drop(story.says("netsuite", "7", json!({ "phone": "7" })).expect(Customer::PHONE, "7"));
}

#[test]
fn leave_to_differ_until_a_date_ends_then() {
    let until = Lifetime::Until(instant("2026-01-07T00:00:00Z"));
    let story = ana()
        .says("netsuite", "7", json!({ "phone": "2" }))
        .decides_for("ana", Customer::PHONE, Choice::LetDiffer("shop".into()), until)
        .apply()
        .later(TimeDelta::hours(1))
        .says("shop", "9", json!({ "phone": "9" })) // it may
        .expect(Customer::PHONE, "2")
        .expect_quiet();
    let mut story = story.later(TimeDelta::days(3));
    block_on(story.tenant().step()).expect("a step");
    verifies(&mut story);
    drop(story.apply().expect_in("shop", "9", "phone", json!("2")).expect_no_discrepancy().expect_quiet());
}

#[test]
fn a_date_that_has_passed_is_refused() {
    let mut story = disagreement(ana());
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    let entries = journal(&tenant).len();
    let past = Lifetime::Until(instant("2026-01-01T00:00:00Z"));
    for unit in ["phone", "$exists"] {
        let choice = if unit == "phone" { Choice::Keep } else { Choice::Retire };
        let refused = block_on(tenant.rule(id, unit, ruling("ana", choice, past)));
        assert!(matches!(refused, Err(Error::NotHeld { state: "over by then", .. })), "{refused:?}");
    }
    assert_eq!(journal(&tenant).len(), entries);
}

#[test]
fn what_takes_two_people_is_a_proposal_until_a_second_approves() {
    let story = ana_with(|builder| builder.four_eyes(Customer::PHONE));
    let mut story = disagreement(story);
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    let proposed = block_on(tenant.rule(id, "phone", ruling("ana", Choice::Take("shop".into()), Lifetime::default())));
    assert_eq!(proposed.expect("it is proposed"), Ruled::Proposed);
    let mut story = story.expect(Customer::PHONE, "2").expect_quiet();
    let shown = view(&mut story).to_string();
    let line = "phone: ana proposed at 2026-01-05 09:00 UTC to take what shop says, until someone says something new; \
                a second person approves it: she was called";
    assert!(shown.contains(line), "{shown}");
    verifies(&mut story);

    let entries = journal(&tenant).len();
    let refused = block_on(tenant.approve_decision(id, "phone", &Actor::new("ana")));
    assert!(matches!(&refused, Err(Error::OwnProposal { by, .. }) if by.as_str() == "ana"), "{refused:?}");
    let refused = block_on(tenant.approve_decision(id, "email", &Actor::new("ben")));
    assert!(matches!(refused, Err(Error::NothingProposed { .. })), "{refused:?}");
    assert_eq!(journal(&tenant).len(), entries, "what is refused leaves nothing behind");

    block_on(tenant.approve_decision(id, "phone", &Actor::new("ben"))).expect("it is approved");
    let mut story = story.expect(Customer::PHONE, "3");
    let told = told(&mut story);
    assert!(told.contains("decided by ana, approved by ben"), "{told}");
    assert_eq!(view(&mut story).decisions[0].approved_by, Some(Actor::new("ben")));
    verifies(&mut story);
    drop(story.apply().expect_no_discrepancy().expect_quiet());
}

#[test]
fn an_approval_is_of_what_was_proposed_and_of_nothing_that_came_since() {
    let story = ana_with(|builder| builder.four_eyes(Customer::PHONE));
    let mut story = disagreement(story);
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    let take = || ruling("ana", Choice::Take("shop".into()), Lifetime::default());
    block_on(tenant.rule(id, "phone", take())).expect("it is proposed");
    let mut story = story.later(TimeDelta::hours(1)).says("shop", "9", json!({ "phone": "666" }));
    let refused = block_on(tenant.approve_decision(id, "phone", &Actor::new("ben")));
    let text = refused.as_ref().expect_err("it is refused").to_string();
    assert!(matches!(refused, Err(Error::InputsMoved { .. })), "{text}");
    assert!(text.contains("because shop/customers/9 says something else now") && !text.contains("666"), "{text}");
    assert_eq!(view(&mut story).unit("phone").expect("a unit").golden, Field::value("2"));
    // It is proposed anew, and withdrawn; then there is nothing to approve.
    block_on(tenant.rule(id, "phone", take())).expect("it is proposed");
    block_on(tenant.reject_decision(id, "phone", &Actor::new("ana"), "a typing error")).expect("it is withdrawn");
    let refused = block_on(tenant.approve_decision(id, "phone", &Actor::new("ben")));
    assert!(matches!(refused, Err(Error::NothingProposed { .. })), "{refused:?}");
    verifies(&mut story);
}

#[test]
fn a_closed_case_is_not_decided() {
    let mut story = disagreement(ana());
    let tenant = story.tenant();
    let key = block_on(tenant.open_cases(&CaseFilter::default(), None, 10)).expect("the list").cases.remove(0).key;
    let keep = || ruling("ana", Choice::Keep, Lifetime::default());
    assert_eq!(block_on(tenant.decide_case(&key, keep())).expect("it is open"), Ruled::Decided);
    let entries = journal(&tenant).len();
    let refused = block_on(tenant.decide_case(&key, keep()));
    assert!(matches!(&refused, Err(Error::CaseClosed { key: of, .. }) if *of == key), "{refused:?}");
    let unknown = block_on(tenant.decide_case("phone", keep()));
    assert!(matches!(unknown, Err(Error::UnknownCase { .. })), "{unknown:?}");
    assert_eq!(journal(&tenant).len(), entries);
    assert_eq!(refused.expect_err("it is closed").http_status(), 409);
}

#[test]
fn a_held_change_may_take_two_people_too() {
    let hold = rule("verify", 1, |change: &accordant::rule::Change<'_, String>| match change.before {
        Some(_) => Verdict::Hold("a new phone".to_owned()),
        None => Verdict::Pass,
    });
    let story = Story::of::<Customer>().rule(Customer::PHONE, hold);
    let mut story = story
        .configure(|builder| builder.four_eyes(Customer::PHONE))
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": "1" }))
        .later(TimeDelta::hours(1))
        .says("crm", "101", json!({ "phone": "2" }))
        .expect_held(Customer::PHONE, "2");
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    let accept = ruling("ana", Choice::Accept, Lifetime::Once);
    assert_eq!(block_on(tenant.rule(id, "phone", accept)).expect("it is proposed"), Ruled::Proposed);
    // The systems change what is held: that is not what was proposed.
    let story = story.later(TimeDelta::hours(1)).says("crm", "101", json!({ "phone": "5" }));
    let refused = block_on(tenant.approve_decision(id, "phone", &Actor::new("ben")));
    assert!(matches!(refused, Err(Error::InputsMoved { .. })), "{refused:?}");
    block_on(tenant.rule(id, "phone", ruling("ana", Choice::Accept, Lifetime::Once))).expect("it is proposed");
    block_on(tenant.approve_decision(id, "phone", &Actor::new("ben"))).expect("it is approved");
    let mut story = story.expect(Customer::PHONE, "5");
    assert!(told(&mut story).contains("accepted by ana, approved by ben"));
    verifies(&mut story);
}

#[test]
fn nobody_proposes_what_could_not_be_carried_out() {
    let mut story = disagreement(ana_with(|builder| builder.four_eyes(Customer::BALANCE)));
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    let plenty = ruling("ana", Choice::Value(Field::value("plenty")), Lifetime::Once);
    let refused = block_on(tenant.rule(id, "balance", plenty));
    assert!(matches!(refused, Err(Error::Value { .. })), "{refused:?}");
    assert_eq!(view(&mut story).proposals, []);
}

/// Ana, in three systems that agree, configured in some way.
fn ana_with(configure: impl FnOnce(accordant::Builder) -> accordant::Builder) -> Story {
    let said = json!({ "email": "ana@acme.test", "phone": "1" });
    Story::of::<Customer>()
        .configure(configure)
        .says("crm", "101", said.clone())
        .says("shop", "9", said.clone())
        .says("netsuite", "7", said)
        .expect_no_discrepancy()
        .expect_quiet()
        .at("09:00")
}

#[test]
fn leave_to_differ_that_takes_two_people_names_both() {
    let mut story =
        ana_with(|builder| builder.four_eyes(Customer::PHONE)).says("netsuite", "7", json!({ "phone": "2" }));
    let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
    let leave = ruling("ana", Choice::LetDiffer("shop".into()), Lifetime::default());
    assert_eq!(block_on(tenant.rule(id, "phone", leave)).expect("it is proposed"), Ruled::Proposed);
    block_on(tenant.approve_decision(id, "phone", &Actor::new("ben"))).expect("it is approved");
    let happened = block_on(tenant.history(id, None, 1_000)).expect("a history").happenings;
    let line = "ana let shop/customers/9 differ in phone, approved by ben: she was called";
    assert!(happened.iter().any(|happening| happening.text == line), "{happened:#?}");
    let told = told(&mut story);
    assert!(told.contains("ana let it differ, approved by ben"), "{told}");
    verifies(&mut story);
}
