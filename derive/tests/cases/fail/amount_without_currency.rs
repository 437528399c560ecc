use accordant::Canonical;
use accordant::value::Money;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(netsuite = "balance"))]
    balance: Option<Money>,
}

fn main() {}
