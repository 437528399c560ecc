//! A workload taken in by the engine, durably: polled in pages, committed to a real store.
//!
//! Beside it, in the same run, what the store's batch writes, and on SQLite its journal, reach of the rate of the bare database.

mod append;
mod counting;
mod raw;
#[cfg(feature = "servers")]
mod servers;
pub(crate) mod systems;
#[cfg(feature = "servers")]
mod workers;

use std::error::Error;
use std::io::Write;
use std::path::Path;

use accordant::store::Store;
use accordant::{Accordant, SeededEntropy, SqliteStore, TakenIn, Tenant};
use accordant_bench::customer::Customer;
use accordant_bench::usage::{Clocks, Nanos, cpu_of_family, peak_memory};
use futures::executor::block_on;

use crate::standing;
use counting::Counting;
use systems::{SYSTEMS, Told};

const USAGE: &str = "accordant-bench durable FILE --store sqlite, or accordant-bench durable append ENTRIES; with the feature `servers`, \
    --store postgres [--workers 1,2,4] and --store mongodb";

/// `durable FILE --store sqlite|postgres|mongodb`, or `durable append ENTRIES`.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match *arguments {
        ["append", entries] => append::sqlite(entries.parse()?, out),
        [file, "--store", "sqlite"] => {
            let folder = tempfile::tempdir()?;
            let store = SqliteStore::open(folder.path().join("durable.db"))?;
            take_in(Path::new(file), "sqlite", store, out)?;
            raw::sqlite(folder.path(), out)?;
            append::sqlite(append::ENTRIES, out)
        }
        #[cfg(feature = "servers")]
        ref what => servers::run(what, out),
        #[cfg(not(feature = "servers"))]
        _ => Err(USAGE.into()),
    }
}

/// An engine that polls what a file tells, on a store.
pub(crate) fn polling(told: &Told, store: impl Store) -> Result<Tenant, accordant::Error> {
    let mut builder = Accordant::builder().store(store).clock(standing::clock()).entropy(SeededEntropy::new(42));
    for system in SYSTEMS {
        builder = builder.connect(told.polled(system));
    }
    Ok(builder.entity::<Customer>().build()?.tenant("bench"))
}

/// Polls each system for all that it tells.
pub(crate) fn poll(tenant: &Tenant) -> Result<TakenIn, accordant::Error> {
    let mut taken_in = TakenIn::default();
    for system in SYSTEMS {
        taken_in += block_on(tenant.poll(system))?;
    }
    Ok(taken_in)
}

/// How many processors there are.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

/// Takes in a file, and says what that took.
fn take_in(file: &Path, name: &str, store: impl Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let told = Told::read(file)?;
    let (counting, counted) = Counting::of(store);
    let tenant = polling(&told, counting)?;
    let (clocks, server) = (Clocks::now(), database_cpu(name));
    let taken_in = poll(&tenant)?;
    let (taken, server) = (clocks.taken(), database_cpu(name).saturating_sub(server));
    let counted = counted.read();
    writeln!(
        out,
        r#"{{"store":"{name}","polled":true,"cores":{},"events":{},"observed":{},"wall_seconds":{},"cpu_seconds":{},"database_cpu_seconds":{},"events_per_second":{},"commits":{},"rows_upserted":{},"rows_upserted_per_thousand_events":{},"journal_entries":{},"peak_rss_bytes":{}}}"#,
        cores(),
        told.events(),
        taken_in.observed,
        taken.wall,
        taken.cpu,
        Nanos(server),
        per_second(told.events(), taken.wall),
        counted.commits,
        counted.rows,
        counted.rows * 1_000 / told.events().max(1),
        counted.entries,
        peak_memory(),
    )?;
    Ok(())
}

/// The processor time that the database's own processes took until now, in nanoseconds; nothing where it is not ours.
fn database_cpu(name: &str) -> u128 {
    let pid = std::env::var("ACCORDANT_SERVERS").ok().and_then(|folder| {
        let line = std::fs::read_to_string(Path::new(&folder).join(format!("{name}.pid"))).ok()?;
        line.trim().parse().ok()
    });
    pid.map_or(0, |pid| cpu_of_family(pid).0)
}

/// How many in a second.
fn per_second(count: u64, taken: Nanos) -> u64 {
    u64::try_from(u128::from(count) * 1_000_000_000 / taken.0.max(1)).unwrap_or(u64::MAX)
}
