//! Answers, as Shopify writes them.

use std::borrow::Cow;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use accordant::text::Text;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An answer: what was asked for, or why not.
#[derive(Deserialize)]
pub(crate) struct Answer<T> {
    pub(crate) data: Option<T>,
    #[serde(default = "Vec::new")]
    pub(crate) errors: Vec<TopError>,
}

/// An error of the document as a whole. Messages may repeat values, so they are not read.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct TopError {
    pub(crate) extensions: Code,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Code {
    pub(crate) code: String,
}

/// Why a mutation refused its input.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct UserError {
    pub(crate) field: Option<Vec<String>>,
    pub(crate) code: Option<String>,
}

/// What is looked at of a node; the engine decodes the rest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) updated_at: Cow<'a, str>,
    /// Of an inventory level that was taken out of use: no.
    #[serde(default)]
    pub(crate) is_active: Option<bool>,
}

impl<'a> Head<'a> {
    pub(crate) fn parse(raw: &'a RawValue) -> Result<Self, ConnectorError> {
        serde_json::from_str(raw.get()).map_err(|_| malformed("a node"))
    }

    /// When it changed, in milliseconds since the epoch.
    pub(crate) fn token(&self) -> Option<i64> {
        Some(DateTime::parse_from_rfc3339(&self.updated_at).ok()?.timestamp_millis())
    }

    /// The number in its id; of an inventory level, the item's too.
    pub(crate) fn number(&self) -> Text {
        Text::from(self.id.rsplit('/').next().unwrap_or_default())
    }
}

pub(crate) fn malformed(what: &'static str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Malformed, format!("shopify answers in another shape: {what}"))
}
