//! What a refusal means. One table, for reads and for writes.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Outcome, Retry};
use accordant::text::Text;
use accordant_http::Response;
use http::StatusCode;

use crate::wire::Refusal;

/// Why, without values: codes, and the fields that they are about.
fn reason(answer: &Response) -> String {
    let said: Refusal = serde_json::from_slice(answer.body()).unwrap_or_default();
    let told = said.details.iter().map(|detail| match &detail.path {
        Some(path) => format!("{path} {}", detail.code),
        None => detail.code.clone(),
    });
    let told = told.collect::<Vec<_>>().join("; ");
    if told.is_empty() { answer.status().to_string() } else { told }
}

/// The column that a query named and its table does not have, in small letters. As others have observed: the refusal names it.
pub(crate) fn unknown_identifier(answer: &Response) -> Option<String> {
    let said: Refusal = serde_json::from_slice(answer.body()).ok()?;
    said.details.iter().find_map(|detail| {
        let (_, behind) = detail.detail.split_once("Unknown identifier '")?;
        Some(behind.split_once('\'')?.0.to_ascii_lowercase())
    })
}

/// A read that was answered with an error.
pub(crate) fn unread(answer: &Response) -> ConnectorError {
    let told = format!("netsuite refuses the question: {}", reason(answer));
    match answer.status() {
        // A permission that is missing is given by a person, some time.
        StatusCode::FORBIDDEN => ConnectorError::new(ConnectorErrorKind::Denied, told).retry(Retry::Backoff),
        StatusCode::NOT_FOUND => ConnectorError::new(ConnectorErrorKind::Unsupported, told),
        _ => ConnectorError::new(ConnectorErrorKind::Malformed, told),
    }
}

/// A write that was answered with an error.
pub(crate) fn unwritten(answer: &Response) -> Outcome {
    let said: Refusal = serde_json::from_slice(answer.body()).unwrap_or_default();
    match answer.status() {
        // It was there when we looked.
        StatusCode::NOT_FOUND => Outcome::Stale,
        // Somebody else was faster, or has begun to be. Assumed: this code.
        _ if said.details.iter().any(|detail| detail.code == "RCRD_HAS_BEEN_CHANGED") => Outcome::Stale,
        _ => Outcome::Refused { reason: Text::from(reason(answer)) },
    }
}
