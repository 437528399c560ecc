//! Twelve checks over a table with known defects, as Parquet and as CSV, beside polars.

mod checks;
mod rows;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};

use accordant_bench::beside::median;
use accordant_bench::usage::{Clocks, Nanos, peak_memory, processor_time};
use accordant_quality::check::{Checker, Settings};
use accordant_quality::source;
use serde_json::{Value, json};

use checks::{COUNTRIES, CUSTOMERS, EMAIL, FRESH, NOW, PHONE};

/// How many bytes of keys are in memory: of Parquet, enough for a million orders; of CSV, so few that the whole stays within 64 MB.
const MEMORY: [(&str, usize); 2] = [("parquet", 64 << 20), ("csv", FEW)];

/// So few that the keys of most rows are in files.
const FEW: usize = 1 << 20;

/// How often each program runs, in turn.
const RUNS: usize = 5;

/// What part of the wall time of polars' faster engine Parquet may take, in percent.
const MOST_OF_POLARS: u128 = 80;

/// How many bytes of memory CSV may take.
const MOST_OF_MEMORY: u64 = 64_000_000;

const USAGE: &str = "quality [--goals] [ROWS [SEED]]";

/// Runs the command, or one of its parts in a process of its own.
pub(crate) fn run(what: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (goals, what) = match what {
        ["--goals", what @ ..] => (true, what),
        what => (false, what),
    };
    match *what {
        [] => compare(1_000_000, 42, goals, out),
        ["check", kind, file, rows, memory] => check(kind, Path::new(file), rows.parse()?, memory.parse()?, out),
        [rows] => compare(rows.parse()?, 42, goals, out),
        [rows, seed] => compare(rows.parse()?, seed.parse()?, goals, out),
        _ => Err(USAGE.into()),
    }
}

/// Checks a file, and says what came of it and what it took.
fn check(kind: &str, file: &Path, rows: u64, memory: usize, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let checker = Checker::new(checks::checks(rows)?, Settings { memory, ..Settings::default() })?;
    let file = File::open(file)?;
    let checker = match kind {
        "parquet" => {
            source::parquet::check(file, checker, std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))?
        }
        "csv" => source::csv::check(file, checker)?,
        _ => return Err(USAGE.into()),
    };
    let outcomes: BTreeMap<String, [u64; 2]> =
        checker.outcomes()?.into_iter().map(|outcome| (outcome.check, [outcome.good, outcome.of])).collect();
    let cpu = u64::try_from(processor_time().0)?;
    writeln!(out, "{}", json!({"outcomes": outcomes, "cpu_nanos": cpu, "peak_rss_bytes": peak_memory()}))?;
    Ok(())
}

/// What a program took, in each of its runs.
#[derive(Default)]
struct Took {
    wall: Vec<Nanos>,
    cpu: Vec<Nanos>,
    peak: u64,
}

fn compare(rows: u64, seed: u64, goals: bool, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (parquet, csv) = (folder.path().join("orders.parquet"), folder.path().join("orders.csv"));
    let truth = rows::write(rows, seed, &parquet, &csv)?;
    let sizes = (parquet.metadata()?.len() >> 20, csv.metadata()?.len() >> 20);
    writeln!(out, "{rows} rows of 10 columns, seed {seed}: Parquet {} MiB, CSV {} MiB", sizes.0, sizes.1)?;
    for (check, (good, of)) in &truth {
        writeln!(out, "  {check:<30}{:>8} of {of:>8} fail", of - good)?;
    }
    let script = folder.path().join("polars_checks.py");
    std::fs::write(&script, include_str!("quality/polars_checks.py"))?;
    let python = python(out)?;
    let own = std::env::current_exe()?;
    let mut took: BTreeMap<(&str, &str), Took> = BTreeMap::new();
    for _ in 0..RUNS {
        for ((kind, memory), file) in MEMORY.into_iter().zip([&parquet, &csv]) {
            let mut programs = vec![("ours", ours(&own, kind, file, rows, memory))];
            if memory > FEW {
                programs.push(("ours, keys in files", ours(&own, kind, file, rows, FEW)));
            }
            for (name, engine) in [("polars", "in-memory"), ("polars, streaming", "streaming")] {
                programs.extend(python.as_deref().map(|python| (name, theirs(python, &script, kind, file, engine))));
            }
            for (name, mut command) in programs {
                let held = took.entry((kind, name)).or_default();
                held.run(name, &mut command, &truth, rows)?;
            }
        }
    }
    writeln!(out, "every defect was counted, by every program in every run; medians of {RUNS} runs:")?;
    for ((kind, name), of) in &took {
        let (wall, cpu) = (median(&mut of.wall.clone()), median(&mut of.cpu.clone()));
        write!(out, "{kind:<8} {name:<20} wall {wall} s, CPU {cpu} s, peak {} MiB", of.peak >> 20)?;
        // Whichever of its engines is faster is what ours is measured by.
        let theirs = took.iter().filter(|((other, name), _)| other == kind && name.starts_with("polars"));
        let (walls, cpus) = theirs
            .map(|(_, of)| (median(&mut of.wall.clone()), median(&mut of.cpu.clone())))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        if let (Some(their_wall), Some(their_cpu), true) =
            (walls.iter().min(), cpus.iter().min(), name.starts_with("ours"))
        {
            let (wall, cpu) = (percent(wall, *their_wall), percent(cpu, *their_cpu));
            write!(out, "; of polars' faster engine: wall {wall} %, CPU {cpu} %")?;
        }
        writeln!(out)?;
    }
    if goals { missed(&took) } else { Ok(()) }
}

