#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
enum Status {
    Active,
    Held(u8),
}

fn main() {}
