use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(group = "address", at(hubspot = "street", netsuite = "addr1"))]
    street: String,
    #[canonical(group = "address", at(hubspot = "zip"))]
    zip: String,
}

fn main() {}
