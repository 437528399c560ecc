//! Polls: what changed, what was deleted, and whose lines changed, through a window that misses nothing.

use accordant::connector::{ConnectorError, Cursor, Item, Page, Says};
use accordant::surface::Surface;
use accordant_http::{Keyset, Window};
use bytes::Bytes;
use chrono::TimeDelta;

use crate::connector::NetSuite;
use crate::query::{self, instant};
use crate::settings::Object;
use crate::surfaces::Way;
use crate::wire::{Row, Rows, malformed};

impl NetSuite {
    /// A page of what changed, of what was deleted, or of hints: the transactions whose lines changed.
    pub(crate) async fn poll(
        &self,
        surface: &Surface,
        object: &Object,
        way: Way,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let window = Window {
            trail: self.settings.trail,
            overlap: self.settings.overlap,
            page: self.settings.page,
            precision: TimeDelta::seconds(1),
            keyset: Keyset::TimeAndId,
        };
        let ask = window.ask(after.as_ref(), self.clock.now())?;
        let query = match way {
            Way::Deleted => query::deleted(object, &self.settings, &ask),
            Way::Lines => query::changed_lines(object, &self.settings, &ask),
            _ => query::changed(object, &self.settings, &ask),
        };
        let answer = self.run(&query, ask.limit).await?;
        let found: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
        let (mut rows, mut said) = (Vec::with_capacity(found.items.len()), Vec::with_capacity(found.items.len()));
        for raw in &found.items {
            let row = Row::parse(raw)?;
            let at = if way == Way::Deleted { &row.deleteddate } else { &row.lastmodifieddate };
            let at = at.as_ref().and_then(|at| instant(at, self.settings.zone));
            rows.push((at.ok_or_else(|| malformed("when a row changed"))?, row.id()));
            said.push(match way {
                Way::Deleted => Says::Deleted { id: row.id() },
                Way::Lines => Says::Hint { id: row.text("transaction").into() },
                _ => Says::Record,
            });
        }
        // The zone is looked at by rows of records, whose instants are known in UTC too.
        self.in_zone(object, if way == Way::Changed { &found.items } else { &[] }).await?;
        let turn = window.turn(&ask, &rows)?;
        let item = |place: &usize| {
            let (raw, says) = (found.items.get(*place)?, said.get(*place)?.clone());
            Some(match says {
                Says::Record => object.record(surface.name.as_str(), raw),
                says => Item::new(surface.name.clone(), says, Bytes::copy_from_slice(raw.get().as_bytes())),
            })
        };
        let mut items: Vec<Item> = turn.keep.iter().filter_map(item).collect();
        if way == Way::Changed {
            self.with_lines(object, &mut items).await?;
        }
        Ok(Page { items, next: Some(turn.next), more: turn.more })
    }
}
