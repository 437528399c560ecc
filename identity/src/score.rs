//! Scoring: the weight of a pair, in bits, and its probability.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::comparison::{Comparison, Level, View};
use crate::hash;
use crate::model::relation::Relation;
use crate::model::{Class, Model};
use crate::pattern::{Candidate, Candidates, Patterns};
use crate::table::{Row, Table};

/// What a pattern is worth, before the frequency of the values that agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Worth {
    /// How much is a match: the sum over the classes that are.
    pub matching: f64,
    /// How much is explained by a relation of two entities.
    pub related: f64,
    /// How much is a match of which a relation could be the reason as well, and nobody knows: too few such pairs were learned from.
    pub doubtful: f64,
    /// How much is chance.
    pub chance: f64,
    /// The fields whose common value counts by its frequency.
    pub same: SmallVec<[u8; 8]>,
}

/// A match that a relation could explain as well, unlearned as it is, weighs no more than this, in bits: that is asked, and never linked.
const UNDECIDED: f64 = 0.1;

/// A model made ready for a table.
#[derive(Debug, Clone)]
pub struct Scorer {
    model: Arc<Model>,
    comparisons: Arc<[Comparison]>,
    /// By class, why its pairs look alike.
    relations: Vec<Relation>,
    /// By comparison and level, whether it tells two persons apart.
    apart: Arc<[Vec<bool>]>,
    /// By field and code: the bits that a value's frequency moves a weight by.
    bits: Vec<Vec<f32>>,
}

impl Worth {
    /// How much speaks against a match, where chance is worth so much.
    pub(crate) fn against(&self, chance: f64) -> f64 {
        (self.related + chance).max(self.doubtful * (-UNDECIDED).exp2())
    }
}

impl Scorer {
    /// Makes a model ready for a table.
    #[must_use]
    pub fn new(model: Arc<Model>, table: &Table) -> Self {
        let comparisons: Arc<[Comparison]> = Comparison::standard(table.layout(), model.systems).into();
        let used: Vec<usize> = comparisons
            .iter()
            .flat_map(|comparison| comparison.levels.iter().flat_map(|level| &level.parts))
            .filter_map(|part| part.same.map(usize::from))
            .collect();
        let bits = (0..table.layout().fields.len())
            .map(|field| if used.contains(&field) { model.frequencies.bits(table, field) } else { Vec::new() })
            .collect();
        let known = Relation::of(table.layout());
        let relation = |class: &Class| known.iter().find(|relation| relation.name == class.name).cloned();
        let relations = model.classes.iter().map(|class| relation(class).unwrap_or_default()).collect();
        let told = |level: &Level| known.iter().any(|relation| relation.tells_apart(level));
        let apart = comparisons.iter().map(|comparison| comparison.levels.iter().map(told).collect()).collect();
        Self { model, comparisons, relations, apart, bits }
    }

    /// What a pattern is worth.
    #[must_use]
    pub fn worth(&self, levels: &[u8]) -> Worth {
        let mut worth = Worth { matching: 0.0, related: 0.0, doubtful: 0.0, chance: 1.0, same: SmallVec::new() };
        let of = || self.relations.iter().zip(&self.model.classes);
        // Most patterns tell no two persons apart.
        let apart = self.apart.iter().zip(levels).any(|(apart, level)| apart[usize::from(*level)]);
        let said: SmallVec<[&Level; 16]> = if apart {
            self.comparisons.iter().zip(levels).map(|(c, level)| &c.levels[usize::from(*level)]).collect()
        } else {
            SmallVec::new()
        };
        let doubt = apart
            && of().any(|(relation, class)| relation.rivals(&said) && !class.is_learned(&self.comparisons, levels));
        for (relation, class) in of() {
            let share = class.share * crate::model::likely(&class.levels, levels);
            *(if class.matches { &mut worth.matching } else { &mut worth.related }) += share;
            if doubt && class.matches && !relation.joins_persons(&said) {
                worth.doubtful += share;
            }
        }
        worth.chance = crate::model::likely(&self.model.chance.levels, levels);
        for (comparison, level) in self.comparisons.iter().zip(levels) {
            worth.same.extend(comparison.levels[usize::from(*level)].parts.iter().filter_map(|part| part.same));
        }
        worth
    }

