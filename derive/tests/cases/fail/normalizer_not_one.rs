use accordant::Canonical;

struct Loud;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot = "email"), normalize = Loud)]
    email: String,
}

fn main() {}
