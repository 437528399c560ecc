#[derive(accordant::CanonicalPart, Debug, Clone, PartialEq)]
struct Address {
    #[canonical(at(hubspot = "zip"), owner(hubspot))]
    zip: String,
    #[canonical(at(hubspot = "lines"), list)]
    lines: Vec<String>,
    country: Option<String>,
}

fn main() {}
