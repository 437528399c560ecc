use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
struct Customer {
    #[canonical(at(hubspot("a", separator = ";"), netsuite("b", separator = ";;")))]
    a: String,
}

fn main() {}
