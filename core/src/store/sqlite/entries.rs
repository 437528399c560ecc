//! The journal's rows, and their payloads in rows of their own.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use super::super::StoreError;
use super::refused;
use super::rows::{Readable, bytes, signed, unsigned};
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
    let mut entries = connection.prepare_cached(
        "INSERT INTO journal (tenant, seq, format, at, actor, kind, subject, commitment, digest) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut payloads = connection.prepare_cached(
        "INSERT INTO journal_payload (tenant, seq, subject, salt, payload) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (entry, payload) in sealed {
        let Entry { seq, format, at, actor, kind, subject, commitment, digest } = entry;
        let (tenant, seq, subject) = (tenant.as_str(), signed(seq), subject.as_str());
        entries.execute(params![
            tenant,
            seq,
            format,
            at,
            actor.as_str(),
            kind.as_str(),
            subject,
            commitment.0,
            digest.0
        ])?;
        if let Some(payload) = payload {
            payloads.execute(params![tenant, seq, subject, payload.salt, Readable(&payload.bytes)])?;
        }
    }
    Ok(())
}

fn head(connection: &Connection, tenant: &TenantId) -> rusqlite::Result<Head> {
    Ok(last(connection, tenant)?.unwrap_or_default())
}

/// The last entry, if there is any.
fn last(connection: &Connection, tenant: &TenantId) -> rusqlite::Result<Option<Head>> {
    // Read anew for every commit: another handle may have written.
    let mut statement =
        connection.prepare_cached("SELECT seq, digest FROM journal WHERE tenant = ?1 ORDER BY seq DESC LIMIT 1")?;
    statement
        .query_row([tenant.as_str()], |row| Ok(Head { seq: unsigned(row.get(0)?), digest: Digest(row.get(1)?) }))
        .optional()
}

/// Deletes the entries up to a place, but for the last.
pub(super) fn cut(connection: &mut Connection, tenant: &TenantId, until: u64) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let until = until.min(head(&transaction, tenant)?.seq.saturating_sub(1));
    let of = |sql| transaction.prepare_cached(sql)?.execute(params![tenant.as_str(), signed(until)]);
    of("DELETE FROM journal_payload WHERE tenant = ?1 AND seq <= ?2")?;
    let deleted = of("DELETE FROM journal WHERE tenant = ?1 AND seq <= ?2")?;
    transaction.commit()?;
    Ok(deleted as u64)
}

/// Deletes the payloads of the entries of a kind up to a place.
pub(super) fn expire(connection: &Connection, tenant: &TenantId, kind: &str, until: u64) -> rusqlite::Result<u64> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM journal_payload WHERE tenant = ?1 AND seq <= ?3 \
         AND EXISTS (SELECT 1 FROM journal j WHERE j.tenant = ?1 AND j.seq = journal_payload.seq AND j.kind = ?2)",
    )?;
    Ok(delete.execute(params![tenant.as_str(), kind, signed(until)])? as u64)
}

/// A page of entries, with the payloads that are still there.
pub(super) fn page(
    connection: &Connection,
    tenant: &TenantId,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<(Entry, Option<Payload>)>> {
    let mut statement = connection.prepare_cached(
        "SELECT j.seq, j.format, j.at, j.actor, j.kind, j.subject, j.commitment, j.digest, p.salt, p.payload \
         FROM journal j LEFT JOIN journal_payload p ON p.tenant = j.tenant AND p.seq = j.seq \
         WHERE j.tenant = ?1 AND j.seq > ?2 ORDER BY j.seq LIMIT ?3",
    )?;
    let rows = statement.query_map(params![tenant.as_str(), signed(after), signed(limit)], entry)?;
    rows.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<(Entry, Option<Payload>)> {
    let entry = Entry {
        seq: unsigned(row.get(0)?),
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
    let mut statement = connection.prepare_cached(
        "SELECT j.seq, j.format, j.at, j.actor, j.kind, j.subject, j.commitment, j.digest, p.salt, p.payload \
         FROM journal_payload p INDEXED BY journal_payload_by_subject \
         CROSS JOIN journal j ON j.tenant = p.tenant AND j.seq = p.seq \
         WHERE p.tenant = ?1 AND p.subject = ?2 AND p.seq > ?3 ORDER BY p.seq LIMIT ?4",
    )?;
    let rows = statement.query_map(params![tenant.as_str(), subject, signed(after), signed(limit)], entry)?;
    rows.collect()
}

/// The place of the last entry before the first that is later.
pub(super) fn place(connection: &Connection, tenant: &TenantId, at: i64) -> rusqlite::Result<u64> {
    let mut later =
        connection.prepare_cached("SELECT seq FROM journal WHERE tenant = ?1 AND at > ?2 ORDER BY seq LIMIT 1")?;
    let first: Option<i64> = later.query_row(params![tenant.as_str(), at], |row| row.get(0)).optional()?;
    match first {
        Some(first) => Ok(unsigned(first).saturating_sub(1)),
        None => Ok(head(connection, tenant)?.seq),
    }
}

/// Deletes the payloads about `subject` up to a place, and their traces in the write-ahead log.
pub(super) fn erase(connection: &Connection, tenant: &TenantId, subject: &str, until: u64) -> Result<u64, StoreError> {
    let deleted = connection
        .prepare_cached("DELETE FROM journal_payload WHERE tenant = ?1 AND subject = ?2 AND seq <= ?3")
        .and_then(|mut delete| delete.execute(params![tenant.as_str(), subject, signed(until)]))
        .map_err(refused("erase payloads"))?;
    // The file's pages were overwritten (`secure_delete`), but the log still holds the former ones. Done even if nothing
    // was deleted: a call before this one may have failed here.
    let busy: bool = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(refused("empty its log after an erasure"))?;
    if busy {
        return Err(refused("empty its log after an erasure")(StillRead));
    }
    Ok(deleted as u64)
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
        reader.execute_batch("BEGIN; SELECT * FROM journal_payload").unwrap();
        assert!(matches!(erase(&connection, &tenant, "person", u64::MAX), Err(StoreError::Database { .. })));
        assert!(left());
        reader.execute_batch("COMMIT").unwrap();
        // Nothing is left to delete, but its bytes were.
        assert_eq!(erase(&connection, &tenant, "person", u64::MAX).unwrap(), 0);
        assert!(!left());
    }
}
