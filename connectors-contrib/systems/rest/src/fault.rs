//! What a refusal means. One table, for reads and for writes.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Outcome, Retry};
use accordant::model::Path;
use accordant_http::{Response, retry_after};
use http::StatusCode;

use crate::answer;
use crate::connector::Rest;

impl Rest {
    /// Why, without values: the status, and the system's own code for it.
    fn reason(&self, answer: &Response) -> String {
        let code = self.description.error_code.as_deref().and_then(|path| {
            let body = answer::whole(answer.body())?;
            answer::text(answer::at(body, &Path::new(path))?)
        });
        match code {
            Some(code) => format!("{}: {code}", answer.status()),
            None => answer.status().to_string(),
        }
    }

    /// A read that was answered with an error.
    pub(crate) fn unread(&self, answer: &Response, doing: &str) -> ConnectorError {
        let told = format!("{} refuses to {doing}: {}", self.description.system, self.reason(answer));
        match answer.status() {
            // A permission that is missing is given by a person, some time.
            StatusCode::FORBIDDEN => ConnectorError::new(ConnectorErrorKind::Denied, told).retry(Retry::Backoff),
            StatusCode::NOT_FOUND => ConnectorError::new(ConnectorErrorKind::Unsupported, told),
            _ => ConnectorError::new(ConnectorErrorKind::Malformed, told),
        }
    }

    /// A write to a record that was there when we looked, answered with an error.
    pub(crate) fn unwritten(&self, answer: &Response) -> Outcome {
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
                Outcome::Stale
            }
            _ => self.refused(answer),
        }
    }

    /// A write that the system does not take, or not now.
    pub(crate) fn refused(&self, answer: &Response) -> Outcome {
        match answer.status() {
            // Nobody knows how far it came.
            StatusCode::REQUEST_TIMEOUT => return Outcome::Unknown,
            StatusCode::LOCKED | StatusCode::TOO_EARLY => {
                return Outcome::Deferred { after: retry_after(answer.headers(), self.clock.now()) };
            }
            _ => {}
        }
        Outcome::Refused { reason: self.reason(answer).into() }
    }
}

pub(crate) fn refused(why: &str) -> Outcome {
    Outcome::Refused { reason: why.into() }
}
