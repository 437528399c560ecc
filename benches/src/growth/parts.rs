//! One measurement of one size, in a process of its own: a JSON line.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use accordant::engine::{DiscrepancyFilter, Next};
use accordant::policy::Registry;
use accordant::store::Store;
use accordant::{Accordant, Builder, MemoryStore, SeededEntropy, SqliteStore, Tenant};
use accordant_bench::stream::{Stage, stream};
use accordant_bench::usage::{Clocks, Taken, held_memory};
use accordant_bench::workload;
use futures::executor::block_on;

use super::systems::{PROPOSED, grown, hints, model};
use crate::standing;

/// Customers in each of several systems, and how often each is told of.
const IN_SYSTEMS: (u64, u64) = (200, 4);
/// Customers of each of several connections, and how often each is told of.
const IN_CONNECTIONS: (u64, u64) = (20, 2);
/// How many records of one connection wait when each other connection hints at one.
const FLOOD: u64 = 2_000;

fn engine(systems: u64, store: impl Store) -> Result<Builder, Box<dyn Error>> {
    Ok(Accordant::builder()
        .store(store)
        .clock(standing::clock())
        .entropy(SeededEntropy::new(42))
        .entity_model(model(systems)?))
}

/// Nanoseconds of processor time for each.
fn each(taken: Taken, of: u64) -> u128 {
    taken.cpu.0 / u128::from(of.max(1))
}

/// One customer in more and more systems.
pub(super) fn systems(systems: u64, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (customers, rounds) = IN_SYSTEMS;
    let mut builder = engine(systems, MemoryStore::default())?;
    for number in 0..systems {
        builder = builder.connect(grown(number, 0, customers, rounds, &Arc::default()));
    }
    let acme = builder.build()?.tenant("acme");
    let (before, clocks) = (held_memory(), Clocks::now());
    for number in 0..systems {
        block_on(acme.poll(&format!("s{number}")))?;
    }
    let (taken, held) = (clocks.taken(), held_memory().saturating_sub(before));
    let events = systems * customers * rounds;
    writeln!(
        out,
        r#"{{"growth":"systems","size":{systems},"customers":{customers},"events":{events},"cpu_micros":{},"cpu_nanos_per_event":{},"bytes_per_customer":{}}}"#,
        taken.cpu.0 / 1_000,
        each(taken, events),
        held / customers,
    )?;
    Ok(())
}

/// More and more connections of one system; and how long those that have little to read wait for one that has much.
pub(super) fn connections(connections: u64, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (customers, rounds) = IN_CONNECTIONS;
    let name = |number: u64| format!("c{number:04}");
    let mut builder = engine(1, MemoryStore::default())?;
    let mut reads = Vec::new();
    for number in 0..connections {
        let read = Arc::default();
        builder = builder.connect_as(&name(number), grown(0, number * FLOOD, customers, rounds, &read));
        reads.push(read);
    }
    let acme = builder.build()?.tenant("acme");
    let (before, clocks) = (held_memory(), Clocks::now());
    for number in 0..connections {
        block_on(acme.poll(&name(number)))?;
    }
    let (taken, held) = (clocks.taken(), held_memory().saturating_sub(before));
    let clocks = Clocks::now();
    for number in 0..connections {
        block_on(acme.poll(&name(number)))?;
    }
    let idle = clocks.taken();
    while step(&acme)? {}
    let clocks = Clocks::now();
    step(&acme)?;
    let idle_step = clocks.taken();

    // Its name is the first, so that whoever goes by names serves it first.
    block_on(acme.receive(&name(0), hints(0, FLOOD)))?;
    for number in 1..connections {
        block_on(acme.receive(&name(number), hints(number * FLOOD, 1)))?;
    }
    let read = |quiet: bool| {
        let counts = reads.iter().enumerate().filter(|(number, _)| (*number > 0) == quiet);
        counts.map(|(_, read)| read.load(Ordering::Relaxed)).sum::<u64>()
    };
    let (mut steps, mut until_quiet, mut before_quiet) = (0_u64, 0, 0);
    loop {
        let more = step(&acme)?;
        steps += 1;
        if until_quiet == 0 && read(true) >= connections - 1 {
            (until_quiet, before_quiet) = (steps, read(false));
        }
        if !more {
            break;
        }
    }
    let events = connections * customers * rounds;
    writeln!(
        out,
        r#"{{"growth":"connections","size":{connections},"events":{events},"cpu_micros":{},"cpu_nanos_per_event":{},"idle_poll_nanos_per_connection":{},"idle_step_nanos_per_connection":{},"bytes_per_connection":{},"flood":{FLOOD},"steps_until_every_other_was_read":{until_quiet},"of_the_flood_by_then":{before_quiet},"steps_of_the_flood":{steps}}}"#,
        taken.cpu.0 / 1_000,
        each(taken, events),
        each(idle, connections),
        each(idle_step, connections),
        held / connections,
    )?;
    if until_quiet == 0 && connections > 1 {
        return Err("a connection was never read".into());
    }
    Ok(())
}

