//! Two snapshots in files: made from a seed, compared, and compared beside a program written by hand.

mod compare;
#[cfg(feature = "servers")]
mod postgres;
mod tables;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use accordant_sweep::source::Csv;
use accordant_sweep::{Counts, Order, Side, Sweep};

use crate::usage::{Clocks, peak_memory};

/// The columns of both files, which have no line of names.
const COLUMNS: [&str; 10] =
    ["id", "email", "first_name", "last_name", "phone", "company", "city", "status", "amount", "updated_at"];

/// `gen ROWS FOLDER [SEED]`, `A B [--unsorted] [--memory BYTES] [--peak BYTES]`, `compare ROWS RUNS`, or `postgres ROWS RUNS`.
///
/// # Errors
///
/// If a file cannot be written or read, or the arguments are others.
pub fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match *arguments {
        ["gen", rows, folder, ref seed @ ..] => {
            generate(rows.parse()?, Path::new(folder), seed.first().map_or(Ok(42), |seed| seed.parse())?)
        }
        ["compare", rows, runs] => compare::compare(rows.parse()?, runs.parse()?, out),
        #[cfg(feature = "servers")]
        ["postgres", rows, runs] => postgres::compare(rows.parse()?, runs.parse()?, out),
        [one, other, ref how @ ..] => {
            let memory = how.iter().skip_while(|word| **word != "--memory").nth(1);
            let memory = memory.map_or(Ok(256 << 20), |bytes| bytes.parse())?;
            let peak = how.iter().skip_while(|word| **word != "--peak").nth(1).map(|bytes| bytes.parse()).transpose()?;
            report(one, other, how.contains(&"--unsorted"), memory, out)?;
            match peak {
                Some(most) if peak_memory() > most => Err("it took more memory than it may".into()),
                _ => Ok(()),
            }
        }
        _ => {
            Err("sweep gen ROWS FOLDER [SEED], sweep A B [--unsorted] [--memory BYTES] [--peak BYTES], sweep compare ROWS RUNS, \
             or sweep postgres ROWS RUNS"
                .into())
        }
    }
}

/// Writes `a.csv` and `b.csv`.
fn generate(rows: u64, folder: &Path, seed: u64) -> Result<(), Box<dyn Error>> {
    let open =
        |name: &str| -> std::io::Result<_> { Ok(BufWriter::with_capacity(1 << 20, File::create(folder.join(name))?)) };
    let (mut one, mut other) = (open("a.csv")?, open("b.csv")?);
    tables::write(rows, seed, &mut one, &mut other)?;
    one.flush()?;
    other.flush()?;
    Ok(())
}

fn report(one: &str, other: &str, unsorted: bool, memory: usize, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let clocks = Clocks::now();
    let counts = sweep(Path::new(one), Path::new(other), unsorted, memory)?;
    let taken = clocks.taken();
    let Counts { rows, changed, values, missing, .. } = counts;
    let (a, b) = (rows.first().copied().unwrap_or_default(), rows.get(1).copied().unwrap_or_default());
    let (extra, missing) = (missing.first().copied().unwrap_or_default(), missing.get(1).copied().unwrap_or_default());
    writeln!(
        out,
        r#"{{"rows":[{a},{b}],"changed":{changed},"missing":{missing},"extra":{extra},"values":{values},"cpu_seconds":{},"wall_seconds":{},"peak_rss_bytes":{}}}"#,
        taken.cpu,
        taken.wall,
        peak_memory(),
    )?;
    Ok(())
}

fn sweep(one: &Path, other: &Path, unsorted: bool, memory: usize) -> Result<Counts, Box<dyn Error>> {
    let side = |system: &str, path: &Path| {
        let side = Side::new(system, Csv::new(path).columns(COLUMNS));
        if unsorted { side } else { side.sorted() }
    };
    let mut sweep = Sweep::by(Order::Number).memory(memory);
    for attribute in &COLUMNS[1..] {
        sweep = sweep.attribute(*attribute, accordant::equivalence::Equivalence::Exact);
    }
    // What was found is written nowhere, and made all the same.
    Ok(sweep.side(side("a", one)).side(side("b", other)).start()?.finish(|difference| {
        std::hint::black_box(difference);
    })?)
}
