use accordant::Canonical;

#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
#[canonical(amount)]
struct Price(accordant::value::Composite);

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(netsuite = "balance"))]
    balance: Option<Price>,
}

fn main() {}
