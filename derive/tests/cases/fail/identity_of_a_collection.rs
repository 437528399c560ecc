use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(identity, set, at(hubspot = "emails"))]
    emails: Vec<String>,
}

fn main() {}
