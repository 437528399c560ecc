//! The journal's rows.

use std::ops::RangeInclusive;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use super::super::StoreError;
use super::refused;
use super::rows::{Readable, bytes, signed};
use super::tenants::{Places, seq};
use crate::fingerprint::Digest;
use crate::id::{Actor, TenantId};
use crate::journal::{self, Broken, Draft, Entry, Head, Payload};
use crate::text::Text;

/// Chains the drafts behind the tenant's last entry. Says where the journal ends now.
pub(super) fn append(connection: &Connection, tenant: &TenantId, drafts: Vec<Draft>) -> rusqlite::Result<Head> {
    let former = head(connection, tenant)?;
    if drafts.is_empty() {
        return Ok(former);
    }
    let (head, sealed) = journal::seal(former, drafts);
    insert(connection, tenant, sealed.into_iter().map(|(entry, payload)| (entry, Some(payload))))?;
    Ok(head)
}

/// Appends entries that were sealed elsewhere, if they follow the tenant's last one.
pub(super) fn take_over(
    connection: &mut Connection,
    tenant: &TenantId,
    start: Head,
    entries: Vec<(Entry, Option<Payload>)>,
) -> rusqlite::Result<Result<Head, Broken>> {
    // Immediate: nobody appends between the look at the last entry and what follows it.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let verified = journal::verify_all(last(&transaction, tenant)?.unwrap_or(start), &entries);
    if verified.is_ok() {
        insert(&transaction, tenant, entries)?;
    }
    transaction.commit()?;
    Ok(verified)
}

fn insert(
    connection: &Connection,
    tenant: &TenantId,
    sealed: impl IntoIterator<Item = (Entry, Option<Payload>)>,
) -> rusqlite::Result<()> {
    let places = Places::taken(connection, tenant)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO journal (place, format, at, actor, kind, subject, commitment, digest, salt, payload) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for (entry, payload) in sealed {
        let Entry { seq, format, at, actor, kind, subject, commitment, digest } = entry;
        insert.execute(params![
            places.at(seq)?,
            format,
            at,
            actor.as_str(),
            kind.as_str(),
            subject.as_str(),
            commitment.0,
            digest.0,
            payload.as_ref().map(|payload| payload.salt),
            payload.as_ref().map(|payload| Readable(&payload.bytes)),
        ])?;
    }
    Ok(())
}

fn head(connection: &Connection, tenant: &TenantId) -> rusqlite::Result<Head> {
    Ok(last(connection, tenant)?.unwrap_or_default())
}

/// The last entry, if there is any.
fn last(connection: &Connection, tenant: &TenantId) -> rusqlite::Result<Option<Head>> {
    let Some(places) = Places::of(connection, tenant)? else { return Ok(None) };
    // Read anew for every commit: another handle may have written.
    let mut statement = connection.prepare_cached(
        "SELECT place, digest FROM journal WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC LIMIT 1",
    )?;
    let of = |row: &Row<'_>| Ok(Head { seq: seq(row.get(0)?), digest: Digest(row.get(1)?) });
    statement.query_row(between(&places.all()), of).optional()
}

/// The first and last place of a range, as a statement takes them.
fn between(places: &RangeInclusive<i64>) -> [i64; 2] {
    [*places.start(), *places.end()]
}

/// Deletes the entries up to a place, but for the last.
pub(super) fn cut(connection: &mut Connection, tenant: &TenantId, until: u64) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(places) = Places::of(&transaction, tenant)? else { return Ok(0) };
    let until = until.min(head(&transaction, tenant)?.seq.saturating_sub(1));
    let deleted = transaction
        .prepare_cached("DELETE FROM journal WHERE place BETWEEN ?1 AND ?2")?
        .execute(between(&places.until(until)))?;
    transaction.commit()?;
    Ok(deleted as u64)
}

/// Deletes the payloads of the entries of a kind up to a place.
pub(super) fn expire(connection: &Connection, tenant: &TenantId, kind: &str, until: u64) -> rusqlite::Result<u64> {
    let Some(places) = Places::of(connection, tenant)? else { return Ok(0) };
    let [first, last] = between(&places.until(until));
    let mut delete = connection.prepare_cached(
        "UPDATE journal SET salt = NULL, payload = NULL \
         WHERE place BETWEEN ?1 AND ?2 AND kind = ?3 AND payload IS NOT NULL",
    )?;
    Ok(delete.execute(params![first, last, kind])? as u64)
}

