use accordant::Canonical;

#[derive(Canonical)]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot = "email"))]
    email: String,
}

fn main() {}
