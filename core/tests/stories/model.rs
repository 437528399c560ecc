//! The model that most stories are about: a customer in three systems, and the company that employs them.

use accordant::fingerprint::Fingerprint;
use accordant::model::{Derivation, Inputs};
use accordant::{Canonical, CanonicalPart, Email, Money, Ref};

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
    /// Co-owned by all three, without a policy: what two people change at once waits for a third.
    #[canonical(at(crm = "phone", shop = "phone", netsuite = "phone"))]
    pub phone: Option<String>,
    /// NetSuite's alone.
    #[canonical(owner(netsuite), at(crm("balance", strong, currency = USD), shop("credit.balance", currency = USD)))]
    #[canonical(at(netsuite("balance", currency = USD)))]
    pub balance: Option<Money>,
    /// The latest wins.
    #[canonical(resolve(latest), at(crm = "company", shop = "defaultAddress.company", netsuite = "companyname"))]
    pub company: Option<String>,
    /// CRM fills what it never had, and nothing else.
    #[canonical(owner(netsuite), at(crm("title", weak), shop = "title", netsuite = "title"))]
    pub title: Option<String>,
    #[canonical(group = "address", at(shop = "defaultAddress.street", netsuite = "addr1", crm = "street"))]
    pub street: Option<String>,
    #[canonical(group = "address", at(shop = "defaultAddress.zip", netsuite = "zip", crm = "zip"))]
    pub zip: Option<String>,
    #[canonical(set, at(crm("tags", separator = ";"), shop = "tags", netsuite = "tags"))]
    pub tags: Vec<String>,
    #[canonical(derived(from(company, title), by = Greeting), at(crm = "greeting"))]
    pub greeting: Option<String>,
    #[canonical(hub)]
    pub note: Option<String>,
    #[canonical(at(crm = "employer", netsuite = "employer.id"))]
    pub employer: Option<Ref<Company>>,
    #[canonical(keyed = sku, at(shop = "lines", netsuite = "lines", crm = "lines"))]
    pub lines: Vec<Line>,
}

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "company")]
#[canonical(system(crm as crm_company, object = "companies"), system(netsuite as netsuite_company, object = "vendor"))]
pub struct Company {
    #[canonical(identity, at(crm_company = "name", netsuite_company = "name"))]
    pub name: String,
}

#[derive(CanonicalPart, Clone, Debug, PartialEq)]
pub struct Line {
    #[canonical(at(shop = "sku", netsuite = "item", crm = "sku"))]
    pub sku: String,
    #[canonical(at(shop = "quantity", netsuite = "qty", crm = "quantity"))]
    pub quantity: Option<String>,
}

/// `Dr. of Acme`.
pub struct Greeting;

impl Derivation<String> for Greeting {
    fn name(&self) -> std::borrow::Cow<'static, str> {
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
