use accordant::Canonical;
use accordant::value::Ref;

struct Employee;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot = "hubspot_owner_id", netsuite = "salesrep.id"))]
    account_owner: Option<Ref<Employee>>,
}

fn main() {}
