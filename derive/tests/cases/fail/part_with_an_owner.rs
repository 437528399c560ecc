use accordant::value::Composite as Name;

#[derive(accordant::CanonicalPart, Debug, Clone, PartialEq)]
struct Address {
    #[canonical(at(hubspot = "zip"), owner(hubspot))]
    zip: Name,
    #[canonical(at(hubspot = "lines"), list)]
    lines: Vec<Name>,
    country: Option<Name>,
}

fn main() {}
