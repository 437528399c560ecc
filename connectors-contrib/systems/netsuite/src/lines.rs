//! Lines of transactions: put into the record that they belong to, and polled by their own stamp, since a line that changes does
//! not always change its transaction.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, Cursor, Item, Page, Says};
use accordant::surface::Surface;
use accordant::text::Text;
use accordant_http::{Keyset, Window};
use bytes::Bytes;
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::connector::NetSuite;
use crate::query::{self, instant};
use crate::settings::{LINES, Object};
use crate::wire::{Row, Rows, malformed};

/// Transactions whose lines are asked for at once.
const TOGETHER: usize = 500;

#[derive(Deserialize)]
struct Line {
    transaction: String,
    uniquekey: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl NetSuite {
    /// Puts into each record its lines: all of them, as rows.
    pub(crate) async fn with_lines(&self, object: &Object, items: &mut [Item]) -> Result<(), ConnectorError> {
        if object.lines.is_empty() {
            return Ok(());
        }
        for items in items.chunks_mut(TOGETHER) {
            let named = |item: &Item| serde_json::from_slice::<Named>(&item.body).map(|named| named.id);
            let ids: Vec<String> = items.iter().map(named).collect::<Result<_, _>>().map_err(|_| malformed("a row"))?;
            let lines = self.lines_of(object, &ids.iter().map(String::as_str).collect::<Vec<&str>>()).await?;
            for (item, id) in items.iter_mut().zip(&ids) {
                let mut fields: BTreeMap<String, Box<RawValue>> =
                    serde_json::from_slice(&item.body).map_err(|_| malformed("a row"))?;
                let own = lines.get(id).map(Vec::as_slice).unwrap_or_default();
                let own = serde_json::value::to_raw_value(own).map_err(|_| malformed("lines"))?;
                fields.insert(LINES.to_owned(), own);
                item.body = serde_json::to_vec(&fields).map(Bytes::from).map_err(|_| malformed("a row"))?;
            }
        }
        Ok(())
    }

    /// The lines of transactions, page by page behind the last line, however many there are.
    async fn lines_of(
        &self,
        object: &Object,
        transactions: &[&str],
    ) -> Result<BTreeMap<String, Vec<Box<RawValue>>>, ConnectorError> {
        let mut lines: BTreeMap<String, Vec<Box<RawValue>>> = BTreeMap::new();
        let mut behind: Option<Line> = None;
        if transactions.is_empty() {
            return Ok(lines);
        }
        loop {
            let last = behind.as_ref().map(|line| (line.transaction.as_str(), line.uniquekey.as_str()));
            let answer = self.run(&query::lines(object, transactions, last), self.settings.page).await?;
            let rows: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of lines"))?;
            let mut end = None;
            for raw in &rows.items {
                let line: Line = serde_json::from_str(raw.get()).map_err(|_| malformed("a line"))?;
                lines.entry(line.transaction.clone()).or_default().push((*raw).to_owned());
                end = Some(line);
            }
            if !rows.has_more || end.is_none() {
                return Ok(lines);
            }
            behind = end;
        }
    }

    /// A page of hints: the transactions whose lines changed.
    pub(crate) async fn poll_lines(
        &self,
        surface: &Surface,
        object: &Object,
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
        let answer = self.run(&query::changed_lines(&self.settings, &ask), ask.limit).await?;
        let found: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of lines"))?;
        let (mut rows, mut of) = (Vec::with_capacity(found.items.len()), Vec::with_capacity(found.items.len()));
        for raw in &found.items {
            let row = Row::parse(raw)?;
            let at = row.lastmodifieddate.as_ref().and_then(|at| instant(at, self.settings.zone));
            rows.push((at.ok_or_else(|| malformed("when a line changed"))?, row.id()));
            of.push(Text::from(row.text("transaction")));
        }
        // The zone is looked at by rows of the record, whose instants are known in UTC too.
        self.in_zone(object, &[]).await?;
        let turn = window.turn(&ask, &rows)?;
        let hint = |place: &usize| {
            let (raw, transaction) = (found.items.get(*place)?, of.get(*place)?);
            let says = Says::Hint { id: transaction.clone() };
            Some(Item::new(surface.name.clone(), says, Bytes::copy_from_slice(raw.get().as_bytes())))
        };
        let items = turn.keep.iter().filter_map(hint).collect();
        Ok(Page { items, next: Some(turn.next), more: turn.more })
    }
}
