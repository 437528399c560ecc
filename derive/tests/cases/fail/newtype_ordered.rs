#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
#[canonical(ordered)]
struct Sku(accordant::value::Composite);

fn main() {}
