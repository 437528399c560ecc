//! NetSuite: OAuth 2 by signed assertion, token-based authentication, SuiteQL, records over REST.
//!
//! From the vendor's pages: the token endpoint and what an assertion must say, `Prefer: transient`, bound parameters,
//! pages of at most 1 000 rows, error bodies, instants in UTC from records and in the user's zone from SuiteQL. As others
//! have observed: rows that are stamped when a script begins and seen when it commits. Assumed: the address of an upsert,
//! the code of a refusal for too many requests at once. There are no webhooks.

mod catalogue;
mod job;
mod people;
mod record;
mod suiteql;
mod token;
mod token_based;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accordant::Clock;
use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::clock::{ClockOf, Shown};
use crate::ledger::{Did, Entry, Ledger};
use crate::limit::AtOnce;
use crate::{Chance, Faults, Remote, Traffic, json};

pub use token_based::TokenBased;

/// What an account is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The integration's client id.
    pub client: String,
    /// The id of the certificate that was uploaded for it.
    pub certificate: String,
    /// The certificate's public key, P-256, uncompressed.
    pub public_key: Vec<u8>,
    /// The zone of the integration's user, in which SuiteQL writes instants.
    pub zone: Tz,
    /// What faults are drawn from.
    pub seed: u64,
}

/// A NetSuite account.
#[derive(Debug)]
pub struct NetSuite {
    settings: Settings,
    token_based: Option<TokenBased>,
    clock: Arc<dyn ClockOf>,
    inside: Mutex<Inside>,
}

/// A row of a table, and what SuiteQL sees of it from when on.
#[derive(Debug, Clone, Default)]
struct Row {
    values: BTreeMap<String, String>,
    modified: i64,
    seen: Vec<(i64, Seen)>,
}

/// What SuiteQL sees of a row: its values, and when they were stamped.
#[derive(Debug, Clone)]
struct Seen {
    values: BTreeMap<String, String>,
    modified: i64,
}

#[derive(Debug)]
struct Inside {
    tables: BTreeMap<String, BTreeMap<u64, Row>>,
    /// Type, id, when.
    deleted: Vec<(String, u64, i64)>,
    next: u64,
    tokens: BTreeMap<String, i64>,
    /// What signed requests have carried.
    nonces: BTreeSet<String>,
    zone: Tz,
    faults: Faults,
    chance: Chance,
    ledger: Ledger,
    at_once: AtOnce,
    jobs: job::Jobs,
    catalogue: catalogue::Catalogue,
}

/// How SuiteQL is asked to write instants.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

impl NetSuite {
    /// An empty account.
    #[must_use]
    pub fn new(settings: Settings, clock: impl Clock) -> Self {
        let inside = Inside {
            tables: BTreeMap::new(),
            deleted: Vec::new(),
            next: 701,
            tokens: BTreeMap::new(),
            nonces: BTreeSet::new(),
            zone: settings.zone,
            faults: Faults::default(),
            chance: Chance::new(settings.seed),
            ledger: Ledger::default(),
            at_once: AtOnce::new(5),
            jobs: job::Jobs::default(),
            catalogue: catalogue::Catalogue::standard(),
        };
        Self { settings, token_based: None, clock: Arc::new(Shown(clock)), inside: Mutex::new(inside) }
    }

    /// Lets an application with a token ask by signatures, too.
    #[must_use]
    pub fn token_based(mut self, keys: TokenBased) -> Self {
        self.token_based = Some(keys);
        self
    }

    /// The same, which allows so many requests at once. By the vendor: 5, 15 or 20 by tier, and always 5 for developers, which
    /// is how it begins.
    #[must_use]
    pub fn at_once(self, limit: usize) -> Self {
        self.inside().at_once = AtOnce::new(limit);
        self
    }

    /// What goes wrong from now on.
    pub fn faults(&self, faults: Faults) {
        self.inside().faults = faults;
    }

    /// What was done to the account so far, by people and through the interface, in its order.
    #[must_use]
    pub fn ledger(&self) -> Vec<Entry> {
        self.inside().ledger.entries()
    }

