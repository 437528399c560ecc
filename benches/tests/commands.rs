//! Every command runs on a small workload and prints what the notes promise. No time is judged.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_accordant-bench"));
    command.args(arguments).env_remove("ACCORDANT_YARDSTICKS");
    command.output().expect("the program can be run")
}

/// What a command prints.
fn said(arguments: &[&str]) -> String {
    let output = bench(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

/// The lines that are JSON.
fn lines(said: &str) -> Vec<Value> {
    let lines = said.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn number(line: &Value, pointer: &str) -> u64 {
    line.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {pointer} in {line}"))
}

/// A workload of so many deliveries about 50 customers.
fn workload(deliveries: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("workload.ndjson");
    said(&["gen", deliveries, "50", text(&file)]);
    (folder, file)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

#[test]
fn the_stream_takes_in_every_delivery() {
    let (_folder, file) = workload("600");
    let [line] = &lines(&said(&["stream", text(&file), "--digest"]))[..] else { panic!("one line") };
    assert_eq!((number(line, "/events"), number(line, "/refused"), number(line, "/cores")), (600, 0, 1));
    assert!(number(line, "/answer/golden/0") > 0);
    assert_eq!(line["state"].as_str().map(str::len), Some(16));
}

#[test]
fn several_processors_come_to_the_same_state() {
    // Several rounds, and two blocks.
    let (_folder, file) = workload("20000");
    let state = |cores: &str| {
        let [line] = &lines(&said(&["stream", text(&file), "--digest", "--cores", cores]))[..] else {
            panic!("one line")
        };
        [&line["state"], &line["facts"], &line["events"], &line["answer"]].map(Value::to_string)
    };
    let one = state("1");
    for cores in ["2", "3"] {
        assert_eq!(state(cores), one);
    }
    let [line] = &lines(&said(&["cores", text(&file), "2", "1"]))[..] else { panic!("one line") };
    assert_eq!(line["same_state"], Value::Bool(true));
    assert!(number(line, "/wall_micros") > 0 && number(line, "/wall_micros_of_one") > 0);
}

#[test]
fn memory_is_told_part_by_part() {
    let (_folder, file) = workload("600");
    let [line] = &lines(&said(&["memory", text(&file)]))[..] else { panic!("one line") };
    assert!(number(line, "/customers") > 0);
    let part = |name: &str| number(line, &format!("/bytes_each/{name}"));
    assert!(part("links_cells_values") >= part("links") && part("with_bases_golden_discrepancies") > part("links"));
    assert!(number(line, "/history/journal_bytes_per_event") > 0 && number(line, "/history/file_bytes") > 0);
}

#[test]
fn growth_prints_a_table_and_the_lines_behind_it() {
    let said = said(&["growth", "--systems", "3", "--connections", "2", "--entities", "200,2000", "--kept", "40"]);
    let lines = lines(&said);
    let sizes: Vec<(&str, u64)> =
        lines.iter().map(|line| (line["growth"].as_str().unwrap_or_default(), number(line, "/size"))).collect();
    assert_eq!(sizes, [("systems", 3), ("connections", 2), ("entities", 200), ("entities", 2_000), ("kept", 40)]);
    let [_, connections, .., kept] = &lines[..] else { panic!("five lines") };
    // The one that hints at little is read in the first step.
    assert_eq!(number(connections, "/steps_until_every_other_was_read"), 1);
    assert_eq!((number(kept, "/pulsed"), number(kept, "/open_discrepancies") > 0), (40, true));
    for kind in ["systems", "connections", "entities", "kept"] {
        assert!(said.lines().any(|line| line.starts_with(kind)), "{said}");
    }
}

#[test]
fn durable_on_sqlite_compares_rows_and_appends() {
    let [line] = &lines(&said(&["durable", "append", "2000"]))[..] else { panic!("one line") };
    assert_eq!(number(line, "/appended"), 2_000);
    for figure in
        ["raw_per_second", "raw_hashed_per_second", "tables_per_second", "journal_per_second", "percent_of_raw"]
    {
        assert!(number(line, &format!("/{figure}")) > 0);
    }
}

#[test]
fn every_stage_that_is_counted_is_on_record_and_runs() {
    let list = said(&["instructions", "list"]);
    let stages: Vec<(&str, &str)> = list.lines().skip(1).filter_map(|line| line.split_once(' ')).collect();
    let record = include_str!("../instructions.toml");
    let recorded: Vec<&str> = record
        .lines()
        .skip_while(|line| *line != "[stage]")
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .collect();
    assert_eq!(stages.iter().map(|(stage, _)| *stage).collect::<Vec<_>>(), recorded);
    for (stage, rests_on) in stages {
        for stage in [stage, rests_on] {
            assert!(said(&["instructions", stage]).starts_with(&format!("{stage}: ")));
        }
    }
}

#[cfg(feature = "latency")]
#[test]
fn latency_is_told_of_every_request() {
    let said = said(&["latency", "--rate", "100", "--seconds", "1", "--connections", "4"]);
    let [line] = &lines(&said)[..] else { panic!("one line: {said}") };
    assert_eq!((number(line, "/events"), number(line, "/refused")), (100, 0));
    assert!(number(line, "/p99_micros") >= number(line, "/p50_micros") && number(line, "/p50_micros") > 0);
    assert!(said.ends_with("skipped: no yardsticks\n"));
}

#[cfg(feature = "latency")]
#[test]
fn batches_are_taken_in_as_single_events_are() {
    let said = said(&["latency", "--rate", "200", "--seconds", "1", "--connections", "2", "--batch", "50"]);
    let [line, _] = &lines(&said)[..] else { panic!("two lines: {said}") };
    assert_eq!((number(line, "/events"), number(line, "/batch"), number(line, "/refused")), (200, 50, 0));
}

#[cfg(feature = "identity")]
#[test]
fn one_record_more_goes_through_the_engine() {
    let said = said(&["identity", "incremental", "300", "--engine"]);
    let [line] = &lines(&said)[..] else { panic!("one line: {said}") };
    assert_eq!((number(line, "/records"), number(line, "/new")), (300, 300));
    assert!(number(line, "/linked_before") > 0 && number(line, "/linked") > 0, "{line}");
    assert!(number(line, "/cpu_p99_micros") >= number(line, "/cpu_p50_micros"), "{line}");
    assert!(number(line, "/match_cpu_p50_micros") > 0 && number(line, "/receive_cpu_p50_micros") > 0, "{line}");
}

#[test]
fn without_yardsticks_nothing_is_compared_and_that_is_said() {
    assert_eq!(said(&["compare", "100", "10", "1"]), "skipped: no yardsticks\n");
    #[cfg(feature = "sweep")]
    assert_eq!(said(&["sweep", "compare", "100", "1"]), "skipped: no yardsticks\n");
}

#[cfg(feature = "sweep")]
#[test]
fn a_sweep_finds_what_was_changed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    said(&["sweep", "gen", "10000", text(folder.path()), "7"]);
    let [one, other] = ["a.csv", "b.csv"].map(|name| folder.path().join(name));
    let [line] = &lines(&said(&["sweep", text(&one), text(&other)]))[..] else { panic!("one line") };
    assert_eq!(["changed", "missing", "extra"].map(|of| number(line, &format!("/{of}"))), [71, 9, 10]);
}

#[test]
fn what_is_no_command_is_refused_with_all_that_are() {
    let output = bench(&["nothing"]);
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    for command in [
        "anomaly",
        "compare",
        "cores",
        "durable FILE",
        "durable append",
        "gen",
        "growth",
        "http",
        "identity",
        "instructions",
        "latency",
        "memory",
        "pulse",
        "quality",
        "stages",
        "stream",
        "sweep A B",
        "sweep compare",
        "sweep gen",
        "sweep postgres",
        "what-if",
    ] {
        assert!(told.contains(&format!("accordant-bench {command} ")), "{command}: {told}");
    }
}
