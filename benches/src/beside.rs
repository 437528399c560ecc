//! Beside programs written by hand: built as ours are, run in turn, and read by what they print.

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the folder that holds the yardsticks.
pub const YARDSTICKS: &str = "ACCORDANT_YARDSTICKS";

type Failure = Box<dyn Error>;

/// The folder of the yardsticks; none: it says so.
///
/// # Errors
///
/// If nothing can be written to `out`.
pub fn yardsticks(out: &mut impl Write) -> io::Result<Option<PathBuf>> {
    let found = env::var_os(YARDSTICKS).map(|folder| Path::new(&folder).join("perf"));
    if found.is_none() {
        writeln!(out, "skipped: no yardsticks")?;
    }
    Ok(found)
}

/// Builds a program of the yardsticks, for this processor and without unwinding, as its notes say.
///
/// # Errors
///
/// If it cannot be built.
pub fn limit(yardsticks: &Path, binary: &str) -> Result<PathBuf, Failure> {
    build(&yardsticks.join("limit/Cargo.toml"), binary, &[])
}

/// Builds this program as the yardsticks are built, with the least it can be built with, and these features.
///
/// # Errors
///
/// If it cannot be built.
pub fn ours(features: &[&str]) -> Result<PathBuf, Failure> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let features = features.join(",");
    build(&manifest, "accordant-bench", &["--no-default-features", "--features", &features])
}

/// Where this program's own build went, a place of its own beside it: other flags would build everything anew.
#[must_use]
pub fn target() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| here.join("../target"), PathBuf::from).join("compare")
}

fn build(manifest: &Path, binary: &str, more: &[&str]) -> Result<PathBuf, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = target();
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", "--bin", binary, "--manifest-path"])
        .arg(manifest)
        .args(more)
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "-C target-cpu=native")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .status()?;
    if !status.success() {
        return Err(format!("{binary} cannot be built").into());
    }
    Ok(target.join("release").join(binary))
}

/// What a program prints.
///
/// # Errors
///
/// If it cannot be run or fails, with what it said of that.
pub fn text_of(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    if !output.status.success() {
        let program = Path::new(command.get_program()).file_name().map(OsStr::to_string_lossy).unwrap_or_default();
        return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// What stands behind a label.
///
/// # Errors
///
/// If it does not stand there.
pub fn after<'a>(said: &'a str, label: &str) -> Result<&'a str, Failure> {
    said.split_once(label).map(|(_, rest)| rest).ok_or_else(|| format!("no {label} in what was printed").into())
}

/// The whole number behind a label.
///
/// # Errors
///
/// If there is none.
pub fn whole(said: &str, label: &str) -> Result<u64, Failure> {
    let number = after(said, label)?;
    let end = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
    Ok(number[..end].parse()?)
}

/// The decimal behind a label, in millionths.
///
/// # Errors
///
/// If there is none.
pub fn micros(said: &str, label: &str) -> Result<u64, Failure> {
    let number = after(said, label)?;
    let end = number.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(number.len());
    let (whole, fraction) = number[..end].split_once('.').unwrap_or((&number[..end], "0"));
    let fraction: u64 = format!("{fraction:0<6.6}").parse()?;
    Ok(whole.parse::<u64>()? * 1_000_000 + fraction)
}

/// The middle one; of an even number the later of the two; nothing, as 0, of none.
pub fn median<T: Ord + Copy + Default>(of: &mut [T]) -> T {
    of.sort_unstable();
    of.get(of.len() / 2).copied().unwrap_or_default()
}

/// How many times `part` is `whole`, with two digits behind the point.
#[must_use]
pub fn times(part: u64, whole: u64) -> String {
    let hundredths = part * 100 / whole.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_what_programs_print() {
        assert_eq!(micros("resolve   t=1 cpu_med=0.191s more", "cpu_med=").expect("it is there"), 191_000);
        assert_eq!(micros("pf64 t=1 cpu_med=12.5s\n", "cpu_med=").expect("it is there"), 12_500_000);
        assert_eq!(micros(r#"{"cpu_seconds":1.000002,"#, r#""cpu_seconds":"#).expect("it is there"), 1_000_002);
        assert!(micros("fold cpu=1.0", "cpu_med=").is_err());
        assert_eq!(whole(r#"{"events":120,"#, r#""events":"#).expect("it is there"), 120);
        assert!(whole("events=many", "events=").is_err());
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(&mut [5, 1, 9]), 5);
        assert_eq!(median::<u64>(&mut []), 0);
    }

    #[test]
    fn ratios_have_two_digits() {
        assert_eq!(times(151, 100), "1.51");
        assert_eq!(times(5, 100), "0.05");
    }
}
