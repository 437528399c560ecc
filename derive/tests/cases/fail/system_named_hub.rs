use accordant::Canonical;
use accordant::value::Composite as Name;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hub, object = "things"))]
struct Customer {
    #[canonical(hub)]
    email: Name,
}

fn main() {}
