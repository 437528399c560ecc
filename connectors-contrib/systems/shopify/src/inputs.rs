//! What mutations take of a record, by documented path; and what they do not take, with the reason.

use accordant::model::Path;
use accordant::value::Native;
use serde_json::{Map, Value};

use crate::selection;
use crate::settings::Object;

/// What a customer's own mutations take.
const CUSTOMER: [(&str, &str); 8] = [
    ("defaultEmailAddress.emailAddress", "email"),
    ("defaultPhoneNumber.phoneNumber", "phone"),
    ("firstName", "firstName"),
    ("lastName", "lastName"),
    ("note", "note"),
    ("locale", "locale"),
    ("taxExempt", "taxExempt"),
    ("tags", "tags"),
];

/// What the mutations of a customer's address take, by the key below `defaultAddress`.
const ADDRESS: [(&str, &str); 10] = [
    ("address1", "address1"),
    ("address2", "address2"),
    ("city", "city"),
    ("company", "company"),
    ("countryCodeV2", "countryCode"),
    ("firstName", "firstName"),
    ("lastName", "lastName"),
    ("phone", "phone"),
    ("provinceCode", "provinceCode"),
    ("zip", "zip"),
];

/// What `productUpdate` takes: single values. What it takes as a list replaces the list.
const PRODUCT: [(&str, &str); 7] = [
    ("title", "title"),
    ("status", "status"),
    ("vendor", "vendor"),
    ("handle", "handle"),
    ("productType", "productType"),
    ("descriptionHtml", "descriptionHtml"),
    ("requiresSellingPlan", "requiresSellingPlan"),
];

/// What `orderUpdate` takes, single values again. Its address replaces the address, so it is none of them.
const ORDER: [(&str, &str); 4] = [("email", "email"), ("phone", "phone"), ("note", "note"), ("poNumber", "poNumber")];

/// A write, as its mutations take it.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The record's own fields.
    pub(crate) record: Map<String, Value>,
    /// A customer's address.
    pub(crate) address: Map<String, Value>,
    /// Namespace, key, value.
    pub(crate) metafields: Vec<(String, String, Value)>,
}

impl Inputs {
    /// The inputs that a write's changes make.
    ///
    /// # Errors
    ///
    /// Why the record does not take one of them.
    pub(crate) fn of(object: &Object, changes: &[(Path, Native)]) -> Result<Self, String> {
        let (fields, what): (&[(&str, &str)], _) = match object.node.as_str() {
            "Customer" => (&CUSTOMER, "a customer"),
            "Product" => (&PRODUCT, "a product"),
            "Order" => (&ORDER, "an order"),
            node => return Err(format!("shopify: this connector reads {node}, and does not write it")),
        };
        let mut inputs = Self::default();
        for (path, native) in changes {
            let dotted = path.to_string();
            if let Some((namespace, key)) = selection::metafield(path) {
                let value = value(native).filter(|value| !value.is_null());
                let value =
                    value.ok_or_else(|| format!("{path}: a metafield is not cleared through this connector"))?;
                inputs.metafields.push((namespace.to_owned(), key.to_owned(), value));
            } else if let Some((_, field)) = fields.iter().find(|(known, _)| *known == dotted) {
                let value = value(native).ok_or_else(|| format!("{path}: shopify takes no collection by key there"))?;
                inputs.record.insert((*field).to_owned(), value);
            } else if let ("Customer", Some((_, field))) = (object.node.as_str(), address(&dotted)) {
                let value = value(native).ok_or_else(|| format!("{path}: shopify takes no collection by key there"))?;
                inputs.address.insert((*field).to_owned(), value);
            } else if selection::list(path).is_some() || matches!(native, Native::List(_) | Native::Elements(_)) {
                return Err(format!("{path}: a list in an input would replace the list, so none of {what} is written"));
            } else {
                return Err(format!("{path} is nothing that shopify takes of {what}"));
            }
        }
        Ok(inputs)
    }
}

/// The input type and its field by which a documented path is written; `None`: it is not.
pub(crate) fn input_of(object: &Object, path: &Path) -> Option<(&'static str, &'static str)> {
    let dotted = path.to_string();
    let (input, fields): (_, &[(&str, &'static str)]) = match object.node.as_str() {
        "Customer" => ("CustomerInput", &CUSTOMER),
        "Product" => ("ProductUpdateInput", &PRODUCT),
        "Order" => ("OrderInput", &ORDER),
        _ => return None,
    };
    let named = fields.iter().find(|(known, _)| *known == dotted).map(|(_, field)| (input, *field));
    named.or_else(|| match object.node.as_str() {
        "Customer" => address(&dotted).map(|(_, field)| ("MailingAddressInput", *field)),
        _ => None,
    })
}

fn address(dotted: &str) -> Option<&'static (&'static str, &'static str)> {
    let key = dotted.strip_prefix("defaultAddress.")?;
    ADDRESS.iter().find(|(known, _)| *known == key)
}

/// A leaf, as variables carry it.
pub(crate) fn value(native: &Native) -> Option<Value> {
    Some(match native {
        Native::Null => Value::Null,
        Native::Bool(value) => Value::Bool(*value),
        Native::Text(text) | Native::Number(text) => Value::String(text.to_string()),
        Native::List(elements) => Value::Array(elements.iter().map(value).collect::<Option<_>>()?),
        Native::Elements(_) => return None,
    })
}
