//! A seed determines everything: the same one twice gives the same trace. A file spells everything out.

use accordant_sim::regression;
use accordant_sim::run::run;
use accordant_sim::script::Options;

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..12 {
        let options = Options::of(seed);
        let (once, twice) = (run(&options, false), run(&options, true));
        assert_eq!((once.hash, once.events, once.hits), (twice.hash, twice.events, twice.hits), "seed {seed}");
        assert_eq!(once.violations, twice.violations, "seed {seed}");
    }
}

#[test]
fn different_seeds_give_different_traces() {
    let hashes: std::collections::BTreeSet<u64> = (0..8).map(|seed| run(&Options::of(seed), false).hash).collect();
    assert_eq!(hashes.len(), 8);
}

#[test]
fn a_script_that_was_kept_reads_as_it_was_written() {
    for seed in 0..200 {
        let options = Options::of(seed).without(&(3..9));
        let text = regression::write(&options, &accordant_sim::run::Outcome::default());
        let read = regression::read(&text).expect("it was just written");
        assert_eq!(format!("{options:?}"), format!("{read:?}"));
    }
}

#[test]
fn a_kept_script_runs_as_its_seed_did() {
    for seed in 0..4 {
        let options = Options::of(seed);
        let first = run(&options, true);
        let again = run(&regression::read(&regression::write(&options, &first)).expect("it was just written"), false);
        assert_eq!((first.hash, first.violations), (again.hash, again.violations), "seed {seed}");
    }
}

/// The oracle must stay small enough to be believed.
#[test]
fn the_oracle_has_at_most_400_lines_of_code() {
    let lines = include_str!("../src/oracle.rs").lines().map(str::trim);
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    assert!(code <= 400, "{code} lines");
}
