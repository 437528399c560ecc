//! The file's format: its tables, and how another format is recognised.

use std::fmt::Write as _;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::super::{StoreError, Table};
use super::refused;

/// Marks the file as ours: `Accd`.
const APPLICATION: i32 = 0x4163_6364;

/// The version of the tables below. Raise it with any change of them.
const FORMAT: i32 = 3;

/// Pages kept in memory at most, in KiB. With SQLite's own 2 MB a commit reads most of what it changes from the file again; with 64 MB
/// it looks through all of them whenever its trees were balanced, which takes longer.
const CACHE: i64 = 16_384;

/// How long a statement waits for other handles' locks.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a new file is asked for its write-ahead log while other handles ask, too.
const SWITCHES: usize = 20;

/// Statements kept prepared: at most eight for each table, and those of the journal.
const STATEMENTS: usize = 8 * Table::ALL.len() + 16;

/// The tables whose rows are long. They are found by an index and kept apart from it: within a tree of keys a row of over 1 002 bytes is
/// cut, what is over goes to pages of its own, and every change of it changes those as well.
const LONG: [Table; 6] =
    [Table::Meta, Table::Representation, Table::Entity, Table::Plan, Table::DeadLetter, Table::Case];

/// The journal and the views. An entry's row has one number for tenant and place ([`super::tenants`]), so that it is found and
/// appended in one tree; what may be erased of it, salt and payload, is set to `NULL` there. Its payload stands last: what does
/// not ask for it reads no further.
const JOURNAL: &str = "
CREATE TABLE tenant (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE journal (
    place INTEGER PRIMARY KEY,
    format INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    commitment BLOB NOT NULL,
    digest BLOB NOT NULL,
    salt BLOB,
    payload
);
CREATE INDEX journal_by_subject ON journal (subject) WHERE payload IS NOT NULL;
CREATE VIEW journal_entries AS
    SELECT t.name AS tenant, j.place & 0xFFFFFFFFFF AS seq,
        strftime('%Y-%m-%dT%H:%M:%fZ', j.at / 1000.0, 'unixepoch') AS at, j.actor, j.kind,
        j.subject, j.payload, lower(hex(j.digest)) AS digest
    FROM journal j JOIN tenant t ON t.number = j.place >> 40;
";

const DISCREPANCIES: &str = "
CREATE VIEW open_discrepancies AS
    SELECT tenant,
        json_extract(value, '$.id') AS id,
        json_extract(value, '$.entity') AS entity,
        json_extract(value, '$.unit') AS unit,
        json_extract(value, '$.kind') AS kind,
        json_extract(value, '$.link') AS link,
        json_extract(value, '$.state') AS state,
        json_extract(value, '$.first_seen') AS first_seen,
        json_extract(value, '$.last_seen') AS last_seen
    FROM discrepancy
    WHERE json_valid(value) AND json_extract(value, '$.state') IS NOT 'resolved';
";

/// Format 1 had payloads in a table of their own, and the tenant's name in each row.
const FROM_FORMAT_1: &str = "
INSERT INTO tenant (name) SELECT DISTINCT tenant FROM former_journal ORDER BY tenant;
INSERT INTO journal
    SELECT t.number << 40 | j.seq, j.format, j.at, j.actor, j.kind, j.subject, j.commitment, j.digest, p.salt, p.payload
    FROM tenant t JOIN former_journal j ON j.tenant = t.name
        LEFT JOIN journal_payload p ON p.tenant = j.tenant AND p.seq = j.seq
    ORDER BY 1;
DROP TABLE journal_payload;
DROP TABLE former_journal;
";

/// Creates a table of rows. The value has no type, so that SQLite keeps text as text and bytes as bytes.
fn create_rows(table: Table) -> String {
    let apart = if LONG.contains(&table) { "" } else { "WITHOUT ROWID" };
    format!(
        "CREATE TABLE \"{}\" (tenant TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, value NOT NULL, \
         PRIMARY KEY (tenant, key)) {apart};",
        table.name(),
    )
}

/// Until format 3 all rows stood within their trees of keys.
fn from_format_2(table: Table) -> String {
    let (name, created) = (table.name(), create_rows(table));
    format!(
        "ALTER TABLE \"{name}\" RENAME TO former_rows; {created} \
         INSERT INTO \"{name}\" SELECT tenant, key, revision, value FROM former_rows ORDER BY tenant, key; DROP TABLE former_rows;"
    )
}

/// Sets up the connection, and refuses a file that is not ours before anything in it is changed.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let set = |connection: &Connection| -> rusqlite::Result<()> {
        connection.busy_timeout(PATIENCE)?;
        // SQLite looks at what is bound to a LIMIT, and plans such a statement anew whenever something is: longer than many take.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // NORMAL would lose acknowledged commits when the power fails.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -CACHE)?;
        // Erased bytes are overwritten with zeros.
        connection.pragma_update(None, "secure_delete", "ON")
    };
    set(connection).map_err(refused("set up the connection"))?;
    // In one snapshot: another handle may be creating the tables.
    let snapshot = connection.transaction().map_err(refused("recognise the file"))?;
    recognise(&snapshot).map(drop)
}

