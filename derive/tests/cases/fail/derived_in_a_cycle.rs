use accordant::Canonical;
use accordant::value::Composite as Name;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(derived(from(b), by = Join))]
    a: Option<Name>,
    #[canonical(derived(from(a), by = Join))]
    b: Option<Name>,
}

fn main() {}
