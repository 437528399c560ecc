//! One customer in three systems, as four surfaces carry it. Shared by the decoder's tests and its benchmark.

use accordant::decode::DecodeTable;
use accordant::model::{At, EntityModel, Model, SystemObject, TypedAttribute};
use accordant::surface::{SurfaceShape, TokenFormat};
use accordant::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value};

/// Text as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain(String);

impl Value for Plain {
    const KIND: Kind = Kind { name: "plain", version: 1 };
    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        leaf.as_text().map(|text| Self(text.to_owned())).ok_or(Malformed::new("not text"))
    }
    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0);
    }
    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Ok(Self(text.to_owned()))
    }
    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.as_str().into())
    }
    fn canonical_of(leaf: Leaf<'_>, _: &Hints, out: &mut String) -> Result<(), Malformed> {
        out.push_str(leaf.as_text().ok_or(Malformed::new("not text"))?);
        Ok(())
    }
}
impl OneLeaf for Plain {}

/// The eight attributes of the workload, and where each system has them: HubSpot, Shopify, NetSuite.
pub const FIELDS: [(&str, &str, &str, &str); 8] = [
    ("email", "properties.email", "email", "email"),
    ("first", "properties.firstname", "firstName", "firstname"),
    ("last", "properties.lastname", "lastName", "lastname"),
    ("phone", "properties.phone", "phone", "phone"),
    ("company", "properties.company", "defaultAddress.company", "companyname"),
    ("city", "properties.city", "defaultAddress.city", "billcity"),
    ("status", "properties.customer_status", "state", "isinactive"),
    ("amount", "properties.total_revenue", "amountSpent.amount", "balance"),
];

pub fn model() -> Model {
    let mut customer = EntityModel::new("customer");
    customer
        .object(SystemObject::new("hubspot", "contacts"))
        .object(SystemObject::new("shopify", "customers"))
        .object(SystemObject::new("netsuite", "customer"));
    for (id, hubspot, shopify, netsuite) in FIELDS {
        let attribute = TypedAttribute::<Plain>::new(id)
            .at(At::path("hubspot", hubspot))
            .at(At::path("shopify", shopify))
            .at(At::path("netsuite", netsuite));
        customer.attribute(attribute);
    }
    Model::compile(vec![customer]).expect("the model has no mistakes")
}

pub fn table(model: &Model, object: usize, shape: &SurfaceShape) -> DecodeTable {
    DecodeTable::of(model.entity(0), &model.entity(0).objects[object], shape)
}

pub fn renames(pairs: &[(&str, &str)]) -> Vec<(accordant::model::Path, accordant::model::Path)> {
    pairs.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect()
}

pub fn hubspot_webhook() -> SurfaceShape {
    SurfaceShape {
        id: "objectId".into(),
        token: "occurredAt".into(),
        named_property: Some(("propertyName".into(), "propertyValue".into(), "properties".into())),
        ..SurfaceShape::default()
    }
}

pub fn shopify_rest() -> SurfaceShape {
    SurfaceShape {
        id: "id".into(),
        token: "updated_at".into(),
        token_format: TokenFormat::Rfc3339,
        renames: renames(&[
            ("firstName", "first_name"),
            ("lastName", "last_name"),
            ("defaultAddress", "default_address"),
            ("amountSpent.amount", "total_spent"),
        ]),
        ..SurfaceShape::default()
    }
}

pub fn shopify_graphql() -> SurfaceShape {
    SurfaceShape {
        root: "data.customer".into(),
        id: "data.customer.id".into(),
        id_prefix: "gid://shopify/Customer/".to_owned(),
        token: "data.customer.updatedAt".into(),
        token_format: TokenFormat::Rfc3339,
        renames: renames(&[("email", "defaultEmailAddress.emailAddress"), ("phone", "defaultPhoneNumber.phoneNumber")]),
        ..SurfaceShape::default()
    }
}

pub fn suiteql() -> SurfaceShape {
    SurfaceShape {
        id: "id".into(),
        token: "lastmodifieddate".into(),
        token_format: TokenFormat::Local { format: "%Y-%m-%d %H:%M:%S".to_owned(), zone: "UTC".to_owned() },
        ..SurfaceShape::default()
    }
}

