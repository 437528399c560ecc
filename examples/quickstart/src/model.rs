//! The model: what a customer, a company and an order are, whoever holds them.
//!
//! NetSuite's amounts are read with the currency of their row, and written without it: a row keeps its currency.
//!
//! Each line says what the attribute is, where the three systems keep it, and who decides. Nothing else in the
//! quickstart knows a path of any system.

use accordant::value::{Email, Money, Phone, Ref};
use accordant::{Canonical, CanonicalPart, CanonicalValue};

/// Somebody who buys.
#[derive(Canonical, Clone, Debug, PartialEq)]
#[canonical(entity = "customer")]
#[canonical(
    system(hubspot, object = "contacts", required),
    system(shopify, object = "customers", required, create_needs(email, last_name)),
    system(netsuite, object = "customer", required, create_needs(email, last_name))
)]
pub struct Customer {
    /// By this the three systems know that they mean the same person.
    #[canonical(identity, pii, normalize = email, resolve(most_recent_authoritative, latest))]
    #[canonical(at(hubspot = "properties.email", shopify = "defaultEmailAddress.emailAddress", netsuite = "email"))]
    pub email: Email,

    /// First name. No owner: whoever changes it last is believed, as long as nobody else did.
    #[canonical(pii, at(hubspot = "properties.firstname", shopify = "firstName", netsuite = "firstname"))]
    pub first_name: Option<String>,

    /// Last name.
    #[canonical(pii, at(hubspot = "properties.lastname", shopify = "lastName", netsuite = "lastname"))]
    pub last_name: String,

    /// The number to call. Sales keeps it; the others store it in a form of their own.
    #[canonical(pii, owner(hubspot))]
    #[canonical(at(
        hubspot("properties.phone", region = "US"),
        shopify("defaultPhoneNumber.phoneNumber", region = "US"),
        netsuite("phone", region = "US")
    ))]
    pub phone: Option<Phone>,

    /// The mobile number. Sales and accounting both keep it: two numbers at once are for a person to settle.
    #[canonical(pii, at(hubspot("properties.mobilephone", region = "US"), netsuite("mobilephone", region = "US")))]
    pub mobile: Option<Phone>,

    /// The name of the company, as the most official system spells it.
    #[canonical(resolve(source_priority(netsuite, hubspot, shopify)))]
    #[canonical(at(
        hubspot = "properties.company",
        shopify("defaultAddress.company", read_only),
        netsuite = "companyname"
    ))]
    pub company: Option<String>,

    /// The company itself: native ids go through the crosswalk.
    #[canonical(at(hubspot = "properties.associatedcompanyid", netsuite = "parent"))]
    pub employer: Option<Ref<Company>>,

    /// How far the relation is.
    #[canonical(at(hubspot = "properties.customer_status", netsuite = "entitystatus"))]
    pub status: Option<CustomerStatus>,

    /// What they owe. NetSuite says so, and HubSpot is put right.
    #[canonical(owner(netsuite))]
    #[canonical(at(netsuite("balance", read_only, currency = "currency"), hubspot("properties.balance", strong, currency = USD)))]
    pub balance: Option<Money>,

    /// Where they live: one value, so that no street meets another's city.
    #[canonical(part, pii, at(hubspot = "properties", shopify = "defaultAddress", netsuite = ""))]
    pub address: Option<Address>,
}

/// A postal address.
#[derive(CanonicalPart, Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// House number and street.
    #[canonical(at(hubspot = "address", shopify = "address1", netsuite = "addr1"))]
    pub street: Option<String>,
    /// City.
    #[canonical(at(hubspot = "city", shopify = "city", netsuite = "city"))]
    pub city: Option<String>,
    /// State, two letters.
    #[canonical(at(hubspot = "state", shopify = "provinceCode", netsuite = "state"))]
    pub state: Option<String>,
    /// ZIP code.
    #[canonical(at(hubspot = "zip", shopify = "zip", netsuite = "zip"))]
    pub postal_code: Option<String>,
    /// Country, ISO 3166 alpha-2.
    #[canonical(at(hubspot = "country", shopify = "countryCodeV2", netsuite = "country"))]
    pub country: Option<String>,
}

