//! What people decided about pairs: permanent, with author and time, and replayed after every training.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::cluster::Rails;
use crate::hash;
use crate::model::Judged;
use crate::pattern::Candidates;
use crate::table::{Row, Table};

/// A record, by what it is called outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordName {
    /// The system.
    pub system: String,
    /// Its id there.
    pub id: String,
}

/// What a person decided about two records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The one.
    pub a: RecordName,
    /// The other.
    pub b: RecordName,
    /// Whether they are one entity.
    pub same: bool,
    /// Who decided.
    pub by: String,
    /// When, as the caller writes it: no clock is read here.
    pub at: String,
}

/// All decisions, the latest about a pair standing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decisions {
    made: Vec<Decision>,
}

impl RecordName {
    /// What [`Table::key`] calls it.
    #[must_use]
    pub fn key(&self) -> u64 {
        hash::mix(hash::bytes(self.system.as_bytes()), hash::bytes(self.id.as_bytes()))
    }
}

impl Decision {
    /// What [`crate::score::pair_hash`] calls the pair.
    #[must_use]
    pub fn pair(&self) -> u64 {
        let (a, b) = (self.a.key(), self.b.key());
        hash::mix(a.min(b), a.max(b))
    }
}

impl Decisions {
    /// Adds a decision. Nothing is ever taken away: an earlier one about the pair stands no longer.
    pub fn add(&mut self, decision: Decision) {
        self.made.push(decision);
    }

    /// Every decision that was ever made.
    #[must_use]
    pub fn all(&self) -> &[Decision] {
        &self.made
    }

    /// The decisions that stand, in the order in which they were made.
    #[must_use]
    pub fn standing(&self) -> Vec<&Decision> {
        let mut last: HashMap<u64, usize> = HashMap::new();
        for (place, decision) in self.made.iter().enumerate() {
            last.insert(decision.pair(), place);
        }
        self.made.iter().enumerate().filter(|(place, d)| last.get(&d.pair()) == Some(place)).map(|(_, d)| d).collect()
    }

    /// Adds what stands to guard rails.
    pub fn guard(&self, rails: &mut Rails) {
        for decision in self.standing() {
            let pair = decision.pair();
            if decision.same {
                rails.apart.remove(&pair);
                rails.together.insert(pair, (decision.a.key(), decision.b.key()));
            } else {
                rails.together.remove(&pair);
                rails.apart.insert(pair);
            }
        }
    }

    /// What was decided about candidates, by pattern, ascending.
    #[must_use]
    pub fn judged(&self, table: &Table, candidates: &Candidates) -> Vec<(u32, Judged)> {
        let mut judged: std::collections::BTreeMap<u32, Judged> = std::collections::BTreeMap::new();
        for (place, same) in self.of_candidates(table, candidates) {
            let of = judged.entry(candidates.pairs[place].pattern).or_default();
            *(if same { &mut of.same } else { &mut of.other }) += 1;
        }
        judged.into_iter().collect()
    }

    /// The weights of candidates about which something was decided.
    #[must_use]
    pub fn weights(&self, table: &Table, candidates: &Candidates, weights: &[f32]) -> Vec<(f64, bool)> {
        self.of_candidates(table, candidates)
            .into_iter()
            .map(|(place, same)| (f64::from(weights[place]), same))
            .collect()
    }

    fn of_candidates(&self, table: &Table, candidates: &Candidates) -> Vec<(usize, bool)> {
        let standing = self.standing();
        if standing.is_empty() {
            return Vec::new();
        }
        let rows: HashMap<u64, Row> = (0..table.rows() as Row).map(|row| (table.key(row), row)).collect();
        let places: HashMap<(Row, Row), usize> =
            candidates.pairs.iter().enumerate().map(|(place, pair)| ((pair.a, pair.b), place)).collect();
        let place = |decision: &Decision| {
            let (a, b) = (*rows.get(&decision.a.key())?, *rows.get(&decision.b.key())?);
            places.get(&(a.min(b), a.max(b))).copied()
        };
        standing.iter().filter_map(|decision| Some((place(decision)?, decision.same))).collect()
    }
}
