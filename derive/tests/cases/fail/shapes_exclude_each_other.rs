use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(set, keyed = sku, at(hubspot = "lines"))]
    lines: Vec<String>,
}

fn main() {}
