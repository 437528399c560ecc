use accordant::Canonical;
use accordant::value::Composite as Name;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(group = "address", at(hubspot = "street"))]
    street: Name,
    #[canonical(group = "addres", at(hubspot = "zip"))]
    zip: Name,
}

fn main() {}
