use accordant::Canonical;
use accordant::Ref;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot("account", via_object = "hubspot_company"), netsuite = "account"))]
    account: Option<Ref<Customer>>,
}

fn main() {}
