//! The ledger of last verified: per record, when it was verified and what was found; and the order in which records are due.
//!
//! Two rows per record, written by whoever verifies it, many records in a commit; none is written by an event. What a pulse verifies
//! is one instant for a whole connection: a record was last verified when its row says, or when the last pulse began.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::case_index::sortable;
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, PART, connection_prefix, link_key, record_key, record_of_key};
use crate::engine::tenant::PAGE;
use crate::engine::tenant::attempts::Attempts;
use crate::error::Error;
use crate::id::{ConnectionName, ObjectType, RecordRef};
use crate::store::{Row, RowKey, Table};
use crate::text::Text;

/// What the keys of the rows of records begin with.
const VERIFIED: &str = "\u{1f}verified\u{1f}";

/// What the keys of the rows begin with that stand in the order in which records are due.
const ORDER: &str = "\u{1f}verify\u{1f}";

/// When a record was verified, and what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LedgerRow {
    /// From when its next check is counted: when it was last read or tried, or became known.
    pub(super) filed: i64,
    /// Since when it is known.
    pub(super) known: i64,
    /// When it was last verified by a read of it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verified: Option<i64>,
    #[serde(default)]
    pub(super) found: Found,
}

/// What the last verification of a record found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Found {
    /// It was gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) gone: bool,
    /// It had changed, and no surface had told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) missed: bool,
    /// How many discrepancies of it stood, that are more than noted.
    #[serde(default)]
    pub(super) disagrees: u32,
}

impl LedgerRow {
    fn known_from(now: i64) -> Self {
        Self { filed: now, known: now, verified: None, found: Found::default() }
    }
}

/// A record in the order in which records are due.
pub(super) struct Filed {
    pub(super) record: RecordRef,
    pub(super) at: i64,
}

pub(super) fn ledger_key(record: &RecordRef) -> RowKey {
    RowKey::new(Table::Index, Text::of_parts(&[VERIFIED, &record_key(record)]))
}

fn order_prefix(connection: &ConnectionName, object: &ObjectType) -> Text {
    Text::of_parts(&[ORDER, connection.as_str(), PART, object.as_str(), PART])
}

fn order_key(record: &RecordRef, at: i64) -> RowKey {
    let prefix = order_prefix(&record.connection, &record.object);
    RowKey::new(Table::Index, Text::of_parts(&[&prefix, &sortable(at), PART, &record.id]))
}

impl Tenant {
    /// The records of an object type that were read, tried or became known longest ago.
    pub(super) async fn filed_longest(
        &self,
        connection: &ConnectionName,
        object: &ObjectType,
        most: usize,
    ) -> Result<Vec<Filed>, Error> {
        let prefix = order_prefix(connection, object);
        let rows = self.core.store.scan(&self.id, Table::Index, &prefix, None, most).await;
        let rows = rows.map_err(Error::store("look for what is to be verified"))?;
        let filed = |row: Row| {
            let at: i64 = parse(Table::Index, &row)?;
            let id = row.key.strip_prefix(prefix.as_str()).and_then(|rest| rest.split_once(PART)).map(|(_, id)| id);
            let record = |id: &str| RecordRef { connection: connection.clone(), object: object.clone(), id: id.into() };
            Ok(id.map(|id| Filed { record: record(id), at }))
        };
        rows.into_iter().filter_map(|row| filed(row).transpose()).collect()
    }

    /// The rows of records, in their order, each with its revision.
    pub(super) async fn ledger_rows(
        &self,
        records: &[RecordRef],
    ) -> Result<Vec<(Option<u64>, Option<LedgerRow>)>, Error> {
        let keys: Vec<RowKey> = records.iter().map(ledger_key).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load what was verified"))?;
        let read = |row: Option<Row>| {
            let revision = row.as_ref().map(|row| row.revision);
            Ok((revision, row.map(|row| parse(Table::Index, &row)).transpose()?))
        };
        rows.into_iter().map(read).collect()
    }

    /// Notes of records what became of verifying them; `None`: they belong to nobody any more, and are forgotten.
    pub(super) async fn note_verified(
        &self,
        noted: &BTreeMap<RecordRef, Option<Noted>>,
        now: i64,
    ) -> Result<(), Error> {
        let records: Vec<RecordRef> = noted.keys().cloned().collect();
        for page in records.chunks(PAGE) {
            let mut attempts = Attempts::default();
            loop {
                let rows = self.ledger_rows(page).await?;
                let mut changes = Changes::new(&self.core, now, &Self::engine());
                for (record, (revision, row)) in page.iter().zip(rows) {
                    let former = row.unwrap_or_else(|| LedgerRow::known_from(now));
                    let became = noted.get(record).copied().flatten().map(|noted| match noted {
                        Noted::Verified(found) => LedgerRow { filed: now, verified: Some(now), found, ..former },
                        Noted::Failed => LedgerRow { filed: now, ..former },
                    });
                    file(&mut changes, record, (revision, row), became);
                }
                if changes.commit.put.is_empty() && changes.commit.delete.is_empty() {
                    break;
                }
                if attempts.commit(self, "note what was verified", changes.commit).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The records of these that are linked to an entity.
    pub(super) async fn linked(&self, records: &[RecordRef]) -> Result<BTreeSet<RecordRef>, Error> {
        let keys: Vec<RowKey> = records.iter().map(link_key).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("look for links"))?;
        let linked = records.iter().zip(rows).filter(|(_, row)| row.is_some());
        Ok(linked.map(|(record, _)| record.clone()).collect())
    }

    /// Puts linked records on the ledger that are not on it, from `after` on and a page at most. Gives where to go on; `None`: the
    /// end was reached.
    pub(super) async fn enrol(&self, connection: &ConnectionName, after: Option<Text>) -> Result<Option<Text>, Error> {
        let prefix = connection_prefix(connection);
        let links = self.core.store.scan(&self.id, Table::Link, &prefix, after.as_deref(), PAGE).await;
        let links = links.map_err(Error::store("look for records to verify"))?;
        let records: Vec<RecordRef> = links.iter().filter_map(|row| record_of_key(&row.key)).collect();
        let rows = self.ledger_rows(&records).await?;
        let now = self.now();
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        for (record, row) in records.iter().zip(rows).filter(|(_, (_, row))| row.is_none()) {
            file(&mut changes, record, row, Some(LedgerRow::known_from(now)));
        }
        if !changes.commit.put.is_empty() {
            // Whoever was faster has put them there.
            self.commit("begin to verify records", changes.commit).await?;
        }
        Ok(if links.len() < PAGE { None } else { links.last().map(|row| row.key.clone()) })
    }
}

/// What became of verifying a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    Verified(Found),
    /// It could not be read: it has its turn again after its interval, and is as old as it was.
    Failed,
}

/// Replaces the two rows of a record.
fn file(
    changes: &mut Changes<'_>,
    record: &RecordRef,
    (revision, row): (Option<u64>, Option<LedgerRow>),
    became: Option<LedgerRow>,
) {
    let key = ledger_key(record);
    changes.commit.expect.push((key.clone(), revision));
    if let Some(row) = row
        && became.is_none_or(|became| became.filed != row.filed)
    {
        changes.delete(order_key(record, row.filed));
    }
    match became {
        Some(became) => {
            changes.put(order_key(record, became.filed), &became.filed);
            changes.put(key, &became);
        }
        None => changes.delete(key),
    }
}
