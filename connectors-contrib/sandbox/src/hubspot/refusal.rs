//! Errors, as the account says them.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::json;

/// A request, or an item of a batch, that is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: StatusCode,
    category: &'static str,
    message: String,
    context: Map<String, Value>,
    errors: Vec<Value>,
    policy: Option<&'static str>,
}

impl Refusal {
    fn new(status: StatusCode, category: &'static str, message: impl Into<String>) -> Self {
        Self { status, category, message: message.into(), context: Map::new(), errors: Vec::new(), policy: None }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
    }

    /// Of a limit, by the name of its policy.
    pub(super) fn too_many(policy: &'static str) -> Self {
        let text = match policy {
            "SECONDLY" => "You have reached your secondly limit.",
            "DAILY" => "You have reached your daily limit.",
            _ => "You have reached your ten_secondly_rolling limit.",
        };
        Self { policy: Some(policy), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITS", text) }
    }

    pub(super) fn failed() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "SERVER_ERROR", "internal error")
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
    }

    /// Of a property whose value is not taken.
    pub(super) fn property(code: &'static str, name: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = json!({ "message": message, "code": code, "context": { "propertyName": [name] } });
        Self { errors: vec![detail], ..Self::bad(format!("Property values were not valid: {message}")) }
    }

    pub(super) fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", what)
    }

    /// Of a value that another record holds, where only one may.
    pub(super) fn taken(name: &str, id: u64) -> Self {
        let detail = json!({
            "message": format!("{name} is taken"), "code": "UNIQUE_VALUE_TAKEN", "context": { "propertyName": [name] },
        });
        let message = format!("Contact already exists. Existing ID: {id}");
        Self { errors: vec![detail], ..Self::new(StatusCode::CONFLICT, "CONFLICT", message) }
    }

    /// The same, of these ids.
    pub(super) fn about(mut self, key: &str, text: &str) -> Self {
        self.context.insert(key.to_owned(), json!([text]));
        self
    }

    /// As an item of the errors of a batch.
    pub(super) fn item(&self) -> Value {
        json!({
            "status": "error", "category": self.category, "message": self.message, "context": self.context,
            "links": {}, "errors": self.errors,
        })
    }

    pub(super) fn answer(&self, number: u64) -> Response<Bytes> {
        let mut body = json!({
            "status": "error", "message": self.message, "category": self.category,
            "correlationId": format!("00000000-0000-4000-8000-{number:012x}"),
        });
        if let Some(policy) = self.policy {
            body["errorType"] = "RATE_LIMIT".into();
            body["policyName"] = policy.into();
        }
        if !self.context.is_empty() {
            body["context"] = Value::Object(self.context.clone());
        }
        if !self.errors.is_empty() {
            body["errors"] = Value::Array(self.errors.clone());
        }
        json::answer(self.status, &body)
    }
}
