//! Beside the limit: a program written by hand for these very files.

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::process::Command;

use crate::beside::{after, limit, median, micros, text_of, times, yardsticks};

/// Makes the tables, runs both programs in turn, so often, and prints the medians of their processor times.
pub(super) fn compare(rows: u64, runs: usize, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let Some(yardsticks) = yardsticks(out)? else { return Ok(()) };
    let limit = limit(&yardsticks, "sweep")?;
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
    let bytes = files.iter().map(|file| fs::metadata(file).map(|of| of.len())).sum::<Result<u64, _>>()?;
    writeln!(out, "{rows} rows, {bytes} bytes, medians of {} runs in turn, processor time", runs.max(1))?;
    writeln!(out, "limit     {theirs:>9} us  [changed, missing, extra, values] {}", said[0])?;
    writeln!(out, "accordant {own:>9} us  {} x  {}", times(own, theirs), said[1])?;
    Ok(())
}