/// A step. Says whether there is more to do at once.
fn step(acme: &Tenant) -> Result<bool, Box<dyn Error>> {
    Ok(block_on(acme.step())?.next == Next::Now)
}

/// More and more customers in memory: two deliveries of the workload for each.
pub(super) fn entities(entities: u64, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("workload.ndjson");
    let mut lines = BufWriter::with_capacity(1 << 20, File::create(&file)?);
    workload::write(entities * 2, entities, 42, &mut lines)?;
    lines.into_inner()?;
    let before = held_memory();
    let streamed = stream(&file, Stage::Settle)?;
    let held = held_memory().saturating_sub(before);
    let known: u64 = streamed.sets.iter().map(|set| set.entities().len() as u64).sum();
    writeln!(
        out,
        r#"{{"growth":"entities","size":{entities},"told_of":{known},"events":{},"cpu_micros":{},"cpu_nanos_per_event":{},"events_per_second":{},"bytes_per_entity":{}}}"#,
        streamed.events,
        streamed.taken.cpu.0 / 1_000,
        each(streamed.taken, streamed.events),
        u128::from(streamed.events) * 1_000_000_000 / streamed.taken.cpu.0.max(1),
        held / known.max(1),
    )?;
    Ok(())
}

/// More and more customers on SQLite, in two systems: what a pulse, a look at what would have been, and the list of open
/// discrepancies take.
pub(super) fn kept(entities: u64, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let connected = |store: SqliteStore| -> Result<Builder, Box<dyn Error>> {
        let systems = [0, 1].map(|number| grown(number, 0, entities, 1, &Arc::default()));
        Ok(systems.into_iter().fold(engine(2, store)?, Builder::connect))
    };
    let acme = connected(SqliteStore::open(folder.path().join("kept.db"))?)?.build()?.tenant("acme");
    let clocks = Clocks::now();
    for system in ["s0", "s1"] {
        block_on(acme.poll(system))?;
    }
    let polled = clocks.taken();
    let clocks = Clocks::now();
    let pulsed = block_on(acme.pulse("s0"))?;
    let pulse = clocks.taken();
    let clocks = Clocks::now();
    let open = block_on(acme.discrepancies(DiscrepancyFilter::default()))?.len();
    let query = clocks.taken();
    let scratch = SqliteStore::open(folder.path().join("scratch.db"))?;
    let proposal = connected(scratch)?.overlay(PROPOSED, &Registry::builtin()).build()?;
    let clocks = Clocks::now();
    let would = block_on(acme.what_if(&proposal))?;
    let what_if = clocks.taken();
    let differ = would.golden.values().map(|changed| changed.count).sum::<u64>();
    let all = polled.cpu.0 + pulse.cpu.0 + query.cpu.0 + what_if.cpu.0;
    writeln!(
        out,
        r#"{{"growth":"kept","size":{entities},"events":{},"pulsed":{},"open_discrepancies":{open},"would_differ":{differ},"cpu_micros":{},"cpu_nanos_per_event":{},"pulse_nanos_per_entity":{},"query_nanos_per_entity":{},"what_if_nanos_per_entity":{}}}"#,
        entities * 2,
        pulsed.known + pulsed.observed,
        all / 1_000,
        each(polled, entities * 2),
        each(pulse, entities),
        each(query, entities),
        each(what_if, entities),
    )?;
    Ok(())
}