    /// How many requests came at once.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.inside().at_once.traffic()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn routed(&self, inside: &mut Inside, request: &Request<Bytes>, now: i64) -> Response<Bytes> {
        let path = json::segments(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if path == ["services", "rest", "auth", "oauth2", "v1", "token"] {
            return self.grant(inside, request, now);
        }
        let token =
            request.headers().get("authorization").and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
        let bears = token.and_then(|token| inside.tokens.get(token)).is_some_and(|until| now < *until);
        if !bears && !self.is_signed(inside, request, now) {
            return refusal(StatusCode::UNAUTHORIZED, "INVALID_LOGIN", "Invalid login attempt.");
        }
        if inside.chance.permille(inside.faults.throttled) {
            return refusal(StatusCode::TOO_MANY_REQUESTS, "CONCURRENCY_LIMIT_EXCEEDED", "too many requests at once");
        }
        if inside.chance.permille(inside.faults.busy) {
            let mut refused = refusal(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "come back later");
            refused.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
            return refused;
        }
        if inside.chance.permille(inside.faults.failing) {
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "UNEXPECTED_ERROR", "An unexpected error occurred.");
        }
        match path.as_slice() {
            ["services", "rest", "query", "v1", "suiteql"] => inside.suiteql(request, now),
            ["services", "rest", "record", "v1", "metadata-catalog", rest @ ..] => {
                inside.catalogue.answer(rest, request)
            }
            ["services", "rest", "record", "v1", ..] if job::is_wanted(request) => inside.submit(request, now),
            ["services", "rest", "record", "v1", rest @ ..] => inside.record(rest, request, now),
            ["services", "rest", "async", "v1", "job", rest @ ..] => inside.job(rest),
            _ => refusal(StatusCode::NOT_FOUND, "NONEXISTENT_RECORD", "no such path"),
        }
    }
}

impl Inside {
    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Puts values into a row; nothing removes one. Of a child, the row does not say that it changed.
    fn put(
        &mut self,
        table: &str,
        id: u64,
        values: impl IntoIterator<Item = (String, Option<String>)>,
        now: i64,
        visible: i64,
        of_child: bool,
    ) {
        let rows = self.tables.entry(table.to_owned()).or_default();
        if !rows.contains_key(&id) {
            self.ledger.note(now, table, id, Did::Made);
        }
        let row = rows.entry(id).or_default();
        let before = row.values.clone();
        for (name, value) in values {
            match value.filter(|value| !value.is_empty()) {
                Some(value) => row.values.insert(name, value),
                None => row.values.remove(&name),
            };
        }
        row.values.insert("id".into(), id.to_string());
        if !of_child {
            row.modified = now;
        }
        row.seen.retain(|(from, _)| *from < visible);
        row.seen.push((visible, Seen { values: row.values.clone(), modified: row.modified }));
        self.ledger.compare(now, table, id, &before, &row.values);
    }

    fn remove(&mut self, table: &str, id: u64, now: i64) -> bool {
        let gone = self.tables.get_mut(table).and_then(|rows| rows.remove(&id)).is_some();
        if gone {
            self.deleted.push((table.to_owned(), id, now));
            self.ledger.note(now, table, id, Did::Gone);
        }
        gone
    }

    /// An instant as SuiteQL writes it: whole seconds, in the zone of the user.
    fn local(&self, at: i64) -> String {
        let at = DateTime::from_timestamp_millis(at).unwrap_or_default();
        at.with_timezone(&self.zone).format(FORMAT).to_string()
    }

    fn instant(&self, local: &str) -> Option<i64> {
        let local = NaiveDateTime::parse_from_str(local, FORMAT).ok()?;
        Some(self.zone.from_local_datetime(&local).earliest()?.timestamp_millis())
    }
}

/// An error, as the vendor writes it.
fn refusal(status: StatusCode, code: &str, detail: &str) -> Response<Bytes> {
    let body = json!({
        "type": "https://www.rfc-editor.org/rfc/rfc9110.html#section-15", "title": detail, "status": status.as_u16(),
        "o:errorDetails": [{ "detail": detail, "o:errorCode": code }],
    });
    json::answer(status, &body)
}

/// A page of rows.
fn page(items: Vec<Value>, offset: usize, total: usize, more: bool) -> Value {
    json!({
        "links": [], "count": items.len(), "hasMore": more, "items": items, "offset": offset, "totalResults": total,
    })
}

impl Remote for NetSuite {
    fn answer(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let now = self.clock.now();
        let mut guard = self.inside();
        let inside = &mut *guard;
        if inside.faults.down {
            return None;
        }
        inside.ledger.acts(None);
        inside.work(now);
        let answer = self.routed(inside, request, now);
        let unanswered = answer.status().is_success() && inside.chance.permille(inside.faults.unanswered);
        (!unanswered).then_some(answer)
    }

    fn arrives(&self) -> Option<Response<Bytes>> {
        let admitted = self.inside().at_once.arrives();
        (!admitted)
            .then(|| refusal(StatusCode::TOO_MANY_REQUESTS, "CONCURRENCY_LIMIT_EXCEEDED", "too many requests at once"))
    }

    fn leaves(&self) {
        self.inside().at_once.leaves();
    }
}
