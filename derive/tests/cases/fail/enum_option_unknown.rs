#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
#[canonical(order)]
enum Status {
    #[canonical(spelling = "a")]
    Active,
    #[canonical(ordered)]
    Held,
}

fn main() {}
