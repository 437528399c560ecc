use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot("account", via_object = hubspot_company), netsuite = "account"))]
    account: Option<String>,
}

fn main() {}
