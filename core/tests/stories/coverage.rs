//! Coverage: what may not be read, or was not asked for, is neither gone nor cleared.

use accordant::id::Id;
use accordant::testing::Story;
use accordant::value::Field;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, ana};

/// NetSuite owns the balance; the connection's role loses the field.
fn owner_denied() -> Story {
    ana().system("netsuite", |netsuite| {
        netsuite.denies("balance");
    })
}

fn side_by_side(story: &mut Story) -> String {
    let id = Id::<Customer>::new(story.entity_id::<Customer>());
    block_on(story.tenant().inspect(id)).expect("a view").to_string()
}

#[test]
fn an_owners_denied_field_clears_nothing() {
    let mut story = owner_denied()
        .says("netsuite", "7", json!({ "phone": "2" }))
        .expect(Customer::PHONE, "2")
        .expect(Customer::BALANCE, "100 USD")
        .apply()
        .scans("netsuite")
        .polls("netsuite")
        .hints("netsuite", "7")
        .expect(Customer::BALANCE, "100 USD")
        .expect_in("crm", "101", "balance", json!("100.00"))
        .expect_in("shop", "9", "credit.balance", json!("100.00"))
        .expect_quiet();
    let view = side_by_side(&mut story);
    let balance = view.lines().find(|line| line.starts_with("balance")).unwrap_or_default();
    assert!(balance.contains("(may not be read)") && balance.contains("100"), "{view}");
}

#[test]
fn a_field_that_may_be_read_again_is_compared_again() {
    owner_denied()
        .says("netsuite", "7", json!({ "balance": "250.00", "phone": "2" }))
        .expect(Customer::BALANCE, "100 USD")
        .system("netsuite", |netsuite| {
            netsuite.denies_nothing();
        })
        .scans("netsuite")
        .expect(Customer::BALANCE, "250 USD")
        .apply()
        .expect_in("crm", "101", "balance", json!("250.00"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn what_an_owner_cleared_is_still_cleared() {
    let mut story = ana().says("netsuite", "7", json!({ "balance": null }));
    assert_eq!(story.golden(Customer::BALANCE), Field::Null);
}

#[test]
fn a_field_denied_to_one_of_several_stops_nobody_else() {
    ana()
        .system("shop", |shop| {
            shop.denies("phone");
        })
        .says("shop", "9", json!({ "defaultAddress": { "company": "Acme Ltd" } }))
        .expect(Customer::PHONE, "1")
        .says("crm", "101", json!({ "phone": "2" }))
        .expect(Customer::PHONE, "2")
        .apply()
        .expect_in("netsuite", "7", "phone", json!("2"))
        .expect_in("shop", "9", "phone", json!("1"))
        .expect_in("shop", "9", "defaultAddress.company", json!("Acme Ltd"))
        .expect_quiet();
}
