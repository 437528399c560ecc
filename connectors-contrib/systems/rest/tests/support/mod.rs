//! A help desk on loopback: users, in every manner that lists are paged in, with versions, keys and failures.

#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use accordant::{Clock as _, ManualClock};
use accordant_sandbox::Remote;
use bytes::Bytes;
use chrono::DateTime;
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};

/// A user as the desk keeps it.
#[derive(Clone)]
struct User {
    fields: Map<String, Value>,
    modified: i64,
    version: u64,
    /// When lists begin to show it.
    shown: i64,
}

#[derive(Default)]
struct State {
    /// How much later lists show what changes.
    late: i64,
    down: bool,
    users: BTreeMap<u64, User>,
    requests: Vec<(String, String)>,
    /// What becomes of the next writes.
    faults: VecDeque<Fault>,
    headers: BTreeSet<String>,
    /// How often each header came with the last request.
    last: BTreeMap<String, usize>,
    /// What a cursor of the system's is answered with, where it has expired.
    expired: Option<StatusCode>,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It has its effect, and nobody hears of it.
    AnswerLost,
    /// It has none, and the server says that it failed.
    Failed,
    /// Too many requests, and when to come back.
    Throttled,
    /// Somebody else writes the record first.
    Overtaken,
    /// It has none, and this is the answer.
    Answered(u16),
}

/// The desk. Clones share its state.
#[derive(Clone)]
pub(crate) struct Desk {
    clock: Arc<ManualClock>,
    state: Arc<Mutex<State>>,
}

