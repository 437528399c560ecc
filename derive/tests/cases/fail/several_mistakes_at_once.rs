use accordant::Canonical;
use accordant::value::Composite as Name;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(identty, at(hubspto = "email"))]
    email: Name,
    #[canonical(at(netsuite = "balance"), owner(netsuit), on_clear = never)]
    balance: Option<Name>,
    note: Option<Name>,
}

fn main() {}
