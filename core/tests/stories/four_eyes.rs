//! What takes two people takes two by every way that leads there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant::engine::Ruled;
use accordant::rule::{above, changes, when};
use accordant::settle::{Choice, Ruling};
use accordant::testing::{Story, journal};
use accordant::value::Field;
use accordant::view::Action;
use accordant::{Actor, Canonical, Error, Lifetime, Money, money};
use futures::executor::block_on;
use serde_json::json;

use crate::model::Customer;

#[derive(Canonical)]
#[canonical(entity = "account", system(crm, object = "accounts"), system(erp, object = "debtors"))]
struct Account {
    #[canonical(identity, at(crm = "number", erp = "number"))]
    number: String,
    #[canonical(resolve(latest), at(crm("revenue", currency = USD), erp("revenue", currency = USD)))]
    revenue: Option<Money>,
}

fn revenue(choice: Choice) -> Ruling {
    Ruling { choice, lifetime: Lifetime::default(), by: Actor::new("ana"), reason: "she was called".to_owned() }
}

#[test]
fn what_takes_two_people_is_not_entered_by_one() {
    let story =
        Story::of::<Customer>().configure(|builder| builder.four_eyes(Customer::PHONE).four_eyes(Customer::NOTE));
    let mut story = story.says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" })).expect_quiet();
    let (tenant, id, ana) = (story.tenant(), story.entity_id::<Customer>(), Actor::new("ana"));
    let entries = journal(&tenant).len();
    for attribute in ["phone", "note"] {
        let refused = block_on(tenant.enter_erased(id, attribute, Some("99"), &ana, "she knows")).unwrap_err();
        assert!(matches!(&refused, Error::TakesTwo { unit, .. } if unit.as_str() == attribute), "{refused}");
        assert!(refused.to_string().ends_with("have a second person approve the decision"), "{refused}");
        assert_eq!(refused.http_status(), 409);
    }
    assert_eq!(journal(&tenant).len(), entries, "nothing half done");
    // The way that there is, also for what no system holds.
    assert_eq!(
        block_on(tenant.rule(id, "note", revenue(Choice::Value(Field::value("call first"))))).unwrap(),
        Ruled::Proposed
    );
    block_on(tenant.approve_decision(id, "note", &Actor::new("ben"))).unwrap();
    drop(story.expect(Customer::PHONE, "1").expect(Customer::NOTE, "call first"));
}

/// A view offers what is carried out: where two people decide, a value is chosen, and proposed.
#[test]
fn a_view_offers_to_propose_what_one_person_may_not_enter() {
    let offered = |story: Story| {
        let mut story = story.says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" })).expect_quiet();
        let (tenant, id) = (story.tenant(), story.entity_id::<Customer>());
        let views = [
            block_on(tenant.inspect_erased(id)).unwrap(),
            block_on(tenant.inspect(accordant::Id::<Customer>::new(id))).unwrap().entity,
            block_on(tenant.as_of(story.now()).inspect_erased(id)).unwrap(),
        ];
        views.map(|view| {
            let actions = &view.unit("note").unwrap().actions;
            (actions.contains(&Action::Enter), actions.contains(&Action::Choose))
        })
    };
    assert_eq!(offered(Story::of::<Customer>()), [(true, false); 3]);
    let two = Story::of::<Customer>().configure(|builder| builder.four_eyes(Customer::NOTE));
    assert_eq!(offered(two), [(false, true); 3]);
}

/// Whichever rule speaks, and in whatever order they were declared.
#[test]
fn if_any_rule_that_stops_a_change_asks_for_two_it_takes_two() {
    let two = || when(above(money!(10_000_000 USD))).hold("revenue over 10 M").by_two();
    let looked_at = || when(changes()).review("somebody looks").by_two();
    let any = || when(changes()).hold("every change");
    let stories = [
        Story::of::<Account>().rule(Account::REVENUE, any()).rule(Account::REVENUE, two()),
        Story::of::<Account>().rule(Account::REVENUE, two()).rule(Account::REVENUE, any()),
        Story::of::<Account>().rule(Account::REVENUE, any()).rule(Account::REVENUE, looked_at()),
    ];
    for story in stories {
        let mut story = story
            .says("crm", "1", json!({ "number": "1", "revenue": "20000000" }))
            .expect_held(Account::REVENUE, "20000000.00 USD");
        let (tenant, id) = (story.tenant(), story.entity_id::<Account>());
        assert_eq!(block_on(tenant.rule(id, "revenue", revenue(Choice::Accept))).unwrap(), Ruled::Proposed);
        block_on(tenant.approve_decision(id, "revenue", &Actor::new("ben"))).unwrap();
        drop(story.expect(Account::REVENUE, "20000000.00 USD"));
    }
}

/// The order of time is no way round a rule: what it would hold if a system said it, one person does not choose.
#[test]
fn what_a_rule_by_two_would_hold_is_not_chosen_by_one_before_anybody_says_it() {
    let rule = when(above(money!(10_000_000 USD))).hold("revenue over 10 M").by_two();
    let mut story = Story::of::<Account>().rule(Account::REVENUE, rule).says("crm", "1", json!({ "number": "1" }));
    let (tenant, id) = (story.tenant(), story.entity_id::<Account>());
    let choose = |amount: &str| block_on(tenant.rule(id, "revenue", revenue(Choice::Value(Field::value(amount)))));
    assert_eq!(choose("900000000 USD").unwrap(), Ruled::Proposed);
    let story = story.expect_missing(Account::REVENUE);
    assert_eq!(choose("9000000 USD").unwrap(), Ruled::Decided, "what it does not guard, one person decides");
    drop(story.expect(Account::REVENUE, "9000000 USD"));
}
