//! Webhooks: in the spelling of REST, signed over the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use ring::hmac;
use serde_json::{Value, json};

use crate::outbox::{Outbox, Outgoing};
use crate::{Chance, Faults, instant};

const MINUTE: i64 = 60_000;
/// Eight more attempts within four hours.
const RETRIES: &[i64] =
    &[MINUTE, 4 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 45 * MINUTE, 60 * MINUTE, 70 * MINUTE];

/// Who wants to hear of what.
#[derive(Debug)]
pub(super) struct Webhooks {
    domain: String,
    version: String,
    secret: String,
    subscriptions: Vec<(String, String)>,
    pub(super) outbox: Outbox,
}

impl Webhooks {
    pub(super) const fn new(domain: String, version: String, secret: String) -> Self {
        Self { domain, version, secret, subscriptions: Vec::new(), outbox: Outbox::new(RETRIES) }
    }

    pub(super) fn domain(&self) -> &str {
        &self.domain
    }

    pub(super) fn subscribe(&mut self, topic: &str, uri: &str) -> String {
        self.subscriptions.push((topic.to_owned(), uri.to_owned()));
        format!("gid://shopify/WebhookSubscription/{}", self.subscriptions.len())
    }

    /// Tells of something, if anybody asked. What is sent again later is what was said at first.
    pub(super) fn tell(&mut self, topic: &str, body: Value, now: i64, faults: &Faults, chance: &Chance) {
        let asked = self.subscriptions.iter().enumerate().filter(|(_, (of, _))| of == topic);
        let places: Vec<usize> = asked.map(|(place, _)| place).collect();
        for place in places {
            self.outbox.push(&format!("{place}/{topic}"), json!({ "body": body, "at": now }), now, faults, chance);
        }
    }

    /// What is due, signed.
    pub(super) fn due(&mut self, now: i64) -> Vec<Outgoing> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        let mut outgoing = Vec::new();
        for parcel in self.outbox.due(now, 1) {
            let (place, topic) = parcel.topic.split_once('/').unwrap_or_default();
            let subscription = place.parse::<usize>().ok().and_then(|place| self.subscriptions.get(place));
            let (Some((_, uri)), Some(told)) = (subscription, parcel.events.first()) else { continue };
            let body = told["body"].to_string();
            let at = told["at"].as_i64().unwrap_or_default();
            let request = Request::post(uri)
                .header("content-type", "application/json")
                .header("x-shopify-hmac-sha256", STANDARD.encode(hmac::sign(&key, body.as_bytes())))
                .header("x-shopify-topic", spelled(topic))
                .header("x-shopify-shop-domain", &self.domain)
                .header("x-shopify-api-version", &self.version)
                .header("x-shopify-webhook-id", format!("webhook-{}", parcel.id))
                .header("x-shopify-event-id", format!("event-{}", parcel.id))
                .header("x-shopify-triggered-at", instant::millis(at))
                .body(Bytes::from(body));
            outgoing.extend(request.ok().map(|request| Outgoing { request, parcel }));
        }
        outgoing
    }
}

/// A topic as headers have it: `inventory_levels/update`.
fn spelled(topic: &str) -> String {
    let topic = topic.to_lowercase();
    let of_two_words = ["inventory_levels_", "inventory_items_"].into_iter().find(|kind| topic.starts_with(kind));
    let end = of_two_words.map_or_else(|| topic.find('_').unwrap_or(topic.len()), |kind| kind.len() - 1);
    let (kind, what) = topic.split_at(end);
    format!("{kind}/{}", what.trim_start_matches('_'))
}

/// A node as REST spells it.
pub(super) fn rest(node: &Value) -> Value {
    let id = |gid: &Value| gid.as_str().and_then(super::shop::number).map(|(_, id)| id);
    let mut body = json!({
        "id": id(&node["id"]), "admin_graphql_api_id": node["id"], "updated_at": node["updatedAt"],
        "created_at": node["createdAt"],
    });
    if node["__typename"] == "InventoryLevel" {
        let available = node["quantities"].as_array().into_iter().flatten().find(|one| one["name"] == "available");
        return json!({
            "inventory_item_id": id(&node["item"]["id"]), "location_id": id(&node["location"]["id"]),
            "available": available.map(|one| one["quantity"].clone()), "updated_at": node["updatedAt"],
            "admin_graphql_api_id": node["id"],
        });
    }
    if node["__typename"] == "Product" {
        body["title"] = node["title"].clone();
        return body;
    }
    if node["__typename"] == "Order" {
        body["name"] = node["name"].clone();
        return body;
    }
    let address = &node["defaultAddress"];
    body["email"] = node["defaultEmailAddress"]["emailAddress"].clone();
    body["phone"] = node["defaultPhoneNumber"]["phoneNumber"].clone();
    for (rest, key) in [("first_name", "firstName"), ("last_name", "lastName"), ("note", "note")] {
        body[rest] = node[key].clone();
    }
    if !address.is_null() {
        body["default_address"] = json!({
            "id": id(&address["id"]), "address1": address["address1"], "address2": address["address2"],
            "city": address["city"], "company": address["company"], "country_code": address["countryCodeV2"],
            "province_code": address["provinceCode"], "zip": address["zip"], "phone": address["phone"],
        });
    }
    body
}