/// A page of entries, with the payloads that are still there.
pub(super) fn page(
    connection: &Connection,
    tenant: &TenantId,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<(Entry, Option<Payload>)>> {
    let Some(places) = Places::of(connection, tenant)? else { return Ok(Vec::new()) };
    let [first, last] = between(&places.behind(after));
    let mut statement = connection.prepare_cached(
        "SELECT place, format, at, actor, kind, subject, commitment, digest, salt, payload FROM journal \
         WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3",
    )?;
    let rows = statement.query_map(params![first, last, signed(limit)], entry)?;
    rows.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<(Entry, Option<Payload>)> {
    let entry = Entry {
        seq: seq(row.get(0)?),
        format: row.get(1)?,
        at: row.get(2)?,
        actor: Actor::new(row.get_ref(3)?.as_str()?),
        kind: Text::new(row.get_ref(4)?.as_str()?),
        subject: Text::new(row.get_ref(5)?.as_str()?),
        commitment: Digest(row.get(6)?),
        digest: Digest(row.get(7)?),
    };
    let payload = match row.get_ref(9)? {
        ValueRef::Null => None,
        payload => Some(Payload { bytes: bytes(payload)?, salt: row.get(8)? }),
    };
    Ok((entry, payload))
}

/// A page of the entries about a subject whose payloads are still there: they are found by these.
pub(super) fn about(
    connection: &Connection,
    tenant: &TenantId,
    subject: &str,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<(Entry, Option<Payload>)>> {
    let Some(places) = Places::of(connection, tenant)? else { return Ok(Vec::new()) };
    let [first, last] = between(&places.behind(after));
    let mut statement = connection.prepare_cached(
        "SELECT place, format, at, actor, kind, subject, commitment, digest, salt, payload \
         FROM journal INDEXED BY journal_by_subject \
         WHERE subject = ?3 AND payload IS NOT NULL AND place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?4",
    )?;
    let rows = statement.query_map(params![first, last, subject, signed(limit)], entry)?;
    rows.collect()
}

/// The place of the last entry before the first that is later.
pub(super) fn place(connection: &Connection, tenant: &TenantId, at: i64) -> rusqlite::Result<u64> {
    let Some(places) = Places::of(connection, tenant)? else { return Ok(0) };
    let [first, last] = between(&places.all());
    let mut later = connection
        .prepare_cached("SELECT place FROM journal WHERE place BETWEEN ?1 AND ?2 AND at > ?3 ORDER BY place LIMIT 1")?;
    let first: Option<i64> = later.query_row([first, last, at], |row| row.get(0)).optional()?;
    match first {
        Some(first) => Ok(seq(first).saturating_sub(1)),
        None => Ok(head(connection, tenant)?.seq),
    }
}

/// Deletes the payloads about `subject` up to a place, and their traces in the write-ahead log.
pub(super) fn erase(connection: &Connection, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError> {
    let deleted = delete_payloads(connection, tenant, subject, until).map_err(refused("erase payloads"))?;
    // The file's pages were overwritten (`secure_delete`), but the log still holds the former ones. Done even if nothing
    // was deleted: a call before this one may have failed here.
    let busy: bool = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(refused("empty its log after an erasure"))?;
    if busy {
        return Err(refused("empty its log after an erasure")(StillRead));
    }
    Ok(deleted)
}

fn delete_payloads(connection: &Connection, tenant: &TenantId, subject: &str, until: u64) -> rusqlite::Result<u64> {
    let Some(places) = Places::of(connection, tenant)? else { return Ok(0) };
    let [first, last] = between(&places.until(until));
    let mut delete = connection.prepare_cached(
        "UPDATE journal SET salt = NULL, payload = NULL \
         WHERE subject = ?3 AND payload IS NOT NULL AND place BETWEEN ?1 AND ?2",
    )?;
    Ok(delete.execute(params![first, last, subject])? as u64)
}

/// Somebody else's read transaction needs the log.
#[derive(Debug, thiserror::Error)]
#[error("another process is still reading the log that holds what was erased")]
struct StillRead;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use rusqlite::Connection;

    use super::super::schema;
    use super::{append, erase};
    use crate::id::{Actor, TenantId};
    use crate::journal::Draft;
    use crate::store::StoreError;

    #[test]
    fn an_erasure_that_a_reader_holds_up_says_so_and_can_be_repeated() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let left = || {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.extend(std::fs::read(path.with_extension("db-wal")).unwrap());
            bytes.windows(10).any(|window| window == b"the secret")
        };
        let mut connection = Connection::open(&path).unwrap();
        schema::prepare(&mut connection).unwrap();
        schema::use_log(&connection).unwrap();
        schema::create(&mut connection).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        let tenant = TenantId::new("acme");
        let draft = Draft {
            at: 0,
            actor: Actor::new("test"),
            kind: "observed",
            subject: "person".into(),
            payload: b"the secret".to_vec(),
            salt: [0; 16],
        };
        append(&connection, &tenant, vec![draft]).unwrap();

        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM journal").unwrap();
        assert!(matches!(erase(&connection, &tenant, "person", u64::MAX), Err(StoreError::Database { .. })));
        assert!(left());
        reader.execute_batch("COMMIT").unwrap();
        // Nothing is left to delete, but its bytes were.
        assert_eq!(erase(&connection, &tenant, "person", u64::MAX).unwrap(), 0);
        assert!(!left());
    }
}
