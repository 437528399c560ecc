//! Batches: many records in one request, each with an end of its own.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Act, Inside};
use crate::{instant, json};

/// The most items of a batch.
const MOST: usize = 100;

impl Inside {
    /// A batch of one object type.
    pub(super) fn batch(
        &mut self,
        object: &str,
        what: &str,
        archived: bool,
        body: &Value,
        act: Act<'_>,
    ) -> Result<Response<Bytes>, Refusal> {
        self.properties.of(object)?;
        let inputs = body["inputs"].as_array().ok_or_else(|| Refusal::bad("inputs is required"))?;
        if inputs.len() > MOST {
            return Err(Refusal::bad(format!("a batch has at most {MOST} items")));
        }
        if what == "archive" {
            for input in inputs {
                if let Some(id) = input["id"].as_str().and_then(|id| id.parse().ok()) {
                    // What is not there is archived enough.
                    drop(self.archive(object, id, act));
                }
            }
            return Ok(json::empty(StatusCode::NO_CONTENT));
        }
        if what == "read" {
            return Ok(self.batch_read(object, archived, body, inputs, act.at));
        }
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        // Without a name for each item nobody could tell which failed: then the whole batch fails with the first.
        let traced = inputs.iter().all(|input| input["objectWriteTraceId"].is_string());
        if what == "create" && !traced {
            for input in inputs {
                self.properties.accept(object, &input["properties"])?;
            }
        }
        for input in inputs {
            match self.item(object, what, input, act) {
                Ok(mut result) => {
                    if input["objectWriteTraceId"].is_string() {
                        result["objectWriteTraceId"] = input["objectWriteTraceId"].clone();
                    }
                    results.push(result);
                }
                Err(refusal) if what == "create" && !traced => return Err(refusal),
                Err(mut refusal) => {
                    if let Some(trace) = input["objectWriteTraceId"].as_str() {
                        refusal = refusal.about("objectWriteTraceId", trace);
                    }
                    if let Some(id) = input["id"].as_str() {
                        refusal = refusal.about("ids", id);
                    }
                    errors.push(refusal.item());
                }
            }
        }
        let whole = if what == "create" { StatusCode::CREATED } else { StatusCode::OK };
        let status = if errors.is_empty() { whole } else { StatusCode::MULTI_STATUS };
        Ok(json::answer(status, &complete(results, errors, act.at)))
    }

    fn item(&mut self, object: &str, what: &str, input: &Value, act: Act<'_>) -> Result<Value, Refusal> {
        if self.chance.permille(self.faults.refused_items) {
            return Err(Refusal::bad("this item is refused: a fault of the sandbox"));
        }
        let values = &input["properties"];
        let id = || input["id"].as_str().ok_or_else(|| Refusal::bad("id is required"));
        let property = input["idProperty"].as_str();
        match what {
            "create" => {
                let id = self.create(object, values, act)?;
                for association in input["associations"].as_array().into_iter().flatten() {
                    let to = association["to"]["id"].as_str().and_then(|id| id.parse().ok());
                    let kinds = super::associations::kinds(&association["types"]);
                    let other = kinds.first().map_or("companies", |(_, number)| object_of(*number));
                    if let Some(to) = to {
                        self.associate(&(object.to_owned(), id), &(other.to_owned(), to), kinds, act)?;
                    }
                }
                Ok(self.written(object, id, values))
            }
            "update" => {
                let found = self.named(object, id()?, property).map(|record| record.id);
                let found = found.ok_or_else(|| Refusal::not_found("resource not found"))?;
                let id = self.update(object, found, values, act)?;
                Ok(self.written(object, id, values))
            }
            "upsert" => {
                let (named, property) = (id()?, property.unwrap_or("hs_object_id"));
                let (id, new) = match self.named(object, named, Some(property)).map(|record| record.id) {
                    Some(found) => (self.update(object, found, values, act)?, false),
                    None if property == "hs_object_id" => return Err(Refusal::not_found("resource not found")),
                    None => {
                        let mut values = values.clone();
                        values[property] = named.into();
                        (self.create(object, &values, act)?, true)
                    }
                };
                let mut result = self.written(object, id, values);
                result["new"] = new.into();
                Ok(result)
            }
            _ => Err(Refusal::not_found("no such batch")),
        }
    }

    fn batch_read(&self, object: &str, archived: bool, body: &Value, inputs: &[Value], now: i64) -> Response<Bytes> {
        let asked = json::texts(body, "properties");
        let property = body["idProperty"].as_str();
        let mut results: Vec<Value> = Vec::new();
        let mut missing = Vec::new();
        for input in inputs {
            let id = input["id"].as_str().unwrap_or_default();
            let found = if archived {
                id.parse().ok().and_then(|id| self.records.get(object, id)).filter(|record| record.archived.is_some())
            } else {
                self.named(object, id, property)
            };
            match found {
                Some(record) => {
                    let shown = record.json(object, &self.properties, &asked);
                    // Two ids of one record are answered once.
                    if !results.contains(&shown) {
                        results.push(shown);
                    }
                }
                None => missing.push(id.to_owned()),
            }
        }
        if missing.is_empty() {
            return json::answer(StatusCode::OK, &complete(results, Vec::new(), now));
        }
        let mut error = Refusal::not_found("Could not get some objects, they may be deleted or not exist.").item();
        error["context"] = json!({ "ids": missing });
        json::answer(StatusCode::MULTI_STATUS, &complete(results, vec![error], now))
    }
}

/// The other end of a kind of association.
fn object_of(kind: u64) -> &'static str {
    match kind {
        2 | 3 => "contacts",
        4 | 6 => "deals",
        19 => "line_items",
        _ => "companies",
    }
}

/// A batch that has come to its end.
pub(super) fn complete(results: Vec<Value>, errors: Vec<Value>, now: i64) -> Value {
    let at = instant::millis(now);
    let mut body =
        json!({ "status": "COMPLETE", "results": results, "requestedAt": at, "startedAt": at, "completedAt": at });
    if !errors.is_empty() {
        body["numErrors"] = errors.len().into();
        body["errors"] = Value::Array(errors);
    }
    body
}
