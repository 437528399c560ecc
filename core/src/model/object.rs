//! What one native object type of one system is to an entity type.

use crate::id::{AttributeId, ObjectKey, ObjectType, SystemName};
use crate::model::{OnDelete, OnLoss};

/// How many records of an object type may stand for one entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Cardinality {
    /// One. A second link is a duplicate representation: only the oldest confirmed counts.
    #[default]
    One,
    /// Several, each with moves and bases of its own.
    Many {
        /// Which of them speak when a unit is resolved.
        reduce: Reduce,
        /// Which of them are written.
        write: WriteTo,
    },
}

/// Which records speak for a system where an entity has several in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reduce {
    /// All: for sums and unions.
    All,
    /// The one whose value is latest; the primary among equals.
    Latest,
    /// The primary: the oldest confirmed of those that speak. When it is gone, the next.
    Primary,
}

/// Which records are written where an entity has several in one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteTo {
    /// All of them.
    All,
    /// The primary: the oldest confirmed of those that speak. When it is gone, the next.
    Primary,
    /// None.
    Nobody,
}

/// Where an entity is expected to have a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Presence {
    /// Nowhere in particular: its absence is no discrepancy.
    #[default]
    Optional,
    /// Always.
    Required,
    /// When the attribute has a value, or this very canonical value.
    RequiredWhen {
        /// The attribute whose golden value decides.
        attribute: AttributeId,
        /// The canonical value asked for; `None`: any.
        equals: Option<String>,
    },
}

/// One native object type that represents an entity type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SystemObject {
    /// The name that mappings use.
    pub key: ObjectKey,
    /// The system; ownership and trust name it.
    pub system: SystemName,
    /// Its native type.
    pub object: ObjectType,
    /// How many records may stand for one entity.
    pub cardinality: Cardinality,
    /// Where a record is expected.
    pub presence: Presence,
    /// Whether a record that matches no entity becomes one. Otherwise it stays unlinked, and listed.
    pub creates_entities: bool,
    /// Attributes without which a record is not created in this system.
    pub create_needs: Vec<AttributeId>,
    /// What becomes of its record when the entity is retired; `None`: as the entity type says.
    pub on_delete: Option<OnDelete>,
    /// What the loss of its record does; `None`: as the entity type says.
    pub on_loss: Option<OnLoss>,
}

impl SystemObject {
    /// An object type of a system, keyed by the system's name.
    #[must_use]
    pub fn new(system: &str, object: &str) -> Self {
        Self {
            key: system.into(),
            system: system.into(),
            object: object.into(),
            cardinality: Cardinality::One,
            presence: Presence::Optional,
            creates_entities: true,
            create_needs: Vec::new(),
            on_delete: None,
            on_loss: None,
        }
    }

    /// Keys the mapping by another name: a system with several object types needs it.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = key.into();
        self
    }

    /// Lets several records stand for one entity.
    #[must_use]
    pub fn many(mut self, reduce: Reduce, write: WriteTo) -> Self {
        self.cardinality = Cardinality::Many { reduce, write };
        self
    }

    /// Expects a record for every entity.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.presence = Presence::Required;
        self
    }

    /// Expects a record when `attribute` has a value.
    #[must_use]
    pub fn required_when(mut self, attribute: &str) -> Self {
        self.presence = Presence::RequiredWhen { attribute: attribute.into(), equals: None };
        self
    }

    /// Expects a record when `attribute` has exactly this canonical value.
    #[must_use]
    pub fn required_when_equals(mut self, attribute: &str, value: &str) -> Self {
        self.presence = Presence::RequiredWhen { attribute: attribute.into(), equals: Some(value.to_owned()) };
        self
    }

    /// Leaves a record that matches no entity unlinked.
    #[must_use]
    pub fn links_only(mut self) -> Self {
        self.creates_entities = false;
        self
    }

    /// Names an attribute that a record must have to be created here.
    #[must_use]
    pub fn create_needs(mut self, attribute: &str) -> Self {
        self.create_needs.push(attribute.into());
        self
    }

    /// Says what becomes of a record here when the entity is retired.
    #[must_use]
    pub const fn on_delete(mut self, on_delete: OnDelete) -> Self {
        self.on_delete = Some(on_delete);
        self
    }

    /// Says what the loss of a record here does.
    #[must_use]
    pub const fn on_loss(mut self, on_loss: OnLoss) -> Self {
        self.on_loss = Some(on_loss);
        self
    }
}
