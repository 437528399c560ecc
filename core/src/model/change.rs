//! Model changes: what differs between the model that a store was written under and today's.

mod compare;
mod step;
mod stored;

use std::fmt;

use crate::id::{AttributeId, EntityType, ObjectKey};
use crate::text::Text;

pub(crate) use compare::compare;
pub(crate) use step::{Step, steps, tell_migrations};
pub use stored::StoredModel;
pub(crate) use stored::{EntityPart, Migrating, ObjectPart, Progress, UnitPart, hub_read_by};

/// Everything that differs between the model that a store was written under and today's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ModelChange {
    /// The changes, by entity type, in the order of today's model.
    pub changes: Vec<Change>,
}

impl ModelChange {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether nothing that is stored is read, settled or written otherwise: there are only names and things more than
    /// before, and retired ids.
    #[must_use]
    pub fn is_additive(&self) -> bool {
        self.changes.iter().all(|change| change.what.is_additive())
    }

    /// The changes that cannot be accepted: stored values would be taken for something they are not, or be lost by
    /// mistake.
    pub fn refused(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.what.is_refused())
    }

    /// The changes in one line, for errors.
    #[must_use]
    pub fn line(&self) -> String {
        join(self.changes.iter())
    }
}

pub(crate) fn join<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    changes.map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for ModelChange {
    /// One change a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("the model is the one that the store was written under");
        }
        for (place, change) in self.changes.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{change}")?;
        }
        Ok(())
    }
}

/// One difference between two models.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The entity type; the empty name for the store as a whole.
    pub entity: EntityType,
    /// What differs.
    pub what: What,
}

