use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hub, object = "things"))]
struct Customer {
    #[canonical(hub)]
    email: String,
}

fn main() {}
