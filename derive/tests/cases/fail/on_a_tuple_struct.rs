#[derive(accordant::Canonical)]
#[canonical(entity = "customer")]
struct Customer(u8);

fn main() {}
