#[derive(accordant::CanonicalPart, Debug, Clone, PartialEq)]
struct Line {
    #[canonical(at(hubspot = "sku"))]
    sku: String,
}

#[derive(accordant::Canonical)]
#[canonical(entity = "order", system(hubspot, object = "deals"))]
struct Order {
    #[canonical(keyed = skuu, at(hubspot = "lines"))]
    lines: Vec<Line>,
}

fn main() {}
