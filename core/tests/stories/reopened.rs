//! What ends a decision that stands until its inputs change, and what is heard when one ends by its date.

use accordant::DiscrepancyKind::{HardConflict, HardConflictNoBase};
use accordant::chrono::TimeDelta;
use accordant::engine::{DiscrepancyFilter, Next};
use accordant::rule::{above, when};
use accordant::settle::{Choice, Ruling};
use accordant::testing::Story;
use accordant::value::Field;
use accordant::view::EntityView;
use accordant::{Actor, Canonical, Lifetime, Scope};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

/// A lead: everyone's rank, and everyone's grade.
#[derive(Canonical)]
#[canonical(
    entity = "lead",
    system(crm, object = "leads"),
    system(shop, object = "buyers"),
    system(erp, object = "debtors")
)]
struct Lead {
    #[canonical(identity, at(crm = "key", shop = "key", erp = "key"))]
    key: String,
    #[canonical(at(crm = "rank", shop = "rank", erp = "rank"))]
    rank: Option<i64>,
    #[canonical(resolve(latest), at(crm = "grade", shop = "grade", erp = "grade"))]
    grade: Option<i64>,
}

/// The same, with another policy for the rank.
#[derive(Canonical)]
#[canonical(
    entity = "lead",
    system(crm, object = "leads"),
    system(shop, object = "buyers"),
    system(erp, object = "debtors")
)]
struct Ranked {
    #[canonical(identity, at(crm = "key", shop = "key", erp = "key"))]
    key: String,
    #[canonical(resolve(maximum), at(crm = "rank", shop = "rank", erp = "rank"))]
    rank: Option<i64>,
    #[canonical(resolve(latest), at(crm = "grade", shop = "grade", erp = "grade"))]
    grade: Option<i64>,
}

/// Two systems that disagree about the rank: four or five.
fn lead() -> Story {
    let said = json!({ "key": "A", "rank": 1, "grade": 1 });
    Story::of::<Lead>()
        .says("crm", "1", said.clone())
        .says("shop", "2", said)
        .later(TimeDelta::hours(1))
        .says("crm", "1", json!({ "rank": 4 }))
        .says("shop", "2", json!({ "rank": 5 }))
        .expect_discrepancy(HardConflict, "rank")
}

fn view(story: &mut Story) -> EntityView {
    let id = story.entity_id::<Lead>();
    block_on(story.tenant().inspect_erased(id)).expect("the view")
}

/// How many decisions hold, and what ended the last one.
fn state(story: &mut Story) -> (usize, Vec<String>) {
    let view = view(story);
    (view.decisions.len(), view.lapses.iter().map(ToString::to_string).collect())
}

