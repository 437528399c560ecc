//! What quality is about.

use serde::{Deserialize, Serialize};

/// What a measure of quality is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// What is expected is there.
    Completeness,
    /// What is there is of the form that it should be of.
    Validity,
    /// What should be there once is there once.
    Uniqueness,
    /// Values do not contradict each other.
    Consistency,
    /// What is there is young enough.
    Timeliness,
    /// What is there is true, as far as there is evidence.
    Accuracy,
}
