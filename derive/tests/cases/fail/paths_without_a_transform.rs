use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot("first", "last"), netsuite = ("first", "last")))]
    name: String,
}

fn main() {}