/// The goals of the project, in this run: an error names those that are missed, and what could not be measured.
fn missed(took: &BTreeMap<(&str, &str), Took>) -> Result<(), Box<dyn Error>> {
    let wall = |name: &str| took.get(&("parquet", name)).map(|of| median(&mut of.wall.clone()));
    let theirs = ["polars", "polars, streaming"].into_iter().filter_map(wall).min();
    let share = wall("ours").zip(theirs).map(|(ours, theirs)| percent(ours, theirs));
    let peak = took.get(&("csv", "ours")).map(|of| of.peak);
    let mut missed = Vec::new();
    match share {
        None => missed.push("Parquet beside polars was not measured".to_owned()),
        Some(share) if share > MOST_OF_POLARS => {
            missed.push(format!("Parquet took {share} % of polars' wall time, and {MOST_OF_POLARS} % is the goal"));
        }
        Some(_) => {}
    }
    match peak {
        None => missed.push("CSV was not measured".to_owned()),
        Some(peak) if peak > MOST_OF_MEMORY => {
            missed.push(format!("CSV took {peak} bytes of memory, and {MOST_OF_MEMORY} is the goal"));
        }
        Some(_) => {}
    }
    if missed.is_empty() { Ok(()) } else { Err(missed.join("; ").into()) }
}

fn percent(ours: Nanos, theirs: Nanos) -> u128 {
    (ours.0 * 100).div_ceil(theirs.0.max(1))
}

/// The Python that has polars, if there is one; says so if there is none. `ACCORDANT_POLARS_PYTHON` names it.
fn python(out: &mut impl Write) -> Result<Option<String>, Box<dyn Error>> {
    let python = std::env::var("ACCORDANT_POLARS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found =
        Command::new(&python).args(["-c", "import polars; print(polars.__version__)"]).stderr(Stdio::null()).output();
    match found {
        Ok(found) if found.status.success() => {
            writeln!(out, "beside polars {}", String::from_utf8_lossy(&found.stdout).trim())?;
            Ok(Some(python))
        }
        _ => {
            writeln!(out, "skipped: no Python with polars")?;
            Ok(None)
        }
    }
}

fn ours(own: &Path, kind: &str, file: &Path, rows: u64, memory: usize) -> Command {
    let mut command = Command::new(own);
    command.args(["quality", "check", kind]).arg(file).args([rows.to_string(), memory.to_string()]);
    command
}

fn theirs(python: &str, script: &Path, kind: &str, file: &Path, engine: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(script).arg(kind).arg(file).args([
        engine,
        &NOW.to_string(),
        &FRESH.to_string(),
        &CUSTOMERS.to_string(),
    ]);
    command.args([&COUNTRIES.join(","), EMAIL, PHONE]);
    command
}

impl Took {
    /// Runs it once more. What it counts must be what is true.
    fn run(&mut self, name: &str, command: &mut Command, truth: &rows::Truth, rows: u64) -> Result<(), Box<dyn Error>> {
        let clocks = Clocks::now();
        let ran = command.stderr(Stdio::inherit()).output()?;
        self.wall.push(clocks.taken().wall);
        if !ran.status.success() {
            return Err(format!("{name} failed").into());
        }
        let told: Value = serde_json::from_slice(&ran.stdout)?;
        let number = |value: &Value| value.as_u64().ok_or("no number");
        self.cpu.push(Nanos(u128::from(number(&told["cpu_nanos"])?)));
        self.peak = self.peak.max(number(&told["peak_rss_bytes"])?);
        for (check, (good, of)) in truth {
            let found = (number(&told["outcomes"][check][0])?, number(&told["outcomes"][check][1])?);
            // Of the table, polars counts rows, and we whether they are as many as they should be.
            let whole = *check == "as many rows as there are" && found == (rows, rows);
            if found != (*good, *of) && !whole {
                return Err(format!("{name}: {check}: {found:?} where {good} of {of} are right").into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use accordant_bench::usage::Nanos;

    use super::{Took, missed};

    #[test]
    fn goals_are_missed_by_what_took_longer_or_more_and_by_what_was_not_measured() {
        let of = |ours: u128, polars: Option<u128>, peak: u64| {
            let took = |wall: u128, peak: u64| Took { wall: vec![Nanos(wall)], cpu: Vec::new(), peak };
            let mut all = BTreeMap::from([(("parquet", "ours"), took(ours, 0)), (("csv", "ours"), took(1, peak))]);
            all.extend(polars.map(|wall| (("parquet", "polars"), took(wall, 0))));
            missed(&all).map_err(|error| error.to_string())
        };
        assert_eq!(of(80, Some(100), 64_000_000), Ok(()));
        let both = of(81, Some(100), 64_000_001).err().unwrap_or_default();
        assert!(both.contains("81 %") && both.contains("64000001"), "{both}");
        assert!(of(1, None, 0).is_err_and(|missed| missed.contains("not measured")));
    }
}
