//! Questions: pages of what matches, nodes by id, customers by an identifier.

use serde_json::{Value, json};

use super::Inside;
use super::shop::number;
use crate::graphql::{Asked, connection};
use crate::instant;

/// The largest page.
const LARGEST_PAGE: usize = 250;

impl Inside {
    pub(super) fn query(&mut self, asked: &Asked<'_>, now: i64, base: &str) -> Result<Value, String> {
        let arguments = &asked.arguments;
        match asked.name {
            "customers" => self.page("Customer", arguments, now),
            "orders" => self.page("Order", arguments, now),
            "products" => self.page("Product", arguments, now),
            "locations" => listed(&self.locations(now), arguments),
            "nodes" => {
                let ids = arguments["ids"].as_array().ok_or("ids is required")?;
                let node =
                    |id: &Value| self.shop.by_gid(id.as_str().unwrap_or_default()).cloned().unwrap_or(Value::Null);
                Ok(ids.iter().map(node).collect())
            }
            "customerByIdentifier" => Ok(self.identified(&arguments["identifier"]).cloned().unwrap_or(Value::Null)),
            "bulkOperation" => Ok(self.bulk.operation(arguments["id"].as_str().unwrap_or_default(), now, base)),
            "shop" => {
                Ok(json!({ "__typename": "Shop", "myshopifyDomain": self.webhooks.domain(), "ianaTimezone": "UTC" }))
            }
            name => Err(format!("Field '{name}' doesn't exist on type 'QueryRoot'")),
        }
    }

    /// The customer of an id, an address, a number, or a metafield whose values are unique.
    pub(super) fn identified(&self, identifier: &Value) -> Option<&Value> {
        if let Some(gid) = identifier["id"].as_str() {
            return self.shop.by_gid(gid);
        }
        let holds = |customer: &&Value| {
            let email = identifier.get("emailAddress").or_else(|| identifier.get("email"));
            let phone = identifier.get("phoneNumber").or_else(|| identifier.get("phone"));
            let custom = identifier.get("customId").map(|custom| {
                let name = |key: &str| custom[key].as_str().unwrap_or("$app").to_owned();
                customer["metafields"][format!("{}.{}", name("namespace"), name("key"))]["value"] == custom["value"]
            });
            email.is_some_and(|email| customer["defaultEmailAddress"]["emailAddress"] == *email)
                || phone.is_some_and(|phone| customer["defaultPhoneNumber"]["phoneNumber"] == *phone)
                || custom == Some(true)
        };
        self.shop.all("Customer").find(holds)
    }

    fn page(&self, kind: &str, arguments: &Value, now: i64) -> Result<Value, String> {
        paged(self.shop.indexed(kind, now), arguments)
    }
}

/// The page of a list that its arguments ask for.
pub(super) fn listed(nodes: &[Value], arguments: &Value) -> Result<Value, String> {
    paged(nodes.iter(), arguments)
}

fn paged<'n>(nodes: impl Iterator<Item = &'n Value>, arguments: &Value) -> Result<Value, String> {
    let first = arguments["first"].as_u64().and_then(|first| usize::try_from(first).ok());
    let first = first.filter(|first| *first <= LARGEST_PAGE).ok_or("first must be between 0 and 250")?;
    let terms = terms(arguments["query"].as_str().unwrap_or_default())?;
    let mut found: Vec<&Value> = nodes.filter(|node| terms.iter().all(|term| term.holds(node))).collect();
    let id = |node: &Value| node["id"].as_str().and_then(number).map(|(_, id)| id);
    if arguments["sortKey"] == "UPDATED_AT" {
        found.sort_by_cached_key(|node| (updated(node), id(node)));
    }
    if let Some(after) = arguments["after"].as_str() {
        let behind = found.iter().position(|node| node["id"] == after).map_or(0, |place| place + 1);
        found.drain(..behind);
    }
    let more = found.len() > first;
    Ok(connection(found.into_iter().take(first).cloned().collect(), more))
}

fn updated(node: &Value) -> Option<i64> {
    node["updatedAt"].as_str().and_then(instant::parse)
}

/// One term of a search.
struct Term {
    field: String,
    order: &'static str,
    value: i64,
}

impl Term {
    fn holds(&self, node: &Value) -> bool {
        let held = match self.field.as_str() {
            "updated_at" => updated(node),
            _ => node["id"].as_str().and_then(number).and_then(|(_, id)| i64::try_from(id).ok()),
        };
        let Some(held) = held else { return false };
        match self.order {
            // As others have seen: the bound belongs to it.
            ">=" | ">" if self.field == "updated_at" => held >= self.value,
            ">" => held > self.value,
            ">=" => held >= self.value,
            "<=" => held <= self.value,
            "<" => held < self.value,
            _ => held == self.value,
        }
    }
}

/// `updated_at:>='2026-11-21T08:00:00Z' AND id:>7`
fn terms(query: &str) -> Result<Vec<Term>, String> {
    let term = |text: &str| {
        let (field, rest) = text.split_once(':').ok_or_else(|| format!("a search without a field: {text}"))?;
        if !matches!(field, "updated_at" | "id") {
            return Err(format!("no such field to search by: {field}"));
        }
        let order = [">=", "<=", ">", "<"].into_iter().find(|order| rest.starts_with(order)).unwrap_or("");
        let value = rest[order.len()..].trim_matches(['\'', '"']);
        let value = instant::parse(value).ok_or_else(|| format!("no such value: {value}"))?;
        Ok(Term { field: field.to_owned(), order, value })
    };
    query.split(" AND ").map(str::trim).filter(|text| !text.is_empty()).map(term).collect()
}
