use accordant::Canonical;
use accordant::value::Composite as Name;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(netsuite))]
struct Customer {
    #[canonical(at(netsuite = "email"))]
    email: Name,
}

fn main() {}
