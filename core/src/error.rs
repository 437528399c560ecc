//! The engine's errors. A conflict, a lost race or a refused write is an outcome, not an error.

use crate::connector::ConnectorError;
use crate::id::{ConnectionName, EntityId, SurfaceName};
use crate::journal::Broken;
use crate::model::Mistakes;
use crate::plan::PlanHash;
use crate::store::StoreError;
use crate::text::Text;

/// Something that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong; the source lists every mistake.
    #[error("the configuration cannot be built")]
    Configuration(#[source] Mistakes),
    /// No connection of this name.
    #[error("no connection is named `{0}`")]
    UnknownConnection(ConnectionName),
    /// The connector has no such surface.
    #[error("connection `{connection}` has no surface `{surface}`")]
    UnknownSurface {
        /// The connection.
        connection: ConnectionName,
        /// The surface.
        surface: SurfaceName,
    },
    /// No entity of this id, or of another type.
    #[error("there is no {expected} {id}")]
    UnknownEntity {
        /// The type asked for.
        expected: Text,
        /// The id.
        id: EntityId,
    },
    /// The model has no such entity type.
    #[error("the model has no entity type `{0}`")]
    UnknownEntityType(Text),
    /// The entity type has no such attribute or unit.
    #[error("{entity} has no attribute `{attribute}`")]
    UnknownAttribute {
        /// The entity type.
        entity: Text,
        /// The name.
        attribute: Text,
    },
    /// No plan of this hash.
    #[error("there is no plan {}; plan again", .0.short())]
    UnknownPlan(PlanHash),
    /// The value is none of the attribute's type.
    #[error("{attribute}: {reason}")]
    Value {
        /// The attribute.
        attribute: Text,
        /// What was expected.
        reason: &'static str,
    },
    /// There is nothing to decide.
    #[error("{unit} of {entity} is {state}: {advice}")]
    NotHeld {
        /// The entity.
        entity: EntityId,
        /// The unit.
        unit: Text,
        /// How it stands.
        state: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
    /// A system could not be called.
    #[error("connection `{connection}` could not {doing}")]
    Connector {
        /// The connection.
        connection: ConnectionName,
        /// What was being done.
        doing: &'static str,
        /// Why not.
        #[source]
        source: ConnectorError,
    },
    /// The store failed.
    #[error("the store failed while the engine tried to {doing}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A row holds what this version cannot read.
    #[error("row `{key}` of table {table} cannot be read by this version")]
    Row {
        /// The table.
        table: &'static str,
        /// The key.
        key: Text,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// Other workers kept changing the same rows.
    #[error("gave up after {attempts} attempts: other workers keep changing {key}")]
    Contended {
        /// How often it was tried.
        attempts: u32,
        /// The row.
        key: Text,
    },
    /// The model differs from the one that the store was written under.
    #[error("the model changed since the store was written; look at `model_change()` and accept it: {changes}")]
    ModelChanged {
        /// What changed, in words.
        changes: String,
    },
    /// The model cannot follow the one that the store was written under.
    #[error("the model cannot be accepted: {reasons}")]
    ModelRefused {
        /// What is impossible, in words.
        reasons: String,
    },
    /// The journal's chain does not hold.
    #[error("the journal is broken")]
    Journal(#[source] Broken),
}

impl Error {
    /// The status that an HTTP door answers with: 4xx for what the caller must mend, 503 for what passes, 500 otherwise.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        use crate::connector::ConnectorErrorKind;
        match self {
            Error::UnknownConnection(_)
            | Error::UnknownSurface { .. }
            | Error::UnknownEntity { .. }
            | Error::UnknownEntityType(_)
            | Error::UnknownPlan(_) => 404,
            Error::UnknownAttribute { .. } | Error::Value { .. } => 400,
            Error::NotHeld { .. } | Error::ModelChanged { .. } | Error::ModelRefused { .. } => 409,
            Error::Connector { source, .. } => match source.kind {
                ConnectorErrorKind::Denied => 401,
                ConnectorErrorKind::Malformed | ConnectorErrorKind::Unsupported => 400,
                ConnectorErrorKind::Throttled | ConnectorErrorKind::Unavailable => 503,
                ConnectorErrorKind::Contract => 500,
            },
            Error::Store { .. } | Error::Contended { .. } => 503,
            Error::Configuration(_) | Error::Row { .. } | Error::Journal(_) => 500,
        }
    }

    pub(crate) fn store(doing: &'static str) -> impl FnOnce(StoreError) -> Self {
        move |source| Error::Store { doing, source }
    }
}
