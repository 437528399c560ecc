//! Batch writes beside the bare database: rows of one table, a thousand at a time, over a hundred thousand keys.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use accordant::TenantId;
use accordant::store::{Commit, Committed, RowKey, SqliteStore, Store, Table};
use accordant_bench::beside::median;
use accordant_bench::usage::{Clocks, Nanos};
use futures::executor::block_on;

use super::per_second;

#[cfg(feature = "servers")]
pub(super) mod postgres;

const ROWS: usize = 1_000;
const KEYS: usize = 100_000;
/// Batches in a round: every key once.
const BATCHES: usize = KEYS / ROWS;
/// Rounds of either, in turn. The first inserts, and is not counted; of the others the median counts.
const ROUNDS: usize = 6;

/// Which keys a batch has: spread over all of them.
fn keys(round: usize, batch: usize) -> Vec<String> {
    (0..ROWS).map(|row| format!("customer-{:06}", (row * BATCHES + batch + round * 7) % KEYS)).collect()
}

/// Two hundred bytes of JSON.
fn value(round: usize, key: &str) -> String {
    format!(r#"{{"key":"{key}","round":{round},"text":"{}"}}"#, "x".repeat(150))
}

/// A round of the store: each batch one commit.
fn commits(store: &dyn Store, round: usize) -> Result<Nanos, Box<dyn Error>> {
    let (tenant, clocks) = (TenantId::new("batches"), Clocks::now());
    for batch in 0..BATCHES {
        let put = keys(round, batch).into_iter().map(|key| {
            let value = value(round, &key).into_bytes();
            (RowKey::new(Table::Entity, key), value)
        });
        let commit = Commit { put: put.collect(), ..Commit::default() };
        if !matches!(block_on(store.commit(&tenant, commit))?, Committed::Done { .. }) {
            return Err("a commit without expectations was lost".into());
        }
    }
    Ok(clocks.taken().wall)
}

/// Both rates, and their ratio in percent.
fn tell(name: &str, bare: Vec<Nanos>, store: Vec<Nanos>, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let rate = |mut taken: Vec<Nanos>| {
        taken.remove(0);
        per_second(KEYS as u64, median(&mut taken))
    };
    let (bare, store) = (rate(bare), rate(store));
    writeln!(
        out,
        r#"{{"store":"{name}","batch":{ROWS},"raw_rows_per_second":{bare},"store_rows_per_second":{store},"percent_of_raw":{}}}"#,
        store * 100 / bare.max(1)
    )?;
    Ok(())
}

/// Beside a prepared upsert in a transaction for each batch, with the same durability.
pub(super) fn sqlite(folder: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut raw = rusqlite::Connection::open(folder.join("raw.db"))?;
    raw.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
         CREATE TABLE raw (tenant TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, value NOT NULL,
             PRIMARY KEY (tenant, key)) WITHOUT ROWID",
    )?;
    let store = SqliteStore::open(folder.join("batches.db"))?;
    let (mut bare, mut through) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let clocks = Clocks::now();
        for batch in 0..BATCHES {
            let transaction = raw.transaction()?;
            {
                let mut upsert = transaction.prepare_cached(
                    "INSERT INTO raw VALUES (?1, ?2, 1, ?3) ON CONFLICT DO UPDATE SET revision = revision + 1, \
                     value = excluded.value",
                )?;
                for key in keys(round, batch) {
                    let value = value(round, &key);
                    upsert.execute(("batches", key, value))?;
                }
            }
            transaction.commit()?;
        }
        bare.push(clocks.taken().wall);
        through.push(commits(&store, round)?);
    }
    tell("sqlite", bare, through, out)
}
