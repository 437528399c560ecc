//! How grave a case is: by the greatest amount on the table, on whatever side it stands, and whatever its sign.

use accordant::engine::CaseFilter;
use accordant::rule::{moved_by, when};
use accordant::testing::Story;
use accordant::triage::{Severity, Triage};
use accordant::{Accordant, Canonical, Error, MemoryStore, Money, money};
use futures::executor::block_on;
use serde_json::json;

#[derive(Canonical)]
#[canonical(entity = "invoice", system(crm, object = "invoices"), system(erp, object = "bills"))]
struct Invoice {
    #[canonical(identity, at(crm = "number", erp = "number"))]
    number: String,
    #[canonical(at(crm("amount", currency = USD), erp("amount", currency = USD)))]
    amount: Option<Money>,
    #[canonical(at(crm = "note", erp = "note"))]
    note: Option<String>,
}

fn triage() -> Triage {
    Triage::of::<Invoice>().at_stake(Invoice::AMOUNT, money!(10_000 USD), money!(1_000_000 USD))
}

fn invoices() -> Story {
    Story::of::<Invoice>().configure(|builder| builder.triage(triage()))
}

fn severity(story: &mut Story) -> Severity {
    let cases = block_on(story.tenant().open_cases(&CaseFilter::default(), None, 10)).expect("the list").cases;
    assert_eq!(cases.len(), 1, "{cases:?}");
    let verified = block_on(story.tenant().verify()).expect("it verifies");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    cases[0].severity
}

#[test]
fn at_first_contact_the_amounts_that_contradict_each_other_count() {
    for (one, other, expected) in [
        ("5", "7", Severity::Medium),
        ("5", "20000", Severity::High),
        ("10000000", "5", Severity::Critical),
        ("-5000000", "5", Severity::Critical),
    ] {
        let mut story = invoices().says("crm", "1", json!({ "number": "A", "amount": one })).says(
            "erp",
            "2",
            json!({ "number": "A", "amount": other }),
        );
        let severe = severity(&mut story);
        // Golden took up the first; the other contradicts it.
        assert_eq!(severe, expected, "{one} against {other}");
    }
}

#[test]
fn a_held_change_weighs_as_much_as_it_would_become() {
    let mut story = invoices()
        .rule(Invoice::AMOUNT, when(moved_by(money!(100 USD))).hold("a leap"))
        .says("crm", "1", json!({ "number": "A", "amount": "9000" }))
        .says("erp", "2", json!({ "number": "A", "amount": "9000" }))
        .says("crm", "1", json!({ "amount": "9000000" }));
    assert_eq!(severity(&mut story), Severity::Critical);
    // And as much as it was: nine millions that become nine.
    let mut story = invoices()
        .rule(Invoice::AMOUNT, when(moved_by(money!(100 USD))).hold("a leap"))
        .says("crm", "1", json!({ "number": "A", "amount": "9000000" }))
        .says("erp", "2", json!({ "number": "A", "amount": "9000000" }))
        .says("crm", "1", json!({ "amount": "9" }));
    assert_eq!(severity(&mut story), Severity::Critical);
}

#[test]
fn two_people_who_move_apart_put_both_amounts_on_the_table() {
    let mut story = invoices()
        .says("crm", "1", json!({ "number": "A", "amount": "5" }))
        .says("erp", "2", json!({ "number": "A", "amount": "5" }))
        .edits("crm", "1", json!({ "amount": "6" }))
        .edits("erp", "2", json!({ "amount": "7000000" }))
        .tells("crm", "1")
        .tells("erp", "2");
    assert_eq!(severity(&mut story), Severity::Critical);
    // One of them takes it back, and says something small instead: it weighs less again.
    let mut story = story.says("erp", "2", json!({ "amount": "8" }));
    assert_eq!(severity(&mut story), Severity::Medium);
}

#[test]
fn a_case_about_something_else_weighs_what_the_invoice_is_worth() {
    let mut story = invoices()
        .says("crm", "1", json!({ "number": "A", "amount": "20000", "note": "x" }))
        .says("erp", "2", json!({ "number": "A", "amount": "20000", "note": "x" }))
        .edits("crm", "1", json!({ "note": "y" }))
        .edits("erp", "2", json!({ "note": "z" }))
        .tells("crm", "1")
        .tells("erp", "2");
    assert_eq!(severity(&mut story), Severity::High);
}

#[test]
fn limits_that_cross_are_a_mistake_of_the_configuration() {
    let crossed = Triage::of::<Invoice>().at_stake(Invoice::AMOUNT, money!(100 USD), money!(10 USD));
    let built = Accordant::builder().store(MemoryStore::new()).entity::<Invoice>().triage(crossed).build();
    let Err(Error::Configuration(mistakes)) = built else { panic!("it is built") };
    assert!(mistakes.to_string().contains("the triage of `invoice` calls more high than critical"), "{mistakes}");
}
