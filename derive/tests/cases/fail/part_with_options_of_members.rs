#[derive(accordant::CanonicalPart, Debug, Clone, PartialEq)]
struct Address {
    #[canonical(at(hubspot = "zip"))]
    zip: String,
}

#[derive(accordant::Canonical)]
#[canonical(entity = "customer", system(hubspot, object = "contacts"))]
struct Customer {
    #[canonical(part, normalize = trim, at(hubspot("address", region = "US")))]
    address: Option<Address>,
}

fn main() {}
