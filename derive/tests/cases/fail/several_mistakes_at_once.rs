use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(identty, at(hubspto = "email"))]
    email: String,
    #[canonical(at(netsuite = "balance"), owner(netsuit), on_clear = never)]
    balance: Option<String>,
    note: Option<String>,
}

fn main() {}
