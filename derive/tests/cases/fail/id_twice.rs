use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot = "email"))]
    email: String,
    #[canonical(id = "email", at(hubspot = "mail"))]
    mail: String,
}

fn main() {}
