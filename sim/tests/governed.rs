//! Worlds with an office hold: whoever may not is refused, whoever was erased is nowhere, and tenants do not meet. Everything that
//! is judged there did happen.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use accordant_sim::attempt::TRIES;
use accordant_sim::office::ADMIN;
use accordant_sim::run::{Outcome, run};
use accordant_sim::script::Options;

/// How many seeds are looked at: one in four has an office.
const SEEDS: u64 = 240;

/// The worlds with an office among the first seeds, and what came of each.
fn governed() -> Vec<(Options, Outcome)> {
    let (next, done) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SEEDS {
                        break;
                    }
                    let options = Options::of(seed);
                    if options.design.house.roles {
                        let outcome = run(&options, false);
                        done.lock().expect("nobody panics").push((options, outcome));
                    }
                }
            });
        }
    });
    done.into_inner().expect("nobody panics")
}

#[test]
fn worlds_with_an_office_hold_and_everything_that_is_judged_there_happens() {
    let governed = governed();
    assert!(governed.len() >= 30, "{} worlds have an office", governed.len());
    let mut acts: BTreeMap<String, u64> = BTreeMap::new();
    for (options, outcome) in &governed {
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {}", options.seed);
        for (act, times) in &outcome.acts {
            *acts.entry(act.clone()).or_default() += times;
        }
    }
    let refused = TRIES.iter().map(|what| format!("{what:?} refused"));
    let shown = ["Look", "Search", "Letters", "Export"].map(ToOwned::to_owned);
    let granted = (0..=ADMIN).map(|rank| format!("grant {rank}"));
    let others = [
        "visit",
        "an export",
        "erase",
        "erased",
        "erased twice",
        "an erasure that was interrupted is gone on with",
        "an erasure waits for a write",
        "a notice tells of who is gone",
        "lift",
        "came back",
        "a card number is refused",
        "a letter with a card number",
        "compact",
        "a copy is read",
        "a copy is put to work",
    ];
    let expected = refused.chain(shown).chain(granted).chain(others.map(ToOwned::to_owned));
    let missing: Vec<String> = expected.filter(|act| !acts.contains_key(act)).collect();
    assert_eq!(missing, Vec::<String>::new(), "of {acts:#?}");
}
