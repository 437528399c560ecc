//! Rows of state, read.

use std::collections::BTreeMap;

use accordant::id::TenantId;
use accordant::store::{KeyRange, Row, RowKey, Table};
use accordant::text::Text;
use futures::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, Result};
use mongodb::{ClientSession, Database};

use crate::{content, transaction};

/// The id of a row. The order of its parts is that of the index.
pub(crate) fn id(tenant: &TenantId, key: &str) -> Document {
    doc! { "tenant": tenant.as_str(), "key": key }
}

/// Places in the question, by table and key.
type Asked<'k> = BTreeMap<Table, BTreeMap<&'k str, Vec<usize>>>;

fn by_table(keys: &[RowKey]) -> Asked<'_> {
    let mut tables = Asked::new();
    for (place, key) in keys.iter().enumerate() {
        tables.entry(key.table).or_default().entry(key.key.as_str()).or_default().push(place);
    }
    tables
}

fn any_of<'k>(tenant: &TenantId, keys: impl IntoIterator<Item = &'k str>) -> Document {
    let ids: Vec<Document> = keys.into_iter().map(|key| id(tenant, key)).collect();
    doc! { "_id": { "$in": ids } }
}

/// The rows of `keys`, at their places.
///
/// Of one collection they are read as they are; of several, in a transaction, since it alone shows them as of one moment.
pub(crate) async fn load(database: &Database, tenant: &TenantId, keys: &[RowKey]) -> Result<Vec<Option<Row>>> {
    let mut rows = vec![None; keys.len()];
    let asked = by_table(keys);
    if asked.len() == 1 {
        for (table, places) in asked {
            let collection = database.collection::<Document>(table.name());
            let mut found = collection.find(any_of(tenant, places.keys().copied())).await?;
            while let Some(document) = found.try_next().await? {
                place(row(&document)?, &places, &mut rows);
            }
        }
        return Ok(rows);
    }
    let mut session = transaction::begin(database).await?;
    for (table, places) in asked {
        let collection = database.collection::<Document>(table.name());
        let mut found = collection.find(any_of(tenant, places.keys().copied())).session(&mut session).await?;
        while let Some(document) = found.next(&mut session).await.transpose()? {
            place(row(&document)?, &places, &mut rows);
        }
    }
    transaction::end(&mut session, Ok(rows)).await
}

fn place(row: Row, places: &BTreeMap<&str, Vec<usize>>, rows: &mut [Option<Row>]) {
    for place in places.get(row.key.as_str()).into_iter().flatten() {
        rows[*place] = Some(row.clone());
    }
}

/// The revisions of those of `keys` that there are, in the session's transaction.
pub(crate) async fn revisions(
    database: &Database,
    session: &mut ClientSession,
    tenant: &TenantId,
    keys: &[RowKey],
) -> Result<BTreeMap<RowKey, u64>> {
    let mut revisions = BTreeMap::new();
    for (table, places) in by_table(keys) {
        let collection = database.collection::<Document>(table.name());
        let asked = collection.find(any_of(tenant, places.keys().copied())).projection(doc! { "revision": 1 });
        let mut found = asked.session(&mut *session).await?;
        while let Some(document) = found.next(session).await.transpose()? {
            let (key, revision) = name(&document).ok_or_else(foreign)?;
            revisions.insert(RowKey { table, key }, revision);
        }
    }
    Ok(revisions)
}

/// A page of a table.
pub(crate) async fn scan(
    database: &Database,
    tenant: &TenantId,
    table: Table,
    range: &KeyRange,
    limit: usize,
) -> Result<Vec<Row>> {
    if limit == 0 {
        // MongoDB reads no limit at all in it.
        return Ok(Vec::new());
    }
    let from = if range.behind { "$gt" } else { "$gte" };
    let until = range.until.as_deref().map_or(Bson::MaxKey, |until| Bson::String(until.to_owned()));
    let filter = doc! { "_id": { from: id(tenant, &range.from), "$lt": { "tenant": tenant.as_str(), "key": until } } };
    let found = database
        .collection::<Document>(table.name())
        .find(filter)
        .sort(doc! { "_id": 1 })
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .await?;
    found.and_then(async |document| row(&document)).try_collect().await
}

fn name(document: &Document) -> Option<(Text, u64)> {
    let key = document.get_document("_id").ok()?.get_str("key").ok()?;
    Some((Text::new(key), document.get_i64("revision").ok()?.cast_unsigned()))
}

fn row(document: &Document) -> Result<Row> {
    let row = name(document).zip(content::of(document));
    row.map(|((key, revision), value)| Row { key, revision, value }).ok_or_else(foreign)
}

/// Somebody else wrote there, or changed what we wrote. Leaving it out would be losing it.
pub(crate) fn foreign() -> Error {
    Error::custom("a document is not as Accordant writes it")
}