/// Customer number `n`, in the order of [`FIELDS`].
pub fn values(n: u64) -> [String; 8] {
    let first = ["James", "Mary", "Robert", "Patricia", "Jennifer"][(n % 5) as usize];
    let last = ["Smith", "Johnson", "Garcia", "Rodriguez"][(n % 4) as usize];
    let company = ["Acme Logistics Inc", "Umbrella Foods LLC", "Wayne Textiles Inc"][(n % 3) as usize];
    [
        format!("{first}.{last}{n}@mail.example.org").to_lowercase(),
        first.to_owned(),
        last.to_owned(),
        format!("+1 {:03}-{:03}-{:04}", 200 + n % 700, n % 1000, n % 10_000),
        company.to_owned(),
        ["Los Angeles", "Fort Worth", "Detroit"][(n % 3) as usize].to_owned(),
        ["enabled", "disabled"][usize::from(n.is_multiple_of(8))].to_owned(),
        format!("{}.{:02}", n % 100_000, n % 100),
    ]
}

pub fn hubspot_body(n: u64) -> String {
    let field = (n % 8) as usize;
    let name = FIELDS[field].1.trim_start_matches("properties.");
    let value = &values(n)[field];
    format!(
        r#"{{"eventId":{},"subscriptionId":1166,"portalId":62515,"appId":1160452,"occurredAt":{},"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":{},"propertyName":"{name}","propertyValue":"{value}","changeSource":"CRM","sourceId":"userId:{}","isSensitive":false}}"#,
        100_000_000 + n,
        1_735_689_600_000 + n * 1000,
        10_000_000_000 + n * 17,
        n % 97
    )
}

pub fn rest_body(n: u64) -> String {
    let [email, first, last, phone, company, city, state, amount] = values(n);
    let id = 7_000_000_000_000 + n * 32_768;
    let (minute, second) = (n / 60 % 60, n % 60);
    format!(
        r#"{{"id":{id},"email":"{email}","created_at":"2020-09-13T07:26:40-05:00","updated_at":"2026-11-21T03:{minute:02}:{second:02}-05:00","first_name":"{first}","last_name":"{last}","orders_count":{n},"state":"{state}","total_spent":"{amount}","last_order_id":{},"note":"Customer prefers delivery in the \"morning\"\nRing bell twice","verified_email":true,"multipass_identifier":null,"tax_exempt":false,"tags":"wholesale, vip, newsletter-7","last_order_name":"N1{n}","currency":"USD","phone":"{phone}","addresses":[],"accepts_marketing":false,"accepts_marketing_updated_at":"2020-09-13T07:26:40-05:00","marketing_opt_in_level":null,"tax_exemptions":[],"email_marketing_consent":{{"state":"not_subscribed","opt_in_level":null,"consent_updated_at":null}},"sms_marketing_consent":null,"admin_graphql_api_id":"gid://shopify/Customer/{id}","default_address":{{"id":{},"customer_id":{id},"first_name":"{first}","last_name":"{last}","company":"{company}","address1":"{n} Main Street","address2":"","city":"{city}","province":"Illinois","country":"United States","zip":"60601","phone":"{phone}","name":"{first} {last}","province_code":"IL","country_code":"US","country_name":"United States","default":true}}}}"#,
        5_000_000_000_000 + n,
        id + 1
    )
}

pub fn graphql_body(n: u64) -> String {
    let [email, first, last, phone, company, city, state, amount] = values(n);
    let id = 7_000_000_000_000 + n * 32_768;
    let (minute, second) = (n / 60 % 60, n % 60);
    format!(
        r#"{{"data":{{"customer":{{"id":"gid://shopify/Customer/{id}","firstName":"{first}","lastName":"{last}","defaultEmailAddress":{{"emailAddress":"{email}","marketingState":"NOT_SUBSCRIBED"}},"defaultPhoneNumber":{{"phoneNumber":"{phone}"}},"updatedAt":"2026-11-21T08:{minute:02}:{second:02}Z","state":"{state}","numberOfOrders":"{n}","amountSpent":{{"amount":"{amount}","currencyCode":"USD"}},"tags":["wholesale","vip"],"defaultAddress":{{"company":"{company}","city":"{city}","countryCodeV2":"US"}}}}}},"extensions":{{"cost":{{"requestedQueryCost":3,"actualQueryCost":3,"throttleStatus":{{"maximumAvailable":2000.0,"currentlyAvailable":1997,"restoreRate":100.0}}}}}}}}"#
    )
}

pub fn suiteql_body(n: u64) -> String {
    let [email, first, last, phone, company, city, state, amount] = values(n);
    let (minute, second) = (n / 60 % 60, n % 60);
    format!(
        r#"{{"links":[],"id":"{}","entityid":"CUST{n:07}","email":"{email}","firstname":"{first}","lastname":"{last}","phone":"{phone}","companyname":"{company}","billcity":"{city}","isinactive":"{state}","balance":"{amount}","currency":"1","subsidiary":"2","lastmodifieddate":"2026-11-21 08:{minute:02}:{second:02}"}}"#,
        500 + n
    )
}
