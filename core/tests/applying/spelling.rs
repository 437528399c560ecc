//! Values that a system cannot spell keep out their own unit, and nothing else.

use accordant::DiscrepancyKind::SoftDriftAuthoritative;
use accordant::testing::Story;
use serde_json::json;

use crate::model::{Account, account};

fn linked() -> Story {
    Story::of::<Account>().says("crm", "1", account(1)).apply().expect_no_discrepancy().expect_quiet()
}

#[test]
fn a_value_that_a_system_cannot_spell_blocks_nothing_else() {
    let story = linked()
        .says("crm", "1", json!({ "balance": "50.00", "currency": "EUR", "phone": "2" }))
        .expect_plan(
            r#"
            shop/customers/new-1 phone: "1" -> "2" (propagates the golden value)
            parked: shop/customers/new-1 balance: "100.00 USD" -> "50.00 EUR" (propagates the golden value): it cannot be spelled there: the mapping is in another currency
            "#,
        )
        .apply();
    assert!(story.applied().refused.is_empty());
    story
        .expect_in("shop", "new-1", "phone", json!("2"))
        .expect_in("shop", "new-1", "balance", json!("100.00"))
        .expect_discrepancy(SoftDriftAuthoritative, "balance")
        .expect_quiet()
        .says("crm", "1", json!({ "balance": "60.00", "currency": "USD" }))
        .apply()
        .expect_in("shop", "new-1", "balance", json!("60.00"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_record_is_created_without_what_cannot_be_spelled() {
    Story::of::<Account>()
        .says("crm", "1", json!({ "email": "a1@acme.test", "balance": "50.00", "currency": "EUR", "phone": "2" }))
        .apply()
        .expect_in("shop", "new-1", "phone", json!("2"))
        .expect_in("shop", "new-1", "balance", json!(null))
        .expect_quiet();
}

#[test]
fn a_value_that_cannot_be_expected_is_not_overwritten() {
    linked()
        .says("crm", "1", json!({ "tier": "gold" }))
        .apply()
        .says("shop", "new-1", json!({ "tier": "L:old" }))
        .says("crm", "1", json!({ "phone": "2" }))
        .expect_plan(
            r#"
            shop/customers/new-1 phone: "1" -> "2" (propagates the golden value)
            parked: shop/customers/new-1 tier: "L:old" -> "gold" (enforces the golden value against an observer's change): what is held there cannot be expected: the mapping has no spelling for the value
            "#,
        )
        .apply()
        .expect_in("shop", "new-1", "tier", json!("L:old"))
        .expect_quiet();
}
