//! Records over REST: read by id, made or changed by external id, changed, deleted.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value};

use super::{Inside, refusal};
use crate::json;

/// The table that a record type lives in. A company is a customer that is no person.
pub(super) fn table_of(kind: &str) -> String {
    match kind.to_lowercase().as_str() {
        "salesorder" => "transaction".to_owned(),
        "inventoryitem" => "item".to_owned(),
        other => other.to_owned(),
    }
}

impl Inside {
    pub(super) fn record(&mut self, path: &[&str], request: &Request<Bytes>, now: i64) -> Response<Bytes> {
        let missing = || refusal(StatusCode::NOT_FOUND, "NONEXISTENT_RECORD", "That record does not exist.");
        let [kind, key] = path else { return missing() };
        let table = table_of(kind);
        let external = key.strip_prefix("eid:");
        let id = match external {
            Some(external) => self.external(&table, external),
            None => key.parse().ok().filter(|id| self.tables.get(&table).is_some_and(|rows| rows.contains_key(id))),
        };
        match (request.method().as_str(), id) {
            ("GET", Some(id)) => self.show(&table, id, now),
            ("DELETE", Some(id)) => {
                self.remove(&table, id, now);
                json::empty(StatusCode::NO_CONTENT)
            }
            ("PATCH", Some(id)) => self.written(kind, &table, id, &[], request, now),
            ("PUT", known) => match external {
                Some(external) => {
                    let id = known.unwrap_or_else(|| self.fresh());
                    let mut own = vec![("externalid", external)];
                    if kind.eq_ignore_ascii_case("salesorder") {
                        own.push(("type", "SalesOrd"));
                    } else if kind.eq_ignore_ascii_case("inventoryitem") {
                        own.push(("itemtype", "InvtPart"));
                    }
                    self.written(kind, &table, id, &own, request, now)
                }
                None => missing(),
            },
            _ => missing(),
        }
    }

    fn external(&self, table: &str, external: &str) -> Option<u64> {
        let mut rows = self.tables.get(table)?.iter();
        rows.find(|(_, row)| row.values.get("externalid").is_some_and(|held| held == external)).map(|(id, _)| *id)
    }

    /// Names as records have them are those of columns, but for capitals; instants are in UTC. What no script has committed
    /// is seen by nobody.
    fn show(&self, table: &str, id: u64, now: i64) -> Response<Bytes> {
        let row = self.tables.get(table).and_then(|rows| rows.get(&id));
        let Some((_, row)) = row.and_then(|row| row.seen.iter().rev().find(|(from, _)| *from <= now)) else {
            return refusal(StatusCode::NOT_FOUND, "NONEXISTENT_RECORD", "That record does not exist.");
        };
        let mut shown: Map<String, Value> =
            row.values.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let at = DateTime::from_timestamp_millis(row.modified).unwrap_or_default();
        shown.insert("lastModifiedDate".into(), at.to_rfc3339_opts(SecondsFormat::Secs, true).into());
        json::answer(StatusCode::OK, &Value::Object(shown))
    }

    fn written(
        &mut self,
        kind: &str,
        table: &str,
        id: u64,
        own: &[(&str, &str)],
        request: &Request<Bytes>,
        now: i64,
    ) -> Response<Bytes> {
        let strict = ["x-netsuite-propertynamevalidation", "x-netsuite-propertyvaluevalidation"];
        if !strict.iter().all(|name| request.headers().get(*name).is_some_and(|value| value == "Error")) {
            return refusal(StatusCode::BAD_REQUEST, "INVALID_HEADER", "the sandbox asks for strict validation");
        }
        let Ok(Value::Object(body)) = serde_json::from_slice(request.body()) else {
            return refusal(StatusCode::BAD_REQUEST, "INVALID_CONTENT", "Invalid content in the request body.");
        };
        let mut values: Vec<(String, Option<String>)> =
            own.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect();
        for (name, value) in &body {
            let bad = |code: &str| {
                let detail = format!("Error while accessing a resource. Invalid value for {name}");
                let mut refused = refusal(StatusCode::BAD_REQUEST, code, &detail);
                let mut body: Value = serde_json::from_slice(refused.body()).unwrap_or_default();
                body["o:errorDetails"][0]["o:errorPath"] = name.as_str().into();
                *refused.body_mut() = Bytes::from(body.to_string());
                refused
            };
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(flag) => Some(if *flag { "T" } else { "F" }.to_owned()),
                // A reference names a record.
                Value::Object(reference) => match reference.get("id").and_then(json::text) {
                    Some(id) => Some(id),
                    None => return bad("INVALID_KEY_OR_REF"),
                },
                Value::Array(_) => return bad("INVALID_VALUE"),
            };
            if name == "email" && text.as_ref().is_some_and(|email| !email.contains('@')) {
                return bad("INVALID_VALUE");
            }
            let is_gone = self.catalogue.is_retired(table, &name.to_lowercase());
            if is_gone || name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("nosuchfield") {
                return bad("INVALID_PROPERTY");
            }
            values.push((name.to_lowercase(), text));
        }
        if self.chance.permille(self.faults.refused_items) {
            return refusal(StatusCode::BAD_REQUEST, "USER_ERROR", "refused: a fault of the sandbox");
        }
        // Assumed: the code of a record that somebody else has begun to change.
        let row = self.tables.get(table).and_then(|rows| rows.get(&id));
        if row.is_some_and(|row| row.seen.iter().any(|(from, _)| *from > now)) {
            return refusal(StatusCode::BAD_REQUEST, "RCRD_HAS_BEEN_CHANGED", "Record has been changed.");
        }
        self.put(table, id, values, now, now, false);
        let mut answer = json::empty(StatusCode::NO_CONTENT);
        if let Ok(location) = format!("/services/rest/record/v1/{kind}/{id}").parse() {
            answer.headers_mut().insert(http::header::LOCATION, location);
        }
        answer
    }
}
