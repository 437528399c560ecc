//! The three systems of generated customers, which push their records.

use accordant::Delivery;
use accordant::bytes::Bytes;
use accordant::connector::{Item, Says};
use accordant::surface::Channel;
use accordant::testing::{Computed, Records, record_surface};
use accordant_identity::testing::{COLUMNS, Generated};
use serde_json::{Map, Value, json};

/// The systems of generated customers.
pub(super) const SYSTEMS: [&str; 3] = ["crm", "shop", "erp"];

/// When every record was said to be as it is.
const SAID: i64 = crate::standing::BEGINS;

const SURFACE: &str = "pushed";

/// What a system says of records, a line for each.
pub(super) fn delivery(records: &[&Generated]) -> Result<Delivery, serde_json::Error> {
    let mut lines = Vec::new();
    for record in records {
        let values = COLUMNS.iter().zip(&record.values).skip(1).filter(|(_, value)| !value.is_empty());
        let values: Map<String, Value> = values.map(|(column, value)| ((*column).to_owned(), json!(value))).collect();
        if !lines.is_empty() {
            lines.push(b'\n');
        }
        serde_json::to_writer(&mut lines, &json!({ "id": record.id, "modified": SAID, "record": values }))?;
    }
    Ok(Delivery::new(Bytes::from(lines)))
}

/// What comes with a delivery, a line for each record.
pub(super) struct Pushed;

impl Records for Pushed {
    fn carried(&self, delivery: &Delivery) -> Option<Vec<Item>> {
        let lines = delivery.body().split(|byte| *byte == b'\n');
        Some(lines.map(|line| Item::new(SURFACE.into(), Says::Record, delivery.body().slice_ref(line))).collect())
    }
}

/// A system that pushes whole records.
pub(super) fn pushing(name: &str) -> Computed<Pushed> {
    Computed::new(name, vec![record_surface(SURFACE, "records", Channel::Webhook)], Pushed)
}
