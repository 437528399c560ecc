use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot as hubspot_company, object = "companies"))]
struct Customer {
    #[canonical(at(hubspot_company = "name"), owner(hubspot_company))]
    name: String,
}

fn main() {}
