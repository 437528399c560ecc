//! How the three systems stand in the morning: one truth, told in three native shapes.

use std::collections::BTreeMap;

use accordant::model::Path;
use serde_json::{Value, json};

use super::people::{Address, Company, Person};
use super::random::SplitMix64;
use crate::world::{Dialect, HubSpotWays, NetSuiteWays, ShopifyWays, put};

/// The first id of each object type: far apart, so that no id of one system looks like one of another.
pub mod first_id {
    /// HubSpot contacts.
    pub const CONTACT: u64 = 1_001;
    /// HubSpot companies.
    pub const HUBSPOT_COMPANY: u64 = 9_001;
    /// Shopify customers.
    pub const SHOPIFY_CUSTOMER: u64 = 7_100_000_000_001;
    /// Shopify orders, to which the order's number is added.
    pub const SHOPIFY_ORDER: u64 = 5_500_000_000_000;
    /// NetSuite customers.
    pub const NETSUITE_CUSTOMER: u64 = 3_001;
    /// NetSuite customers that are companies.
    pub const NETSUITE_COMPANY: u64 = 501;
    /// NetSuite sales orders, to which the order's number is added.
    pub const SALES_ORDER: u64 = 70_000;
}

/// How the systems spell how far a customer is: HubSpot, NetSuite.
const STATUS: [(&str, &str); 3] =
    [("lead", "LEAD-Qualified"), ("customer", "CUSTOMER-Closed Won"), ("former_customer", "CUSTOMER-Lost Customer")];

/// How the systems spell how far an order is: Shopify, NetSuite.
pub(super) const FULFILMENT: [(&str, &str); 3] = [
    ("UNFULFILLED", "Sales Order : Pending Fulfillment"),
    ("PARTIALLY_FULFILLED", "Sales Order : Partially Fulfilled"),
    ("FULFILLED", "Sales Order : Billed"),
];

/// Native records, by system and object type, in the order of their ids.
pub type Records = BTreeMap<(&'static str, &'static str), Vec<Value>>;

/// Who has no customer in Shopify.
pub(super) const MISSING_IN_SHOPIFY: [usize; 2] = [4, 5];
/// Who has a second contact in HubSpot, under a misspelt address.
pub(super) const TWICE_IN_HUBSPOT: usize = 7;

/// Makes records in one system's shape.
struct Shape<'a> {
    ways: &'a dyn Dialect,
    object: &'static str,
}

impl Shape<'_> {
    fn record(&self, id: u64, created: i64, modified: i64, leaves: &[(&str, Value)]) -> Value {
        let mut record = self.ways.blank(self.object, id, None, created);
        for (path, value) in leaves.iter().filter(|(_, value)| !value.is_null()) {
            let value = self.ways.tidy(self.object, path, value.clone());
            put(&mut record, &Path::new(path), value, self.ways.omits_null());
        }
        self.ways.touch(&mut record, modified);
        record
    }
}

/// The records of the morning. `since` and `until` bound the times at which they last changed.
pub(super) fn records(
    random: &mut SplitMix64,
    people: &[Person],
    companies: &[Company],
    since: i64,
    until: i64,
) -> Records {
    let mut all = Records::new();
    let mut add = |ways: &dyn Dialect, object: &'static str, id: u64, random: &mut SplitMix64, leaves: Leaves| {
        let created = random.between(since - 90 * 86_400_000, since) / 1_000 * 1_000;
        let modified = random.between(since, until) / 1_000 * 1_000;
        let record = Shape { ways, object }.record(id, created, modified, &leaves);
        all.entry((ways.system(), object)).or_default().push(record);
    };
    for (place, company) in (0..).zip(companies) {
        add(&HubSpotWays, "companies", first_id::HUBSPOT_COMPANY + place, random, hubspot_company(company));
        add(&NetSuiteWays, "company", first_id::NETSUITE_COMPANY + place, random, netsuite_company(company));
    }
    for (place, person) in people.iter().enumerate() {
        let company = &companies[person.company];
        let written = random.below(4);
        add(&HubSpotWays, "contacts", first_id::CONTACT + place as u64, random, contact(person, company, written));
        if !MISSING_IN_SHOPIFY.contains(&place) {
            let id = first_id::SHOPIFY_CUSTOMER + place as u64;
            add(&ShopifyWays, "customers", id, random, shopify_customer(person, company));
        }
        let id = first_id::NETSUITE_CUSTOMER + place as u64;
        add(&NetSuiteWays, "customer", id, random, netsuite_customer(person, company, id));
        for number in person.orders.iter().filter(|_| !MISSING_IN_SHOPIFY.contains(&place)) {
            let status = if random.once_in(3) { 0 } else { 2 };
            let total = random.between(900, 250_000);
            let order = shopify_order(*number, place as u64, status, total);
            add(&ShopifyWays, "orders", first_id::SHOPIFY_ORDER + number, random, order);
            let order = sales_order(*number, place as u64, status, total);
            add(&NetSuiteWays, "salesorder", first_id::SALES_ORDER + number, random, order);
        }
    }
    let mut twice = people[TWICE_IN_HUBSPOT].clone();
    twice.email = twice.email.replace('@', "@mail.");
    let id = first_id::CONTACT + people.len() as u64;
    add(&HubSpotWays, "contacts", id, random, contact(&twice, &companies[twice.company], 0));
    for records in all.values_mut() {
        records.sort_by_key(|record| {
            let id = crate::world::text(record, "id").rsplit('/').next().unwrap_or_default();
            id.parse::<u64>().unwrap_or_default()
        });
    }
    all
}

