#[derive(accordant::Canonical)]
#[canonical(entity = "customer")]
enum Customer {
    Person,
    Company,
}

fn main() {}
