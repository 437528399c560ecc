use accordant::Canonical;
use accordant::value::Composite as Name;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot = "email"))]
    email: Name,
    #[canonical(id = "email", at(hubspot = "mail"))]
    mail: Name,
}

fn main() {}