/// Leaves by path.
pub(super) type Leaves = Vec<(&'static str, Value)>;

/// Cents as an amount.
#[must_use]
pub(super) fn amount(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// A national number in one of the ways in which people type it.
#[must_use]
pub(super) fn typed_phone(digits: &str, way: u64) -> String {
    let (area, exchange, line) = (&digits[..3], &digits[3..6], &digits[6..]);
    match way {
        0 => format!("({area}) {exchange}-{line}"),
        1 => format!("+1 {area}-{exchange}-{line}"),
        2 => format!("{area}.{exchange}.{line}"),
        _ => format!("{area} {exchange} {line}"),
    }
}

fn contact(person: &Person, company: &Company, written: u64) -> Leaves {
    let mut leaves = vec![
        ("properties.email", json!(person.email)),
        ("properties.firstname", json!(person.first)),
        ("properties.lastname", json!(person.last)),
        ("properties.phone", json!(person.phone.as_deref().map(|digits| typed_phone(digits, written)))),
        ("properties.mobilephone", json!(person.mobile.as_deref().map(|digits| typed_phone(digits, 3 - written)))),
        ("properties.company", json!(company.name)),
        ("properties.associatedcompanyid", json!((first_id::HUBSPOT_COMPANY + person.company as u64).to_string())),
        ("properties.customer_status", json!(STATUS[person.status].0)),
        ("properties.balance", json!(amount(person.balance).trim_end_matches('0').trim_end_matches('.'))),
        ("properties.jobtitle", json!("Buyer")),
    ];
    if let Some(Address { street, city, state, zip }) = &person.address {
        leaves.extend([
            ("properties.address", json!(street)),
            ("properties.city", json!(city)),
            ("properties.state", json!(state)),
            ("properties.zip", json!(zip)),
            ("properties.country", json!("US")),
        ]);
    }
    leaves
}

fn shopify_customer(person: &Person, company: &Company) -> Leaves {
    let mut leaves = vec![
        ("defaultEmailAddress.emailAddress", json!(person.email)),
        ("firstName", json!(person.first)),
        ("lastName", json!(person.last)),
        ("state", json!("ENABLED")),
        ("tags", json!(["wholesale"])),
        ("numberOfOrders", json!(person.orders.len().to_string())),
        ("defaultPhoneNumber.phoneNumber", json!(person.phone)),
    ];
    if let Some(Address { street, city, state, zip }) = &person.address {
        leaves.extend([
            ("defaultAddress.company", json!(company.name)),
            ("defaultAddress.address1", json!(street)),
            ("defaultAddress.city", json!(city)),
            ("defaultAddress.provinceCode", json!(state)),
            ("defaultAddress.zip", json!(zip)),
            ("defaultAddress.countryCodeV2", json!("US")),
        ]);
    }
    leaves
}

fn netsuite_customer(person: &Person, company: &Company, id: u64) -> Leaves {
    let mut leaves = vec![
        ("entityid", json!(format!("CUST{id} {} {}", person.first, person.last))),
        ("email", json!(person.email)),
        ("firstname", json!(person.first)),
        ("lastname", json!(person.last)),
        ("phone", json!(person.phone)),
        ("mobilephone", json!(person.mobile)),
        ("companyname", json!(company.name)),
        ("parent", json!((first_id::NETSUITE_COMPANY + person.company as u64).to_string())),
        ("entitystatus", json!(STATUS[person.status].1)),
        ("balance", json!(amount(person.balance))),
    ];
    if let Some(Address { street, city, state, zip }) = &person.address {
        leaves.extend([
            ("addr1", json!(street)),
            ("city", json!(city)),
            ("state", json!(state)),
            ("zip", json!(zip)),
            ("country", json!("US")),
        ]);
    }
    leaves
}

fn hubspot_company(company: &Company) -> Leaves {
    vec![
        ("properties.domain", json!(company.domain)),
        ("properties.name", json!(company.name)),
        ("properties.annualrevenue", json!(company.revenue.to_string())),
    ]
}

fn netsuite_company(company: &Company) -> Leaves {
    vec![
        ("entityid", json!(company.name)),
        ("companyname", json!(company.name)),
        ("custentity_domain", json!(company.domain)),
        ("custentity_annual_revenue", json!(format!("{}.00", company.revenue))),
    ]
}

/// An order as Shopify holds it.
#[must_use]
pub(super) fn shopify_order(number: u64, person: u64, status: usize, total: i64) -> Leaves {
    let customer = first_id::SHOPIFY_CUSTOMER + person;
    vec![
        ("name", json!(format!("#{number}"))),
        ("displayFulfillmentStatus", json!(FULFILMENT[status].0)),
        ("totalPriceSet.shopMoney.amount", json!(amount(total))),
        ("totalPriceSet.shopMoney.currencyCode", json!("USD")),
        ("customer.id", json!(format!("gid://shopify/Customer/{customer}"))),
        ("customer.legacyResourceId", json!(customer.to_string())),
    ]
}

/// An order as NetSuite holds it.
#[must_use]
pub(super) fn sales_order(number: u64, person: u64, status: usize, total: i64) -> Leaves {
    vec![
        ("tranid", json!(format!("SO{number}"))),
        ("otherrefnum", json!(format!("#{number}"))),
        ("entity", json!((first_id::NETSUITE_CUSTOMER + person).to_string())),
        ("status", json!(FULFILMENT[status].1)),
        ("foreigntotal", json!(amount(total))),
    ]
}
