//! Rules: they guard every change of what they are for, and let nothing through that they cannot judge.

use accordant::chrono::TimeDelta;
use accordant::engine::{Accordant, Tenant};
use accordant::error::Error;
use accordant::id::Actor;
use accordant::rule::{Change, RequireApproval, Rule, Verdict, rule};
use accordant::settle::{Choice, Ruling};
use accordant::store::MemoryStore;
use accordant::testing::Story;
use accordant::{DiscrepancyKind, Lifetime, Money};
use futures::executor::block_on;
use serde_json::json;

use crate::configuration::three_systems;
use crate::model::Customer;

/// Holds every change of a value that was there, and says what it was told.
fn verify() -> impl Rule<String> {
    rule("verify", 1, |change: &Change<'_, String>| match (&change.before, &change.after) {
        (Some(before), after) => Verdict::Review(format!("{before} to {after:?}")),
        (None, _) => Verdict::Pass,
    })
}

fn says_everywhere(story: Story) -> Story {
    let address = json!({ "street": "A St", "zip": "1", "company": "Acme" });
    story
        .says("crm", "101", json!({ "email": "ana@acme.test", "street": "A St", "zip": "1", "company": "Acme" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "defaultAddress": address }))
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "addr1": "A St", "zip": "1", "companyname": "Acme" }))
        .at("09:00")
        .bootstrap()
}

#[test]
fn a_rule_on_a_member_of_a_group_judges_that_member() {
    let mut story = says_everywhere(Story::of::<Customer>().rule(Customer::ZIP, verify()))
        .expect(Customer::ZIP, "1")
        .says("crm", "101", json!({ "street": "B St" })) // another member
        .expect(Customer::STREET, "B St")
        .apply()
        .later(TimeDelta::minutes(5))
        .says("crm", "101", json!({ "zip": "2" }))
        .expect(Customer::ZIP, "1")
        .expect_held(Customer::ZIP, "2")
        .expect_quiet();
    let told = story.explain(Customer::ZIP);
    assert!(told.contains(r#"held by "verify": 1 to Some("2")"#), "{told}");
    story
        .decides("ana", Customer::ZIP, Choice::Accept)
        .expect(Customer::ZIP, "2")
        .apply()
        .expect_in("netsuite", "7", "zip", json!("2"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_rule_on_a_derived_attribute_is_asked() {
    let story = says_everywhere(Story::of::<Customer>().rule(Customer::GREETING, verify()))
        .expect(Customer::GREETING, "Acme")
        .says("crm", "101", json!({ "company": "Borg" }))
        .apply()
        .expect(Customer::COMPANY, "Borg")
        .expect(Customer::GREETING, "Acme")
        .expect_held(Customer::GREETING, "Borg")
        .expect_discrepancy(DiscrepancyKind::SoftDriftAuthoritative, "greeting")
        .expect_in("crm", "101", "greeting", json!("Acme"))
        .expect_quiet();
    // It is computed, so there is nothing to choose: it is accepted, or its inputs are decided.
    let mut story = story;
    let id = story.entity_id::<Customer>();
    let choice = Choice::Keep;
    let ruling = Ruling { choice, lifetime: Lifetime::Once, by: Actor::new("ana"), reason: String::new() };
    let refused = block_on(story.tenant().rule(id, "greeting", ruling));
    assert!(matches!(refused, Err(Error::NotHeld { state: "computed", .. })), "{refused:?}");
    story
        .decides("ana", Customer::GREETING, Choice::Accept)
        .expect(Customer::GREETING, "Borg")
        .apply()
        .expect_in("crm", "101", "greeting", json!("Borg"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_held_derived_value_is_released_when_its_inputs_return() {
    says_everywhere(Story::of::<Customer>().rule(Customer::GREETING, verify()))
        .says("crm", "101", json!({ "company": "Borg" }))
        .apply()
        .expect_held(Customer::GREETING, "Borg")
        .later(TimeDelta::minutes(5))
        .says("crm", "101", json!({ "company": "Acme" }))
        .apply()
        .expect(Customer::GREETING, "Acme")
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_first_value_that_a_rule_holds_is_listed() {
    let hold = rule("hold", 1, |_: &Change<'_, String>| Verdict::Hold("always".to_owned()));
    Story::of::<Customer>()
        .rule(Customer::PHONE, hold)
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1" }))
        .expect_missing(Customer::PHONE)
        .expect_held(Customer::PHONE, "1")
        .expect_discrepancy(DiscrepancyKind::SoftDriftAuthoritative, "phone");
}

fn guarded(store: &MemoryStore, limit: &str) -> Tenant {
    let limit: Money = limit.parse().expect("an amount");
    let (builder, systems, _clock) = three_systems();
    let builder = builder.store(store.clone()).entity::<Customer>();
    let builder = builder.rule(Customer::BALANCE, RequireApproval::when_moved_by(limit));
    let built: Result<Accordant, Error> = systems.into_iter().fold(builder, |b, system| b.connect(system)).build();
    built.expect("a sound model").tenant("acme")
}

#[test]
fn raising_a_limit_is_a_change_of_the_model() {
    let store = MemoryStore::new();
    let ten = guarded(&store, "10 USD");
    block_on(ten.accept_model(&Actor::new("ana"))).expect("a first model");
    assert!(block_on(guarded(&store, "10 USD").model_change()).expect("the same").is_empty());
    let hundred = guarded(&store, "100 USD");
    let change = block_on(hundred.model_change()).expect("a change");
    assert_eq!(change.to_string(), "customer.balance: guarded by other rules");
    assert!(!change.is_additive());
    block_on(hundred.accept_model(&Actor::new("ana"))).expect("it is accepted");
    assert!(block_on(hundred.model_change()).expect("the same").is_empty());
}

/// What a file says of an attribute guards it as code does, is asked first, and is part of the remembered model.
#[test]
fn a_rule_in_a_file_guards_as_one_in_code_and_is_asked_first() {
    let overlay = |limit: &str| {
        format!(
            "entity = 'customer'\n[attribute.balance]\nrules = [{{ when = {{ moved_by = '{limit} USD' }}, hold = 'a file says so' }}]"
        )
    };
    let registry = accordant::policy::Registry::builtin();
    let mut story = Story::of::<Customer>()
        .configure(|builder| builder.overlay(&overlay("100"), &registry))
        .rule(Customer::BALANCE, RequireApproval::when_moved_by(accordant::money!(50 USD)))
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "balance": "100.00" }))
        .later(TimeDelta::hours(1))
        .says("netsuite", "7", json!({ "balance": "300.00" }))
        .expect(Customer::BALANCE, "100.00 USD")
        .expect_held(Customer::BALANCE, "300.00 USD");
    assert!(story.explain(Customer::BALANCE).contains("a file says so"), "{}", story.explain(Customer::BALANCE));
    let rule = RequireApproval::when_moved_by(accordant::money!(50 USD));
    let mut story = story.rebuilt(|builder| builder.overlay(&overlay("1000"), &registry).rule(Customer::BALANCE, rule));
    let change = block_on(story.tenant().model_change()).expect("both are known").to_string();
    assert_eq!(change, "customer.balance: guarded by other rules");
}
