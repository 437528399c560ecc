use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot = "first"))]
    first: String,
    #[canonical(derived(from(first, lst), by = Join))]
    full: Option<String>,
    #[canonical(at(hubspot = "last"))]
    last: String,
}

fn main() {}
