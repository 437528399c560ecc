//! What counts how much.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Dimension;

/// What counts how much in a composite, and below what nothing else helps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// What each dimension counts. One that is not named counts nothing.
    pub weights: BTreeMap<Dimension, f64>,
    /// The least score that each dimension must have.
    pub floors: BTreeMap<Dimension, f64>,
    /// Entity types and attributes that must pass each of their checks.
    pub critical: BTreeSet<(String, String)>,
}

impl Default for Policy {
    /// All six count the same; there are no floors, and no attribute is critical.
    fn default() -> Self {
        let all = [
            Dimension::Completeness,
            Dimension::Validity,
            Dimension::Uniqueness,
            Dimension::Consistency,
            Dimension::Timeliness,
            Dimension::Accuracy,
        ];
        Self {
            weights: all.map(|dimension| (dimension, 1.0)).into(),
            floors: BTreeMap::new(),
            critical: BTreeSet::new(),
        }
    }
}

/// Why a policy is none, or measures are none.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A weight is below zero or no number, or all are zero.
    #[error("the weights are below zero, no numbers, or all zero")]
    Weights,
    /// A floor is no share.
    #[error("the floor of {dimension:?} is {floor}, and a share is between 0 and 1")]
    Floor {
        /// Of this dimension.
        dimension: Dimension,
        /// The floor.
        floor: f64,
    },
    /// A measure has more good ones than there are, or asks for what is no share.
    #[error("{system}: {check} has more good rows than rows, or a least share that is none")]
    Measure {
        /// The system.
        system: String,
        /// What measured it.
        check: String,
    },
}

impl Policy {
    /// Whether it can be kept to.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if weights or floors are none.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let weights = || self.weights.values();
        if !weights().all(|weight| weight.is_finite() && *weight >= 0.0) || !weights().any(|weight| *weight > 0.0) {
            return Err(PolicyError::Weights);
        }
        match self.floors.iter().find(|(_, floor)| !(0.0..=1.0).contains(*floor)) {
            Some((dimension, floor)) => Err(PolicyError::Floor { dimension: *dimension, floor: *floor }),
            None => Ok(()),
        }
    }
}
