//! Shopify: the GraphQL Admin interface for customers, products, orders and inventory levels, bulk operations, webhooks.
//!
//! From the vendor's published schema: fields, inputs, `userErrors`, `@idempotent`, `compareDigest`. From its pages: the
//! bucket of points, THROTTLED inside a 200, webhooks signed over the body and sent again for four hours. As others have
//! observed: a search index that shows changes late, in whole seconds. Assumed: what a query costs, what a merge's
//! webhook carries.

mod bulk;
mod mutation;
mod people;
mod query;
mod shop;
mod stock;
mod wares;
mod webhooks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accordant::Clock;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use self::bulk::Bulk;
use self::shop::Shop;
use self::webhooks::Webhooks;
use crate::clock::{ClockOf, Shown};
use crate::graphql::Question;
use crate::ledger::{Entry, Ledger};
use crate::outbox::Outgoing;
use crate::{Chance, Faults, Remote, Sent, json};

pub use self::bulk::Lost;
pub use self::people::Merchant;

/// What a shop is, and what it allows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name, as webhooks give it: `acme.myshopify.com`.
    pub domain: String,
    /// The version of the interface that it serves.
    pub version: String,
    /// The token that requests must carry.
    pub token: String,
    /// The secret that webhooks are signed with.
    pub secret: String,
    /// Points in the full bucket.
    pub capacity: u32,
    /// Points that come back in a second.
    pub per_second: u32,
    /// How long a bulk operation runs.
    pub bulk_runs: chrono::TimeDelta,
    /// What faults are drawn from.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            domain: "acme.myshopify.com".into(),
            version: "2026-07".into(),
            token: "shpat-sandbox".into(),
            secret: "shopify-app-secret".into(),
            capacity: 2_000,
            per_second: 100,
            bulk_runs: chrono::TimeDelta::seconds(20),
            seed: 2,
        }
    }
}

/// A Shopify shop.
#[derive(Debug)]
pub struct Shopify {
    settings: Settings,
    clock: Arc<dyn ClockOf>,
    inside: Mutex<Inside>,
}

/// All that the shop holds.
#[derive(Debug)]
struct Inside {
    shop: Shop,
    bulk: Bulk,
    webhooks: Webhooks,
    answered: stock::Answered,
    bucket: Bucket,
    bulk_runs: i64,
    faults: Faults,
    chance: Chance,
    ledger: Ledger,
}

/// The points that are left, in thousandths, at an instant; and how often there were too few.
#[derive(Debug)]
struct Bucket {
    capacity: i64,
    per_second: i64,
    left: i64,
    at: i64,
    spent: Points,
}

/// What was asked of the bucket of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Points {
    /// Points that were spent.
    pub spent: u64,
    /// Requests that found too few.
    pub refused: u64,
    /// Points that were left when it was last asked.
    pub left: u64,
}

impl Bucket {
    fn status(&self) -> Value {
        json!({
            "maximumAvailable": self.capacity, "currentlyAvailable": self.left / 1_000, "restoreRate": self.per_second,
        })
    }

    /// Takes a request's cost off; whether there was enough.
    fn admit(&mut self, cost: i64, now: i64) -> bool {
        let came = (now - self.at).max(0).saturating_mul(self.per_second);
        self.left = self.left.saturating_add(came).min(self.capacity * 1_000);
        self.at = now;
        if self.left < cost * 1_000 {
            self.spent.refused += 1;
            return false;
        }
        self.left -= cost * 1_000;
        self.spent.spent += cost.unsigned_abs();
        self.spent.left = (self.left / 1_000).unsigned_abs();
        true
    }
}

impl Shopify {
    /// An empty shop.
    #[must_use]
    pub fn new(settings: Settings, clock: impl Clock) -> Self {
        let (capacity, per_second) = (i64::from(settings.capacity), i64::from(settings.per_second));
        let inside = Inside {
            shop: Shop::default(),
            bulk: Bulk::default(),
            webhooks: Webhooks::new(settings.domain.clone(), settings.version.clone(), settings.secret.clone()),
            answered: stock::Answered::default(),
            bucket: Bucket { capacity, per_second, left: capacity * 1_000, at: clock.now(), spent: Points::default() },
            bulk_runs: settings.bulk_runs.num_milliseconds(),
            faults: Faults::default(),
            chance: Chance::new(settings.seed),
            ledger: Ledger::default(),
        };
        Self { settings, clock: Arc::new(Shown(clock)), inside: Mutex::new(inside) }
    }

    /// What it is.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What goes wrong from now on.
    pub fn faults(&self, faults: Faults) {
        self.inside().faults = faults;
    }

    /// What was done to the shop so far, by people and through the interface, in its order.
    #[must_use]
    pub fn ledger(&self) -> Vec<Entry> {
        self.inside().ledger.entries()
    }

