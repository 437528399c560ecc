use accordant::Canonical;

#[derive(Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts", required_when(teir = "gold")))]
struct Customer {
    #[canonical(at(hubspot = "tier"))]
    tier: Option<String>,
}

fn main() {}
