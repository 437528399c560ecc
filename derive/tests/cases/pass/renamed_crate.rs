//! An engagement that re-exports us under a name of its own.

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

fn main() {
    use accordant::model::Canonical as _;
    assert_eq!(Customer::model().attributes.len(), 2);
}
