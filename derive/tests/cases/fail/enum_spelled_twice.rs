#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
enum Status {
    #[canonical(at(shopify = "enabled", netsuite = "F" | "false"))]
    Active,
    #[canonical(at(shopify = "enabled", netsuite = false))]
    Held,
    Closed,
    #[canonical(at(shopify = "closed"))]
    Gone,
}

fn main() {}
