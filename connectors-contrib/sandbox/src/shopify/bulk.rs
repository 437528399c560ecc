//! Bulk operations: a query over everything, run aside, its result a file of lines.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::Inside;
use crate::graphql::Question;
use crate::{instant, json};

/// One operation: what it found when it began, and when it is done.
#[derive(Debug)]
struct Operation {
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
        let url = if done && operation.count > 0 { format!("{base}/bulk/{id}").into() } else { Value::Null };
        json!({
            "__typename": "BulkOperation", "id": gid, "status": if done { "COMPLETED" } else { "RUNNING" },
            "errorCode": null, "createdAt": instant::seconds(operation.began), "query": operation.query,
            "objectCount": operation.count.to_string(), "rootObjectCount": operation.count.to_string(), "url": url,
            "partialDataUrl": null, "type": "QUERY",
        })
    }

    /// The file of an operation that is done.
    pub(super) fn result(&self, id: &str, now: i64) -> Response<Bytes> {
        let found = id.parse().ok().and_then(|id: u64| self.0.get(&id)).filter(|operation| now >= operation.ends);
        match found {
            Some(operation) => Response::new(Bytes::from(operation.lines.clone())),
            None => json::empty(StatusCode::NOT_FOUND),
        }
    }
}

impl Inside {
    /// Begins an operation. One at a time, as before 2026-01.
    pub(super) fn run_bulk(
        &mut self,
        query: &str,
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
            _ => return refused("INVALID", "no such connection"),
        };
        let nodes: Vec<Value> = self.shop.all(kind).cloned().collect();
        let mut lines = String::new();
        for node in &nodes {
            let one = crate::graphql::connection(vec![node.clone()], false);
            let shown = roots.first().map(|asked| question.project(asked, &one));
            let Some(Ok(shown)) = shown else { return refused("INVALID", "a field that there is not") };
            lines.push_str(&shown["edges"][0]["node"].to_string());
            lines.push('\n');
        }
        let id = self.shop.fresh();
        let ends = now.saturating_add(self.bulk_runs);
        self.bulk.0.insert(id, Operation { query: query.to_owned(), began: now, ends, lines, count: nodes.len() });
        Ok(self.bulk.operation(&format!("gid://shopify/BulkOperation/{id}"), now, ""))
    }
}
