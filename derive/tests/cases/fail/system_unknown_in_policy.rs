use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(netsuite = "email"), resolve(source_priority(netsuite, hubspott)))]
    email: String,
}

fn main() {}
