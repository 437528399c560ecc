//! Shopify's ways: GraphQL nodes when asked, the older REST shape in webhooks, phone numbers in E.164.

use chrono::{DateTime, SecondsFormat};
use chrono_tz::America::New_York;
use serde_json::{Value, json};

use super::dialect::{Dialect, Happened, Told, Webhook, phone};
use super::leaf::text;

/// Shopify.
#[derive(Debug, Clone, Copy)]
pub struct ShopifyWays;

/// An instant as GraphQL writes it: whole seconds, in UTC.
fn instant(at: i64) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An instant as webhooks write it: whole seconds, in the zone of the shop.
fn shop_instant(written: &str) -> Value {
    DateTime::parse_from_rfc3339(written)
        .map_or(Value::Null, |at| at.with_timezone(&New_York).to_rfc3339_opts(SecondsFormat::Secs, false).into())
}

/// The type that global ids of an object name.
pub(crate) fn node_type(object: &str) -> &'static str {
    if object == "orders" { "Order" } else { "Customer" }
}

impl Dialect for ShopifyWays {
    fn system(&self) -> &'static str {
        "shopify"
    }

    fn objects(&self) -> &'static [&'static str] {
        &["customers", "orders"]
    }

    fn id(&self, record: &Value) -> Option<u64> {
        text(record, "id").rsplit('/').next()?.parse().ok()
    }

    fn modified(&self, record: &Value) -> Option<i64> {
        Some(DateTime::parse_from_rfc3339(text(record, "updatedAt")).ok()?.timestamp_millis())
    }

    fn touch(&self, record: &mut Value, at: i64) {
        record["updatedAt"] = instant(at).into();
    }

    fn blank(&self, object: &str, id: u64, key: Option<&str>, at: i64) -> Value {
        let mut node = json!({
            "id": format!("gid://shopify/{}/{id}", node_type(object)),
            "legacyResourceId": id.to_string(),
            "createdAt": instant(at),
            "updatedAt": instant(at),
        });
        // `customerSet(identifier: {customId})` finds a record by a metafield whose values are unique.
        node["metafield"] =
            key.map_or(Value::Null, |key| json!({"namespace": "accordant", "key": "key", "value": key}));
        if object == "customers" {
            node["state"] = "DISABLED".into();
            node["tags"] = json!([]);
            node["note"] = Value::Null;
            node["numberOfOrders"] = "0".into();
            node["amountSpent"] = json!({"amount": "0.0", "currencyCode": "USD"});
        }
        node
    }

    fn key<'a>(&self, record: &'a Value) -> Option<&'a str> {
        record["metafield"]["value"].as_str()
    }

    fn tidy(&self, _object: &str, path: &str, value: Value) -> Value {
        match (path, value) {
            (_, Value::String(text)) if text.is_empty() => Value::Null,
            ("defaultEmailAddress.emailAddress", Value::String(text)) => Value::String(text.trim().to_lowercase()),
            // E.164 has no place for an extension: Shopify drops it without a word.
            ("defaultPhoneNumber.phoneNumber", Value::String(text)) => {
                Value::String(phone(&text).map_or(text, |(digits, _)| format!("+{digits}")))
            }
            (_, value) => value,
        }
    }

    fn webhooks(&self, told: &Told<'_>) -> Vec<Webhook> {
        let customer = told.object == "customers";
        let (topic, body) = match told.what {
            Happened::Created(node) if customer => ("customers/create", rest_customer(node, told.id)),
            Happened::Changed(node, _) if customer => ("customers/update", rest_customer(node, told.id)),
            Happened::Deleted if customer => ("customers/delete", json!({"id": told.id})),
            Happened::Created(node) => ("orders/create", rest_order(node, told.id)),
            Happened::Changed(node, _) => ("orders/updated", rest_order(node, told.id)),
            Happened::Deleted => ("orders/delete", json!({"id": told.id})),
            Happened::Absorbed(_) => return Vec::new(),
        };
        vec![Webhook { topic, body }]
    }
}

/// A customer as webhooks carry it.
fn rest_customer(node: &Value, id: u64) -> Value {
    let address = match &node["defaultAddress"] {
        Value::Null => Value::Null,
        address => json!({
            "id": id + 500,
            "customer_id": id,
            "first_name": node["firstName"],
            "last_name": node["lastName"],
            "company": address["company"],
            "address1": address["address1"],
            "address2": Value::Null,
            "city": address["city"],
            "province_code": address["provinceCode"],
            "country_code": address["countryCodeV2"],
            "zip": address["zip"],
            "default": true,
        }),
    };
    let tags: Vec<&str> = node["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    json!({
        "id": id,
        "admin_graphql_api_id": node["id"],
        "email": node["defaultEmailAddress"]["emailAddress"],
        "phone": node["defaultPhoneNumber"]["phoneNumber"],
        "first_name": node["firstName"],
        "last_name": node["lastName"],
        "state": text(node, "state").to_lowercase(),
        "note": node["note"],
        "verified_email": true,
        "tags": tags.join(", "),
        "currency": node["amountSpent"]["currencyCode"],
        "total_spent": node["amountSpent"]["amount"],
        "orders_count": text(node, "numberOfOrders").parse::<u64>().unwrap_or_default(),
        "created_at": shop_instant(text(node, "createdAt")),
        "updated_at": shop_instant(text(node, "updatedAt")),
        "default_address": address,
    })
}

/// An order as webhooks carry it.
fn rest_order(node: &Value, id: u64) -> Value {
    let money = &node["totalPriceSet"]["shopMoney"];
    let customer: Option<u64> = text(node, "customer.legacyResourceId").parse().ok();
    let status = match text(node, "displayFulfillmentStatus") {
        "FULFILLED" => Value::from("fulfilled"),
        "PARTIALLY_FULFILLED" => Value::from("partial"),
        _ => Value::Null,
    };
    json!({
        "id": id,
        "admin_graphql_api_id": node["id"],
        "name": node["name"],
        "order_number": text(node, "name").trim_start_matches('#').parse::<u64>().ok(),
        "currency": money["currencyCode"],
        "total_price": money["amount"],
        "fulfillment_status": status,
        "customer": {"id": customer},
        "created_at": shop_instant(text(node, "createdAt")),
        "updated_at": shop_instant(text(node, "updatedAt")),
    })
}
