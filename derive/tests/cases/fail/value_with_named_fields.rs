#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
struct Address {
    zip: u8,
}

fn main() {}
