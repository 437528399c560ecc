//! HubSpot's ways: CRM v3 objects whose properties are all text, webhooks in batches of single properties.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::dialect::{Dialect, Happened, Told, Webhook};
use super::leaf::text;

/// The portal that webhooks name.
pub const PORTAL: u64 = 4_242_001;
/// The most events that one webhook request carries.
pub const BATCH: usize = 100;

/// HubSpot.
#[derive(Debug, Clone, Copy)]
pub struct HubSpotWays;

/// An instant as HubSpot writes it.
fn instant(at: i64) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl Dialect for HubSpotWays {
    fn system(&self) -> &'static str {
        "hubspot"
    }

    fn objects(&self) -> &'static [&'static str] {
        &["contacts", "companies"]
    }

    fn id(&self, record: &Value) -> Option<u64> {
        text(record, "id").parse().ok()
    }

    fn modified(&self, record: &Value) -> Option<i64> {
        Some(DateTime::parse_from_rfc3339(text(record, "updatedAt")).ok()?.timestamp_millis())
    }

    fn touch(&self, record: &mut Value, at: i64) {
        record["updatedAt"] = instant(at).into();
        record["properties"]["lastmodifieddate"] = instant(at).into();
    }

    fn blank(&self, _object: &str, id: u64, key: Option<&str>, at: i64) -> Value {
        json!({
            "id": id.to_string(),
            "properties": {
                "accordant_key": key,
                "createdate": instant(at),
                "hs_object_id": id.to_string(),
                "lastmodifieddate": instant(at),
            },
            "createdAt": instant(at),
            "updatedAt": instant(at),
            "archived": false,
        })
    }

    fn key<'a>(&self, record: &'a Value) -> Option<&'a str> {
        record["properties"]["accordant_key"].as_str()
    }

    fn tidy(&self, _object: &str, path: &str, value: Value) -> Value {
        match value {
            // Properties are text or null, whatever was sent; the empty text clears.
            Value::String(text) if text.is_empty() => Value::Null,
            Value::String(text) if path == "properties.email" => Value::String(text.trim().to_lowercase()),
            Value::Number(number) => Value::String(number.to_string()),
            Value::Bool(flag) => Value::String(flag.to_string()),
            other => other,
        }
    }

    fn archive(&self, record: &mut Value, at: i64) -> bool {
        self.touch(record, at);
        record["archived"] = true.into();
        record["archivedAt"] = instant(at).into();
        true
    }

    fn absorb(&self, survivor: &mut Value, absorbed: &[u64]) {
        let ids: Vec<String> = absorbed.iter().map(u64::to_string).collect();
        survivor["properties"]["hs_merged_object_ids"] = ids.join(";").into();
        survivor["properties"]["hs_object_id"] = survivor["id"].clone();
    }

    fn webhooks(&self, told: &Told<'_>) -> Vec<Webhook> {
        let kind = if told.object == "contacts" { "contact" } else { "company" };
        let source = if told.by == "accordant" { "INTEGRATION" } else { "CRM_UI" };
        let event = |number: u64, what: &str| {
            json!({
                // Documented as not unique, and so it is here: it counts within one change.
                "eventId": told.id * 10 + number,
                "subscriptionId": 31_000 + number,
                "portalId": PORTAL,
                "appId": 77_001,
                "occurredAt": told.at,
                "subscriptionType": format!("{kind}.{what}"),
                "attemptNumber": 0,
                "objectId": told.id,
                "changeSource": source,
                "sourceId": format!("userId:{}", told.by),
            })
        };
        let events = match told.what {
            Happened::Created(_) => vec![event(1, "creation")],
            Happened::Deleted => vec![event(2, "deletion")],
            Happened::Absorbed(absorbed) => {
                let mut merge = event(3, "merge");
                merge["primaryObjectId"] = absorbed.first().copied().into();
                merge["mergedObjectIds"] = absorbed.get(1..).unwrap_or_default().into();
                merge["newObjectId"] = told.id.into();
                vec![merge]
            }
            Happened::Changed(record, paths) => (4..)
                .zip(paths)
                .filter_map(|(number, path)| Some((number, path.strip_prefix("properties.")?)))
                .map(|(number, property)| {
                    let mut change = event(number, "propertyChange");
                    change["propertyName"] = property.into();
                    change["propertyValue"] = record["properties"][property].as_str().unwrap_or_default().into();
                    change
                })
                .collect(),
        };
        events.into_iter().map(|body| Webhook { topic: "events", body }).collect()
    }
}
