use accordant::Canonical;
use accordant::value::Composite as Name;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts", many(reduce = newest)))]
struct Customer {
    #[canonical(at(hubspot = "email"))]
    email: Name,
}

fn main() {}
