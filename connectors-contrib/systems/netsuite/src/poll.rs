//! Polls: what changed, and what was deleted, through a window that misses nothing.

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
    /// A page of what changed, or of what was deleted.
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
            _ => query::changed(object, &self.settings, &ask),
        };
        let answer = self.run(&query, ask.limit).await?;
        let found: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
        let mut rows = Vec::with_capacity(found.items.len());
        for raw in &found.items {
            let row = Row::parse(raw)?;
            let at = if way == Way::Deleted { &row.deleteddate } else { &row.lastmodifieddate };
            let at = at.as_ref().and_then(|at| instant(at, self.settings.zone));
            rows.push((at.ok_or_else(|| malformed("when a row changed"))?, row.id()));
        }
        self.in_zone(object, if way == Way::Deleted { &[] } else { &found.items }).await?;
        let turn = window.turn(&ask, &rows)?;
        let item = |place: &usize| {
            let (raw, (_, id)) = (found.items.get(*place)?, rows.get(*place)?);
            let says = if way == Way::Deleted { Says::Deleted { id: id.clone() } } else { Says::Record };
            Some(Item::new(surface.name.clone(), says, Bytes::copy_from_slice(raw.get().as_bytes())))
        };
        let mut items: Vec<Item> = turn.keep.iter().filter_map(item).collect();
        if way != Way::Deleted {
            self.with_lines(object, &mut items).await?;
        }
        Ok(Page { items, next: Some(turn.next), more: turn.more })
    }
}
