//! A workload taken in by the engine, durably: polled in pages, committed to a real store.
//!
//! Beside it, in the same run, what the store's batch writes reach of the rate of the bare database.

mod counting;
mod raw;
mod systems;
mod workers;

use std::error::Error;
use std::io::Write;
use std::path::Path;

use accordant::store::Store;
use accordant::{Accordant, SeededEntropy, SqliteStore, TakenIn};
use accordant_bench::customer::Customer;
use accordant_bench::usage::{Clocks, Nanos, cpu_of_family, peak_memory};
use accordant_mongodb::{MongoOptions, MongoStore};
use accordant_postgres::{PostgresOptions, PostgresStore};
use accordant_test_servers::{REQUIRED, Server};
use futures::executor::block_on;

use counting::Counting;
use systems::{CLOCK, SYSTEMS, Told};

/// `durable FILE --store sqlite|postgres|mongodb`.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match *arguments {
        [file, "--store", "sqlite"] => {
            let folder = tempfile::tempdir()?;
            let store = SqliteStore::open(folder.path().join("durable.db"))?;
            take_in(Path::new(file), "sqlite", store, out)?;
            raw::sqlite(folder.path(), out)
        }
        [file, "--store", "postgres", "--workers", counts] => {
            let counts: Vec<usize> = counts.split(',').map(str::parse).collect::<Result<_, _>>()?;
            let Some(address) = address(Server::POSTGRES, out)? else { return Ok(()) };
            for count in counts {
                workers::take_in(Path::new(file), &address, count.max(1), out)?;
            }
            run(&[file, "--store", "postgres"], out)
        }
        [file, "--store", "postgres"] => {
            let Some(address) = address(Server::POSTGRES, out)? else { return Ok(()) };
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let schema = format!("accordant_bench_{}", std::process::id());
            let options = PostgresOptions::new(&address)?.schema(&schema);
            let store = runtime.block_on(PostgresStore::open_with(options))?;
            take_in(Path::new(file), "postgres", store.clone(), out)?;
            raw::postgres(&runtime, &address, &schema, &store, out)
        }
        [file, "--store", "mongodb"] => {
            let Some(address) = address(Server::MONGODB, out)? else { return Ok(()) };
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let database = format!("accordant_bench_{}", std::process::id());
            let store = runtime.block_on(async {
                MongoStore::open_with(MongoOptions::new(&address).await?.database(database)).await
            })?;
            let _entered = runtime.enter();
            take_in(Path::new(file), "mongodb", store, out)
        }
        _ => Err("accordant-bench durable FILE --store sqlite|postgres|mongodb; with postgres, --workers 1,2,4".into()),
    }
}

/// Where a server is; none: it says that nothing is measured.
fn address(server: Server, out: &mut impl Write) -> Result<Option<String>, Box<dyn Error>> {
    let Server { name, variable } = server;
    match server.address() {
        Some(address) => Ok(Some(address)),
        None if std::env::var(REQUIRED).is_ok_and(|required| required == "1") => {
            Err(format!("{variable} does not say where a server is").into())
        }
        None => {
            writeln!(out, "skipped: nothing is written to {name}, because {variable} is not set")?;
            Ok(None)
        }
    }
}

/// How many processors there are.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

/// Takes in a file, and says what that took.
fn take_in(file: &Path, name: &str, store: impl Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let told = Told::read(file)?;
    let (counting, counted) = Counting::of(store);
    let mut builder = Accordant::builder().store(counting).clock(CLOCK).entropy(SeededEntropy::new(42));
    for system in SYSTEMS {
        builder = builder.connect(told.polled(system));
    }
    let tenant = builder.entity::<Customer>().build()?.tenant("bench");
    let (clocks, server) = (Clocks::now(), database_cpu(name));
    let mut taken_in = TakenIn::default();
    for system in SYSTEMS {
        taken_in += block_on(tenant.poll(system))?;
    }
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
