//! One side of a comparison: a snapshot, and how it is read.

use std::collections::BTreeMap;

use crate::snapshot::Snapshot;

/// A system, its snapshot, and what its columns mean.
pub struct Side {
    pub(crate) system: String,
    pub(crate) snapshot: Box<dyn Snapshot>,
    pub(crate) key: String,
    pub(crate) id: Option<String>,
    /// By attribute: the column, or that it is not held.
    pub(crate) columns: BTreeMap<String, Option<String>>,
    pub(crate) sorted: bool,
}

impl std::fmt::Debug for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { system, key, id, columns, sorted, snapshot: _ } = self;
        f.debug_struct("Side")
            .field("system", system)
            .field("key", key)
            .field("id", id)
            .field("columns", columns)
            .field("sorted", sorted)
            .finish_non_exhaustive()
    }
}

impl Side {
    /// The snapshot of a system. Its keys are in the column `id`, and each attribute in a column of its name, unless said otherwise.
    #[must_use]
    pub fn new(system: impl Into<String>, snapshot: impl Snapshot + 'static) -> Self {
        Self {
            system: system.into(),
            snapshot: Box::new(snapshot),
            key: "id".to_owned(),
            id: None,
            columns: BTreeMap::new(),
            sorted: false,
        }
    }

    /// Rows of this column are told apart by it, and are those of other systems with the same value.
    #[must_use]
    pub fn key(mut self, column: impl Into<String>) -> Self {
        self.key = column.into();
        self
    }

    /// The native ids are in this column, and not in that of keys.
    #[must_use]
    pub fn id(mut self, column: impl Into<String>) -> Self {
        self.id = Some(column.into());
        self
    }

    /// An attribute is in this column.
    #[must_use]
    pub fn column(mut self, attribute: impl Into<String>, column: impl Into<String>) -> Self {
        self.columns.insert(attribute.into(), Some(column.into()));
        self
    }

    /// The system does not hold an attribute: the others are compared without it.
    #[must_use]
    pub fn without(mut self, attribute: impl Into<String>) -> Self {
        self.columns.insert(attribute.into(), None);
        self
    }

    /// Rows come in the order of their keys. It is believed, and verified while they are read: rows that come otherwise are an
    /// error. Without it the snapshot is first looked through, which takes one more reading, and rows that do not come in order
    /// are brought into it.
    #[must_use]
    pub const fn sorted(mut self) -> Self {
        self.sorted = true;
        self
    }
}
