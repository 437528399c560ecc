//! Rows of state.

use rusqlite::types::{FromSqlError, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, ToSql, TransactionBehavior, params};

use super::super::{KeyRange, Row, RowKey, Table};
use crate::id::TenantId;
use crate::text::Text;

/// Runs `read` in one snapshot, so that commits of other handles do not come between its statements.
pub(super) fn in_snapshot<T>(
    connection: &mut Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let result = read(&snapshot)?;
    snapshot.finish()?;
    Ok(result)
}

pub(super) fn load(connection: &Connection, tenant: &TenantId, key: RowKey) -> rusqlite::Result<Option<Row>> {
    let sql = format!("SELECT revision, value FROM \"{}\" WHERE tenant = ?1 AND key = ?2", key.table.name());
    let mut statement = connection.prepare_cached(&sql)?;
    let row = statement
        .query_row(params![tenant.as_str(), key.key.as_str()], |row| {
            Ok((unsigned(row.get(0)?), bytes(row.get_ref(1)?)?))
        })
        .optional()?;
    Ok(row.map(|(revision, value)| Row { key: key.key, revision, value }))
}

pub(super) fn scan(
    connection: &Connection,
    tenant: &TenantId,
    table: Table,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<Row>> {
    let range = KeyRange::of(prefix, after);
    let start = if range.behind { ">" } else { ">=" };
    let until = if range.until.is_some() { "AND key < ?4" } else { "AND ?4 IS NULL" };
    let sql = format!(
        "SELECT key, revision, value FROM \"{}\" WHERE tenant = ?1 AND key {start} ?2 {until} ORDER BY key LIMIT ?3",
        table.name(),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![tenant.as_str(), range.from, signed(limit), range.until], |row| {
        let key = Text::new(row.get_ref(0)?.as_str()?);
        Ok(Row { key, revision: unsigned(row.get(1)?), value: bytes(row.get_ref(2)?)? })
    })?;
    rows.collect()
}

pub(super) fn revision(connection: &Connection, tenant: &TenantId, key: &RowKey) -> rusqlite::Result<Option<u64>> {
    let sql = format!("SELECT revision FROM \"{}\" WHERE tenant = ?1 AND key = ?2", key.table.name());
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row(params![tenant.as_str(), key.key.as_str()], |row| row.get(0).map(unsigned)).optional()
}

pub(super) fn put(connection: &Connection, tenant: &TenantId, key: &RowKey, value: &[u8]) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO \"{}\" (tenant, key, revision, value) VALUES (?1, ?2, 1, ?3) \
         ON CONFLICT DO UPDATE SET revision = revision + 1, value = excluded.value",
        key.table.name(),
    );
    connection.prepare_cached(&sql)?.execute(params![tenant.as_str(), key.key.as_str(), Readable(value)])?;
    Ok(())
}

pub(super) fn delete(connection: &Connection, tenant: &TenantId, key: &RowKey) -> rusqlite::Result<()> {
    let sql = format!("DELETE FROM \"{}\" WHERE tenant = ?1 AND key = ?2", key.table.name());
    connection.prepare_cached(&sql)?.execute(params![tenant.as_str(), key.key.as_str()])?;
    Ok(())
}

/// Content for a column that people read: text wherever it is text.
pub(super) struct Readable<'a>(pub(super) &'a [u8]);

impl ToSql for Readable<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = std::str::from_utf8(self.0).is_ok();
        Ok(ToSqlOutput::Borrowed(if text { ValueRef::Text(self.0) } else { ValueRef::Blob(self.0) }))
    }
}

/// The content of a [`Readable`] column.
pub(super) fn bytes(value: ValueRef<'_>) -> Result<Vec<u8>, FromSqlError> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes.to_vec()),
        _ => Err(FromSqlError::InvalidType),
    }
}

/// SQLite's integers are signed. Revisions and places count up from 1 and never come near the sign.
pub(super) const fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

/// A count or place as a bound; beyond what SQLite can count, there is nothing.
pub(super) fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
