use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer", existence(shopify))]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(netsuite = "email"))]
    email: String,
}

fn main() {}
