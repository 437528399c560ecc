//! The whole way, from a table to weighed pairs, clusters, and pairs in the light of all others.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::assignment;
use crate::blocking::{self, Blocking, Limits, Scope};
use crate::calibration::Calibration;
use crate::cluster::{self, Clusters, Edge, Rails};
use crate::comparison::{Aliases, Comparison, View};
use crate::decision::Decisions;
use crate::dictionary::NONE;
use crate::model::{Class, Counts, FORMAT, Frequencies, Model, Training};
use crate::pattern::{Candidates, Places};
use crate::resolution::{self, Pair};
use crate::score::Scorer;
use crate::table::{Row, Table};

/// The seed of what is drawn by chance: the same table gives the same model, byte for byte.
const SEED: u64 = 42;
/// How often frequencies are counted again with what was learned.
const PASSES: usize = 3;

/// Pairs that were looked at, and their weights.
#[derive(Debug)]
pub struct Linkage {
    /// The model, ready for the table.
    pub scorer: Scorer,
    /// The pairs.
    pub candidates: Candidates,
    /// Their weights, in bits.
    pub weights: Vec<f32>,
    aliases: Aliases,
}

/// How far a linkage has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps that are done.
    pub done: usize,
    /// All steps.
    pub of: usize,
}

/// Why nothing can be learned from a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Untrainable {
    /// No column tells records apart.
    #[error("no column tells records apart: all are empty, ignored, or hold one value")]
    NothingToCompare,
    /// No two records share anything.
    #[error("no two records share a value that tells anything, so there is nothing to learn from")]
    NoPairs,
}

