use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot = "a"))]
    a: String,
    #[canonical(derived(from(a), by = Join), owner(hubspot))]
    b: Option<String>,
}

fn main() {}
