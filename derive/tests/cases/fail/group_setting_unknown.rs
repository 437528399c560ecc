use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer", group("address", owners(hubspot)))]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(group = "address", at(hubspot = "street"))]
    street: String,
    #[canonical(group = "address", at(hubspot = "zip"))]
    zip: String,
}

fn main() {}
