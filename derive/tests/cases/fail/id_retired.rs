use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer", retired("fax"))]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot = "fax"))]
    fax: String,
}

fn main() {}
