//! Shrinking: a failing run loses faults, rounds and steps for as long as it still fails in the same way.

use crate::run::{Outcome, run};
use crate::script::Options;

/// How many runs shrinking may cost.
const MOST_RUNS: usize = 600;

/// What a violation is, whatever it is about: its words without the numbers.
#[must_use]
pub fn kind(violation: &str) -> String {
    let words = violation.split(' ').filter(|word| !word.chars().any(|letter| letter.is_ascii_digit()));
    // Systems are interchangeable.
    let words = words.filter(|word| !["hubspot", "shopify", "netsuite", "ledger"].contains(word));
    words.collect::<Vec<_>>().join(" ")
}

/// The shortest script found that still fails as `failed` did, and how it ends.
#[must_use]
pub fn shrink(failed: &Options, outcome: &Outcome) -> (Options, Outcome) {
    let Some(wanted) = outcome.violations.first().map(|first| kind(first)) else {
        return (failed.clone(), outcome.clone());
    };
    let mut best = (failed.clone(), outcome.clone());
    let mut runs = 0;
    let mut attempt = |options: Options, best: &mut (Options, Outcome)| {
        runs += 1;
        if runs > MOST_RUNS {
            return false;
        }
        let outcome = run(&options, false);
        let fails = outcome.violations.first().is_some_and(|first| kind(first) == wanted);
        if fails {
            *best = (options, outcome);
        }
        fails
    };
    while best.0.rounds.len() > 1 {
        let mut fewer = best.0.clone();
        fewer.rounds.pop();
        if !attempt(fewer, &mut best) {
            break;
        }
    }
    if best.0.lasting.is_some() {
        let calm = Options { lasting: None, ..best.0.clone() };
        attempt(calm, &mut best);
    }
    // A step that is left out changes what the weather draws: a second pass often finds more.
    for _ in 0..2 {
        for fault in best.0.faults.iter() {
            let fewer = Options { faults: best.0.faults.without(fault), ..best.0.clone() };
            attempt(fewer, &mut best);
        }
        let mut chunk = best.0.steps();
        while chunk > 0 {
            let mut from = 0;
            while from < best.0.steps() {
                let shorter = best.0.without(&(from..from + chunk));
                if !attempt(shorter, &mut best) {
                    from += chunk;
                }
            }
            chunk /= 2;
        }
    }
    let (options, _) = best;
    let outcome = run(&options, true);
    (options, outcome)
}
