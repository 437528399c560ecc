use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(id = "mail", at(hubspot = "email"))]
    #[canonical(id = "email")]
    email: String,
}

fn main() {}
