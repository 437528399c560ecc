//! The zoo: defects planted in the engine, each run until the oracle catches it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use accordant::zoo::{Bug, plant};

use crate::run::run;
use crate::script::Options;
use crate::shrink::kind;

/// What came of one bug.
#[derive(Debug, Clone)]
pub struct Hunt {
    /// The bug.
    pub bug: Bug,
    /// The seed that caught it, and what the oracle found there.
    pub caught: Option<(u64, String)>,
    /// How many seeds were run.
    pub seeds: u64,
}

impl fmt::Display for Hunt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.caught {
            Some((_, violation)) => write!(f, "{:<26}{:>6}  {}", self.bug.name(), self.seeds, kind(violation)),
            None => write!(f, "{:<26}{:>6}  NOT CAUGHT: {}", self.bug.name(), self.seeds, self.bug.wrong()),
        }
    }
}

/// Runs seeds with a bug until one fails that an honest engine passes. What is in `known` the honest engine shows too,
/// somewhere else: it proves nothing.
#[must_use]
pub fn hunt(bug: Bug, start: u64, most: u64, known: &BTreeSet<String>) -> Hunt {
    for seed in start..start.saturating_add(most) {
        let options = Options::of(seed);
        plant(Some(bug));
        let planted = run(&options, false);
        plant(None);
        let telling = planted.violations.into_iter().find(|violation| !known.contains(&kind(violation)));
        let Some(violation) = telling else { continue };
        if run(&options, false).violations.is_empty() {
            return Hunt { bug, caught: Some((seed, violation)), seeds: seed - start + 1 };
        }
    }
    Hunt { bug, caught: None, seeds: most }
}

/// The kinds of violations that the honest engine shows in seeds.
#[must_use]
pub fn known(start: u64, seeds: u64, threads: usize) -> BTreeSet<String> {
    let next = AtomicU64::new(start);
    let known = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= start.saturating_add(seeds) {
                        break;
                    }
                    let kinds: Vec<String> =
                        run(&Options::of(seed), false).violations.iter().map(|violation| kind(violation)).collect();
                    if let Ok(mut known) = known.lock() {
                        known.extend(kinds);
                    }
                }
            });
        }
    });
    known.into_inner().unwrap_or_default()
}

/// Hunts every bug, on so many threads, and tells of each as it is done.
#[must_use]
pub fn hunt_all(
    bugs: &[Bug],
    start: u64,
    most: u64,
    threads: usize,
    known: &BTreeSet<String>,
    tell: &(dyn Fn(&Hunt) + Sync),
) -> Vec<Hunt> {
    let next = AtomicUsize::new(0);
    let hunts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = hunt(*bug, start, most, known);
                    tell(&done);
                    if let Ok(mut hunts) = hunts.lock() {
                        hunts.push(done);
                    }
                }
            });
        }
    });
    let mut hunts = hunts.into_inner().unwrap_or_default();
    hunts.sort_by_key(|hunt| hunt.bug);
    hunts
}
