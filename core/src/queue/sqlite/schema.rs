//! The queue's file: its tables, and how another file is recognised.

use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use super::super::QueueError;

/// Marks the file as a queue's: `Accq`.
const APPLICATION: i32 = 0x4163_6371;

/// The version of the tables below.
const FORMAT: i32 = 1;

/// How long a statement waits for other handles' locks.
const PATIENCE: Duration = Duration::from_secs(10);

const TABLES: &str = "
CREATE TABLE setting (partitions INTEGER NOT NULL);
CREATE TABLE topic_partition (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
CREATE TABLE message (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (topic, partition, place),
    UNIQUE (topic, id)
);
CREATE INDEX message_by_age ON message (topic, at);
CREATE TABLE position (
    topic TEXT NOT NULL,
    team TEXT NOT NULL,
    partition INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    member TEXT,
    PRIMARY KEY (topic, team, partition)
) WITHOUT ROWID;
CREATE TABLE member (
    topic TEXT NOT NULL,
    team TEXT NOT NULL,
    member TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (topic, team, member)
) WITHOUT ROWID;
";

/// Sets up the connection, and makes the tables of a new file.
pub(super) fn create(connection: &mut Connection, partitions: u32) -> Result<(), QueueError> {
    let set_up = |connection: &mut Connection| -> rusqlite::Result<bool> {
        connection.busy_timeout(PATIENCE)?;
        // As in the store: a statement is planned once.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let pragma = |name: &str| transaction.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
        let empty = transaction.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get::<_, bool>(0))?;
        if !empty {
            return Ok(pragma("application_id")? == APPLICATION && pragma("user_version")? == FORMAT);
        }
        transaction.execute_batch(TABLES)?;
        transaction.execute("INSERT INTO setting (partitions) VALUES (?1)", [partitions])?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
        transaction.commit()?;
        Ok(true)
    };
    let ours = set_up(connection).map_err(QueueError::broker("set up the file"))?;
    if !ours {
        return Err(QueueError::broker("use the file")("it is no queue of this version"));
    }
    // Readers do not wait for who writes. Another handle may be switching at this moment, which is as good.
    let mode = |connection: &Connection| connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()));
    match mode(connection) {
        Err(rusqlite::Error::SqliteFailure(failure, _)) if failure.code == rusqlite::ErrorCode::DatabaseBusy => Ok(()),
        switched => switched.map_err(QueueError::broker("give the file a write-ahead log")),
    }
}

/// How many partitions each topic has.
pub(super) fn partitions(connection: &Connection) -> rusqlite::Result<u32> {
    connection.prepare_cached("SELECT partitions FROM setting")?.query_row([], |row| row.get(0))
}
