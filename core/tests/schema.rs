//! A struct that derives `Canonical` derives `JsonSchema` beside it: every value type has a schema.

use accordant::chrono::{DateTime, NaiveDate, Utc};
use accordant::schemars::{self, JsonSchema};
use accordant::{Canonical, Email, Money, Ref};
use serde_json::json;

#[derive(Canonical, JsonSchema)]
#[canonical(entity = "member", system(crm, object = "contacts"))]
#[expect(dead_code, reason = "only its schema is used")]
struct Member {
    #[canonical(identity, at(crm = "email"))]
    email: Email,
    #[canonical(at(crm("joined", format = "%Y-%m-%d")))]
    joined: Option<NaiveDate>,
    #[canonical(at(crm = "seen"))]
    seen: Option<DateTime<Utc>>,
    #[canonical(at(crm("balance", currency = USD)))]
    balance: Option<Money>,
    #[canonical(set, at(crm = "tags"))]
    tags: Vec<String>,
    #[canonical(at(crm = "sponsor"))]
    sponsor: Option<Ref<Member>>,
}

#[test]
fn dates_and_instants_have_a_schema() {
    let schema = schemars::schema_for!(Member);
    let format = |field: &str| schema.pointer(&format!("/properties/{field}/format")).cloned();
    assert_eq!((format("joined"), format("seen")), (Some(json!("date")), Some(json!("date-time"))));
    assert_eq!(schema.pointer("/required"), Some(&json!(["email", "tags"])));
}