/// Gives the file a write-ahead log, in which commits append and readers do not wait.
pub(super) fn use_log(connection: &Connection) -> Result<(), StoreError> {
    const DOING: &str = "use a write-ahead log";
    let switch = || connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    let mut mode = switch();
    // Where two handles switch a new file at once, SQLite refuses one of them without waiting. Waiting for the write
    // lock waits for the other's switch.
    for _ in 0..SWITCHES {
        if !mode.as_ref().is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)) {
            break;
        }
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT").map_err(refused(DOING))?;
        mode = switch();
    }
    match mode.map_err(refused(DOING))?.as_str() {
        "wal" => Ok(()),
        other => Err(refused(DOING)(NoLog(other.to_owned()))),
    }
}

/// Creates the tables in an empty file, and brings those of a former format to this one.
pub(super) fn create(connection: &mut Connection) -> Result<(), StoreError> {
    const DOING: &str = "create its tables";
    // Under the write lock, because another handle may be creating them too.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused(DOING))?;
    let found = recognise(&transaction)?;
    let mut sql = String::new();
    if found == Found::Empty {
        Table::ALL.into_iter().for_each(|table| sql.push_str(&create_rows(table)));
        sql.push_str(JOURNAL);
        sql.push_str(DISCREPANCIES);
    }
    if found == Found::Former(1) {
        sql.push_str("DROP VIEW journal_entries; ALTER TABLE journal RENAME TO former_journal;");
        sql.push_str(JOURNAL);
        sql.push_str(FROM_FORMAT_1);
    }
    if let Found::Former(..=2) = found {
        LONG.into_iter().for_each(|table| sql.push_str(&from_format_2(table)));
    }
    if found != Found::Ours {
        // Writing to a String cannot fail.
        let _ = write!(sql, "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT};");
        transaction.execute_batch(&sql).map_err(refused(DOING))?;
    }
    transaction.commit().map_err(refused(DOING))
}

#[derive(PartialEq, Eq)]
enum Found {
    Empty,
    /// Of a format that this version brings to its own.
    Former(i32),
    Ours,
}

fn recognise(connection: &Connection) -> Result<Found, StoreError> {
    const DOING: &str = "recognise the file";
    let read = |sql| connection.query_row(sql, [], |row| row.get::<_, i32>(0)).map_err(refused(DOING));
    let application = read("PRAGMA application_id")?;
    let format = read("PRAGMA user_version")?;
    match (application, format) {
        (APPLICATION, FORMAT) => Ok(Found::Ours),
        (APPLICATION, former @ 1..FORMAT) => Ok(Found::Former(former)),
        (APPLICATION, _) => {
            Err(StoreError::Format { found: format.cast_unsigned(), supported: FORMAT.cast_unsigned() })
        }
        (0, 0) if read("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(Found::Empty),
        _ => Err(refused(DOING)(Foreign)),
    }
}

/// The file is a database of something else.
#[derive(Debug, thiserror::Error)]
#[error("it is the database of another application")]
struct Foreign;

/// The file system or path does not allow a write-ahead log.
#[derive(Debug, thiserror::Error)]
#[error("SQLite stays in journal mode `{0}` here")]
struct NoLog(String);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use rusqlite::Connection;

    use super::{create, prepare, use_log};

    #[test]
    fn a_commit_is_flushed_and_a_deletion_overwrites() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(directory.path().join("store.db")).unwrap();
        prepare(&mut connection).unwrap();
        use_log(&connection).unwrap();
        create(&mut connection).unwrap();
        let read = |pragma: &str| {
            connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get_ref(0)?.as_i64().map_err(Into::into))
        };
        assert_eq!(read("synchronous"), Ok(2), "FULL");
        assert_eq!(read("secure_delete"), Ok(1));
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
}
