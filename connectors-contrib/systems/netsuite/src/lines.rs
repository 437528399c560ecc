//! Lines of transactions: put into the record that they belong to. They are polled by their own stamp, since a line that changes
//! does not always change its transaction.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, Item};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::connector::NetSuite;
use crate::query;
use crate::settings::{LINES, Object};
use crate::wire::{Rows, malformed};

/// Transactions whose lines are asked for at once.
const TOGETHER: usize = 500;

#[derive(Debug, PartialEq, Eq, Deserialize)]
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
            // To go on would be to ask for the same page for ever.
            if end == behind {
                return Err(malformed("a page of lines that ends where it began"));
            }
            behind = end;
        }
    }
}
