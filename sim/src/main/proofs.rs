//! Proofs on the command line: what they found is kept in a file each, and told in one document.

use std::path::Path;

use accordant::{Clock as _, SystemClock, chrono::DateTime};
use accordant_sim::fault::Fault;
use accordant_sim::figures::{Figures, document};
use accordant_sim::orders::{histories, tell};
use accordant_sim::report::Report;

use super::Args;

/// Where the figures are kept.
const FOLDER: &str = "reliability";

/// How many of the rarest pairs are listed.
const RAREST: usize = 10;

/// Figures measured now, of the commit that is checked out.
pub(crate) fn measured(title: &str, command: &str) -> Figures {
    let today = DateTime::from_timestamp_millis(SystemClock.now()).unwrap_or_default();
    let head = std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let commit = head.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    Figures {
        title: title.to_owned(),
        command: command.to_owned(),
        date: today.format("%F").to_string(),
        commit: commit.trim().to_owned(),
        ..Figures::default()
    }
}

/// Keeps figures under a name, and writes the document anew.
pub(crate) fn keep(name: &str, figures: Figures) {
    let path = format!("{FOLDER}/{name}.txt");
    let kept = std::fs::create_dir_all(FOLDER).and_then(|()| std::fs::write(&path, figures.to_text()));
    match kept {
        Ok(()) => println!("kept as {path}"),
        Err(error) => println!("could not be kept as {path}: {error}"),
    }
    write_document();
}

/// Writes the document. Says whether that failed.
pub(crate) fn write_document() -> bool {
    let written = document(Path::new(FOLDER)).and_then(|text| std::fs::write("RELIABILITY.md", text));
    match &written {
        Ok(()) => println!("RELIABILITY.md is written"),
        Err(error) => println!("RELIABILITY.md cannot be written: {error}"),
    }
    written.is_err()
}

/// Tells of every fault, the rarest pairs and every state, and keeps them.
pub(crate) fn record_seeds(report: &Report) {
    let mut body = String::from("| fault | strikes |\n|---|---:|\n");
    for fault in Fault::ALL {
        println!("{:<22}{}", fault.name(), report.hits[fault as usize]);
        body.push_str(&format!("| {fault} | {} |\n", report.hits[fault as usize]));
    }
    body.push_str("\n| rarest pairs | runs in which both struck |\n|---|---:|\n");
    for (one, other, runs) in report.pairs().into_iter().take(RAREST) {
        println!("{:<40}{runs}", format!("{one} and {other}"));
        body.push_str(&format!("| {one}, {other} | {runs} |\n"));
    }
    body.push_str("\n| state | runs in which it was seen |\n|---|---:|\n");
    for (state, runs) in &report.states {
        println!("{state:<40}{runs}");
        body.push_str(&format!("| {state} | {runs} |\n"));
    }
    let (least, strikes) = report.least();
    let (one, other, runs) = report.least_pair();
    let command = format!("cargo run --release -p accordant-sim -- --seeds {} --report", report.runs);
    let figures = measured("Simulated worlds", &command)
        .figure("seeds", report.runs)
        .figure("violations", report.failures.len())
        .figure("events", report.events)
        .figure("seconds", report.took.as_secs())
        .figure("schedules per second and core", report.speed())
        .figure("least-hit fault", format!("{least}, {strikes} times"))
        .figure("least-hit pair", format!("{one} and {other}, in {runs} runs"))
        .figure("states seen", report.states.len());
    keep("1-seeds", Figures { body, ..figures });
}

/// Tells every history in all orders. Says whether one came to several ends.
pub(crate) fn orders(args: &Args) -> bool {
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
        let figures = measured("Orders of delivery", command)
            .figure("histories of seven events", histories().len())
            .figure("orders told", told)
            .figure("histories that came to more than one end", failed);
        keep("3-orders", figures);
    }
    failed > 0
}
