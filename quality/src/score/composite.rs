//! One figure of several.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Dimension;
use super::Policy;

/// One figure, and why it is no higher. To be shown beside its parts only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Composite {
    /// Between 0 and 1.
    pub value: f64,
    /// What it would be without gates.
    pub ungated: f64,
    /// What holds it down.
    pub gates: Vec<Gate>,
    /// Dimensions that count, and of which nothing is known: the figure says nothing of them.
    pub unknown: Vec<Dimension>,
}

/// Why a composite is held down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Gate {
    /// A dimension is below its floor.
    Floor {
        /// The dimension.
        dimension: Dimension,
        /// Its score.
        score: f64,
        /// Its floor.
        floor: f64,
    },
    /// A critical attribute fails a check.
    Critical {
        /// The type of entity.
        entity: String,
        /// The attribute.
        attribute: String,
        /// The check.
        check: String,
        /// The share that passes it.
        score: f64,
    },
}

impl Gate {
    const fn score(&self) -> f64 {
        match self {
            Self::Floor { score, .. } | Self::Critical { score, .. } => *score,
        }
    }
}

/// The weighted geometric mean of the scores that are known: what is bad in one dimension is not made good by another. No more than
/// the least score of a gate that is shut. Nothing where nothing that counts is known.
pub(super) fn composite(scores: &BTreeMap<Dimension, f64>, critical: Vec<Gate>, policy: &Policy) -> Option<Composite> {
    let mut gates = critical;
    let (mut sum, mut weights, mut unknown) = (0.0, 0.0, Vec::new());
    for (dimension, weight) in policy.weights.iter().filter(|(_, weight)| **weight > 0.0) {
        match scores.get(dimension) {
            // The logarithm of nothing is below all numbers, and makes the mean nothing, as it should.
            Some(score) => {
                sum += weight * score.ln();
                weights += weight;
            }
            None => unknown.push(*dimension),
        }
    }
    for (dimension, floor) in &policy.floors {
        if let Some(score) = scores.get(dimension).filter(|score| *score < floor) {
            gates.push(Gate::Floor { dimension: *dimension, score: *score, floor: *floor });
        }
    }
    let ungated = (weights > 0.0).then(|| (sum / weights).exp().clamp(0.0, 1.0))?;
    let value = gates.iter().map(Gate::score).fold(ungated, f64::min);
    Some(Composite { value, ungated, gates, unknown })
}