/// What differs between two models.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The store holds entries, and does not say under which model they were written.
    Unrecorded,
    /// The entity type is new.
    EntityAdded,
    /// The entity type is gone. What is stored of it stays, and is not read.
    EntityRemoved,
    /// What golden's retirement does elsewhere.
    OnDelete {
        /// Before.
        before: Text,
        /// Now.
        now: Text,
    },
    /// An object type of a system is new.
    SystemAdded {
        /// Its key.
        object: ObjectKey,
    },
    /// An object type of a system is gone: its records are no longer looked at.
    SystemRemoved {
        /// Its key.
        object: ObjectKey,
    },
    /// An object type has other rules: its native type, its say about existence, where it is expected.
    SystemChanged {
        /// Its key.
        object: ObjectKey,
        /// Before.
        before: Text,
        /// Now.
        now: Text,
    },
    /// An attribute is new. It is unobserved until it is read.
    Added {
        /// The attribute.
        attribute: AttributeId,
    },
    /// An attribute has another id, and says what it was.
    Renamed {
        /// The attribute.
        attribute: AttributeId,
        /// What it was.
        was: AttributeId,
    },
    /// An attribute is gone, and its id is retired.
    Retired {
        /// The attribute.
        attribute: AttributeId,
    },
    /// An attribute is gone, and its id is not retired: whoever takes it up again finds the stored values.
    Removed {
        /// The attribute.
        attribute: AttributeId,
    },
    /// A unit has another type, shape or other members: stored values are unobserved until read again, and golden values,
    /// bases and decisions of it are cleared when the change is accepted.
    Retyped {
        /// The unit.
        unit: Text,
        /// Before.
        before: Text,
        /// Now.
        now: Text,
    },
    /// An attribute is new, or has another type, and its stored values are made of those of a former one: golden values,
    /// decisions and discrepancies, and where the same leaf is read, what systems say and bases.
    Migrated {
        /// The attribute.
        attribute: AttributeId,
        /// What it is made of; its own id, or a former one, if it was retyped.
        from: AttributeId,
        /// The migration's name.
        by: Text,
    },
    /// An attribute is required, identity, personal data or a reference where it was not, or no longer.
    Marked {
        /// The attribute.
        attribute: AttributeId,
        /// Before.
        before: Text,
        /// Now.
        now: Text,
    },
    /// A unit has other owners.
    Owner {
        /// The unit.
        unit: Text,
        /// Before.
        before: Text,
        /// Now.
        now: Text,
    },
    /// A unit is compared, resolved, cleared or computed otherwise.
    Policy {
        /// The unit.
        unit: Text,
    },
    /// Other rules guard a unit, or the same ones within other limits.
    Rules {
        /// The unit.
        unit: Text,
    },
    /// A system holds an attribute that it did not hold.
    Mapped {
        /// The attribute.
        attribute: AttributeId,
        /// The object type.
        object: ObjectKey,
        /// Where.
        now: Text,
    },
    /// A system no longer holds an attribute.
    Unmapped {
        /// The attribute.
        attribute: AttributeId,
        /// The object type.
        object: ObjectKey,
    },
    /// An attribute is read or written elsewhere, or otherwise.
    Path {
        /// The attribute.
        attribute: AttributeId,
        /// The object type.
        object: ObjectKey,
        /// Before.
        before: Text,
        /// Now.
        now: Text,
        /// Whether what is stored is unobserved until it is read again: it was read otherwise.
        rereads: bool,
    },
    /// Refused: an attribute takes up an id that was retired.
    Reused {
        /// The id.
        attribute: AttributeId,
    },
    /// Refused: an attribute takes up a former id of another one, under which values may still be stored.
    Taken {
        /// The id.
        attribute: AttributeId,
        /// The attribute that had it.
        by: AttributeId,
    },
    /// Refused: an attribute no longer lists one of its former ids, under which values may still be stored.
    Forgotten {
        /// The attribute.
        attribute: AttributeId,
        /// The former id.
        was: AttributeId,
    },
    /// Refused: an attribute names as former id one that stood beside it: two stored values for one attribute.
    Joined {
        /// The attribute.
        attribute: AttributeId,
        /// The other one.
        was: AttributeId,
    },
    /// Refused: an attribute has another type, and nobody but the hub holds it: what was entered could be read nowhere.
    Lost {
        /// The unit.
        unit: Text,
        /// Before.
        before: Text,
        /// Now.
        now: Text,
    },
    /// Refused: a migration reads another type than is stored.
    Unfit {
        /// The attribute.
        attribute: AttributeId,
        /// What it would be made of.
        from: AttributeId,
        /// The type of what is stored.
        stored: Text,
        /// The type that the migration reads.
        reads: Text,
    },
    /// Refused: a migration reads one value, and what it names was part of a group, or a collection.
    NotAlone {
        /// The attribute.
        attribute: AttributeId,
        /// What it would be made of.
        from: AttributeId,
    },
    /// Refused: a migration can make nothing of values that are stored.
    Unmigratable {
        /// The attribute.
        attribute: AttributeId,
        /// What it would be made of.
        from: AttributeId,
        /// How many entities and records hold such values.
        rows: usize,
        /// One of them.
        example: Text,
        /// Why it can make nothing of them.
        why: Text,
    },
    /// Refused for now: what a migration reads is being written, or a decision about it waits for a second person.
    UnderWay {
        /// The attribute.
        attribute: AttributeId,
        /// What it would be made of.
        from: AttributeId,
        /// Of how many entities.
        rows: usize,
        /// One of them.
        example: Text,
    },
}

impl What {
    /// Whether it only adds, renames or retires.
    #[must_use]
    pub const fn is_additive(&self) -> bool {
        matches!(
            self,
            What::EntityAdded
                | What::SystemAdded { .. }
                | What::Added { .. }
                | What::Renamed { .. }
                | What::Retired { .. }
                | What::Mapped { .. }
        )
    }

