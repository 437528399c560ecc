//! Kills, power losses, full disks and failing flushes on a real SQLite file, each followed by a look at what is left.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command line")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use accordant_crash::day::{CLASSES, Failed, Place};
use accordant_crash::report::Report;
use accordant_crash::{images, kill, million};

const HELP: &str = "\
accordant-crash: kills the engine on SQLite wherever it can be killed, and looks at what is left

  --rounds N     how long a day is (12)
  --step N       every how many calls a run is killed, or a call fails (1)
  --images N     how many power-loss images are judged (5000)
  --entries N    how long the journal of the recovery is (1000000; 0: none)
  --tenth        a tenth of all that
  --only NAME    kills, errors, full, images or recovery
  --dir PATH     where the runs are (a folder in memory, if there is one)
  --figures PATH where the figures are written

It needs strace, and for small file systems the right to mount them.";

#[derive(Debug, Clone)]
struct Args {
    rounds: u32,
    step: u32,
    images: usize,
    entries: u64,
    only: Option<String>,
    dir: PathBuf,
    figures: Option<PathBuf>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [what, class, process, rounds, folder] = &words[..]
        && matches!(what.as_str(), "day" | "rest" | "grow")
    {
        return match work(what, class, process, rounds, Path::new(folder)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failed) => {
                eprintln!("{failed}");
                ExitCode::from(3)
            }
        };
    }
    let args = match parse(words.iter().cloned()) {
        Ok(args) => args,
        Err(why) => {
            println!("{why}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match prove(&args) {
        Ok(report) => {
            println!("{}", report.summary());
            if let Some(path) = &args.figures {
                // Where the figures go is nobody's business but the caller's.
                let at = words.iter().position(|word| word == "--figures").unwrap_or(words.len());
                let kept = words.iter().enumerate().filter(|(place, _)| *place != at && *place != at + 1);
                let kept: Vec<&str> = kept.map(|(_, word)| word.as_str()).collect();
                let command = format!("cargo run --release -p accordant-crash -- {}", kept.join(" "));
                let date = output("date", &["-u", "+%F"]);
                let commit = output("git", &["rev-parse", "--short", "HEAD"]);
                if let Err(error) = std::fs::write(path, report.figures(command.trim_end(), &date, &commit)) {
                    println!("the figures cannot be written: {error}");
                    return ExitCode::FAILURE;
                }
            }
            if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failed) => {
            println!("{failed}");
            ExitCode::FAILURE
        }
    }
}

/// One process of a run.
fn work(what: &str, class: &str, process: &str, rounds: &str, folder: &Path) -> Result<(), Failed> {
    let safety = CLASSES.iter().find(|(name, _)| *name == class).map(|(_, safety)| *safety);
    let safety = safety.ok_or_else(|| Failed::of("no such class of create safety"))?;
    let place = Place::below(folder, safety)?;
    let opened = place.open(process.parse().map_err(Failed::of)?, true)?;
    match what {
        "grow" => million::grow(&opened),
        "rest" => opened.rest().map(drop),
        _ => opened.live(rounds.parse().map_err(Failed::of)?),
    }
}

fn prove(args: &Args) -> Result<Report, Failed> {
    let folder = tempfile::Builder::new().prefix("accordant-crash-").tempdir_in(&args.dir)?;
    let (folder, rounds) = (folder.path(), args.rounds);
    let wanted = |name: &str| args.only.as_deref().is_none_or(|only| only == name);
    let mut report = Report::default();
    if wanted("images") {
        report.tallies.push(images::spread(folder, rounds, args.images)?);
        report.tallies.push(images::after_failed_flush(folder, rounds, args.images / 20)?);
        report.lying = Some(images::on_a_lying_disk(folder, rounds, args.images / 20)?);
    }
    if wanted("kills") {
        report.tallies.push(kill::everywhere(folder, rounds, args.step)?);
    }
    if wanted("errors") {
        report.tallies.extend(kill::failing(folder, rounds, args.step as usize)?);
    }
    if wanted("full") {
        report.tallies.push(kill::full(folder, rounds)?);
    }
    if wanted("recovery") && args.entries > 0 {
        report.recovery = Some(million::measure(folder, &std::env::temp_dir(), args.entries)?);
    }
    Ok(report)
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    // In memory a flush costs nothing, and what it means is judged by images.
    let memory = PathBuf::from("/dev/shm");
    let dir = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let mut args = Args { rounds: 12, step: 1, images: 5000, entries: 1_000_000, only: None, dir, figures: None };
    while let Some(word) = words.next() {
        if word == "--tenth" {
            args = Args { step: args.step * 10, images: args.images / 10, entries: args.entries / 10, ..args };
            continue;
        }
        let text = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || text.parse::<u64>().map_err(|_| format!("{word} needs a number, not `{text}`"));
        match word.as_str() {
            "--rounds" => args.rounds = u32::try_from(number()?).unwrap_or(u32::MAX),
            "--step" => args.step = u32::try_from(number()?.max(1)).unwrap_or(u32::MAX),
            "--images" => args.images = usize::try_from(number()?).unwrap_or(usize::MAX),
            "--entries" => args.entries = number()?,
            "--only" => args.only = Some(text),
            "--dir" => args.dir = text.into(),
            "--figures" => args.figures = Some(text.into()),
            _ => return Err(format!("`{word}` is not an option")),
        }
    }
    Ok(args)
}

/// The first line that a command says; empty, if it cannot be run.
fn output(command: &str, arguments: &[&str]) -> String {
    let said = Command::new(command).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
}
