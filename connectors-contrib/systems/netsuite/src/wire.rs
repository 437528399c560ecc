//! Answers, as NetSuite writes them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use accordant::text::Text;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A page of rows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rows<'a> {
    #[serde(borrow)]
    pub(crate) items: Vec<&'a RawValue>,
    #[serde(default)]
    pub(crate) has_more: bool,
}

/// A row: values as text; what has none is left out.
#[derive(Deserialize)]
pub(crate) struct Row<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    pub(crate) lastmodifieddate: Option<String>,
    pub(crate) deleteddate: Option<String>,
    #[serde(flatten)]
    pub(crate) values: BTreeMap<String, Value>,
}

impl<'a> Row<'a> {
    pub(crate) fn parse(raw: &'a RawValue) -> Result<Self, ConnectorError> {
        serde_json::from_str(raw.get()).map_err(|_| malformed("a row"))
    }

    pub(crate) fn id(&self) -> Text {
        Text::from(self.id.as_ref())
    }

    /// A value as text; nothing is the empty text.
    pub(crate) fn text(&self, column: &str) -> String {
        match self.values.get(column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }
}

/// Why a request was refused. Details may repeat values: they are looked through for the name of a column, and never told.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Refusal {
    #[serde(rename = "o:errorDetails")]
    pub(crate) details: Vec<Detail>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Detail {
    #[serde(rename = "o:errorCode")]
    pub(crate) code: String,
    #[serde(rename = "o:errorPath")]
    pub(crate) path: Option<String>,
    pub(crate) detail: String,
}

pub(crate) fn malformed(what: &'static str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Malformed, format!("netsuite answers in another shape: {what}"))
}
