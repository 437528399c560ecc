//! Jobs: writes that NetSuite takes, and answers later. From the vendor's pages: where a job is found, that a repetition of its
//! key is answered with a refusal that leads to it, and how far it is. Assumed: that its list of tasks has their ids.

use accordant::connector::{Outcome, Write, WriteAction};
use accordant_http::{CallError, Response, Sleep};
use http::StatusCode;
use http::header::LOCATION;
use serde::Deserialize;

use crate::connector::NetSuite;
use crate::fault::unwritten;
use crate::wire::Refusal;

/// How far a job is, or one of its tasks.
#[derive(Deserialize)]
struct Progress {
    #[serde(default)]
    completed: bool,
    #[serde(default)]
    progress: String,
}

#[derive(Deserialize)]
struct Tasks {
    items: Vec<Task>,
}

#[derive(Deserialize)]
struct Task {
    id: String,
}

impl NetSuite {
    /// Sends a write, as a job if writes are jobs. The answer is that of the write itself.
    ///
    /// # Errors
    ///
    /// What became of the write if there is no such answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
        write: &Write,
    ) -> Result<Response, Outcome> {
        let archives = matches!(write.action, WriteAction::Archive { .. });
        let Some(sleep) = self.jobs.as_ref().filter(|_| !archives) else {
            return self.ask(method, path, body).await.map_err(|error| error.outcome());
        };
        let key = key(write);
        let named = [("x-netsuite-idempotency-key", key.as_str())];
        let answer = self
            .ask_as(method, path, body, ("prefer", "respond-async"), &named)
            .await
            .map_err(|error| error.outcome())?;
        let job = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok()).and_then(job_of);
        let repeats = answer.status() == StatusCode::BAD_REQUEST && is_repetition(&answer);
        match job {
            Some(job) if answer.status() == StatusCode::ACCEPTED || repeats => self.follow(&job, sleep.as_ref()).await,
            // It was taken, and nobody said where it is.
            None if answer.status() == StatusCode::ACCEPTED || repeats => Err(Outcome::Unknown),
            // It was answered at once, or refused at once.
            _ => Ok(answer),
        }
    }

    /// Follows a job to its end. What cannot be asked, and what takes too long, is unknown.
    async fn follow(&self, job: &str, sleep: &dyn Sleep) -> Result<Response, Outcome> {
        for _ in 0..self.settings.job_looks {
            let Some(progress) = self.told::<Progress>(job).await else { return Err(Outcome::Unknown) };
            if progress.completed {
                return self.end(job).await;
            }
            sleep.sleep(self.settings.job_wait).await;
        }
        Err(Outcome::Unknown)
    }

    /// What a job that is done was answered.
    async fn end(&self, job: &str) -> Result<Response, Outcome> {
        let tasks = self.told::<Tasks>(&format!("{job}/task")).await.ok_or(Outcome::Unknown)?;
        let [task] = tasks.items.as_slice() else { return Err(Outcome::Unknown) };
        if task.id.is_empty() || !task.id.bytes().all(|letter| letter.is_ascii_alphanumeric()) {
            return Err(Outcome::Unknown);
        }
        let task = format!("{job}/task/{}", task.id);
        let progress = self.told::<Progress>(&task).await.ok_or(Outcome::Unknown)?;
        let result = self.ask("GET", &format!("{task}/result"), None).await.map_err(|_: CallError| Outcome::Unknown)?;
        match progress.progress.as_str() {
            "succeeded" if result.status().is_success() => Ok(result),
            "failed" if !result.status().is_success() => Err(unwritten(&result)),
            _ => Err(Outcome::Unknown),
        }
    }

    async fn told<T: serde::de::DeserializeOwned>(&self, path: &str) -> Option<T> {
        let answer = self.ask("GET", path, None).await.ok()?;
        (answer.status() == StatusCode::OK).then(|| serde_json::from_slice(answer.body()).ok())?
    }
}

/// The operation's key, as a UUID: which is what the vendor's example shows.
fn key(write: &Write) -> String {
    let digits = write.idempotency_key.to_string();
    let digits: Vec<char> = digits.chars().filter(char::is_ascii_hexdigit).take(32).collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().iter().collect::<String>();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The path of a job, from its address: nothing else is followed.
fn job_of(location: &str) -> Option<String> {
    let id = location.split_once("/services/rest/async/v1/job/")?.1;
    let plain =
        !id.is_empty() && id.bytes().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_'));
    plain.then(|| format!("/services/rest/async/v1/job/{id}"))
}

fn is_repetition(answer: &Response) -> bool {
    let said: Refusal = serde_json::from_slice(answer.body()).unwrap_or_default();
    said.details.iter().any(|detail| detail.code == "IDEMPOTENCY_ERROR")
}
