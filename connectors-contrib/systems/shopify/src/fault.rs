//! What a refusal means: of the request, of the document, of the mutation.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Outcome, Retry};
use accordant::text::Text;
use accordant_http::{CallError, Response};
use http::StatusCode;

use crate::wire::{TopError, UserError};

/// An answer that is no answer to a document.
pub(crate) fn of_status(answer: &Response) -> CallError {
    let told = format!("shopify answers {}", answer.status());
    let error = match answer.status() {
        StatusCode::FORBIDDEN | StatusCode::PAYMENT_REQUIRED | StatusCode::LOCKED => {
            ConnectorError::new(ConnectorErrorKind::Denied, told).retry(Retry::Backoff)
        }
        StatusCode::NOT_FOUND => ConnectorError::new(ConnectorErrorKind::Unsupported, told),
        _ => ConnectorError::new(ConnectorErrorKind::Malformed, told),
    };
    CallError { error, may_have_happened: false }
}

/// An error of a document as a whole.
pub(crate) fn of_document(errors: &[TopError]) -> CallError {
    let codes: Vec<&str> = errors.iter().map(|error| error.extensions.code.as_str()).collect();
    let told = format!("shopify refuses the document: {}", codes.join(", "));
    let error = |kind| ConnectorError::new(kind, told.clone());
    match codes.first().copied().unwrap_or_default() {
        "ACCESS_DENIED" => {
            CallError { error: error(ConnectorErrorKind::Denied).retry(Retry::Backoff), may_have_happened: false }
        }
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" => {
            CallError { error: error(ConnectorErrorKind::Unavailable).retry(Retry::Backoff), may_have_happened: true }
        }
        "MAX_COST_EXCEEDED" => CallError { error: error(ConnectorErrorKind::Unsupported), may_have_happened: false },
        _ => CallError { error: error(ConnectorErrorKind::Malformed), may_have_happened: false },
    }
}

/// What the errors of a mutation make of a write: fields and codes, no values.
pub(crate) fn of_user(errors: &[UserError]) -> Outcome {
    let codes = || errors.iter().filter_map(|error| error.code.as_deref());
    if codes().any(|code| matches!(code, "STALE_OBJECT" | "CUSTOMER_DOES_NOT_EXIST" | "CHANGE_FROM_QUANTITY_STALE")) {
        return Outcome::Stale;
    }
    // Of an attempt before this one, under the same key: what became of it is looked up.
    if codes().any(|code| matches!(code, "IDEMPOTENCY_CONCURRENT_REQUEST" | "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")) {
        return Outcome::Unknown;
    }
    let told: Vec<String> = errors
        .iter()
        .map(|error| {
            let field = error.field.as_ref().map(|names| names.join(".")).unwrap_or_default();
            format!("{field} {}", error.code.as_deref().unwrap_or("refused")).trim().to_owned()
        })
        .collect();
    Outcome::Refused { reason: Text::from(told.join("; ")) }
}
