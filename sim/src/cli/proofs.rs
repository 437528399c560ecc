//! Proofs on the command line: what they found is kept in a file each, and told in one document.

use std::path::Path;

use crate::fault::Fault;
use crate::figures::{Figure, Figures, document};
use crate::orders::{histories, tell};
use crate::report::Report;
use accordant::{Clock as _, SystemClock, chrono::DateTime};

use super::Args;

/// Where the figures are kept.
const FOLDER: &str = "sim/proofs";

/// How many of the rarest pairs are listed.
const RAREST: usize = 10;

/// Figures measured now, of the commit that is checked out.
pub(super) fn measured(source: &str, command: &str) -> Figures {
    let today = DateTime::from_timestamp_millis(SystemClock.now()).unwrap_or_default();
    let head = std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let commit = head.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    Figures {
        source: source.to_owned(),
        command: command.to_owned(),
        date: today.format("%F").to_string(),
        commit: commit.trim().to_owned(),
        ..Figures::default()
    }
}

/// Keeps figures under a name, and writes the document anew.
pub(super) fn keep(name: &str, figures: &Figures) {
    let path = format!("{FOLDER}/{name}.toml");
    let kept = std::fs::create_dir_all(FOLDER).and_then(|()| std::fs::write(&path, figures.to_toml()));
    match kept {
        Ok(()) => println!("kept as {path}"),
        Err(error) => println!("could not be kept as {path}: {error}"),
    }
    write_document();
}

/// Writes the document. Says whether that failed.
pub(super) fn write_document() -> bool {
    let written = document(Path::new(FOLDER)).and_then(|text| std::fs::write("RELIABILITY.md", text));
    match &written {
        Ok(()) => println!("RELIABILITY.md is written"),
        Err(error) => println!("RELIABILITY.md cannot be written: {error}"),
    }
    written.is_err()
}

/// Tells of every fault, the rarest pairs and every state, and keeps them.
pub(super) fn record_seeds(report: &Report) {
    let command = format!("cargo run --release -p accordant-sim -- --seeds {} --report", report.runs);
    let mut figures = measured("simulated worlds", &command)
        .figure(Figure::new("seeds").count("count", report.runs))
        .figure(Figure::new("violations").count("count", report.failures.len()))
        .figure(Figure::new("events").count("count", report.events))
        .figure(Figure::new("seconds").count("count", report.took.as_secs()))
        .figure(Figure::new("schedules per second and core").count("count", report.speed()))
        .figure(Figure::new("states seen").count("count", report.states.len()));
    for fault in Fault::ALL {
        let strikes = report.hits[fault as usize];
        println!("{:<40}{strikes}", fault.name());
        figures = figures.figure(Figure::new(&format!("fault: {fault}")).count("strikes", strikes));
    }
    for (one, other, runs) in report.pairs().into_iter().take(RAREST) {
        let pair = format!("{one} and {other}");
        println!("{pair:<40}{runs}");
        figures = figures.figure(Figure::new(&format!("rarest pairs: {pair}")).count("runs", runs));
    }
    for (state, runs) in &report.states {
        println!("{state:<40}{runs}");
        figures = figures.figure(Figure::new(&format!("state: {state}")).count("runs", runs));
    }
    keep("seeds", &figures);
}

/// Tells every history in all orders. Says whether one came to several ends.
pub(super) fn orders(args: &Args) -> bool {
    const LENGTH: usize = 7;
    let mut failed = 0;
    let mut told = 0;
    for history in histories() {
        match tell(&history, LENGTH) {
            Ok((orders, ends)) => {
                told += orders;
                println!("{:<50}{orders:>6} orders, {} ends", history.name, ends.len());
                if ends.len() != 1 {
                    failed += 1;
                    ends.iter().take(2).for_each(|end| println!("{end}--"));
                }
            }
            Err(error) => {
                failed += 1;
                println!("{:<50}{error}", history.name);
            }
        }
    }
    if args.report {
        let command = "cargo run --release -p accordant-sim -- --orders --report";
        let figures = measured("orders of delivery", command)
            .figure(Figure::new("histories of seven events").count("count", histories().len()))
            .figure(Figure::new("orders told").count("count", told))
            .figure(Figure::new("histories that came to more than one end").count("count", failed));
        keep("orders", &figures);
    }
    failed > 0
}
