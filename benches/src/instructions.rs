//! The hot stages one by one, for a counter of instructions: each does what those that it rests on do, so that the difference is
//! its own.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;

use accordant::MemoryStore;
use accordant::decode::Batch;
use accordant::journal::{Draft, Head, seal};
use accordant::working_set::WorkingSet;
use accordant_bench::centre::plan;
use accordant_bench::customer::carries_whole_records;
use accordant_bench::delivery::{Blocks, cut};
use accordant_bench::stream::{Intake, Stage, customers_in};
use accordant_bench::workload;
use accordant_bench::world::{Ground, linked};

use crate::durable::systems::Told;
use crate::durable::{poll, polling};

const DELIVERIES: u64 = 5_000;
const CUSTOMERS: u64 = 500;

/// The stages that are counted, each with the one whose instructions are taken off its own.
const COUNTED: [(&str, &str); 8] = [
    ("cut", "crosswalk"),
    ("decode", "cut"),
    ("find", "decode"),
    ("fold", "find"),
    ("settle", "fold"),
    ("plan", "settle"),
    ("seal", "drafts"),
    ("poll", "engine"),
];

/// `instructions list`: how many deliveries there are, then a stage and what it rests on in each line. `instructions STAGE`: does it.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match *arguments {
        ["list"] => {
            writeln!(out, "{DELIVERIES}")?;
            for (stage, rests_on) in COUNTED {
                writeln!(out, "{stage} {rests_on}")?;
            }
            Ok(())
        }
        [stage] => {
            let mut bytes = Vec::new();
            workload::write(DELIVERIES, CUSTOMERS, 42, &mut bytes)?;
            let done = act(stage, &bytes)?;
            writeln!(out, "{stage}: {done}")?;
            Ok(())
        }
        _ => Err("accordant-bench instructions list|STAGE".into()),
    }
}

/// Does the work of a stage, and says something that could not be said had it not been done.
fn act(stage: &str, bytes: &[u8]) -> Result<u64, Box<dyn Error>> {
    let streamed = |until| Ok(stream(&Ground::default(), bytes, until)?.entities().len() as u64);
    match stage {
        "crosswalk" => {
            let ground = Ground::default();
            Ok(linked(&ground, customers_in(&ground, bytes)?).entities().len() as u64)
        }
        "cut" => streamed(Stage::Cut),
        "decode" => streamed(Stage::Decode),
        "find" => streamed(Stage::Find),
        "fold" => streamed(Stage::Fold),
        "settle" => streamed(Stage::Settle),
        "plan" => {
            let ground = Ground::default();
            Ok(plan(&stream(&ground, bytes, Stage::Settle)?, &ground.frame()) as u64)
        }
        "drafts" => Ok(drafts(bytes)?.len() as u64),
        "seal" => Ok(seal(Head::default(), drafts(bytes)?).0.seq),
        "engine" => {
            black_box(polling(&Told::of(bytes.to_vec()), MemoryStore::default())?);
            Ok(0)
        }
        "poll" => Ok(poll(&polling(&Told::of(bytes.to_vec()), MemoryStore::default())?)?.observed as u64),
        _ => Err(format!("{stage} is no stage").into()),
    }
}

/// The working set after all deliveries.
fn stream(ground: &Ground, bytes: &[u8], until: Stage) -> std::io::Result<WorkingSet> {
    let mut intake = Intake::new(ground, linked(ground, customers_in(ground, bytes)?), until);
    let mut blocks = Blocks::new(bytes);
    while let Some(block) = blocks.next_block()? {
        intake.take(block);
    }
    Ok(intake.finish())
}

/// One entry for each delivery.
fn drafts(bytes: &[u8]) -> Result<Vec<Draft>, Box<dyn Error>> {
    let ground = Ground::default();
    let mut drafts = Vec::new();
    let mut batch = Batch::new();
    let mut blocks = Blocks::new(bytes);
    while let Some(block) = blocks.next_block()? {
        for delivery in block.lines().filter_map(cut) {
            batch.clear();
            ground.tables[delivery.source].decode(delivery.body, carries_whole_records(delivery.source), &mut batch)?;
            drafts.extend(batch.records().map(|record| Draft {
                at: record.token().unwrap_or_default(),
                actor: "accordant".into(),
                kind: "observed",
                subject: record.id().into(),
                payload: delivery.body.to_vec(),
                salt: [7; 16],
            }));
        }
    }
    Ok(drafts)
}
