#[derive(accordant::Canonical)]
#[canonical(entity = "customer", system(hubspot, object = "contacts"))]
struct Customer {
    #[canonical(part, at(hubspot = "address"))]
    address: String,
}

fn main() {}
