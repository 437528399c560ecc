//! The workload as systems push it, taken in by several workers on one store: from a queue in memory, so that it is the store
//! and the workers that are measured, and no broker.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use accordant::queue::SqliteQueue;
use accordant::store::{Commit, Committed, Store};
use accordant::{Accordant, SeededEntropy, TenantId, Worked, Worker};
use accordant_bench::customer::Customer;
use accordant_bench::usage::{Clocks, Nanos, Taken};
use accordant_postgres::{PostgresOptions, PostgresStore};
use futures::executor::block_on;
use tokio::runtime::Runtime;

use super::counting::{Counted, Counting};
use super::systems::{SYSTEMS, Told, pushing};
use super::{cores, database_cpu, per_second};
use crate::standing;

const TENANT: &str = "bench";

/// What the workers have done together.
#[derive(Debug, Default)]
struct Done {
    /// Deliveries taken in.
    taken: AtomicU64,
    /// Entries of the journal that were published.
    published: AtomicU64,
    /// Messages that were heard: deliveries, and entries that were published.
    heard: AtomicU64,
    /// They are told to stop.
    stop: AtomicBool,
}

impl Done {
    /// Whether so many entries were published, and they and all deliveries were heard.
    fn has_told(&self, events: u64, entries: u64) -> bool {
        self.published.load(Ordering::Relaxed) >= entries && self.heard.load(Ordering::Relaxed) >= events + entries
    }
}

type Failed = Box<dyn Error + Send + Sync>;

/// Takes in a file by so many workers, each with a store of its own on one schema, and says what that took: until all is taken
/// in, published, and heard by the workers that plan.
pub(super) fn take_in(file: &Path, address: &str, workers: usize, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let schema = format!("accordant_bench_{}_{workers}", std::process::id());
    let options = || PostgresOptions::new(address).map(|options| options.schema(&schema));
    let runtime = Runtime::new()?;
    let store = runtime.block_on(PostgresStore::open_with(options()?))?;
    let queue = SqliteQueue::open_in_memory()?;
    let door = engine(store.clone(), 1)?.tenant(TENANT);
    let deliveries = Told::pushed(file)?;
    let events = deliveries.len() as u64;
    for (system, delivery) in deliveries {
        block_on(door.enqueue(&queue, system, delivery))?;
    }

    let (done, ready) = (Arc::new(Done::default()), Arc::new(Barrier::new(workers + 1)));
    let mut running = Vec::new();
    for number in 0..workers {
        let (options, queue, done, ready) = (options()?, queue.clone(), Arc::clone(&done), Arc::clone(&ready));
        running.push(thread::spawn(move || {
            let joined = join(options, queue, number);
            ready.wait();
            let (runtime, worker, counted) = joined?;
            runtime.block_on(work(worker, &done))?;
            Ok::<_, Failed>(counted())
        }));
    }
    let (clocks, server) = (Clocks::now(), database_cpu("postgres"));
    ready.wait();
    // How long the journal is once all was taken in; and how long that took.
    let mut over: Option<(u64, Taken)> = None;
    while !over.is_some_and(|(entries, _)| done.has_told(events, entries)) {
        if running.iter().any(thread::JoinHandle::is_finished) {
            break;
        }
        if over.is_none() && done.taken.load(Ordering::Relaxed) >= events {
            let taken = clocks.taken();
            over = Some((head(&store)?, taken));
        }
        thread::sleep(Duration::from_millis(2));
    }
    let (taken, server) = (clocks.taken(), database_cpu("postgres").saturating_sub(server));
    done.stop.store(true, Ordering::Relaxed);
    let mut counted = Counted::default();
    for worker in running {
        counted += worker.join().map_err(|_| "a worker panicked")?.map_err(|failed| failed.to_string())?;
    }
    let (entries, Taken { wall: until_taken, .. }) = over.ok_or("the workers ended before the work did")?;
    writeln!(
        out,
        r#"{{"store":"postgres","workers":{workers},"cores":{},"events":{events},"taken_in_seconds":{until_taken},"wall_seconds":{},"cpu_seconds":{},"database_cpu_seconds":{},"events_per_second":{},"events_per_second_taken_in":{},"commits":{},"rows_upserted":{},"rows_upserted_per_thousand_events":{},"journal_entries":{entries}}}"#,
        cores(),
        taken.wall,
        taken.cpu,
        Nanos(server),
        per_second(events, taken.wall),
        per_second(events, until_taken),
        counted.commits,
        counted.rows,
        counted.rows * 1_000 / events.max(1),
    )?;
    Ok(())
}

fn engine(store: impl Store, seed: u64) -> Result<Accordant, accordant::Error> {
    let mut builder = Accordant::builder().store(store).clock(standing::clock()).entropy(SeededEntropy::new(seed));
    for system in SYSTEMS {
        builder = builder.connect(pushing(system));
    }
    builder.entity::<Customer>().build()
}

/// A worker with all that is its own, and what its store will have been asked for.
fn join(
    options: PostgresOptions,
    queue: SqliteQueue,
    number: usize,
) -> Result<(Runtime, Worker, impl Fn() -> Counted), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let store = runtime.block_on(PostgresStore::open_with(options))?;
    let (counting, counted) = Counting::of(store);
    let worker = runtime.block_on(Worker::join(&engine(counting, 100 + number as u64)?, queue, &[TENANT]))?;
    Ok((runtime, worker, move || counted.read()))
}

/// Takes turns until it is told to stop.
async fn work(mut worker: Worker, done: &Done) -> Result<(), Failed> {
    let mut before = worker.worked().clone();
    while !done.stop.load(Ordering::Relaxed) {
        let rest = worker.turn().await?;
        let now = worker.worked().clone();
        let add = |to: &AtomicU64, now: usize, before: usize| to.fetch_add((now - before) as u64, Ordering::Relaxed);
        add(&done.taken, taken(&now), taken(&before));
        add(&done.published, now.published, before.published);
        add(&done.heard, now.heard, before.heard);
        before = now;
        if !rest.is_zero() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    Ok(())
}

fn taken(worked: &Worked) -> usize {
    worked.taken.observed + worked.taken.known + worked.taken.dead_letters
}

/// The end of the journal.
fn head(store: &impl Store) -> Result<u64, Box<dyn Error>> {
    match block_on(store.commit(&TenantId::new(TENANT), Commit::default()))? {
        Committed::Done { head } => Ok(head.seq),
        Committed::Lost { .. } => Err("an empty commit was lost".into()),
    }
}
