//! What a refusal means. One table, for reads and for writes.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Outcome, Retry};
use accordant::text::Text;
use accordant_http::{Response, retry_after};
use http::StatusCode;

use crate::wire::{ItemError, parse};

/// Why, without values: the category, and of each property its name and what is wrong with it.
pub(crate) fn reason(error: &ItemError) -> Text {
    let mut told = error.category.clone();
    for detail in &error.errors {
        let names = detail.context.get("propertyName").map(|names| names.join(", ")).unwrap_or_default();
        told.push_str(&format!("; {names} {}", detail.code));
    }
    if told.is_empty() { Text::from("hubspot does not say why") } else { Text::from(told) }
}

/// Whether the account is locked, or on its way to another place, for now (423, 421, 477): it says nothing about the request.
fn is_away(status: StatusCode) -> bool {
    matches!(status, StatusCode::LOCKED | StatusCode::MISDIRECTED_REQUEST) || status.as_u16() == 477
}

/// What became of a write while the account is [away](is_away): nothing yet, and it may be sent again when the account says. `None`: it is
/// there.
pub(crate) fn put_off(answer: &Response, now: i64) -> Option<Outcome> {
    is_away(answer.status()).then(|| Outcome::Deferred { after: retry_after(answer.headers(), now) })
}

/// A read that was answered with an error.
pub(crate) fn unread(answer: &Response, doing: &str) -> ConnectorError {
    let status = answer.status();
    let said: ItemError = parse(answer.body(), "an error").unwrap_or_default();
    let told = format!("{doing}: {status} {}", reason(&said));
    match status {
        // A scope that is missing is given by a person, some time.
        StatusCode::FORBIDDEN => ConnectorError::new(ConnectorErrorKind::Denied, told).retry(Retry::Backoff),
        StatusCode::NOT_FOUND => ConnectorError::new(ConnectorErrorKind::Unsupported, told),
        status if is_away(status) => ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff),
        _ => ConnectorError::new(ConnectorErrorKind::Malformed, told),
    }
}

/// What became of a write whose error was given for it alone.
pub(crate) fn unwritten(error: &ItemError) -> Outcome {
    match error.category.as_str() {
        // It was there when we looked.
        "OBJECT_NOT_FOUND" => Outcome::Stale,
        _ => Outcome::Refused { reason: reason(error) },
    }
}

/// Whether a create was refused because its key stands on a record already.
pub(crate) fn is_taken(error: &ItemError, property: &str) -> bool {
    let about = |names: &Vec<String>| names.iter().any(|name| name == property);
    matches!(error.category.as_str(), "CONFLICT" | "VALIDATION_ERROR")
        && error.errors.iter().any(|detail| detail.context.get("propertyName").is_some_and(about))
}
