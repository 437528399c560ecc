//! Reads by id, and by the external id that a record was made under.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, ReadAnswer, RecordKey};

use crate::connector::{NetSuite, unsupported};
use crate::query;
use crate::surfaces::{self, Way};
use crate::wire::{Row, Rows, malformed};

impl NetSuite {
    /// One answer per key, in their order.
    pub(crate) async fn read(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let mut answers: Vec<ReadAnswer> = keys.iter().map(|_| ReadAnswer::Failed(unsupported())).collect();
        let mut groups: BTreeMap<(&str, bool), Vec<usize>> = BTreeMap::new();
        for (place, key) in keys.iter().enumerate() {
            groups.entry((key.object.as_str(), key.by_create_key)).or_default().push(place);
        }
        for ((name, external), places) in groups {
            let Some(object) = self.known.object(name) else { continue };
            let key = if external { "externalid" } else { "id" };
            let mut columns = object.columns.clone();
            columns.insert(key.to_owned());
            for places in places.chunks(self.settings.page.clamp(1, 500)) {
                let of: Vec<&str> = places.iter().filter_map(|place| Some(keys.get(*place)?.id.as_str())).collect();
                // An id that is no number is none of NetSuite's, and a query that compares it fails as a whole.
                let fits = |id: &&str| external || (!id.is_empty() && id.bytes().all(|digit| digit.is_ascii_digit()));
                let asked: Vec<&str> = of.iter().copied().filter(fits).collect();
                let (mut found, mut items) = (BTreeMap::new(), Vec::new());
                if !asked.is_empty() {
                    let query = query::named(&object, &self.settings, &columns, key, &asked);
                    let answer = self.run(&query, self.settings.page).await?;
                    let rows: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
                    if !rows.items.is_empty() {
                        self.in_zone(&object, &rows.items).await?;
                    }
                    for raw in rows.items {
                        let row = Row::parse(raw)?;
                        let held = if external { row.text("externalid") } else { row.id.to_string() };
                        found.insert(held, items.len());
                        items.push(object.record(&surfaces::name(name, Way::One), raw));
                    }
                    self.with_lines(&object, &mut items).await?;
                }
                for (place, id) in places.iter().zip(of) {
                    if let Some(slot) = answers.get_mut(*place) {
                        let item = found.get(id).and_then(|place| items.get(*place)).cloned();
                        *slot = item.map_or(ReadAnswer::Gone, ReadAnswer::Found);
                    }
                }
            }
        }
        Ok(answers)
    }
}
