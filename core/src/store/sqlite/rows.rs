//! Rows of state.

use rusqlite::types::{FromSqlError, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, ToSql, TransactionBehavior, params};

use super::super::{Row, RowKey, Table};
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
    // A range and not LIKE or GLOB, in which some characters of a prefix would have a meaning.
    let (start, from) = match after {
        Some(after) if after >= prefix => (">", after),
        _ => (">=", prefix),
    };
    let end = end_of_prefix(prefix);
    let until = if end.is_some() { "AND key < ?4" } else { "AND ?4 IS NULL" };
    let sql = format!(
        "SELECT key, revision, value FROM \"{}\" WHERE tenant = ?1 AND key {start} ?2 {until} ORDER BY key LIMIT ?3",
        table.name(),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![tenant.as_str(), from, signed(limit), end], |row| {
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

/// The first text behind all that starts with `prefix`; `None` if there is no such text.
///
/// SQLite compares text as UTF-8 bytes, and these sort like the characters they encode.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut rest = prefix.chars();
    while let Some(last) = rest.next_back() {
        // The range skips the surrogates, as UTF-8 does.
        if let Some(next) = (last..=char::MAX).nth(1) {
            return Some(rest.as_str().chars().chain([next]).collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::end_of_prefix;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text_that_does_not_start_with_it() {
        assert_eq!(end_of_prefix(""), None);
        assert_eq!(end_of_prefix("\u{10FFFF}"), None);
        assert_eq!(end_of_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(end_of_prefix("a\u{10FFFF}\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(end_of_prefix("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(end_of_prefix("a\u{7f}").as_deref(), Some("a\u{80}"));
    }
}
