//! Appending to the journal beside bare appends of the same bytes: on SQLite, as durable, as many in a transaction.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use accordant::TenantId;
use accordant::journal::{Draft, Entry, Head, Payload, seal};
use accordant::store::{Commit, Committed, SqliteStore, Store as _};
use accordant_bench::beside;
use accordant_bench::usage::{Clocks, Nanos, Taken};
use futures::executor::block_on;
use rusqlite::{Connection, params};

use super::per_second;

/// How many entries are appended, where nothing is said.
pub(super) const ENTRIES: usize = 100_000;
/// How many in a transaction.
const BATCH: usize = 1_000;
/// Rounds of each way, in turn, each into a new file. Medians count.
const ROUNDS: usize = 5;
/// Of a hundred bare appends in a time, so many are to be had through the store.
const GOAL_PERCENT: u64 = 80;

/// The ways to append.
const WAYS: [Way; 4] = [Way::Bare, Way::BareHashed, Way::Tables, Way::Store];

#[derive(Clone, Copy)]
enum Way {
    /// One blob for each entry, which was sealed before the clock started.
    Bare,
    /// The same, sealed while the clock runs.
    BareHashed,
    /// Into the store's own tables and index, sealed before.
    Tables,
    /// As the engine appends.
    Store,
}

/// Appends so many entries each way, and prints what that took.
pub(super) fn sqlite(entries: usize, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut taken: [Vec<Taken>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (way, taken) in WAYS.into_iter().zip(&mut taken) {
            let folder = tempfile::tempdir()?;
            taken.push(way.append(&folder.path().join("journal.db"), entries)?);
        }
    }
    let median = |taken: &Vec<Taken>, of: fn(&Taken) -> Nanos| {
        let mut times: Vec<Nanos> = taken.iter().map(of).collect();
        beside::median(&mut times)
    };
    let [bare, hashed, tables, store] =
        taken.each_ref().map(|taken| per_second(entries as u64, median(taken, |of| of.wall)));
    let cpu = taken.each_ref().map(|taken| median(taken, |of| of.cpu).0 / entries.max(1) as u128);
    let (_, sealed) = seal(Head::default(), drafts(0, 1));
    let bytes: u64 = sealed.iter().map(|(entry, payload)| entry.size(Some(payload))).sum();
    writeln!(
        out,
        r#"{{"store":"sqlite","synchronous":"full","appended":{entries},"batch":{BATCH},"bytes_each":{bytes},"raw_per_second":{bare},"raw_hashed_per_second":{hashed},"tables_per_second":{tables},"journal_per_second":{store},"percent_of_raw":{},"percent_of_raw_hashed":{},"percent_of_tables":{},"goal_percent":{GOAL_PERCENT},"cpu_nanos_each":{{"raw":{},"raw_hashed":{},"tables":{},"journal":{}}}}}"#,
        store * 100 / bare.max(1),
        store * 100 / hashed.max(1),
        store * 100 / tables.max(1),
        cpu[0],
        cpu[1],
        cpu[2],
        cpu[3],
    )?;
    Ok(())
}

/// What webhooks leave in the journal.
fn drafts(from: usize, count: usize) -> Vec<Draft> {
    let draft = |number: usize| {
        let payload = format!(
            r#"{{"record":{{"connection":"hubspot","object":"contacts","id":"{}"}},"stamp":[{},0],"sighting":"live","cells":[["email","person{number}@customers.example"]],"surface":"hubspot"}}"#,
            10_000_000_000_u64 + number as u64 * 17,
            1_735_689_600_000_u64 + number as u64,
        );
        Draft {
            at: 1_735_689_600_000,
            actor: "accordant".into(),
            kind: "observed",
            subject: format!("hubspot/contacts/{number}").into(),
            payload: payload.into_bytes(),
            salt: (number as u128).to_be_bytes(),
        }
    };
    (from..from + count).map(draft).collect()
}

impl Way {
    /// Appends, and says what that took.
    fn append(self, file: &Path, entries: usize) -> Result<Taken, Box<dyn Error>> {
        let tenant = TenantId::new("appends");
        let batches = (0..entries).step_by(BATCH).map(|from| drafts(from, BATCH.min(entries - from)));
        let mut taken = Taken::default();
        match self {
            Self::Store => {
                let store = SqliteStore::open(file)?;
                for journal in batches {
                    let clocks = Clocks::now();
                    let committed = block_on(store.commit(&tenant, Commit { journal, ..Commit::default() }))?;
                    taken += clocks.taken();
                    if !matches!(committed, Committed::Done { .. }) {
                        return Err("a commit without expectations was lost".into());
                    }
                }
            }
            Self::Bare | Self::BareHashed => {
                let mut connection = opened(file)?;
                connection.execute_batch("CREATE TABLE appended (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)")?;
                let mut head = Head::default();
                for drafts in batches {
                    let hashed = matches!(self, Self::BareHashed);
                    let clocks = Clocks::now();
                    let (next, sealed) = seal(head, drafts);
                    let rows: Vec<(i64, Vec<u8>)> = sealed.iter().map(row).collect::<Result<_, _>>()?;
                    let sealing = clocks.taken();
                    head = next;
                    let clocks = Clocks::now();
                    let transaction = connection.transaction()?;
                    {
                        let mut insert = transaction.prepare_cached("INSERT INTO appended VALUES (?1, ?2)")?;
                        for (seq, entry) in &rows {
                            insert.execute(params![seq, entry])?;
                        }
                    }
                    transaction.commit()?;
                    taken += clocks.taken();
                    if hashed {
                        taken += sealing;
                    }
                }
            }
            Self::Tables => {
                drop(SqliteStore::open(file)?);
                let mut connection = opened(file)?;
                let mut head = Head::default();
                for drafts in batches {
                    let (next, sealed) = seal(head, drafts);
                    head = next;
                    let clocks = Clocks::now();
                    let transaction = connection.transaction()?;
                    insert(&transaction, &tenant, &sealed)?;
                    transaction.commit()?;
                    taken += clocks.taken();
                }
            }
        }
        Ok(taken)
    }
}

/// With the durability of the store.
fn opened(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")?;
    Ok(connection)
}

/// All that an entry holds, its digests included, in one piece.
fn row((entry, payload): &(Entry, Payload)) -> Result<(i64, Vec<u8>), std::num::TryFromIntError> {
    let Entry { seq, format, at, actor, kind, subject, commitment, digest } = entry;
    let parts: [&[u8]; 9] = [
        &format.to_be_bytes(),
        &at.to_be_bytes(),
        actor.as_str().as_bytes(),
        kind.as_bytes(),
        subject.as_bytes(),
        &commitment.0,
        &digest.0,
        &payload.salt,
        &payload.bytes,
    ];
    Ok((i64::try_from(*seq)?, parts.concat()))
}

/// As the store does.
fn insert(connection: &Connection, tenant: &TenantId, sealed: &[(Entry, Payload)]) -> Result<(), Box<dyn Error>> {
    connection.execute("INSERT OR IGNORE INTO tenant VALUES (1, ?1)", [tenant.as_str()])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    for (entry, payload) in sealed {
        insert.execute(params![
            (1 << 40) + i64::try_from(entry.seq)?,
            entry.format,
            entry.at,
            entry.actor.as_str(),
            entry.kind.as_str(),
            entry.subject.as_str(),
            entry.commitment.0,
            entry.digest.0,
            payload.salt,
            std::str::from_utf8(&payload.bytes)?
        ])?;
    }
    Ok(())
}
