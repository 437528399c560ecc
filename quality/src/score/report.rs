//! Scores of attributes, entity types and systems.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Dimension;
use super::composite::composite;
use super::measure::share;
use super::recommendation::recommendations;
use super::{Accuracy, Composite, Gate, Measure, Policy, PolicyError, Recommendation};

/// What a score is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All that a system holds.
    System(String),
    /// A type of entity, wherever it is held.
    Entity(String),
    /// An attribute of a type of entity, wherever it is held.
    Attribute(String, String),
}

/// How good something is in a dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// How many are good, of all measures together.
    pub good: u64,
    /// Of how many.
    pub of: u64,
    /// The share; of accuracy, the mean of what is plausible.
    pub score: f64,
    /// Of accuracy: what is plausible.
    pub accuracy: Option<Accuracy>,
}

/// How good something is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Score {
    /// What it is about.
    pub scope: Scope,
    /// In each dimension of which something is known.
    pub parts: BTreeMap<Dimension, Part>,
    /// All in one; nothing where nothing that counts is known.
    pub composite: Option<Composite>,
}

/// How good the data is, and what to mend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// Systems, then entity types, then attributes, each in the order of their names.
    pub scores: Vec<Score>,
    /// What to mend, what affects most rows first.
    pub recommendations: Vec<Recommendation>,
}

/// How good the data is that was measured, and what to mend.
///
/// The score of a dimension is the share that is good of all rows that its measures judged together: large tables count more than
/// small ones. A measure of nothing says nothing.
///
/// # Errors
///
/// [`PolicyError`] if the policy is none, or a measure has more good rows than rows, or a least share that is none.
pub fn report(measures: &[Measure], policy: &Policy) -> Result<Report, PolicyError> {
    policy.validate()?;
    if let Some(bad) = measures.iter().find(|of| of.good > of.of || !(0.0..=1.0).contains(&of.at_least)) {
        return Err(PolicyError::Measure { system: bad.system.clone(), check: bad.check.clone() });
    }
    let mut by_scope: BTreeMap<Scope, Vec<&Measure>> = BTreeMap::new();
    for measure in measures {
        let attributes: BTreeSet<&String> = measure.attributes.iter().collect();
        let attributes = attributes.into_iter().map(|name| Scope::Attribute(measure.entity.clone(), name.clone()));
        let scopes = [Scope::System(measure.system.clone()), Scope::Entity(measure.entity.clone())];
        for scope in scopes.into_iter().chain(attributes) {
            by_scope.entry(scope).or_default().push(measure);
        }
    }
    let scores = by_scope.into_iter().map(|(scope, measures)| score(scope, &measures, policy)).collect();
    Ok(Report { scores, recommendations: recommendations(measures) })
}

fn score(scope: Scope, measures: &[&Measure], policy: &Policy) -> Score {
    let mut sums: BTreeMap<Dimension, (u64, u64)> = BTreeMap::new();
    for measure in measures {
        let (good, of) = sums.entry(measure.cause.dimension()).or_default();
        *good = good.saturating_add(measure.good);
        *of = of.saturating_add(measure.of);
    }
    let part = |(dimension, (good, of)): (Dimension, (u64, u64))| {
        let accuracy = if dimension == Dimension::Accuracy { Accuracy::of(good, of) } else { None };
        let score = accuracy.map(|accuracy| accuracy.mean).or_else(|| share(good, of))?;
        Some((dimension, Part { good, of, score, accuracy }))
    };
    let parts: BTreeMap<Dimension, Part> = sums.into_iter().filter_map(part).collect();
    let scores = parts.iter().map(|(dimension, part)| (*dimension, part.score)).collect();
    let mut gates = Vec::new();
    for measure in measures.iter().filter(|measure| measure.fails()) {
        let about = |name: &&String| match &scope {
            Scope::Attribute(_, attribute) => *name == attribute,
            Scope::System(_) | Scope::Entity(_) => true,
        };
        for attribute in measure.attributes.iter().filter(about) {
            if let (true, Some(score)) =
                (policy.critical.contains(&(measure.entity.clone(), attribute.clone())), measure.share())
            {
                let (entity, check) = (measure.entity.clone(), measure.check.clone());
                gates.push(Gate::Critical { entity, attribute: attribute.clone(), check, score });
            }
        }
    }
    Score { composite: composite(&scores, gates, policy), scope, parts }
}
