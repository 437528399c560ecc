//! Polls: a search for what changed, through a window that misses nothing.

use accordant::connector::{ConnectorError, Cursor, Item, Page};
use accordant::surface::Surface;
use accordant_http::{Ask, Keyset, Order, Window};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::connector::HubSpot;
use crate::settings::Object;
use crate::wire::{Record, Results, instant, malformed, parse};

impl HubSpot {
    /// A page of what changed.
    pub(crate) async fn poll(
        &self,
        surface: &Surface,
        object: &Object,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let window = Window {
            trail: self.settings.trail,
            overlap: self.settings.overlap,
            page: self.settings.search_page,
            precision: TimeDelta::milliseconds(1),
            // A query is paged up to 10 000 rows and then refused: each page is a query of its own.
            keyset: Keyset::Time,
        };
        let ask = window.ask(after.as_ref(), self.clock.now())?;
        let path = format!("{}/{}/search", self.settings.objects_path, surface.object);
        let body = query(object, &ask);
        let answer = self.post(&self.searches, &path, &body, "search").await?;
        let found: Results<'_> = parse(answer.body(), "a page of a search")?;
        let mut rows = Vec::with_capacity(found.results.len());
        let mut records = Vec::with_capacity(found.results.len());
        for raw in &found.results {
            let record = Record::parse(raw)?;
            // What was asked by, as the index has it; the record's own word may be newer.
            let indexed = record.properties.get(object.modified.as_str()).and_then(Option::as_ref);
            let at = indexed.and_then(|at| instant(at)).or_else(|| record.token());
            rows.push((at.ok_or_else(|| malformed("when a record changed"))?, record.id()));
            records.push(record);
        }
        let turn = window.turn(&ask, &rows)?;
        let mut items: Vec<Item> = turn
            .keep
            .iter()
            .filter_map(|row| {
                Some(records.get(*row)?.item(surface.name.clone(), found.results.get(*row)?, &object.properties))
            })
            .collect();
        self.with_owners(surface.object.as_str(), object, &mut items, false).await?;
        Ok(Page { items, next: Some(turn.next), more: turn.more })
    }
}

/// The search that asks what a window asks.
fn query(object: &Object, ask: &Ask) -> Value {
    let filter =
        |name: &str, operator: &str, value: &str| json!({ "propertyName": name, "operator": operator, "value": value });
    let modified = object.modified.as_str();
    let mut filters = vec![filter(modified, "LTE", &ask.until.to_string())];
    if let Some(from) = ask.from {
        filters.push(filter(modified, "GTE", &from.to_string()));
    }
    let sort = match &ask.order {
        Order::Time { .. } => modified,
        Order::Id { behind, .. } => {
            filters.extend(behind.as_ref().map(|id| filter("hs_object_id", "GT", id)));
            "hs_object_id"
        }
    };
    let mut properties: Vec<&str> = object.properties.iter().map(String::as_str).collect();
    properties.push(modified);
    json!({ "filterGroups": [{ "filters": filters }], "sorts": [sort], "properties": properties, "limit": ask.limit })
}
