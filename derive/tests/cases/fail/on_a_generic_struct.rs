#[derive(accordant::Canonical)]
#[canonical(entity = "customer", system(hubspot, object = "contacts"))]
struct Customer<T> {
    #[canonical(at(hubspot = "email"))]
    email: String,
    #[canonical(at(hubspot = "email"))]
    other: T,
}

fn main() {}
