//! The models that the stories are about.

use std::borrow::Cow;

use accordant::fingerprint::Fingerprint;
use accordant::model::{Derivation, Inputs};
use accordant::testing::Story;
use accordant::{Canonical, CanonicalPart, Email, Money, Ref};
use serde_json::json;

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "customer", existence(netsuite), on_delete = archive)]
#[canonical(
    system(crm, object = "contacts"),
    system(shop, object = "customers"),
    system(netsuite, object = "customer")
)]
#[canonical(group("address", resolve(latest)))]
pub struct Customer {
    #[canonical(identity, at(crm = "email", shop = "email", netsuite = "email"))]
    pub email: Email,
    /// Everyone's, without a policy: what two people change at once waits for a third.
    #[canonical(at(crm = "phone", shop = "phone", netsuite = "phone"))]
    pub phone: Option<String>,
    /// NetSuite's; enforced in the CRM, shown in the shop.
    #[canonical(owner(netsuite), at(crm("balance", strong, currency = USD), shop("credit.balance", currency = USD)))]
    #[canonical(at(netsuite("balance", currency = USD)))]
    pub balance: Option<Money>,
    /// Everyone's; the latest wins.
    #[canonical(resolve(latest), at(crm = "company", shop = "defaultAddress.company", netsuite = "companyname"))]
    pub company: Option<String>,
    /// NetSuite's; the CRM is given it once.
    #[canonical(owner(netsuite), at(crm("title", weak), shop = "title", netsuite = "title"))]
    pub title: Option<String>,
    #[canonical(group = "address", at(crm = "street", shop = "defaultAddress.street", netsuite = "addr1"))]
    pub street: Option<String>,
    #[canonical(group = "address", at(crm = "zip", shop = "defaultAddress.zip", netsuite = "zip"))]
    pub zip: Option<String>,
    #[canonical(set, at(crm("tags", separator = ";"), shop = "tags", netsuite = "tags"))]
    pub tags: Vec<String>,
    #[canonical(keyed = sku, at(crm = "lines", shop = "lines", netsuite = "lines"))]
    pub lines: Vec<Line>,
    #[canonical(derived(from(company, title), by = Greeting), at(crm = "greeting"))]
    pub greeting: Option<String>,
    #[canonical(hub)]
    pub note: Option<String>,
}

#[derive(CanonicalPart, Clone, Debug, PartialEq)]
pub struct Line {
    #[canonical(at(crm = "sku", shop = "sku", netsuite = "item"))]
    pub sku: String,
    #[canonical(at(crm = "quantity", shop = "quantity", netsuite = "qty"))]
    pub quantity: Option<String>,
}

/// `Dr of Acme`.
pub struct Greeting;

impl Derivation<String> for Greeting {
    fn name(&self) -> Cow<'static, str> {
        "greeting".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn derive(&self, inputs: &Inputs<'_>) -> Option<String> {
        let company = inputs.value::<String>(0)?;
        Some(inputs.value::<String>(1).map_or_else(|| company.clone(), |title| format!("{title} of {company}")))
    }
}

/// A member of the club: the shop must have an account for each, and NetSuite only knows those that others know.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "member", existence(crm), on_delete = archive)]
#[canonical(system(crm, object = "members"), system(netsuite, object = "subscriber", links_only))]
#[canonical(system(shop, object = "accounts", required, create_needs(email)))]
pub struct Member {
    #[canonical(identity, at(crm = "email", shop = "email", netsuite = "email"))]
    pub email: Email,
    #[canonical(at(crm = "name", shop = "name", netsuite = "name"))]
    pub name: Option<String>,
    #[canonical(at(crm = "sponsor", shop = "sponsor.id"))]
    pub sponsor: Option<Ref<Member>>,
}

/// Ana, in three systems that agree on everything.
pub fn ana() -> Story {
    let address = json!({ "company": "Acme", "street": "A St", "zip": "1" });
    Story::of::<Customer>()
        .says(
            "crm",
            "101",
            json!({ "email": "ana@acme.test", "phone": "1", "balance": "100.00", "company": "Acme", "greeting": "Acme",
                    "street": "A St", "zip": "1", "tags": "a" }),
        )
        .says(
            "shop",
            "9",
            json!({ "email": "ana@acme.test", "phone": "1", "credit": { "balance": "100.00" },
                    "defaultAddress": address, "tags": ["a"] }),
        )
        .says(
            "netsuite",
            "7",
            json!({ "email": "ana@acme.test", "phone": "1", "balance": "100.00", "companyname": "Acme",
                    "addr1": "A St", "zip": "1", "tags": ["a"] }),
        )
        .expect_no_discrepancy()
        .expect_quiet()
        .at("09:00")
}