    /// How many requests found too few points in the bucket.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.inside().bucket.spent.refused
    }

    /// What was asked of the bucket of points so far.
    #[must_use]
    pub fn points(&self) -> Points {
        self.inside().bucket.spent
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn graphql(&self, inside: &mut Inside, request: &Request<Bytes>, now: i64) -> Response<Bytes> {
        let token = request.headers().get("x-shopify-access-token").and_then(|token| token.to_str().ok());
        if token != Some(&self.settings.token) {
            let body =
                json!({ "errors": "[API] Invalid API key or access token (unrecognized login or wrong password)" });
            return json::answer(StatusCode::UNAUTHORIZED, &body);
        }
        if inside.chance.permille(inside.faults.busy) {
            let mut refused = json::answer(StatusCode::TOO_MANY_REQUESTS, &json!({ "errors": "Too Many Requests" }));
            refused.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("2.0"));
            return refused;
        }
        let failed =
            |message: &str, code: &str| json!({ "errors": [{ "message": message, "extensions": { "code": code } }] });
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let source = body["query"].as_str().unwrap_or_default();
        let question = match Question::parse(source, body["variables"].clone()) {
            Ok(question) => question,
            Err(message) => return json::answer(StatusCode::OK, &failed(&message, "GRAPHQL_PARSE_FAILED")),
        };
        let roots = question.roots();
        let is_mutation = question.is_mutation();
        let cost_of = |asked| if is_mutation { 10 + question.elements(asked) } else { cost_of(&asked.arguments) };
        let cost: i64 = roots.iter().map(cost_of).sum();
        let throttled = !inside.bucket.admit(cost, now) || inside.chance.permille(inside.faults.throttled);
        let mut extensions = json!({
            "cost": { "requestedQueryCost": cost, "actualQueryCost": cost, "throttleStatus": inside.bucket.status() },
        });
        if throttled {
            extensions["cost"]["actualQueryCost"] = Value::Null;
            let mut body = failed("Throttled", "THROTTLED");
            body["extensions"] = extensions;
            return json::answer(StatusCode::OK, &body);
        }
        if inside.chance.permille(inside.faults.failing) {
            return json::answer(StatusCode::BAD_GATEWAY, &json!({ "errors": "bad gateway" }));
        }
        let base =
            format!("http://{}", request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or(""));
        let (mut data, mut errors) = (Map::new(), Vec::new());
        for asked in &roots {
            let found =
                if question.is_mutation() { inside.mutate(asked, now) } else { inside.query(asked, now, &base) };
            match found.and_then(|found| question.project(asked, &found, query::listed)) {
                Ok(shown) => drop(data.insert(asked.key.to_owned(), shown)),
                Err(message) => {
                    data.insert(asked.key.to_owned(), Value::Null);
                    errors.push(
                        json!({ "message": message, "path": [asked.key], "extensions": { "code": "BAD_REQUEST" } }),
                    );
                }
            }
        }
        let mut body = json!({ "data": data, "extensions": extensions });
        if !errors.is_empty() {
            body["errors"] = errors.into();
        }
        json::answer(StatusCode::OK, &body)
    }
}

/// What a query's field costs at the root. Assumed: a point for each node that may come; a mutation costs ten, and a point
/// for each element of the lists that it may bring back.
fn cost_of(arguments: &Value) -> i64 {
    let named = arguments["ids"].as_array().map_or(1, Vec::len);
    arguments["first"].as_i64().unwrap_or_else(|| i64::try_from(named).unwrap_or(1)) + 2
}

impl Remote for Shopify {
    fn answer(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let now = self.clock.now();
        let mut guard = self.inside();
        let inside = &mut *guard;
        if inside.faults.down {
            return None;
        }
        inside.ledger.acts(None);
        let path = json::segments(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let answer = match (request.method().as_str(), path.as_slice()) {
            ("POST", ["admin", "api", version, "graphql.json"]) if *version == self.settings.version => {
                self.graphql(inside, request, now)
            }
            ("GET", ["bulk", id]) => inside.bulk.result(id, request, now),
            _ => json::answer(StatusCode::NOT_FOUND, &json!({ "errors": "Not Found" })),
        };
        let unanswered = answer.status().is_success() && inside.chance.permille(inside.faults.unanswered);
        (!unanswered).then_some(answer)
    }

    fn due(&self) -> Vec<Outgoing> {
        let now = self.clock.now();
        self.inside().webhooks.due(now)
    }

    fn is_unreachable(&self) -> bool {
        self.inside().faults.unreachable
    }

    fn answered(&self, sent: Outgoing, accepted: bool) {
        let now = self.clock.now();
        self.inside().webhooks.outbox.answered(sent.parcel, accepted, now);
    }

    fn next_due(&self) -> Option<i64> {
        self.inside().webhooks.outbox.next_due()
    }

    fn sent(&self) -> Sent {
        self.inside().webhooks.outbox.sent()
    }
}
