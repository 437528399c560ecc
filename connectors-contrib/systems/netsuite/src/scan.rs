//! Scans: all rows, in the order of their ids, each page behind the last row of the one before.

use accordant::connector::{ConnectorError, Cursor, Item, Page};
use accordant::surface::Surface;

use crate::connector::NetSuite;
use crate::query;
use crate::settings::Object;
use crate::wire::{Row, Rows, malformed};

impl NetSuite {
    /// A page of everything.
    pub(crate) async fn scan(
        &self,
        surface: &Surface,
        object: &Object,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let behind = after.map_or_else(|| "0".to_owned(), |after| after.0);
        if !behind.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(Cursor::foreign());
        }
        let answer = self.run(&query::behind(object, &self.settings, &behind), self.settings.page).await?;
        let found: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
        self.in_zone(object, &found.items).await?;
        let last = found.items.last().map(|raw| Row::parse(raw).map(|row| row.id())).transpose()?;
        let mut items: Vec<Item> = found.items.iter().map(|raw| object.record(surface.name.as_str(), raw)).collect();
        self.with_lines(object, &mut items).await?;
        let next = last.filter(|_| found.has_more).map(|id| Cursor(id.to_string()));
        Ok(Page { items, more: next.is_some(), next })
    }
}
