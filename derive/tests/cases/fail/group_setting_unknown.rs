use accordant::Canonical;
use accordant::value::Composite as Name;

#[derive(Canonical)]
#[canonical(entity = "customer", group("address", owners(hubspot)))]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(group = "address", at(hubspot = "street"))]
    street: Name,
    #[canonical(group = "address", at(hubspot = "zip"))]
    zip: Name,
}

fn main() {}
