//! NetSuite's ways: SuiteQL rows of text, nulls left out, local times without a zone, no webhooks at all.

use chrono::{DateTime, NaiveDateTime, TimeZone};
use chrono_tz::America::New_York;
use serde_json::{Value, json};

use super::dialect::{Dialect, Told, Webhook, phone};
use super::leaf::text;

/// How SuiteQL renders `lastmodifieddate` under the query's `TO_CHAR`.
pub const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S";
/// The zone of the integration user, in which it renders.
pub const ZONE: &str = "America/New_York";

/// NetSuite.
#[derive(Debug, Clone, Copy)]
pub struct NetSuiteWays;

/// An instant as SuiteQL writes it.
fn instant(at: i64) -> String {
    let at = DateTime::from_timestamp_millis(at).unwrap_or_default();
    at.with_timezone(&New_York).format(TIME_FORMAT).to_string()
}

impl Dialect for NetSuiteWays {
    fn system(&self) -> &'static str {
        "netsuite"
    }

    /// A company is a `customer` with `isperson = 'F'`: one table, which the connector's queries tell apart.
    fn objects(&self) -> &'static [&'static str] {
        &["customer", "company", "salesorder"]
    }

    fn id(&self, record: &Value) -> Option<u64> {
        text(record, "id").parse().ok()
    }

    fn modified(&self, record: &Value) -> Option<i64> {
        let local = NaiveDateTime::parse_from_str(text(record, "lastmodifieddate"), TIME_FORMAT).ok()?;
        Some(New_York.from_local_datetime(&local).earliest()?.timestamp_millis())
    }

    fn touch(&self, record: &mut Value, at: i64) {
        record["lastmodifieddate"] = instant(at).into();
    }

    fn blank(&self, object: &str, id: u64, key: Option<&str>, at: i64) -> Value {
        let mut row = json!({
            "links": [],
            "id": id.to_string(),
            "datecreated": instant(at),
            "lastmodifieddate": instant(at),
        });
        if let Some(key) = key {
            row["externalid"] = key.into();
        }
        if object != "salesorder" {
            row["isperson"] = if object == "customer" { "T" } else { "F" }.into();
            row["balance"] = "0.00".into();
        }
        row["currency"] = "USD".into();
        row
    }

    fn key<'a>(&self, record: &'a Value) -> Option<&'a str> {
        record["externalid"].as_str()
    }

    fn tidy(&self, _object: &str, path: &str, value: Value) -> Value {
        match (path, value) {
            (_, Value::String(text)) if text.is_empty() => Value::Null,
            ("phone" | "mobilephone", Value::String(text)) => Value::String(phone(&text).map_or(text, local_phone)),
            (_, Value::Number(number)) => Value::String(number.to_string()),
            (_, Value::Bool(flag)) => Value::String(if flag { "T" } else { "F" }.to_owned()),
            (_, value) => value,
        }
    }

    fn omits_null(&self) -> bool {
        true
    }

    fn webhooks(&self, _: &Told<'_>) -> Vec<Webhook> {
        Vec::new()
    }
}

/// A number as the company preference "phone format" renders it: `(415) 555-0123 ext. 12`.
fn local_phone((digits, extension): (String, Option<String>)) -> String {
    let number = match digits.strip_prefix('1').filter(|national| national.len() == 10) {
        Some(national) => format!("({}) {}-{}", &national[..3], &national[3..6], &national[6..]),
        None => format!("+{digits}"),
    };
    match extension {
        Some(extension) => format!("{number} ext. {extension}"),
        None => number,
    }
}
