//! A seed determines everything: the same one twice gives the same trace.

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
    let mut options = Options::of(5);
    options.without.extend([3, 9]);
    let text = regression::write(&options, &run(&options, true));
    let read = regression::read(&text).expect("it was just written");
    assert_eq!(format!("{options:?}"), format!("{read:?}"));
}
