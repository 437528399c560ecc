//! Jobs: requests about records that are answered later. From the vendor's pages: addresses, how far a job is, and that a key
//! that comes again is refused with the address of the first job. Assumed: that a job has one task, and that its result is the
//! answer that there would have been at once.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::json;

use super::{Inside, NetSuite, refusal};
use crate::json;

/// The jobs of the account.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    all: BTreeMap<u64, Job>,
    keys: BTreeMap<String, u64>,
    /// How long a job waits, in milliseconds.
    runs: i64,
}

#[derive(Debug)]
struct Job {
    request: Request<Bytes>,
    ends: i64,
    result: Option<Response<Bytes>>,
}

/// Whether a request is to be answered later.
pub(super) fn is_wanted(request: &Request<Bytes>) -> bool {
    request.headers().get("prefer").is_some_and(|prefer| prefer == "respond-async")
}

impl NetSuite {
    /// How long jobs wait from now on.
    pub fn jobs_run(&self, wait: chrono::TimeDelta) {
        self.inside().jobs.runs = wait.num_milliseconds();
    }

    /// How many jobs were taken.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.inside().jobs.all.len()
    }
}

impl Inside {
    /// Takes a job, unless its key was there before.
    pub(super) fn submit(&mut self, request: &Request<Bytes>, now: i64) -> Response<Bytes> {
        let key = request.headers().get("x-netsuite-idempotency-key").and_then(|key| key.to_str().ok());
        let known = key.and_then(|key| self.jobs.keys.get(key)).copied();
        let (mut answer, id) = match known {
            Some(id) => (refusal(StatusCode::BAD_REQUEST, "IDEMPOTENCY_ERROR", "submitted before: see Location"), id),
            None => {
                let id = self.fresh();
                self.jobs.keys.extend(key.map(|key| (key.to_owned(), id)));
                let ends = now.saturating_add(self.jobs.runs);
                self.jobs.all.insert(id, Job { request: request.clone(), ends, result: None });
                (json::empty(StatusCode::ACCEPTED), id)
            }
        };
        if let Ok(location) = HeaderValue::from_str(&format!("/services/rest/async/v1/job/{id}")) {
            answer.headers_mut().insert(LOCATION, location);
        }
        answer
    }

    /// Does what is due.
    pub(super) fn work(&mut self, now: i64) {
        let due = self.jobs.all.iter().filter(|(_, job)| job.result.is_none() && job.ends <= now);
        let due: Vec<(u64, Request<Bytes>)> = due.map(|(id, job)| (*id, job.request.clone())).collect();
        for (id, request) in due {
            let path = json::segments(&request);
            let path: Vec<&str> = path.iter().skip(4).map(String::as_str).collect();
            let result = self.record(&path, &request, now);
            if let Some(job) = self.jobs.all.get_mut(&id) {
                job.result = Some(result);
            }
        }
    }

    /// A job, its tasks, its task, or the result of that.
    pub(super) fn job(&self, path: &[&str]) -> Response<Bytes> {
        let missing = || refusal(StatusCode::NOT_FOUND, "NONEXISTENT_RECORD", "no such job");
        let Some((id, rest)) = path.split_first() else { return missing() };
        let Some(job) = id.parse().ok().and_then(|id: u64| self.jobs.all.get(&id)) else { return missing() };
        let progress = match &job.result {
            None => "pending",
            Some(result) if result.status().is_success() => "succeeded",
            Some(_) => "failed",
        };
        let shown =
            |id: &str| json!({ "links": [], "id": id, "completed": job.result.is_some(), "progress": progress });
        match (rest, &job.result) {
            ([], _) => json::answer(StatusCode::OK, &shown(id)),
            (["task"], _) => {
                json::answer(StatusCode::OK, &json!({ "links": [], "items": [{ "id": "1", "links": [] }] }))
            }
            (["task", "1"], _) => json::answer(StatusCode::OK, &shown("1")),
            (["task", "1", "result"], Some(result)) => result.clone(),
            _ => missing(),
        }
    }
}
