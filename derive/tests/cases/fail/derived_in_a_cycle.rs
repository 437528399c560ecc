use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(derived(from(b), by = Join))]
    a: Option<String>,
    #[canonical(derived(from(a), by = Join))]
    b: Option<String>,
}

fn main() {}
