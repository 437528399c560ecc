use accordant::Canonical;
use accordant::value::Composite as Name;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot = "first"))]
    first: Name,
    #[canonical(derived(from(first, lst), by = Join))]
    full: Option<Name>,
    #[canonical(at(hubspot = "last"))]
    last: Name,
}

fn main() {}
