#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
enum Status {}

fn main() {}
