//! One value, three systems: who moved, who follows, who is not listened to.

use accordant::DiscrepancyKind::SoftDriftAuthoritative;
use accordant::testing::Story;
use serde_json::json;

use crate::model::{Company, Customer};

/// Three systems that agree on everything.
pub fn in_agreement() -> Story {
    Story::of::<Customer>()
        .and::<Company>()
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1", "company": "Acme" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": "1", "defaultAddress": { "company": "Acme" } }))
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "phone": "1", "companyname": "Acme" }))
}

#[test]
fn our_own_echo_causes_no_write() {
    in_agreement()
        .at("09:00")
        .says("crm", "101", json!({ "phone": "2" }))
        .expect(Customer::PHONE, "2")
        .expect_discrepancy(SoftDriftAuthoritative, "phone")
        .expect_plan(
            r#"
            netsuite/customer/7 phone: "1" -> "2" (propagates the golden value)
            shop/customers/9 phone: "1" -> "2" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .tells("shop", "9")
        .tells("netsuite", "7")
        .scans("shop")
        .expect(Customer::PHONE, "2")
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 1);
}
