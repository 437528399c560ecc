use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(id = "tier", was("tier"), at(hubspot = "tier"))]
    r#type: String,
}

fn main() {}
