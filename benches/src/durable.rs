//! A workload taken in by the engine, durably: polled in pages, committed to a real store.
//!
//! Beside it, in the same run, what the store's batch writes reach of the rate of the bare database.

mod counting;
mod raw;
mod systems;

use std::error::Error;
use std::io::Write;
use std::path::Path;

use accordant::store::Store;
use accordant::{Accordant, SeededEntropy, SqliteStore, TakenIn};
use accordant_bench::customer::Customer;
use accordant_bench::usage::{Clocks, Nanos, peak_memory};
use accordant_postgres::{PostgresOptions, PostgresStore};
use accordant_test_servers::{REQUIRED, Server};
use futures::executor::block_on;

use counting::Counting;
use systems::{CLOCK, SYSTEMS, Told};

/// `durable FILE --store sqlite|postgres`.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match *arguments {
        [file, "--store", "sqlite"] => {
            let folder = tempfile::tempdir()?;
            let store = SqliteStore::open(folder.path().join("durable.db"))?;
            take_in(Path::new(file), "sqlite", store, out)?;
            raw::sqlite(folder.path(), out)
        }
        [file, "--store", "postgres"] => {
            let Some(address) = Server::POSTGRES.address() else {
                let variable = Server::POSTGRES.variable;
                if std::env::var(REQUIRED).is_ok_and(|required| required == "1") {
                    return Err(format!("{variable} does not say where a server is").into());
                }
                writeln!(out, "skipped: nothing is written to PostgreSQL, because {variable} is not set")?;
                return Ok(());
            };
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let schema = format!("accordant_bench_{}", std::process::id());
            let options = PostgresOptions::new(&address)?.schema(&schema);
            let store = runtime.block_on(PostgresStore::open_with(options))?;
            take_in(Path::new(file), "postgres", store.clone(), out)?;
            raw::postgres(&runtime, &address, &schema, &store, out)
        }
        _ => Err("accordant-bench durable FILE --store sqlite|postgres".into()),
    }
}

/// Takes in a file, and says what that took.
fn take_in(file: &Path, name: &str, store: impl Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let told = Told::read(file)?;
    let (counting, counted) = Counting::of(store);
    let mut builder = Accordant::builder().store(counting).clock(CLOCK).entropy(SeededEntropy::new(42));
    for system in SYSTEMS {
        builder = builder.connect(told.system(system));
    }
    let tenant = builder.entity::<Customer>().build()?.tenant("bench");
    let clocks = Clocks::now();
    let mut taken_in = TakenIn::default();
    for system in SYSTEMS {
        taken_in += block_on(tenant.poll(system))?;
    }
    let taken = clocks.taken();
    let counted = counted.read();
    writeln!(
        out,
        r#"{{"store":"{name}","workers":1,"cores":{},"events":{},"observed":{},"wall_seconds":{},"cpu_seconds":{},"events_per_second":{},"commits":{},"rows_upserted":{},"rows_upserted_per_thousand_events":{},"journal_entries":{},"peak_rss_bytes":{}}}"#,
        std::thread::available_parallelism().map_or(0, usize::from),
        told.events(),
        taken_in.observed,
        taken.wall,
        taken.cpu,
        per_second(told.events(), taken.wall),
        counted.commits,
        counted.rows,
        counted.rows * 1_000 / told.events().max(1),
        counted.entries,
        peak_memory(),
    )?;
    Ok(())
}

/// How many in a second.
fn per_second(count: u64, taken: Nanos) -> u64 {
    u64::try_from(u128::from(count) * 1_000_000_000 / taken.0.max(1)).unwrap_or(u64::MAX)
}