/// Trains a model on a table, and weighs its pairs.
///
/// # Errors
///
/// [`Untrainable`] where nothing can be learned.
pub fn train(
    table: &Table,
    scope: Scope,
    decisions: &Decisions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Linkage, Untrainable> {
    let mut counts = table.counts();
    // Of the values that the field's own column has: others may hold more of the same dictionary.
    let tells = |counts: &Vec<u32>| counts.iter().skip(NONE as usize + 1).filter(|count| **count > 0).count() > 1;
    if !counts.iter().any(tells) {
        return Err(Untrainable::NothingToCompare);
    }
    let blocking = blocking::standard(table, scope, Limits::default());
    let systems = scope == Scope::Within && table.systems().len() > 1;
    let comparisons = Comparison::standard(table.layout(), systems);
    let mut aliases = Aliases::default();
    aliases.extend(table);
    let view = View::new(table, &aliases);
    let rules = blocking.rules.len();
    let of = rules + PASSES + 2;
    let candidates = Candidates::of(&blocking, &comparisons, view, &mut |done| progress(Progress { done, of }));
    if candidates.pairs.is_empty() {
        return Err(Untrainable::NoPairs);
    }
    let mut training = Training::new(&candidates, &comparisons, &blocking, view, SEED);
    for (pattern, judged) in decisions.judged(table, &candidates) {
        training.judge(pattern, judged);
    }
    let words = table.word_frequencies();
    let model = |frequencies: Frequencies, from: Option<Vec<Class>>| {
        let chance = training.chance(&frequencies);
        let classes = training.learn(&chance, from);
        Arc::new(Model {
            format: FORMAT,
            version: 1,
            schema: table.layout().schema.clone(),
            systems,
            blocking: blocking.clone(),
            skew: candidates.skew.clone(),
            chance,
            classes,
            frequencies,
            words: words.clone(),
            calibration: Calibration::default(),
        })
    };
    for row in &candidates.repeats {
        for (counts, code) in counts.iter_mut().zip(table.codes(*row)) {
            counts[*code as usize] -= 1;
        }
    }
    let counts: Vec<Counts> = counts.iter().map(|counts| Counts::of(counts)).collect();
    let mut scorer = Scorer::new(model(Frequencies::count(table, &counts, None), None), table);
    for pass in 0..PASSES {
        progress(Progress { done: rules + 1 + pass, of });
        let explained = scorer.explained(table, &candidates);
        let learned = model(Frequencies::count(table, &counts, Some(&explained)), Some(scorer.model().classes.clone()));
        scorer = Scorer::new(learned, table);
    }
    let mut weights = scorer.weights(table, &candidates.patterns, &candidates.pairs);
    let judged = decisions.weights(table, &candidates, &weights);
    let calibration = Calibration::of_judged(&judged);
    if calibration != Calibration::default() {
        let calibrated = Model { calibration, ..Model::clone(scorer.model()) };
        scorer = Scorer::new(Arc::new(calibrated), table);
        weights = scorer.weights(table, &candidates.patterns, &candidates.pairs);
    }
    progress(Progress { done: of, of });
    Ok(Linkage { scorer, candidates, weights, aliases })
}

/// Weighs the pairs of a table with a model that was trained before. Rarity is what it was then.
pub fn link(table: &mut Table, model: Arc<Model>, progress: &mut dyn FnMut(Progress)) -> Linkage {
    table.freeze_words(&model.words);
    let mut aliases = Aliases::default();
    aliases.extend(table);
    let scorer = Scorer::new(model, table);
    let blocking: &Blocking = &scorer.model().blocking;
    let of = blocking.rules.len() + 1;
    let view = View::new(table, &aliases);
    let candidates = Candidates::of(blocking, scorer.comparisons(), view, &mut |done| progress(Progress { done, of }));
    let weights = scorer.weights(table, &candidates.patterns, &candidates.pairs);
    progress(Progress { done: of, of });
    Linkage { scorer, candidates, weights, aliases }
}

impl Linkage {
    /// The clusters within guard rails.
    #[must_use]
    pub fn clusters(&self, table: &Table, rails: &Rails) -> Clusters {
        let view = View::new(table, &self.aliases);
        let looked_at = Places::of(&self.candidates.pairs, table.rows());
        Clusters::of(table, &self.edges(table, rails), rails, &mut |a, b| {
            let (a, b) = (a.min(b), a.max(b));
            looked_at.find(a, b).map_or_else(|| self.scorer.weigh(view, a, b), |place| self.weights[place])
        })
    }

    /// The pairs that may join clusters, in the order in which they are taken.
    #[must_use]
    pub fn edges(&self, table: &Table, rails: &Rails) -> Vec<Edge> {
        let pairs = self.candidates.pairs.iter().zip(&self.weights);
        let mut edges: Vec<Edge> = pairs
            .filter(|(_, weight)| **weight >= rails.open)
            .map(|(pair, weight)| Edge { a: pair.a, b: pair.b, weight: *weight })
            .collect();
        if !rails.together.is_empty() {
            let rows: HashMap<u64, Row> = (0..table.rows() as Row).map(|row| (table.key(row), row)).collect();
            rails.hold_together(table, &|key| rows.get(&key).copied(), &mut edges);
        }
        cluster::sort(&mut edges, table);
        edges
    }

    /// Pairs in the light of clusters, those less probable than `least` left out.
    #[must_use]
    pub fn pairs(&self, clusters: &Clusters, least: f64) -> Vec<Pair> {
        resolution::pairs(self.scorer.model(), &self.candidates.pairs, &self.weights, clusters, least)
    }

    /// Pairs of which each record is in one at most, those less probable than `least` left out.
    #[must_use]
    pub fn one_to_one(&self, least: f64) -> Vec<Pair> {
        let mut pairs = resolution::alone(self.scorer.model(), &self.candidates.pairs, &self.weights);
        assignment::one_to_one(&mut pairs);
        pairs.retain(|pair| pair.probability >= least);
        pairs
    }

    /// What explanations look at.
    #[must_use]
    pub const fn view<'a>(&'a self, table: &'a Table) -> View<'a> {
        View::new(table, &self.aliases)
    }
}
