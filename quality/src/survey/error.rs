//! Why a tenant was not surveyed.

use thiserror::Error;

use crate::check::CheckError;
use crate::score::Dimension;

/// Why a tenant was not surveyed. Names types, checks and attributes, never a value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SurveyError {
    /// The least share is none.
    #[error("the least share of {dimension:?} is {share}, and a share is between 0 and 1")]
    Threshold {
        /// Of this dimension.
        dimension: Dimension,
        /// The share.
        share: f64,
    },
    /// How old a verification may be is no time.
    #[error("the age that a verification may have is not above zero")]
    Age,
    /// The model has no such entity type.
    #[error("there is no entity type `{entity}`")]
    UnknownEntityType {
        /// Its name.
        entity: String,
    },
    /// The entity type has no such attribute, or it is a set or a keyed collection.
    #[error("check {check}: `{entity}` has no attribute `{attribute}` of one value")]
    NoColumn {
        /// The entity type.
        entity: String,
        /// The check.
        check: String,
        /// The attribute.
        attribute: String,
    },
    /// What a check asks cannot be asked of attributes of these types, as they are in canonical form: every record would fail.
    #[error("check {check}: `{entity}` holds {kinds} there, of which that cannot be asked")]
    Kind {
        /// The entity type.
        entity: String,
        /// The check.
        check: String,
        /// The types of the attributes, in the order of the check's columns.
        kinds: String,
    },
    /// A check cannot be meant, or keys cannot be kept.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// What the tenant holds cannot be read.
    #[error(transparent)]
    Engine(#[from] accordant::Error),
}
