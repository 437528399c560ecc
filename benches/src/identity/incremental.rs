//! One record against many: processor time of each, durable before it is answered.

use std::error::Error;
use std::io::Write;

use accordant_bench::usage::{Clocks, peak_memory};
use accordant_identity::blocking::Scope;
use accordant_identity::cluster::Rails;
use accordant_identity::decision::{Decisions, RecordName};
use accordant_identity::linkage;
use accordant_identity::log::{LogFile, Logged};
use accordant_identity::testing;

use super::sets;

const NEW: usize = 2_000;
/// A model is trained on at most so many records.
const TRAINED_ON: usize = 100_000;

pub(super) fn run(records: usize, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let training = sets::generated(records.min(TRAINED_ON), 42);
    let table = training.read()?;
    let model = linkage::train(&table, Scope::Within, &Decisions::default(), &mut |_| {})?.scorer.model().clone();
    drop((table, training));

    let all = testing::customers(records + NEW, 7);
    let (held, new) = all.split_at(records);
    let mut written = Vec::new();
    let name = |record: &testing::Generated| RecordName { system: record.values[0].clone(), id: record.id.clone() };
    for record in held {
        let line = serde_json::json!({"put": {"system": record.values[0], "id": record.id, "values": record.values}});
        serde_json::to_writer(&mut written, &line)?;
        written.push(b'\n');
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("index.log");
    std::fs::write(&path, &written)?;
    drop(written);

    let clocks = Clocks::now();
    let (written, log) = LogFile::open(&path)?;
    let mut index = Logged::open(model, Rails::default(), written, log)?;
    let opened = clocks.taken();
    writeln!(out, "{records} records: opened in {} s of CPU, {} MB at most", opened.cpu, peak_memory() / (1 << 20))?;

    let (mut cpu, mut wall) = (Vec::with_capacity(NEW), Vec::with_capacity(NEW));
    let mut joined = 0;
    for record in new {
        let clocks = Clocks::now();
        let changes = index.put(&name(record), &record.values)?;
        let taken = clocks.taken();
        cpu.push(taken.cpu.0);
        wall.push(taken.wall.0);
        joined += usize::from(
            changes.iter().any(|change| matches!(change, accordant_identity::index::Change::Joined { .. })),
        );
    }
    let at = |times: &mut Vec<u128>, hundredths: usize| {
        times.sort_unstable();
        times[(times.len() - 1) * hundredths / 100] / 1_000
    };
    writeln!(
        out,
        "  one more record, {NEW} times, {joined} of them joined an entity: CPU p50 {} us, p99 {} us, most {} us; wall p50 {} us, p99 {} us",
        at(&mut cpu, 50),
        at(&mut cpu, 99),
        at(&mut cpu, 100),
        at(&mut wall, 50),
        at(&mut wall, 99)
    )?;
    Ok(())
}
