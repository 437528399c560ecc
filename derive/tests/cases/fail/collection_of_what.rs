use accordant::Canonical;
use accordant::value::Composite as Name;
type Tags = Vec<Name>;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(set, at(hubspot = "tags"))]
    tags: Tags,
}

fn main() {}
