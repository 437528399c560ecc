use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts", many(reduce = newest)))]
struct Customer {
    #[canonical(at(hubspot = "email"))]
    email: String,
}

fn main() {}