    /// Whether it cannot be accepted.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.advice().is_some()
    }

    /// What to do instead, if it cannot be accepted.
    #[must_use]
    pub const fn advice(&self) -> Option<&'static str> {
        Some(match self {
            What::Reused { .. } => "give the attribute an id that was never used",
            What::Taken { .. } => "give the new attribute an id that was never used",
            What::Forgotten { .. } => "name it in `was` again",
            What::Joined { .. } => "retire the other id, or declare a migration",
            What::Lost { .. } => "declare a migration from it, or retire the id and begin with another one",
            What::Unfit { .. } => "declare a migration that reads what is stored, or accept the model in between first",
            What::NotAlone { .. } => "take it out of its group or collection first, and accept that",
            What::Unmigratable { .. } => "let the migration answer that there is no value, or correct these first",
            What::UnderWay { .. } => "let writes be answered and decisions be approved or withdrawn, and accept then",
            _ => return None,
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entity = &self.entity;
        match &self.what {
            What::Unrecorded => f.write_str("the store does not say under which model it was written"),
            What::EntityAdded => write!(f, "{entity}: new"),
            What::EntityRemoved => write!(f, "{entity}: gone"),
            What::OnDelete { before, now } => write!(f, "{entity}: on delete {now}, before {before}"),
            What::SystemAdded { object } => write!(f, "{entity} in {object}: new"),
            What::SystemRemoved { object } => write!(f, "{entity} in {object}: gone"),
            What::SystemChanged { object, before, now } => write!(f, "{entity} in {object}: {now}, before {before}"),
            What::Added { attribute } => write!(f, "{entity}.{attribute}: new"),
            What::Renamed { attribute, was } => write!(f, "{entity}.{attribute}: renamed, was {was}"),
            What::Retired { attribute } => write!(f, "{entity}.{attribute}: retired"),
            What::Removed { attribute } => write!(f, "{entity}.{attribute}: gone, and its id is not retired"),
            What::Retyped { unit, before, now } => {
                write!(f, "{entity}.{unit}: {now}, before {before}; stored values are unobserved until read again")
            }
            What::Migrated { attribute, from, by } => write!(f, "{entity}.{attribute}: migrated from {from} by {by}"),
            What::Marked { attribute, before, now } => {
                write!(f, "{entity}.{attribute}: {}, before {}", or_none(now), or_none(before))
            }
            What::Owner { unit, before, now } => {
                write!(f, "{entity}.{unit}: owned by {}, before by {}", or_none(now), or_none(before))
            }
            What::Policy { unit } => write!(f, "{entity}.{unit}: compared or resolved otherwise"),
            What::Rules { unit } => write!(f, "{entity}.{unit}: guarded by other rules"),
            What::Mapped { attribute, object, now } => write!(f, "{entity}.{attribute} in {object}: now at {now}"),
            What::Unmapped { attribute, object } => write!(f, "{entity}.{attribute} in {object}: no longer held"),
            What::Path { attribute, object, before, now, rereads } => {
                write!(f, "{entity}.{attribute} in {object}: at {now}, before {before}")?;
                if *rereads { f.write_str("; unobserved there until read again") } else { Ok(()) }
            }
            What::Reused { attribute } => write!(f, "{entity}.{attribute}: this id was retired for ever"),
            What::Taken { attribute, by } => {
                write!(f, "{entity}.{attribute}: {by} once had this id")
            }
            What::Forgotten { attribute, was } => {
                write!(f, "{entity}.{attribute}: it was {was} once, and no longer says so")
            }
            What::Joined { attribute, was } => {
                write!(f, "{entity}.{attribute}: it cannot have been {was}, which stood beside it")
            }
            What::Lost { unit, before, now } => {
                write!(f, "{entity}.{unit}: {now}, before {before}; only the hub holds what was entered")
            }
            What::Unfit { attribute, from, stored, reads } => {
                write!(f, "{entity}.{attribute}: {from} is stored as {stored}, and the migration reads {reads}")
            }
            What::NotAlone { attribute, from } => {
                write!(f, "{entity}.{attribute}: {from} is part of a group or a collection, and no value of its own")
            }
            What::Unmigratable { attribute, from, rows, example, why } => {
                let found = if *rows == 1 { "row" } else { "rows" };
                write!(f, "{entity}.{attribute}: nothing can be made of {from} in {rows} {found}, as {example}: {why}")
            }
            What::UnderWay { attribute, from, rows, example } => {
                let found = if *rows == 1 { "entity" } else { "entities" };
                write!(f, "{entity}.{attribute}: {from} is being written or decided in {rows} {found}, as {example}")
            }
        }?;
        self.what.advice().map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

fn or_none(text: &Text) -> &str {
    if text.is_empty() { "none" } else { text.as_str() }
}
