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

/// Errors of a document. `did`: there is data beside them, so that a mutation may have taken effect, whatever they say.
pub(crate) fn of_document(errors: &[TopError], did: bool) -> CallError {
    let codes: Vec<&str> = errors.iter().map(|error| error.extensions.code.as_str()).collect();
    let told = format!("shopify refuses the document: {}", codes.join(", "));
    let error = |kind| ConnectorError::new(kind, told.clone());
    let (error, breaks_off) = match codes.first().copied().unwrap_or_default() {
        "ACCESS_DENIED" => (error(ConnectorErrorKind::Denied).retry(Retry::Backoff), false),
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" => (error(ConnectorErrorKind::Unavailable).retry(Retry::Backoff), true),
        "MAX_COST_EXCEEDED" => (error(ConnectorErrorKind::Unsupported), false),
        _ => (error(ConnectorErrorKind::Malformed), false),
    };
    CallError { error, may_have_happened: did || breaks_off }
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
