//! Webhooks v3: what is subscribed, what is told, and how it is signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use ring::hmac;
use serde_json::{Value, json};

use super::Act;
use super::objects::singular;
use super::refusal::Refusal;
use crate::outbox::{Outbox, Outgoing};
use crate::{Chance, Faults, instant, json};

/// The most events of one request.
const TOGETHER: usize = 100;
const MINUTE: i64 = 60_000;
/// Ten more attempts, spread over a day.
const RETRIES: &[i64] = &[
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    60 * MINUTE,
    120 * MINUTE,
    180 * MINUTE,
    240 * MINUTE,
    300 * MINUTE,
    480 * MINUTE,
];

/// What an app has asked to be told of.
#[derive(Debug)]
pub(super) struct Webhooks {
    portal: u64,
    app: u64,
    secret: String,
    target: Option<Value>,
    subscriptions: Vec<Subscription>,
    events: u64,
    pub(super) outbox: Outbox,
}

#[derive(Debug)]
struct Subscription {
    id: u64,
    event: String,
    property: Option<String>,
    active: bool,
    created: i64,
}

impl Subscription {
    fn json(&self) -> Value {
        let mut shown = json!({
            "id": self.id.to_string(), "eventType": self.event, "active": self.active,
            "createdAt": instant::millis(self.created),
        });
        if let Some(property) = &self.property {
            shown["propertyName"] = property.as_str().into();
        }
        shown
    }
}

impl Webhooks {
    pub(super) const fn new(portal: u64, app: u64, secret: String) -> Self {
        let outbox = Outbox::new(RETRIES);
        Self { portal, app, secret, target: None, subscriptions: Vec::new(), events: 0, outbox }
    }

    /// Tells of something that happened to a record, if anybody asked.
    #[expect(clippy::too_many_arguments, reason = "an event has as many parts")]
    pub(super) fn tell(
        &mut self,
        object: &str,
        what: &str,
        id: u64,
        more: Value,
        act: Act<'_>,
        faults: &Faults,
        chance: &Chance,
    ) {
        let event = format!("{}.{what}", singular(object));
        let property = more["propertyName"].as_str();
        let asked = self.subscriptions.iter().filter(|asked| {
            asked.active && asked.event == event && (asked.property.is_none() || asked.property.as_deref() == property)
        });
        for subscription in asked {
            self.events += 1;
            let mut told = json!({
                // Documented as not unique: so it is not.
                "eventId": self.events / 2, "subscriptionId": subscription.id, "portalId": self.portal,
                "appId": self.app, "occurredAt": act.at, "subscriptionType": event, "attemptNumber": 0,
                "objectId": id, "changeSource": act.source, "sourceId": act.by,
            });
            for (key, value) in more.as_object().into_iter().flatten() {
                told[key.as_str()] = value.clone();
            }
            self.outbox.push("", told, act.at, faults, chance);
        }
    }

    /// What is due, signed as of now.
    pub(super) fn due(&mut self, now: i64) -> Vec<Outgoing> {
        let Some(url) = self.target.as_ref().and_then(|target| target["targetUrl"].as_str()).map(str::to_owned) else {
            return Vec::new();
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        let sign = |mut parcel: crate::outbox::Parcel| {
            for event in &mut parcel.events {
                event["attemptNumber"] = parcel.attempt.into();
            }
            let body = Value::Array(parcel.events.clone()).to_string();
            let tag = hmac::sign(&key, format!("POST{url}{body}{now}").as_bytes());
            let request = Request::post(&url)
                .header("content-type", "application/json")
                .header("x-hubspot-signature-v3", STANDARD.encode(tag))
                .header("x-hubspot-request-timestamp", now.to_string())
                .body(Bytes::from(body))
                .ok()?;
            Some(Outgoing { request, parcel })
        };
        self.outbox.due(now, TOGETHER).into_iter().filter_map(sign).collect()
    }

    /// Settings and subscriptions.
    pub(super) fn route(
        &mut self,
        method: &str,
        path: &[&str],
        body: &Value,
        now: i64,
    ) -> Result<Response<Bytes>, Refusal> {
        let missing = || Refusal::not_found("no such subscription");
        let id = |text: &str| text.parse::<u64>().map_err(|_| missing());
        match (method, path) {
            ("GET", ["settings"]) => {
                let target = self.target.as_ref().ok_or_else(|| Refusal::not_found("no settings"))?;
                Ok(json::answer(StatusCode::OK, target))
            }
            ("PUT", ["settings"]) => {
                let text = body["targetUrl"].as_str();
                // The vendor asks for https; a loopback address is let through, or nothing could be tried.
                let url = text.filter(|url| url.starts_with("https://") || url.starts_with("http://127.0.0.1"));
                let url = url.ok_or_else(|| Refusal::bad("targetUrl must be https"))?;
                let most = body["throttling"]["maxConcurrentRequests"].as_u64().unwrap_or(10);
                let target = json!({
                    "targetUrl": url, "throttling": { "maxConcurrentRequests": most },
                    "createdAt": instant::millis(now), "updatedAt": instant::millis(now),
                });
                self.target = Some(target.clone());
                Ok(json::answer(StatusCode::OK, &target))
            }
            ("DELETE", ["settings"]) => {
                self.target = None;
                Ok(json::empty(StatusCode::NO_CONTENT))
            }
            ("GET", ["subscriptions"]) => {
                let all: Vec<Value> = self.subscriptions.iter().map(Subscription::json).collect();
                Ok(json::answer(StatusCode::OK, &json!({ "results": all })))
            }
            ("POST", ["subscriptions"]) => {
                let event = body["eventType"].as_str().ok_or_else(|| Refusal::bad("eventType is required"))?;
                let property = body["propertyName"].as_str().map(str::to_owned);
                if event.ends_with(".propertyChange") && property.is_none() {
                    return Err(Refusal::bad("propertyName is required"));
                }
                let id = 31_000 + self.subscriptions.len() as u64;
                let active = body["active"].as_bool().unwrap_or(false);
                let asked = Subscription { id, event: event.to_owned(), property, active, created: now };
                let shown = asked.json();
                self.subscriptions.push(asked);
                Ok(json::answer(StatusCode::CREATED, &shown))
            }
            ("GET" | "PATCH", ["subscriptions", number]) => {
                let id = id(number)?;
                let asked = self.subscriptions.iter_mut().find(|asked| asked.id == id).ok_or_else(missing)?;
                if let Some(active) = body["active"].as_bool() {
                    asked.active = active;
                }
                Ok(json::answer(StatusCode::OK, &asked.json()))
            }
            ("DELETE", ["subscriptions", number]) => {
                let id = id(number)?;
                self.subscriptions.retain(|asked| asked.id != id);
                Ok(json::empty(StatusCode::NO_CONTENT))
            }
            _ => Err(missing()),
        }
    }
}
