//! The whole way, from a table to weighed pairs, clusters, and pairs in the light of all others.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::assignment;
use crate::blocking::{self, Blocking, Limits, RuleError, Rules, Scope};
use crate::calibration::Calibration;
use crate::cluster::{self, Clusters, Edge, Rails, Refusal, Refused};
use crate::comparison::{Aliases, Comparison, View};
use crate::decision::Decisions;
use crate::dictionary::NONE;
use crate::drift::Spread;
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

/// Pairs of which each record is in one at most.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OneToOne {
    /// The pairs, the most probable first: rivals that were not taken are among them, and improbable.
    pub pairs: Vec<Pair>,
    /// Pairs that were strong enough, and that a guard rail refused.
    pub refused: Vec<Refused>,
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
    /// A declared rule of blocking does not fit the table.
    #[error("a declared rule of blocking does not fit")]
    Rule(#[from] RuleError),
    /// Every declared rule of blocking was dropped, and no other is to be taken.
    #[error("every declared rule of blocking is dropped: {why}")]
    RulesDropped {
        /// Each, with the reason.
        why: String,
    },
}

/// How a model is trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which pairs make sense.
    pub scope: Scope,
    /// The limits of blocking.
    pub limits: Limits,
    /// Which rules of blocking make pairs.
    pub rules: Rules,
}

impl Settings {
    /// Pairs that make sense, compared by the rules that are chosen for what the table holds.
    #[must_use]
    pub fn of(scope: Scope) -> Self {
        Self { scope, limits: Limits::default(), rules: Rules::default() }
    }
}

/// Trains a model on a table, and weighs its pairs: [`train_as`] with nothing declared.
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
    train_as(table, &Settings::of(scope), decisions, progress)
}

/// Trains a model on a table as it is declared, and weighs its pairs.
///
/// How attributes are compared is declared with their schema ([`Schema::comparing`](crate::attribute::Schema::comparing)), which rules
/// make pairs is here:
///
/// ```
/// use accordant_identity::attribute::{Kind, Schema};
/// use accordant_identity::blocking::{DeclaredRule, KeyForm, Rules, Scope};
/// use accordant_identity::comparison::Declared;
/// use accordant_identity::decision::Decisions;
/// use accordant_identity::linkage::{self, Settings};
/// use accordant_identity::table::Table;
///
/// let schema = Schema::new(&[("part", Kind::Identifier), ("length", Kind::Number), ("made", Kind::Date)])
///     // The same length is one of half a millimetre more or less, and one of two is near.
///     .comparing("length", Declared::Apart(vec![0.5, 2.0]))?
///     .comparing("made", Declared::Days(vec![1, 14]))?;
/// let mut table = Table::new(schema);
/// for id in 0..60 {
///     let part = id / 2;
///     table.push(&id.to_string(), "", &[format!("P{part:04}"), format!("{}", part * 3), "2026-11-23".to_owned()]);
/// }
/// // Two parts are compared if their numbers begin alike, or if their lengths are the same; no rule is thought of beside these.
/// let rules = [&[("part", KeyForm::Prefix(4))][..], &[("length", KeyForm::Whole)]].map(DeclaredRule::of);
/// let settings = Settings { rules: Rules::Only(rules.into()), ..Settings::of(Scope::Within) };
/// let linkage = linkage::train_as(&table, &settings, &Decisions::default(), &mut |_| {})?;
/// assert!(linkage.candidates.pairs.len() >= 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Untrainable`] where nothing can be learned, or a declared rule does not fit the table.
pub fn train_as(
    table: &Table,
    settings: &Settings,
    decisions: &Decisions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Linkage, Untrainable> {
    let mut counts = table.counts();
    // Of the values that the field's own column has: others may hold more of the same dictionary.
    let tells = |counts: &Vec<u32>| counts.iter().skip(NONE as usize + 1).filter(|count| **count > 0).count() > 1;
    if !counts.iter().any(tells) {
        return Err(Untrainable::NothingToCompare);
    }
    let Settings { scope, limits, rules } = settings;
    let blocking = blocking::chosen(table, *scope, *limits, rules)?;
    if blocking.rules.is_empty() && matches!(rules, Rules::Only(_)) {
        let why = blocking.dropped.iter().filter_map(|skew| Some(format!("`{}`: {}", skew.rule, skew.dropped?)));
        return Err(Untrainable::RulesDropped { why: why.collect::<Vec<_>>().join("; ") });
    }
    let systems = *scope == Scope::Within && table.systems().len() > 1;
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
            spread: Spread::default(),
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
    let weights = scorer.weights(table, &candidates.patterns, &candidates.pairs);
    let judged = decisions.weights(table, &candidates, &weights);
    let calibration = Calibration::of_judged(&judged);
    let spread = Spread::counted(&scorer.model().frequencies, table, &counts, candidates.repeats.iter().copied());
    // What a weight is worth moves no weight.
    let model = scorer.model_mut();
    (model.calibration, model.spread) = (calibration, spread);
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
    /// The clusters within guard rails, those of the model among them ([`Rails::under`]).
    #[must_use]
    pub fn clusters(&self, table: &Table, rails: &Rails) -> Clusters {
        let rails = &*rails.under(self.scorer.model());
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

    /// Pairs of which each record is in one at most, those less probable than `least` left out. Two records that hold different values of
    /// what an entity has one of make no pair, and are no rivals: of those, the ones as strong as a pair must be are refused.
    #[must_use]
    pub fn one_to_one(&self, table: &Table, rails: &Rails, least: f64) -> OneToOne {
        let rails = rails.under(self.scorer.model());
        let all = resolution::alone(self.scorer.model(), &self.candidates.pairs, &self.weights);
        let (told_apart, mut pairs): (Vec<Pair>, Vec<Pair>) =
            all.into_iter().partition(|pair| rails.tell_apart(table, [pair.a, pair.b].into_iter()));
        assignment::one_to_one(&mut pairs);
        pairs.retain(|pair| pair.probability >= least);
        let edges =
            told_apart.iter().map(|pair| Edge { a: pair.a, b: pair.b, weight: pair.weight.unwrap_or_default() });
        let strong = edges.filter(|edge| edge.weight >= rails.sure);
        let refused = strong.map(|edge| Refused { edge, because: Refusal::OtherIdentifier }).collect();
        OneToOne { pairs, refused }
    }

    /// What explanations look at.
    #[must_use]
    pub const fn view<'a>(&'a self, table: &'a Table) -> View<'a> {
        View::new(table, &self.aliases)
    }
}
