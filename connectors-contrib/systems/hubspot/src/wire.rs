//! Answers, as HubSpot writes them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::{ConnectorError, ConnectorErrorKind, Item, Says};
use accordant::id::SurfaceName;
use accordant::model::Path;
use accordant::text::Text;
use bytes::Bytes;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::settings::property_path;

/// A page, or a batch.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Results<'a> {
    #[serde(borrow, default)]
    pub(crate) results: Vec<&'a RawValue>,
    pub(crate) paging: Option<Paging>,
    #[serde(default)]
    pub(crate) errors: Vec<ItemError>,
}

#[derive(Deserialize)]
pub(crate) struct Paging {
    pub(crate) next: Option<Next>,
}

#[derive(Deserialize)]
pub(crate) struct Next {
    pub(crate) after: String,
}

/// Why an item of a batch, or a whole request, was refused. Messages repeat values, so they are not read.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ItemError {
    pub(crate) category: String,
    pub(crate) context: BTreeMap<String, Vec<String>>,
    pub(crate) errors: Vec<Detail>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Detail {
    pub(crate) code: String,
    pub(crate) context: BTreeMap<String, Vec<String>>,
}

/// What is looked at of a record; the engine decodes the rest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) updated_at: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) properties: BTreeMap<Cow<'a, str>, Option<Cow<'a, str>>>,
    #[serde(borrow)]
    pub(crate) object_write_trace_id: Option<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    pub(crate) fn parse(raw: &'a RawValue) -> Result<Self, ConnectorError> {
        serde_json::from_str(raw.get()).map_err(|_| malformed("a record of an answer"))
    }

    /// When it changed, in milliseconds since the epoch.
    pub(crate) fn token(&self) -> Option<i64> {
        instant(&self.updated_at)
    }

    /// The record as an item. What was asked for and is not in the answer may not be read.
    pub(crate) fn item(&self, surface: SurfaceName, raw: &RawValue, asked: &BTreeSet<String>) -> Item {
        let body = Bytes::copy_from_slice(raw.get().as_bytes());
        let denied: Vec<Path> = asked
            .iter()
            .filter(|name| !self.properties.contains_key(name.as_str()))
            .map(|name| property_path(name))
            .collect();
        Item::new(surface, Says::Record, body).denying(denied)
    }

    /// Whether every property that was asked for is there.
    pub(crate) fn is_whole(&self, asked: &BTreeSet<String>) -> bool {
        asked.iter().all(|name| self.properties.contains_key(name.as_str()))
    }

    pub(crate) fn id(&self) -> Text {
        Text::from(self.id.as_ref())
    }
}

/// An instant in milliseconds, or as RFC 3339: properties of both spellings were seen.
pub(crate) fn instant(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis()))
}

/// An answer of the shape that was asked for.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a Bytes, what: &'static str) -> Result<T, ConnectorError> {
    serde_json::from_slice(body).map_err(|_| malformed(what))
}

pub(crate) fn malformed(what: &'static str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Malformed, format!("hubspot answers in another shape: {what}"))
}
