//! Scans: all rows, in the order of their ids, each page behind the last row of the one before.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Item, Page, Says};
use accordant::surface::Surface;
use bytes::Bytes;

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
            let told = "the cursor is not one that this surface gave";
            return Err(ConnectorError::new(ConnectorErrorKind::Malformed, told));
        }
        let answer = self.run(&query::behind(object, &self.settings, &behind), self.settings.page).await?;
        let found: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
        self.in_zone(object, &found.items).await?;
        let last = found.items.last().map(|raw| Row::parse(raw).map(|row| row.id())).transpose()?;
        let item = |raw: &&serde_json::value::RawValue| {
            Item::new(surface.name.clone(), Says::Record, Bytes::copy_from_slice(raw.get().as_bytes()))
        };
        let mut items: Vec<Item> = found.items.iter().map(item).collect();
        self.with_lines(object, &mut items).await?;
        let next = last.filter(|_| found.has_more).map(|id| Cursor(id.to_string()));
        Ok(Page { items, more: next.is_some(), next })
    }
}
