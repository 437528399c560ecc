use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(hubspot, object = "companies"))]
struct Customer {
    #[canonical(at(hubspot = "email"))]
    email: String,
}

fn main() {}
