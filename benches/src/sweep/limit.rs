//! Beside the limit: a program written by hand for these very files.

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

type Failure = Box<dyn Error>;

/// Names the folder that holds the yardsticks.
const YARDSTICKS: &str = "ACCORDANT_YARDSTICKS";

/// Makes the tables, runs both programs in turn, so often, and prints the medians of their processor times.
pub(super) fn compare(rows: u64, runs: usize, out: &mut impl Write) -> Result<(), Failure> {
    let Some(yardsticks) = env::var_os(YARDSTICKS) else {
        writeln!(out, "skipped: no yardsticks")?;
        return Ok(());
    };
    let built = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from).join("compare");
    let limit = build(&Path::new(&yardsticks).join("perf/limit/Cargo.toml"), &built)?;
    let folder = tempfile::tempdir()?;
    super::generate(rows, folder.path(), 42)?;
    let files = [folder.path().join("a.csv"), folder.path().join("b.csv")];
    let ours = env::current_exe()?;
    let (mut theirs, mut own, mut said) = (Vec::new(), Vec::new(), [String::new(), String::new()]);
    for _ in 0..runs.max(1) {
        // It runs five times by itself.
        let text = text_of(Command::new(&limit).arg("csv").args(&files).arg("1"))?;
        let mut times = text.lines().map(|line| micros(line, "cpu=")).collect::<Result<Vec<_>, _>>()?;
        theirs.push(median(&mut times));
        said[0] = after(&text, "field_diffs]=")?.split_inclusive(']').next().unwrap_or_default().to_owned();
        let text = text_of(Command::new(&ours).arg("sweep").args(&files))?;
        own.push(micros(&text, r#""cpu_seconds":"#)?);
        said[1] = text.trim_end().to_owned();
    }
    let (theirs, own) = (median(&mut theirs), median(&mut own));
    let hundredths = own * 100 / theirs.max(1);
    let bytes = files.iter().map(|file| fs::metadata(file).map(|of| of.len())).sum::<Result<u64, _>>()?;
    writeln!(out, "{rows} rows, {bytes} bytes, medians of {} runs in turn, processor time", runs.max(1))?;
    writeln!(out, "limit     {:>9} us  [changed, missing, extra, values] {}", theirs, said[0])?;
    writeln!(out, "accordant {own:>9} us  {}.{:02} x  {}", hundredths / 100, hundredths % 100, said[1])?;
    Ok(())
}

/// Built for this processor, without unwinding, as its notes say.
fn build(manifest: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--release", "--locked", "--quiet", "--bin", "sweep", "--manifest-path"];
    let status = Command::new(cargo)
        .args(arguments)
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .env("RUSTFLAGS", "-C target-cpu=native")
        .status()?;
    if status.success() { Ok(target.join("release/sweep")) } else { Err("the limit cannot be built".into()) }
}

fn text_of(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn after<'a>(said: &'a str, label: &str) -> Result<&'a str, Failure> {
    said.split_once(label).map(|(_, rest)| rest).ok_or_else(|| format!("no {label} in what was printed").into())
}

/// The decimal behind a label, in millionths.
fn micros(said: &str, label: &str) -> Result<u64, Failure> {
    let number = after(said, label)?;
    let end = number.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(number.len());
    let (whole, fraction) = number[..end].split_once('.').unwrap_or((&number[..end], "0"));
    let fraction: u64 = format!("{fraction:0<6.6}").parse()?;
    Ok(whole.parse::<u64>()? * 1_000_000 + fraction)
}

fn median(of: &mut [u64]) -> u64 {
    of.sort_unstable();
    of.get(of.len() / 2).copied().unwrap_or_default()
}
