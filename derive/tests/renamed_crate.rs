//! An engagement that re-exports us under a name of its own.
#![allow(
    dead_code,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    reason = "what is written is a user's own, and read through the derive"
)]

mod house {
    pub use accordant as sync;
}

#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
#[canonical(crate = "crate::house::sync")]
enum Tier {
    Gold,
}

#[derive(accordant::CanonicalPart, Debug, Clone, PartialEq)]
#[canonical(crate = "crate::house::sync")]
struct Address {
    #[canonical(at(hubspot = "zip"))]
    zip: String,
}

#[derive(accordant::Canonical)]
#[canonical(crate = "crate::house::sync")]
#[canonical(entity = "customer", system(hubspot, object = "contacts"))]
pub struct Customer {
    #[canonical(at(hubspot = "tier"))]
    tier: Option<Tier>,
    #[canonical(part, at(hubspot = ""))]
    address: Address,
}

#[test]
fn what_is_derived_finds_us_under_the_name_that_is_told() {
    use accordant::model::Canonical as _;
    assert_eq!(Customer::model().attributes.len(), 2);
}
