use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts", create_needs(mail)))]
struct Customer {
    #[canonical(at(hubspot = "email"))]
    email: String,
}

fn main() {}
