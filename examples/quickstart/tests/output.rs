//! Without a terminal, the program prints the same bytes on every machine: those of `expected-output.txt`.
#![expect(clippy::unwrap_used, reason = "a test that cannot start the program has failed")]

use std::process::{Command, Stdio};

fn output() -> String {
    let directory = tempfile::tempdir().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .arg("--dir")
        .arg(directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
    assert!(program.stderr.is_empty(), "{}", String::from_utf8_lossy(&program.stderr));
    String::from_utf8(program.stdout).unwrap()
}

#[test]
fn two_fresh_directories_give_the_expected_bytes() {
    let (first, second) = (output(), output());
    assert_eq!(first, second);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expected-output.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(path, &first).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (number, (got, expected)) in (1..).zip(first.lines().zip(expected.lines())) {
        assert_eq!(got, expected, "line {number}; after a change that is meant, run once with UPDATE_EXPECTED=1");
    }
    assert_eq!(first, expected);
    assert!(first.lines().any(|line| line == "quiet: 0 operations planned"));
    assert!(!first.contains(env!("CARGO_MANIFEST_DIR")) && !first.contains('\u{1b}'));
}

#[test]
fn the_readme_shows_what_is_printed() {
    let (readme, expected) = (include_str!("../../../README.md"), include_str!("expected-output.txt"));
    let shown = readme.split("```").find(|block| block.starts_with("text\nDiscrepancies by kind")).unwrap();
    let shown = shown.trim_start_matches("text\n").trim_end();
    assert!(expected.contains(shown), "the README shows something else:\n{shown}");
}

#[test]
fn the_embedder_writes_at_most_sixty_lines() {
    let code = include_str!("../src/main.rs").lines().map(str::trim);
    let lines = code.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    assert!(lines <= 60, "{lines} lines");
}
