//! Searches: over what the index shows, which is not always what there is.

use std::cmp::Ordering;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::Inside;
use super::records::Record;
use super::refusal::Refusal;
use crate::{instant, json};

/// The largest page.
const LARGEST_PAGE: usize = 200;
/// How far a query may be paged.
const FARTHEST: usize = 10_000;

impl Inside {
    /// A page of what matches.
    pub(super) fn search(&self, object: &str, body: &Value, now: i64) -> Result<Response<Bytes>, Refusal> {
        let known = self.properties.of(object)?;
        let limit = body["limit"].as_u64().map_or(10, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let after: usize = match &body["after"] {
            Value::Null => 0,
            after => json::text(after).and_then(|after| after.parse().ok()).ok_or_else(|| Refusal::bad("after"))?,
        };
        if limit == 0 || limit > LARGEST_PAGE {
            return Err(Refusal::bad(format!("limit must be between 1 and {LARGEST_PAGE}")));
        }
        if after.saturating_add(limit) > FARTHEST {
            return Err(Refusal::bad(format!("a query is paged up to {FARTHEST} results")));
        }
        let empty = Vec::new();
        let groups = body["filterGroups"].as_array().unwrap_or(&empty);
        for filter in groups.iter().flat_map(|group| group["filters"].as_array().into_iter().flatten()) {
            let name = filter["propertyName"].as_str().unwrap_or_default();
            if !known.contains_key(name) {
                return Err(Refusal::property("PROPERTY_DOESNT_EXIST", name, format!("there is no {name}")));
            }
        }
        let matches = |record: &&Record| {
            groups.is_empty()
                || groups.iter().any(|group| {
                    group["filters"].as_array().into_iter().flatten().all(|filter| holds(object, record, filter))
                })
        };
        let mut found: Vec<&Record> = self.records.indexed(object, now).filter(matches).collect();
        for sort in body["sorts"].as_array().into_iter().flatten().rev() {
            let (name, descending) = match sort.as_str() {
                Some(name) => (name.trim_start_matches('-'), name.starts_with('-')),
                None => (sort["propertyName"].as_str().unwrap_or_default(), sort["direction"] == "DESCENDING"),
            };
            let mut keyed: Vec<(Key, &Record)> =
                found.into_iter().map(|record| (Key::of(record.value(object, name)), record)).collect();
            keyed.sort_by(|(one, _), (other, _)| {
                let order = one.compare(other);
                if descending { order.reverse() } else { order }
            });
            found = keyed.into_iter().map(|(_, record)| record).collect();
        }
        let asked = json::texts(body, "properties");
        let total = found.len();
        let page: Vec<Value> = found
            .into_iter()
            .skip(after)
            .take(limit)
            .map(|record| record.json(object, &self.properties, &asked))
            .collect();
        let read = after.saturating_add(page.len());
        let mut body = json!({ "total": total, "results": page });
        if read < total {
            body["paging"] = json!({ "next": { "after": read.to_string() } });
        }
        Ok(json::answer(StatusCode::OK, &body))
    }
}

/// A value, read once for all comparisons.
struct Key {
    text: Option<String>,
    size: Option<i64>,
}

impl Key {
    fn of(text: Option<String>) -> Self {
        Self { size: text.as_deref().and_then(instant::parse), text }
    }

    /// Numbers and instants by their size, all else by its letters.
    fn compare(&self, other: &Self) -> Ordering {
        match (self.size, other.size) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => self.text.cmp(&other.text),
        }
    }
}

fn holds(object: &str, record: &Record, filter: &Value) -> bool {
    let held = record.value(object, filter["propertyName"].as_str().unwrap_or_default());
    let wanted = json::text(&filter["value"]);
    let listed = || json::texts(filter, "values");
    let order = |to: &Option<String>| Some(Key::of(Some(held.clone()?)).compare(&Key::of(Some(to.clone()?))));
    let word = || {
        let (held, wanted) = (held.as_deref().unwrap_or_default(), wanted.as_deref().unwrap_or_default());
        let wanted = wanted.trim_matches('*').to_lowercase();
        held.to_lowercase().split(|letter: char| !letter.is_alphanumeric()).any(|word| word == wanted)
    };
    match filter["operator"].as_str().unwrap_or_default() {
        "EQ" => order(&wanted) == Some(Ordering::Equal),
        "NEQ" => order(&wanted) != Some(Ordering::Equal),
        "LT" => order(&wanted) == Some(Ordering::Less),
        "LTE" => order(&wanted).is_some_and(Ordering::is_le),
        "GT" => order(&wanted) == Some(Ordering::Greater),
        "GTE" => order(&wanted).is_some_and(Ordering::is_ge),
        "BETWEEN" => {
            let high = json::text(&filter["highValue"]);
            order(&wanted).is_some_and(Ordering::is_ge) && order(&high).is_some_and(Ordering::is_le)
        }
        "IN" => held.as_ref().is_some_and(|held| listed().contains(held)),
        "NOT_IN" => held.as_ref().is_none_or(|held| !listed().contains(held)),
        "HAS_PROPERTY" => held.is_some(),
        "NOT_HAS_PROPERTY" => held.is_none(),
        "CONTAINS_TOKEN" => word(),
        "NOT_CONTAINS_TOKEN" => !word(),
        _ => false,
    }
}