fn verifies(story: &mut Story) {
    let verified = block_on(story.tenant().verify()).expect("it verifies");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

fn stepped(mut story: Story) -> Story {
    while block_on(story.tenant().step()).expect("a step").next == Next::Now {}
    story
}

#[test]
fn a_clear_that_is_held_reopens_a_decision() {
    let mut story = lead().decides("ana", Lead::RANK, Choice::Take("shop".into())).apply();
    assert_eq!(state(&mut story).0, 1);
    let mut story = story.says("shop", "2", json!({ "rank": null })).expect(Lead::RANK, "5");
    let (standing, ended) = state(&mut story);
    assert_eq!(standing, 0);
    assert!(ended[0].contains(r#"input shop/buyers/2 changed from "5" to nothing"#), "{ended:?}");
    verifies(&mut story);
}

#[test]
fn a_newcomer_that_contradicts_reopens_a_decision() {
    let mut story = lead()
        .decides("ana", Lead::RANK, Choice::Take("shop".into()))
        .apply()
        .says("erp", "3", json!({ "key": "A", "rank": 7 }))
        .expect(Lead::RANK, "5")
        .expect_discrepancy(HardConflictNoBase, "rank");
    let (standing, ended) = state(&mut story);
    assert_eq!(standing, 0);
    assert!(ended[0].contains(r#"input erp/debtors/3 changed from nothing to "7""#), "{ended:?}");
    verifies(&mut story);
    // One that says what was decided, or nothing, brings no news.
    for rank in [json!(5), json!(null)] {
        let story = lead().decides("ana", Lead::RANK, Choice::Take("shop".into())).apply();
        let mut story = story.says("erp", "3", json!({ "key": "A", "rank": rank }));
        assert_eq!(state(&mut story), (1, vec![]), "{rank}");
    }
}

#[test]
fn a_record_that_turns_out_to_be_anothers_takes_its_word_along() {
    let mut story = lead()
        .decides("ana", Lead::RANK, Choice::Take("shop".into()))
        .says("shop", "8", json!({ "key": "B", "rank": 2 }))
        .of_record("crm", "1");
    assert_eq!(state(&mut story).0, 1);
    let mut story = story.links("ana", ("shop", "2"), ("shop", "8")).of_record("crm", "1");
    let (standing, ended) = state(&mut story);
    assert_eq!(standing, 0);
    assert!(ended[0].contains(r#"input shop/buyers/2 changed from "5" to nothing"#), "{ended:?}");
    // The five of somebody else is written to nobody: it waits for a person.
    let mut story = story.expect_discrepancy(HardConflict, "rank");
    let id = story.entity_id::<Lead>();
    let owed = |story: &mut Story| block_on(story.tenant().plan(Scope::default()).into_future()).expect("a plan");
    assert!(owed(&mut story).operations.iter().all(|operation| operation.entity != id));
    let mut story = stepped(story).of_record("crm", "1");
    assert!(owed(&mut story).operations.iter().all(|operation| operation.entity != id), "it goes on waiting");
    verifies(&mut story);
    let mut story = story.decides("ben", Lead::RANK, Choice::Take("crm".into())).expect(Lead::RANK, "4");
    assert_eq!(state(&mut story), (1, vec![]));
    verifies(&mut story);
}

#[test]
fn another_policy_reopens_a_decision() {
    let mut story =
        lead().decides("ana", Lead::RANK, Choice::Take("crm".into())).expect(Lead::RANK, "4").upgraded_to::<Ranked>();
    let (standing, ended) = state(&mut story);
    assert_eq!(standing, 0);
    assert!(ended[0].contains("owned, compared or resolved otherwise since"), "{ended:?}");
    // Golden stays, and is written nowhere, until a person looks at it again.
    let mut story = story.expect(Lead::RANK, "4").expect_discrepancy(HardConflict, "rank");
    let plan = block_on(story.tenant().plan(Scope::default()).into_future()).expect("a plan");
    assert!(plan.operations.is_empty(), "{plan}");
    verifies(&mut story);
    let story = story.decides("ana", Lead::RANK, Choice::Keep).apply();
    let mut story = story.expect_in("shop", "2", "rank", json!(4)).expect_no_discrepancy();
    verifies(&mut story);
}

#[test]
fn a_pin_and_a_date_outlive_another_policy() {
    let date = Lifetime::Until("2026-01-07T00:00:00Z".parse().expect("an instant"));
    for lifetime in [Lifetime::Pinned, date] {
        let story = lead().decides_for("ana", Lead::RANK, Choice::Take("crm".into()), lifetime);
        let mut story = story.upgraded_to::<Ranked>().expect(Lead::RANK, "4");
        assert_eq!(state(&mut story), (1, vec![]), "{lifetime:?}");
    }
}

/// Ana decides for a nine until the seventh of January.
fn until() -> Lifetime {
    Lifetime::Until("2026-01-07T00:00:00Z".parse().expect("an instant"))
}

fn dated() -> Story {
    lead().decides_for("ana", Lead::RANK, Choice::Value(Field::value("9")), until()).apply().expect_quiet()
}

#[test]
fn what_was_said_until_the_date_is_heard_when_it_comes() {
    let story = dated()
        .says("shop", "2", json!({ "rank": 6 }))
        .expect(Lead::RANK, "9")
        .apply()
        .expect_in("shop", "2", "rank", json!(9))
        .later(TimeDelta::days(3));
    let mut story = stepped(story).expect(Lead::RANK, "6");
    verifies(&mut story);
    let story = story.apply().expect_in("crm", "1", "rank", json!(6)).expect_in("shop", "2", "rank", json!(6));
    drop(story.expect_no_discrepancy().expect_quiet());
}

#[test]
fn of_what_one_system_said_until_the_date_the_last_word_counts() {
    let story = dated().says("shop", "2", json!({ "rank": 6 })).apply().says("shop", "2", json!({ "rank": 7 })).apply();
    let story = story.expect(Lead::RANK, "9").later(TimeDelta::days(3));
    drop(stepped(story).expect(Lead::RANK, "7"));
}

#[test]
fn what_contradicts_itself_until_the_date_waits_for_a_person_then() {
    let story = dated()
        .says("shop", "2", json!({ "rank": 6 }))
        .apply()
        .says("crm", "1", json!({ "rank": 7 }))
        .apply()
        .expect_quiet()
        .later(TimeDelta::days(3));
    let mut story = stepped(story).expect(Lead::RANK, "9").expect_discrepancy(HardConflict, "rank");
    assert!(view(&mut story).lapses[0].waits);
    verifies(&mut story);
    // Hearing the same again does not settle it.
    let mut story = stepped(story.tells("shop", "2").scans("crm")).expect_discrepancy(HardConflict, "rank");
    verifies(&mut story);
    let story = story.decides("ben", Lead::RANK, Choice::Value(Field::value("6"))).apply();
    drop(story.expect_in("crm", "1", "rank", json!(6)).expect_no_discrepancy().expect_quiet());
}

#[test]
fn a_date_that_has_come_is_not_carried_out_though_nobody_took_a_step() {
    let story = lead().decides_for("ana", Lead::RANK, Choice::Value(Field::value("9")), until());
    let mut story = story.says("shop", "2", json!({ "rank": 6 }));
    let owed = |story: &mut Story| {
        block_on(story.tenant().plan(Scope::default()).into_future()).expect("a plan").operations.len()
    };
    assert_eq!(owed(&mut story), 2);
    let plan = block_on(story.tenant().plan(Scope::default()).into_future()).expect("a plan");
    let tenant = story.tenant();
    block_on(tenant.approve(plan.hash, &Actor::new("ana"))).expect("it is approved");
    let mut story = story.later(TimeDelta::days(3));
    assert_eq!(owed(&mut story), 0, "it is settled first");
    block_on(tenant.apply(plan.hash)).expect("nothing of it is carried out");
    drop(story.expect_writes("crm", 0).expect_writes("shop", 0));
}

#[test]
fn a_rule_guards_what_is_heard_when_the_date_comes() {
    let said = json!({ "key": "A", "rank": 1, "grade": 1 });
    let story = Story::of::<Lead>()
        .rule(Lead::RANK, when(above(5)).hold("too high"))
        .says("crm", "1", said.clone())
        .says("shop", "2", said)
        .later(TimeDelta::hours(1))
        .decides_for("ana", Lead::RANK, Choice::Value(Field::value("3")), until())
        .apply()
        .says("shop", "2", json!({ "rank": 6 }))
        .apply()
        .later(TimeDelta::days(3));
    let mut story = stepped(story).expect(Lead::RANK, "3").expect_held(Lead::RANK, "6");
    verifies(&mut story);
    let mut story = stepped(story).expect_held(Lead::RANK, "6");
    verifies(&mut story);
}

#[test]
fn null_and_empty_are_not_the_same_on_the_table() {
    let mut story = lead();
    let id = story.entity_id::<Lead>();
    let tenant = story.tenant();
    let decided = |value: Field| {
        let (by, reason) = (Actor::new("ana"), "seen".to_owned());
        let ruling = Ruling { choice: Choice::Value(value), lifetime: Lifetime::Pinned, by, reason };
        block_on(tenant.rule(id, "grade", ruling)).expect("it is decided");
    };
    decided(Field::value("1"));
    let before = view(&mut story).decisions[0].basis.clone();
    decided(Field::value("2"));
    assert_eq!(view(&mut story).decisions[0].basis, before, "what was chosen is no part of it");
    let mut story = story.says("shop", "2", json!({ "grade": "" })).says("crm", "1", json!({ "grade": null }));
    decided(Field::value("1"));
    let one = view(&mut story).decisions[0].basis.clone();
    let mut story = story.says("shop", "2", json!({ "grade": null })).says("crm", "1", json!({ "grade": "" }));
    decided(Field::value("1"));
    assert_ne!(view(&mut story).decisions[0].basis, one);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Until the date nothing moves golden. When it comes, what one system said last is golden; what two said apart waits; a unit
    /// that is frozen by then goes on waiting; and where nobody said anything it stays.
    #[test]
    fn nothing_that_was_said_until_the_date_is_lost(said in vec((any::<bool>(), 10_i64..13, any::<bool>()), 0..7)) {
        let mut story = dated();
        let mut last: [Option<i64>; 2] = [None, None];
        for (shop, rank, apply) in said {
            let (system, id) = if shop { ("shop", "2") } else { ("crm", "1") };
            story = story.later(TimeDelta::minutes(1)).says(system, id, json!({ "rank": rank })).expect(Lead::RANK, "9");
            last[usize::from(shop)] = Some(rank);
            if apply {
                story = story.apply().expect(Lead::RANK, "9");
            }
        }
        let mut story = stepped(story.later(TimeDelta::days(3)));
        // Whoever restored three times what we had overwritten froze the unit: it waits for a person, whatever was said.
        let standing = block_on(story.tenant().discrepancies(DiscrepancyFilter::default())).expect("the list");
        let frozen = standing.iter().any(|one| one.reason.starts_with("oscillation"));
        story = match last {
            _ if frozen => story.expect(Lead::RANK, "9").expect_discrepancy(HardConflict, "rank"),
            [None, None] => story.expect(Lead::RANK, "9").expect_no_discrepancy(),
            [Some(one), None] | [None, Some(one)] => story.expect(Lead::RANK, &one.to_string()),
            [Some(one), Some(other)] if one == other => story.expect(Lead::RANK, &one.to_string()),
            [Some(_), Some(_)] => story.expect(Lead::RANK, "9").expect_discrepancy(HardConflict, "rank"),
        };
        let verified = block_on(story.tenant().verify()).expect("it verifies");
        prop_assert!(verified.is_clean(), "{}: {:?}", verified, verified.differences);
    }
}
