#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
#[canonical(normalize = trim)]
enum Status {
    Active,
}

fn main() {}
