#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
enum Status {
    Active,
    #[canonical(id = "active")]
    Held,
    #[canonical(was("active"))]
    Closed,
}

fn main() {}
