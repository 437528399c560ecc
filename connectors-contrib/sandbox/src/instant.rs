//! Instants, as vendors write them.

use chrono::{DateTime, SecondsFormat};

/// RFC 3339 in UTC, with milliseconds: HubSpot.
pub(crate) fn millis(at: i64) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Milliseconds since the epoch, of either a number of them or RFC 3339.
pub(crate) fn parse(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis()))
}

/// RFC 3339 in UTC, in whole seconds: Shopify.
pub(crate) fn seconds(at: i64) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}
