use accordant::Canonical;
type Tags = Vec<String>;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(set, at(hubspot = "tags"))]
    tags: Tags,
}

fn main() {}
