#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
struct Pair(u8, u8);

fn main() {}