    /// The weight of two records whose pattern is worth so much, in bits.
    #[must_use]
    pub fn weight(&self, worth: &Worth, table: &Table, a: Row) -> f64 {
        let bits = self.frequency(worth, table.codes(a));
        let against = worth.against(worth.chance * bits.exp2());
        (worth.matching / against.max(f64::MIN_POSITIVE)).log2().clamp(-100.0, 100.0)
    }

    /// The weights of all candidates, in their order.
    #[must_use]
    pub fn weights(&self, table: &Table, patterns: &Patterns, pairs: &[Candidate]) -> Vec<f32> {
        let worths: Vec<Worth> = (0..patterns.len() as u32).map(|number| self.worth(patterns.levels(number))).collect();
        pairs.iter().map(|pair| self.weight(&worths[pair.pattern as usize], table, pair.a) as f32).collect()
    }

    /// By field and code, how many pairs that share a value are explained otherwise than by chance.
    #[must_use]
    pub(crate) fn explained(&self, table: &Table, candidates: &Candidates) -> Vec<Vec<f32>> {
        let mut explained: Vec<Vec<f32>> = self.bits.iter().map(|bits| vec![0.0; bits.len()]).collect();
        let patterns = &candidates.patterns;
        let worths: Vec<Worth> = (0..patterns.len() as u32).map(|number| self.worth(patterns.levels(number))).collect();
        let once = |pair: &&Candidate| {
            let repeats = &candidates.repeats;
            repeats.is_empty() || !(repeats.contains(&pair.a) || repeats.contains(&pair.b))
        };
        for pair in candidates.pairs.iter().filter(once) {
            let worth = &worths[pair.pattern as usize];
            if worth.same.is_empty() {
                continue;
            }
            let codes = table.codes(pair.a);
            let reasons = worth.matching + worth.related;
            let by_chance = worth.chance * self.frequency(worth, codes).exp2();
            let share = reasons / (reasons + by_chance).max(f64::MIN_POSITIVE);
            for field in &worth.same {
                let field = usize::from(*field);
                if let Some(explained) = explained[field].get_mut(codes[field] as usize) {
                    *explained += share as f32;
                }
            }
        }
        explained
    }

    /// By how many bits the frequency of the values that agree moves what chance is worth.
    pub(crate) fn frequency(&self, worth: &Worth, codes: &[u32]) -> f64 {
        let of = |field: &u8| {
            let field = usize::from(*field);
            f64::from(self.bits[field].get(codes[field] as usize).copied().unwrap_or_default())
        };
        worth.same.iter().map(of).sum()
    }

    /// Learns the frequency of values that were added to the table.
    pub fn extend(&mut self, table: &Table) {
        for (field, bits) in self.bits.iter_mut().enumerate().filter(|(_, bits)| !bits.is_empty()) {
            let dictionary = table.dictionary(field);
            for code in bits.len()..dictionary.codes() {
                bits.push(self.model.frequencies.bits_of(field, dictionary.hash(code as u32)));
            }
        }
    }

    /// By how many bits the frequency of one value of a row moves what chance is worth.
    pub(crate) fn frequency_bits(&self, table: &Table, row: Row, field: usize) -> f64 {
        f64::from(self.bits[field].get(table.code(row, field) as usize).copied().unwrap_or_default())
    }

    /// The weight of any two rows, in bits.
    #[must_use]
    pub fn weigh(&self, view: View<'_>, a: Row, b: Row) -> f32 {
        let levels: SmallVec<[u8; 16]> =
            self.comparisons.iter().map(|comparison| comparison.level(view, a, b)).collect();
        self.weight(&self.worth(&levels), view.table(), a) as f32
    }

    /// What is compared.
    #[must_use]
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// The model, to be told what moves no weight.
    pub(crate) fn model_mut(&mut self) -> &mut Model {
        Arc::make_mut(&mut self.model)
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }
}

/// What a pair of rows is called, whichever comes first.
#[must_use]
pub fn pair_hash(table: &Table, a: Row, b: Row) -> u64 {
    let (a, b) = (table.key(a), table.key(b));
    hash::mix(a.min(b), a.max(b))
}
