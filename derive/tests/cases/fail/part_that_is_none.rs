use accordant::value::Composite as Name;

#[derive(accordant::Canonical)]
#[canonical(entity = "customer", system(hubspot, object = "contacts"))]
struct Customer {
    #[canonical(part, at(hubspot = "address"))]
    address: Name,
}

fn main() {}
