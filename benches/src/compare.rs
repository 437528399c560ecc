//! The yardstick and the stream in turn, on one file, in one build profile.

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the folder that holds the yardsticks.
const YARDSTICKS: &str = "ACCORDANT_YARDSTICKS";

type Failure = Box<dyn Error>;

/// Builds and runs both, and prints a table.
pub(crate) fn compare(events: u64, entities: u64, runs: u64, out: &mut impl Write) -> Result<(), Failure> {
    let Some(yardsticks) = env::var_os(YARDSTICKS) else {
        writeln!(out, "skipped: no yardsticks")?;
        return Ok(());
    };
    let limit = Path::new(&yardsticks).join("perf/limit/Cargo.toml");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = target(here);
    let limit = build(&limit, "fold", &built)?;
    let stream = build(&here.join("Cargo.toml"), "accordant-bench", &built)?;
    let file = built.join(format!("workload-{events}-{entities}.ndjson"));
    if !file.exists() {
        text_of(Command::new(&stream).args(["gen", &events.to_string(), &entities.to_string()]).arg(&file))?;
    }
    let mut per_event = Vec::new();
    let mut batched = Vec::new();
    let mut ours = Vec::new();
    let mut answers = (String::new(), String::new());
    for _ in 0..runs.max(1) {
        let said = text_of(Command::new(&limit).arg(&file).arg(entities.to_string()).args([
            "serde",
            "resolve,pf64",
            "1",
            "1",
        ]))?;
        per_event.push(micros(&said, "resolve ", "cpu_med=")?);
        batched.push(micros(&said, "pf64 ", "cpu_med=")?);
        answers.0 = after(&said, "chk=")?.split_inclusive(']').next().unwrap_or_default().to_owned();
        let said = text_of(Command::new(&stream).arg("stream").arg(&file))?;
        ours.push(micros(&said, "", r#""cpu_seconds":"#)?);
        answers.1 = after(&said, r#""answer":"#)?.trim_end().to_owned();
    }
    fs::remove_file(&file)?;
    writeln!(out, "{events} events, {entities} entities, medians of {} runs in turn, processor time", ours.len())?;
    let batched = median(&mut batched);
    for (name, taken) in [
        ("yardstick, batched", batched),
        ("yardstick, event by event", median(&mut per_event)),
        ("accordant", median(&mut ours)),
    ] {
        let hundredths = taken * 100 / batched.max(1);
        writeln!(
            out,
            "{name:<28}{:>10} s{:>8} ns/event{:>6}.{:02} x",
            format!("{}.{:03}", taken / 1_000_000, taken / 1_000 % 1_000),
            taken * 1_000 / events.max(1),
            hundredths / 100,
            hundredths % 100,
        )?;
    }
    writeln!(out, "yardstick answers {}", answers.0)?;
    writeln!(out, "accordant answers {}", answers.1)?;
    Ok(())
}

/// Where this program's own build went, a place of its own beside it: other flags would build everything anew.
fn target(here: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| here.join("../target"), PathBuf::from);
    target.join("compare")
}

/// Builds a binary as the yardstick is built: for this processor, without unwinding.
fn build(manifest: &Path, binary: &str, target: &Path) -> Result<PathBuf, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", "--bin", binary, "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .env("RUSTFLAGS", "-C target-cpu=native")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .status()?;
    if !status.success() {
        return Err(format!("{binary} cannot be built").into());
    }
    Ok(target.join("release").join(binary))
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

/// The decimal behind `label` in the line that begins with `line`, in millionths.
fn micros(said: &str, line: &str, label: &str) -> Result<u64, Failure> {
    let line = said.lines().find(|candidate| candidate.starts_with(line)).unwrap_or_default();
    let number = after(line, label)?;
    let end = number.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(number.len());
    let (whole, fraction) = number[..end].split_once('.').unwrap_or((&number[..end], "0"));
    let fraction: u64 = format!("{fraction:0<6.6}").parse()?;
    Ok(whole.parse::<u64>()? * 1_000_000 + fraction)
}

fn median(of: &mut [u64]) -> u64 {
    of.sort_unstable();
    of.get(of.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_from_what_programs_print() {
        let said = "# a file\nresolve   t=1 cpu_med=0.191s more\npf64 t=1 cpu_med=12.5s\n";
        assert_eq!(micros(said, "resolve ", "cpu_med=").expect("it is there"), 191_000);
        assert_eq!(micros(said, "pf64 ", "cpu_med=").expect("it is there"), 12_500_000);
        assert!(micros(said, "fold ", "cpu_med=").is_err());
        assert_eq!(micros(r#"{"cpu_seconds":1.000002,"#, "", r#""cpu_seconds":"#).expect("it is there"), 1_000_002);
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(&mut [5, 1, 9]), 5);
        assert_eq!(median(&mut []), 0);
    }
}
