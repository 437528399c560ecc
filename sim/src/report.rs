//! The report: what many runs add up to, as an aligned table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::fault::Fault;
use crate::run::Outcome;

/// A seed that failed, and its first violation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What the oracle found first.
    pub violation: String,
}

/// What runs add up to.
#[derive(Debug, Clone)]
pub struct Report {
    /// How many runs.
    pub runs: u64,
    /// How many events they had.
    pub events: u64,
    /// How often each fault struck.
    pub hits: [u64; 25],
    /// In how many runs each pair of faults struck.
    pub pairs: Vec<[u64; 25]>,
    /// In how many runs each state was seen.
    pub states: BTreeMap<&'static str, u64>,
    /// The runs that failed.
    pub failures: Vec<Failure>,
    /// How long it took.
    pub took: Duration,
    /// On how many threads.
    pub threads: usize,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self {
            runs: 0,
            events: 0,
            hits: [0; 25],
            pairs: vec![[0; 25]; 25],
            states: BTreeMap::new(),
            failures: Vec::new(),
            took: Duration::ZERO,
            threads,
        }
    }

    /// Adds a run.
    pub fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.runs += 1;
        self.events += outcome.events;
        for one in Fault::ALL {
            self.hits[one as usize] += u64::from(outcome.hits.0[one as usize]);
            for other in Fault::ALL.into_iter().filter(|other| one < *other) {
                if outcome.hits.has(one) && outcome.hits.has(other) {
                    self.pairs[one as usize][other as usize] += 1;
                }
            }
        }
        for state in &outcome.states {
            *self.states.entry(state).or_default() += 1;
        }
        if let Some(first) = outcome.violations.first() {
            self.failures.push(Failure { seed, violation: first.clone() });
        }
    }

    /// Adds what another thread has found.
    pub fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.events += other.events;
        for (sum, more) in self.hits.iter_mut().zip(&other.hits) {
            *sum += more;
        }
        for (sums, more) in self.pairs.iter_mut().zip(&other.pairs) {
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        }
        for (state, more) in &other.states {
            *self.states.entry(state).or_default() += more;
        }
        self.failures.extend(other.failures.iter().cloned());
        self.failures.sort();
    }

    /// The fault that struck least.
    #[must_use]
    pub fn least(&self) -> (Fault, u64) {
        let all = Fault::ALL.into_iter().map(|fault| (fault, self.hits[fault as usize]));
        all.min_by_key(|(_, hits)| *hits).unwrap_or((Fault::WebhookDropped, 0))
    }

    /// The pair of faults that met in the fewest runs.
    #[must_use]
    pub fn least_pair(&self) -> (Fault, Fault, u64) {
        self.pairs().first().copied().unwrap_or((Fault::WebhookDropped, Fault::WebhookRepeated, 0))
    }

    /// Every pair of faults with the runs in which both struck, the rarest first.
    #[must_use]
    pub fn pairs(&self) -> Vec<(Fault, Fault, u64)> {
        let of = |one: Fault| {
            let others = Fault::ALL.into_iter().filter(move |other| one < *other);
            others.map(move |other| (one, other, self.pairs[one as usize][other as usize]))
        };
        let mut pairs: Vec<_> = Fault::ALL.into_iter().flat_map(of).collect();
        pairs.sort_by_key(|(one, other, runs)| (*runs, *one, *other));
        pairs
    }

    /// Runs per second and thread, in whole numbers.
    #[must_use]
    pub fn speed(&self) -> u128 {
        let millis = self.took.as_millis().max(1) * self.threads.max(1) as u128;
        u128::from(self.runs) * 1000 / millis
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, hits) = self.least();
        let (one, other, runs) = self.least_pair();
        writeln!(f, "{:<22}{}", "seeds", self.runs)?;
        writeln!(f, "{:<22}{} on {} threads", "per second and core", self.speed(), self.threads)?;
        writeln!(f, "{:<22}{}", "events", self.events)?;
        writeln!(f, "{:<22}{}", "events per seed", self.events / self.runs.max(1))?;
        writeln!(f, "{:<22}{hits} ({least})", "least-hit fault")?;
        writeln!(f, "{:<22}{runs} ({one}, {other})", "least-hit pair")?;
        write!(f, "{:<22}{}", "violations", self.failures.len())
    }
}