impl Desk {
    pub(crate) fn new(clock: &Arc<ManualClock>) -> Self {
        Self { clock: clock.clone(), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// From now on the system's own cursors are answered so.
    pub(crate) fn expires(&self, status: Option<u16>) {
        self.state().expired = status.map(|status| StatusCode::from_u16(status).unwrap());
    }

    /// How often each header came with the last request.
    pub(crate) fn last_headers(&self) -> BTreeMap<String, usize> {
        self.state().last.clone()
    }

    pub(crate) fn down(&self, down: bool) {
        self.state().down = down;
    }

    /// Lists show what changes from now on so much later.
    pub(crate) fn late(&self, by: chrono::TimeDelta) {
        self.state().late = by.num_milliseconds();
    }

    /// An agent makes a user.
    pub(crate) fn make(&self, fields: &Value) -> u64 {
        let now = self.clock.now();
        let mut state = self.state();
        let id = state.users.keys().last().map_or(1, |last| last + 1);
        state.put(id, fields.as_object().unwrap(), now);
        id
    }

    /// An agent changes a user, or makes one.
    pub(crate) fn edit(&self, id: u64, fields: &Value) {
        let now = self.clock.now();
        self.state().put(id, fields.as_object().unwrap(), now);
    }

    pub(crate) fn delete(&self, id: u64) {
        self.state().users.remove(&id);
    }

    pub(crate) fn users(&self) -> Vec<Value> {
        self.state().users.iter().map(|(id, user)| user.json(*id)).collect()
    }

    pub(crate) fn user(&self, email: &str) -> Value {
        let found: Vec<Value> = self.users().into_iter().filter(|user| user["email"] == email).collect();
        assert_eq!(found.len(), 1, "{email}: {found:?}");
        found[0].clone()
    }

    /// Requests so far: method, and path with query.
    pub(crate) fn requests(&self) -> Vec<(String, String)> {
        self.state().requests.clone()
    }

    /// The names of headers that were ever seen.
    pub(crate) fn saw_header(&self, name: &str) -> bool {
        self.state().headers.contains(name)
    }
}

impl User {
    fn json(&self, id: u64) -> Value {
        let at = DateTime::from_timestamp_millis(self.modified).unwrap();
        let mut fields = self.fields.clone();
        fields.insert("id".into(), id.into());
        fields.insert("version".into(), self.version.into());
        fields.insert("updated_at".into(), at.format("%Y-%m-%dT%H:%M:%SZ").to_string().into());
        Value::Object(fields)
    }
}

impl State {
    fn put(&mut self, id: u64, fields: &Map<String, Value>, now: i64) {
        let user = self.users.entry(id).or_insert(User { fields: Map::new(), modified: 0, version: 0, shown: 0 });
        merge(&mut user.fields, fields);
        (user.modified, user.version, user.shown) = (now, user.version + 1, now + self.late);
    }

    /// Answers; `None`: the answer is lost.
    fn answer(&mut self, request: &Request<Bytes>, now: i64) -> Option<Response<Bytes>> {
        let query: Vec<(String, String)> = query(request.uri().query().unwrap_or_default());
        let given = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let number = |name: &str| given(name).and_then(|value| value.parse::<usize>().ok());
        let fault = if request.method() == http::Method::GET { None } else { self.faults.pop_front() };
        match fault {
            Some(Fault::Failed) => return Some(said(StatusCode::SERVICE_UNAVAILABLE, &json!({}))),
            Some(Fault::Throttled) => {
                let mut answer = said(StatusCode::TOO_MANY_REQUESTS, &json!({}));
                answer.headers_mut().insert("retry-after", "7".parse().unwrap());
                return Some(answer);
            }
            Some(Fault::Answered(status)) => {
                return Some(said(StatusCode::from_u16(status).unwrap(), &json!({})));
            }
            _ => {}
        }
        let path = request.uri().path();
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        if self.down {
            return Some(said(StatusCode::SERVICE_UNAVAILABLE, &json!({})));
        }
        let shown = |user: &User| user.shown <= now;
        let all: Vec<Value> = self.users.iter().map(|(id, user)| user.json(*id)).collect();
        let ok = |body: Value| Some(said(StatusCode::OK, &body));
        match (request.method().as_str(), segments.as_slice()) {
            // By a cursor that the answer carries: the last id.
            ("GET", ["users.json"]) => {
                let rows = number("page[size]").unwrap_or(100);
                let after: u64 = given("page[after]").map_or(0, |after| after.parse().unwrap());
                let behind: Vec<Value> = all.into_iter().filter(|user| user["id"].as_u64() > Some(after)).collect();
                let page: Vec<Value> = behind.iter().take(rows).cloned().collect();
                let cursor = page.last().map(|user| user["id"].to_string());
                ok(json!({ "users": page, "meta": { "has_more": behind.len() > rows, "after_cursor": cursor } }))
            }
            // By the `Link` header.
            ("GET", ["linked"]) => {
                let at = number("at").unwrap_or(0);
                let page: Vec<&Value> = all.iter().skip(at).take(2).collect();
                let mut answer = said(StatusCode::OK, &json!(page));
                if all.len() > at + 2 {
                    let link = match given("to") {
                        Some(host) => format!("<https://{host}/linked?at={}>; rel=\"next\"", at + 2),
                        None => format!("</linked?at={}>; rel=\"next\"", at + 2),
                    };
                    answer.headers_mut().insert("link", link.parse().unwrap());
                }
                Some(answer)
            }
            ("GET", ["counted"]) => {
                let rows = number("rows").unwrap_or(2).min(number("cap").unwrap_or(usize::MAX));
                let at = number("skip").unwrap_or_else(|| (number("page").unwrap() - 1) * rows);
                if given("strict").is_some() && at > 0 && at >= all.len() {
                    return Some(said(StatusCode::NOT_FOUND, &json!({ "error": "NoSuchPage" })));
                }
                let at = if given("deaf").is_some() { 0 } else { at };
                ok(json!(all.iter().skip(at).take(rows).collect::<Vec<_>>()))
            }
            // Whatever is asked for.
            ("GET", ["said"]) => ok(serde_json::from_str(given("body").unwrap()).unwrap()),
            // By links that begin where the page is.
            ("GET", ["deep", "pages"]) => {
                let at = number("at").unwrap_or(0);
                let spelled = given("spelled").unwrap_or("pages");
                let next = format!("{spelled}?at={}&spelled={spelled}", at + 2);
                let next = (all.len() > at + 2).then(|| next.trim_start_matches("here").to_owned());
                ok(json!({ "users": all.iter().skip(at).take(2).collect::<Vec<_>>(), "next": next }))
            }
            // What changed, oldest first, from an instant on.
            ("GET", ["since"]) => {
                let from = DateTime::parse_from_rfc3339(given("from").unwrap()).unwrap().timestamp_millis();
                let rows = number("rows").unwrap();
                let mut changed: Vec<(i64, u64)> =
                    self.users.iter().map(|(id, user)| (user.modified, *id)).filter(|(at, _)| *at >= from).collect();
                changed.retain(|(_, id)| shown(&self.users[id]));
                changed.sort_unstable();
                if let Some(behind) = number("after_id") {
                    changed.retain(|row| *row > (from, behind as u64));
                }
                let page = changed.iter().take(rows).map(|(_, id)| self.users[id].json(*id));
                ok(json!(page.collect::<Vec<_>>()))
            }
            // The same by a cursor, as Zendesk has it: the cursor never ends, a flag says when it is enough.
            ("GET", ["incremental", "users", "cursor.json"]) => {
                let rows = number("per_page").unwrap_or(100);
                if let (Some(status), Some(_)) = (self.expired, given("cursor")) {
                    return Some(said(status, &json!({ "error": "Expired" })));
                }
                let (from, skip) = match given("cursor") {
                    Some(cursor) => {
                        let (from, skip) = cursor.split_once('-').unwrap();
                        (from.parse::<i64>().unwrap(), skip.parse::<usize>().unwrap())
                    }
                    None => (given("start_time").unwrap().parse().unwrap(), 0),
                };
                let mut changed: Vec<(i64, u64)> = self.users.iter().map(|(id, user)| (user.modified, *id)).collect();
                changed.retain(|(at, id)| *at >= from * 1_000 && shown(&self.users[id]));
                changed.sort_unstable();
                let page: Vec<Value> =
                    changed.iter().skip(skip).take(rows).map(|(_, id)| self.users[id].json(*id)).collect();
                let ended = changed.len() <= skip + rows;
                let cursor = format!("{from}-{}", skip + page.len());
                ok(json!({ "users": page, "after_cursor": cursor, "end_of_stream": ended }))
            }
            // A search that is not exact, as searches are.
            ("GET", ["users", "search.json"]) => {
                let key = given("external_id").unwrap();
                let alike = |user: &&Value| user["external_id"].as_str().is_some_and(|held| held.starts_with(key));
                ok(json!({ "users": all.iter().filter(alike).collect::<Vec<_>>() }))
            }
            ("POST", ["users.json"]) => {
                let sent: Value = serde_json::from_slice(request.body()).unwrap();
                let fields = sent["user"].as_object().unwrap();
                if fields.get("email").is_some_and(|email| email == "ill") {
                    let refusal = json!({ "error": "RecordInvalid", "details": "ill is no address" });
                    return Some(said(StatusCode::UNPROCESSABLE_ENTITY, &refusal));
                }
                let taken = all.iter().any(|user| user["external_id"] == fields["external_id"]);
                if taken {
                    return Some(said(StatusCode::CONFLICT, &json!({ "error": "Taken" })));
                }
                let id = self.users.keys().last().map_or(1, |last| last + 1);
                self.put(id, fields, now);
                if fault == Some(Fault::AnswerLost) {
                    return None;
                }
                Some(said(StatusCode::CREATED, &json!({ "user": self.users[&id].json(id) })))
            }
            (method, ["users", name]) => {
                let id: u64 = name.trim_end_matches(".json").parse().unwrap_or(0);
                let Some(user) = self.users.get(&id).cloned() else {
                    return Some(said(StatusCode::NOT_FOUND, &json!({ "error": "RecordNotFound" })));
                };
                if method == "GET" {
                    let mut answer = said(StatusCode::OK, &json!({ "user": user.json(id) }));
                    answer.headers_mut().insert("etag", format!("\"{}\"", user.version).parse().unwrap());
                    return Some(answer);
                }
                if fault == Some(Fault::Overtaken) {
                    self.put(id, json!({ "notes": "somebody was here" }).as_object().unwrap(), now);
                }
                let etag = format!("\"{}\"", self.users[&id].version);
                if request.headers().get("if-match").is_some_and(|given| given.as_bytes() != etag.as_bytes()) {
                    return Some(said(StatusCode::PRECONDITION_FAILED, &json!({ "error": "Conflict" })));
                }
                if method == "DELETE" {
                    self.users.remove(&id);
                    return Some(said(StatusCode::NO_CONTENT, &Value::Null));
                }
                let sent: Value = serde_json::from_slice(request.body()).unwrap();
                let fields = sent["user"].as_object().unwrap();
                if given("whole").is_some() {
                    self.users.get_mut(&id).unwrap().fields.clear();
                }
                self.put(id, fields, now);
                if fault == Some(Fault::AnswerLost) {
                    return None;
                }
                ok(json!({ "user": self.users[&id].json(id) }))
            }
            _ => Some(said(StatusCode::NOT_FOUND, &json!({ "error": "NoSuchPath" }))),
        }
    }
}

impl Remote for Desk {
    fn answer(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let now = self.clock.now();
        let mut state = self.state();
        let place = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        state.requests.push((request.method().to_string(), place));
        state.last.clear();
        for name in request.headers().keys() {
            let count = request.headers().get_all(name).iter().count();
            state.last.insert(name.to_string(), count);
        }
        state.headers.extend(request.headers().keys().map(ToString::to_string));
        state.answer(request, now)
    }
}

fn said(status: StatusCode, body: &Value) -> Response<Bytes> {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    Response::builder().status(status).body(body).unwrap()
}

fn query(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, Value::Null) => drop(into.remove(name)),
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}