/// How far the relation to a customer is.
#[derive(CanonicalValue, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerStatus {
    /// Not yet a customer.
    #[canonical(at(hubspot = "lead", netsuite = "LEAD-Qualified"))]
    Lead,
    /// A customer.
    #[canonical(at(hubspot = "customer", netsuite = "CUSTOMER-Closed Won"))]
    Active,
    /// No longer one.
    #[canonical(at(hubspot = "former_customer", netsuite = "CUSTOMER-Lost Customer"))]
    Former,
}

/// A company that customers work for.
#[derive(Canonical, Clone, Debug, PartialEq)]
#[canonical(entity = "company")]
#[canonical(system(hubspot, object = "companies", required), system(netsuite, object = "company", required))]
pub struct Company {
    /// By this the systems know that they mean the same company.
    #[canonical(identity, normalize = lowercase, at(hubspot = "properties.domain", netsuite = "custentity_domain"))]
    pub domain: String,

    /// Its name.
    #[canonical(
        resolve(source_priority(netsuite, hubspot)),
        at(hubspot = "properties.name", netsuite = "companyname")
    )]
    pub name: String,

    /// Revenue a year. A great change waits for an approval: see the rule in `main.rs`.
    #[canonical(owner(hubspot))]
    #[canonical(at(
        hubspot("properties.annualrevenue", currency = USD),
        netsuite("custentity_annual_revenue", currency = "currency", write = "custentity_annual_revenue")
    ))]
    pub annual_revenue: Option<Money>,
}

/// An order.
#[derive(Canonical, Clone, Debug, PartialEq)]
#[canonical(entity = "order")]
#[canonical(system(shopify, object = "orders"), system(netsuite, object = "salesorder"))]
pub struct Order {
    /// `#1001`, in the shop and on the sales order.
    #[canonical(identity, at(shopify("name", read_only), netsuite = "otherrefnum"))]
    pub number: String,

    /// How far it is. It never goes back, in whatever order we hear of it.
    #[canonical(resolve(monotone), at(shopify("displayFulfillmentStatus", read_only), netsuite = "status"))]
    pub status: Option<OrderStatus>,

    /// What it costs.
    #[canonical(owner(shopify))]
    #[canonical(at(
        shopify("totalPriceSet.shopMoney.amount", currency = "totalPriceSet.shopMoney.currencyCode", read_only),
        netsuite("foreigntotal", currency = "currency", write = "foreigntotal")
    ))]
    pub total: Option<Money>,

    /// Who ordered.
    #[canonical(at(shopify("customer.legacyResourceId", read_only), netsuite("entity", read_only)))]
    pub customer: Option<Ref<Customer>>,
}

/// How far an order is.
#[derive(CanonicalValue, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[canonical(ordered)]
pub enum OrderStatus {
    /// Nothing is shipped.
    #[canonical(at(shopify = "UNFULFILLED", netsuite = "Sales Order : Pending Fulfillment"))]
    Open,
    /// Some of it is shipped.
    #[canonical(at(shopify = "PARTIALLY_FULFILLED" | "IN_PROGRESS", netsuite = "Sales Order : Partially Fulfilled"))]
    Partial,
    /// All of it is shipped.
    #[canonical(at(shopify = "FULFILLED", netsuite = "Sales Order : Billed" | "Sales Order : Pending Billing"))]
    Fulfilled,
}

#[cfg(test)]
mod tests {
    use accordant::model::{Canonical as _, Model};

    use super::{Company, Customer, Order};

    #[test]
    fn the_model_compiles_as_a_whole() {
        let model = Model::compile(vec![Customer::model(), Company::model(), Order::model()]);
        assert_eq!(model.map(|model| model.entities.len()).map_err(|mistakes| mistakes.to_string()), Ok(3));
    }

    mod customer {
        accordant::laws!(super::Customer);
    }

    mod company {
        accordant::laws!(super::Company);
    }

    mod order {
        accordant::laws!(super::Order);
    }
}
