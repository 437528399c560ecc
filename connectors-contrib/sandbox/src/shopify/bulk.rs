//! Bulk operations: a query over everything, run aside, its result a file of lines.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, RANGE};
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Inside, Shopify};
use crate::graphql::Question;
use crate::{instant, json};

/// How the result of a bulk operation is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The operation fails, and has no file.
    Failed,
    /// Nobody knows the operation any more.
    Forgotten,
    /// It ended well, and no address is told.
    Unnamed,
    /// The address leads nowhere.
    Expired,
}

/// One operation: what it found when it began, and when it is done.
#[derive(Debug)]
struct Operation {
    lost: Option<Lost>,
    query: String,
    began: i64,
    ends: i64,
    lines: String,
    count: usize,
}

/// The operations of the shop.
#[derive(Debug, Default)]
pub(super) struct Bulk(BTreeMap<u64, Operation>);

impl Bulk {
    /// An operation as the interface shows it.
    pub(super) fn operation(&self, gid: &str, now: i64, base: &str) -> Value {
        let id = gid.rsplit('/').next().and_then(|id| id.parse::<u64>().ok());
        let Some((id, operation)) = id.and_then(|id| Some((id, self.0.get(&id)?))) else { return Value::Null };
        let done = now >= operation.ends;
        let status = match operation.lost {
            Some(Lost::Forgotten) => return Value::Null,
            Some(Lost::Failed) => "FAILED",
            Some(Lost::Unnamed | Lost::Expired) | None if done => "COMPLETED",
            Some(Lost::Unnamed | Lost::Expired) | None => "RUNNING",
        };
        let named = matches!(operation.lost, None | Some(Lost::Expired));
        let url = if done && named && operation.count > 0 { format!("{base}/bulk/{id}").into() } else { Value::Null };
        json!({
            "__typename": "BulkOperation", "id": gid, "status": status,
            "errorCode": null, "createdAt": instant::seconds(operation.began), "query": operation.query,
            "objectCount": operation.count.to_string(), "rootObjectCount": operation.count.to_string(), "url": url,
            "partialDataUrl": null, "type": "QUERY",
        })
    }

    /// The file of an operation that is done, or the part of it that is asked for.
    pub(super) fn result(&self, id: &str, request: &Request<Bytes>, now: i64) -> Response<Bytes> {
        let found = id.parse().ok().and_then(|id: u64| self.0.get(&id)).filter(|operation| now >= operation.ends);
        let found = found.filter(|operation| operation.lost.is_none());
        match found {
            Some(operation) => part(operation.lines.as_bytes(), request),
            None => json::empty(StatusCode::NOT_FOUND),
        }
    }
}

/// A file, or the part of it that `Range: bytes=first-last` asks for.
fn part(file: &[u8], request: &Request<Bytes>) -> Response<Bytes> {
    let asked = request.headers().get(RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    let Some((first, last)) = asked.and_then(|asked| asked.split_once('-')) else {
        return Response::new(Bytes::copy_from_slice(file));
    };
    let (first, last) = (first.parse().unwrap_or(0), last.parse().unwrap_or(usize::MAX));
    let end = last.saturating_add(1).min(file.len());
    let Some(part) = file.get(first..end).filter(|part| !part.is_empty()) else {
        return json::empty(StatusCode::RANGE_NOT_SATISFIABLE);
    };
    let mut answer = Response::new(Bytes::copy_from_slice(part));
    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    if let Ok(range) = format!("bytes {first}-{}/{}", end - 1, file.len()).parse() {
        answer.headers_mut().insert(CONTENT_RANGE, range);
    }
    answer
}

impl Shopify {
    /// Loses the results of all bulk operations that began so far.
    pub fn loses_results(&self, how: Lost) {
        for operation in self.inside().bulk.0.values_mut() {
            operation.lost = Some(how);
        }
    }
}

impl Inside {
    /// Begins an operation. One at a time, as before 2026-01.
    pub(super) fn run_bulk(
        &mut self,
        query: &str,
        grouped: bool,
        now: i64,
    ) -> Result<Value, (Vec<&'static str>, &'static str, String)> {
        let refused = |code, message: &str| Err((vec!["query"], code, message.to_owned()));
        if self.bulk.0.values().any(|operation| now < operation.ends) {
            return refused(
                "OPERATION_IN_PROGRESS",
                "A bulk query operation for this app and shop is already in progress",
            );
        }
        let Ok(question) = Question::parse(query, Value::Null) else { return refused("INVALID", "no such query") };
        let roots = question.roots();
        let kind = match roots.first().map(|asked| asked.name) {
            Some("customers") => "Customer",
            Some("orders") => "Order",
            Some("products") => "Product",
            Some("inventoryItems") => "InventoryItem",
            _ => return refused("INVALID", "no such connection"),
        };
        let nodes: Vec<Value> = match kind {
            "InventoryItem" => self.stocked_items(),
            _ => self.shop.all(kind).cloned().collect(),
        };
        // What is not to be grouped stands anywhere: here at the end.
        let (mut lines, mut behind, mut count) = (String::new(), String::new(), 0);
        for node in &nodes {
            let one = crate::graphql::connection(vec![node.clone()], false);
            let shown = roots.first().map(|asked| question.project(asked, &one, all));
            let Some(Ok(shown)) = shown else { return refused("INVALID", "a field that there is not") };
            let mut node = shown["edges"][0]["node"].clone();
            let below = take_below(&mut node);
            count += 1 + below.len();
            lines.push_str(&format!("{node}\n"));
            let at = if grouped { &mut lines } else { &mut behind };
            below.iter().for_each(|element| at.push_str(&format!("{element}\n")));
        }
        lines.push_str(&behind);
        let id = self.shop.fresh();
        let ends = now.saturating_add(self.bulk_runs);
        self.bulk.0.insert(id, Operation { lost: None, query: query.to_owned(), began: now, ends, lines, count });
        Ok(self.bulk.operation(&format!("gid://shopify/BulkOperation/{id}"), now, ""))
    }
}

/// A list within an object, of a bulk operation: whole, whatever its arguments.
fn all(nodes: &[Value], _: &Value) -> Result<Value, String> {
    Ok(crate::graphql::connection(nodes.to_vec(), false))
}

/// Takes the elements of a node's lists out of it: they have lines of their own, which name the node.
fn take_below(node: &mut Value) -> Vec<Value> {
    let id = node["id"].clone();
    let mut below = Vec::new();
    let Some(fields) = node.as_object_mut() else { return below };
    fields.retain(|_, value| {
        let Some(edges) = value.get("edges").and_then(Value::as_array) else { return true };
        below.extend(edges.iter().map(|edge| edge["node"].clone()));
        false
    });
    for element in &mut below {
        element["__parentId"] = id.clone();
    }
    below
}
