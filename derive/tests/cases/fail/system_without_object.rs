use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(netsuite))]
struct Customer {
    #[canonical(at(netsuite = "email"))]
    email: String,
}

fn main() {}
