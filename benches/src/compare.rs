//! The yardstick, other people's programs and the stream in turn, on one file, in one build profile.

mod peers;

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use accordant_bench::beside::{after, limit, median, micros, ours, target, text_of, times, yardsticks};

use peers::Peers;

type Failure = Box<dyn Error>;

/// Builds and runs all that is there, and prints a table.
pub(crate) fn compare(events: u64, entities: u64, runs: u64, out: &mut impl Write) -> Result<(), Failure> {
    let Some(yardsticks) = yardsticks(out)? else { return Ok(()) };
    let limit = limit(&yardsticks, "fold")?;
    let stream = ours(&[])?;
    let mut peers = Peers::find(&yardsticks, |variable| env::var(variable).ok(), out)?;
    let file = target().join(format!("workload-{events}-{entities}.ndjson"));
    if !file.exists() {
        text_of(Command::new(&stream).args(["gen", &events.to_string(), &entities.to_string()]).arg(&file))?;
    }
    let mut taken = Taken::default();
    for _ in 0..runs.max(1) {
        taken.run(&limit, &stream, &file, entities)?;
        peers.run(&file)?;
    }
    fs::remove_file(&file)?;
    writeln!(out, "{events} events, {entities} entities, medians of {} runs in turn, processor time", runs.max(1))?;
    let Taken { mut per_event, mut batched, mut ours, theirs, answer } = taken;
    let (batched, ours) = (median(&mut batched), median(&mut ours));
    let mut row = |name: &str, taken: u64, more: String| -> Result<(), Failure> {
        let seconds = format!("{}.{:03}", taken / 1_000_000, taken / 1_000 % 1_000);
        let each = taken * 1_000 / events.max(1);
        writeln!(out, "{name:<28}{seconds:>10} s{each:>8} ns/event{:>9} x{more}", times(taken, batched))?;
        Ok(())
    };
    row("yardstick, batched", batched, String::new())?;
    row("yardstick, event by event", median(&mut per_event), String::new())?;
    row("accordant", ours, String::new())?;
    for ran in peers.ran(&theirs) {
        let other = if ran.agrees { "" } else { "; it answers otherwise than the yardstick" };
        row(ran.name, ran.taken, format!(", {} x accordant, goal {}{other}", times(ran.taken, ours), ran.goal))?;
    }
    writeln!(out, "{} skipped", peers.skipped())?;
    writeln!(out, "yardstick answers {theirs}")?;
    writeln!(out, "accordant answers {answer}")?;
    Ok(())
}

/// What the yardstick and the stream took in each run, in microseconds, and what they answered.
#[derive(Default)]
struct Taken {
    per_event: Vec<u64>,
    batched: Vec<u64>,
    ours: Vec<u64>,
    theirs: String,
    answer: String,
}

impl Taken {
    fn run(&mut self, limit: &PathBuf, stream: &PathBuf, file: &Path, entities: u64) -> Result<(), Failure> {
        let mut fold = Command::new(limit);
        let said = text_of(fold.arg(file).arg(entities.to_string()).args(["serde", "resolve,pf64", "1", "1"]))?;
        let line = |begin: &str| said.lines().find(|line| line.starts_with(begin)).unwrap_or_default();
        self.per_event.push(micros(line("resolve "), "cpu_med=")?);
        self.batched.push(micros(line("pf64 "), "cpu_med=")?);
        self.theirs = checksum(&said)?;
        let said = text_of(Command::new(stream).arg("stream").arg(file))?;
        self.ours.push(micros(&said, r#""cpu_seconds":"#)?);
        self.answer = after(&said, r#""answer":"#)?.trim_end().to_owned();
        Ok(())
    }
}

/// What a program of the yardsticks says it came to: entities, values, lengths, cents, and three kinds of discrepancies.
fn checksum(said: &str) -> Result<String, Failure> {
    Ok(after(said, "chk=")?.split_inclusive(']').next().unwrap_or_default().to_owned())
}
