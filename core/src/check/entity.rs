//! Checks of entities: what golden and the records of an entity say is looked at as it stands, whoever said it.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::check::Dimension;
use crate::fingerprint::Fingerprint;
use crate::golden::GoldenLife;
use crate::id::{EntityId, EntityType};
use crate::text::Text;
use crate::value::Field;
use crate::view::EntityView;

/// Something that is to be true of every entity of a type. Pure: the instant is an argument.
///
/// Declared with [`Checks::check`](crate::engine::Checks::check); made of a closure by [`each`] and [`batch`], or any type that
/// implements it. [`References`](super::References) is one, and `accordant-quality` has those of values.
pub trait EntityCheck: Send + Sync + 'static {
    /// The name that cases and the journal have it by: one of a kind among the checks of an entity type.
    fn name(&self) -> Text;

    /// What it verifies. By default a check of the user's own.
    fn dimension(&self) -> Dimension {
        Dimension::Own(self.name())
    }

    /// Adds version and parameters: whatever changes them has every entity looked at anew.
    fn fingerprint(&self, fingerprint: &mut Fingerprint);

    /// The attributes that it looks at by their golden value ([`Examined::golden`]): they are checked when the library is built, and a set
    /// or keyed collection, which has no one value, is a mistake.
    fn looks_at(&self) -> Vec<Text> {
        Vec::new()
    }

    /// Gives what is wrong with these entities, which are at most some hundreds, of one type, and exist. What it says of an entity
    /// that is not among them is ignored. If it panics over many, it is asked of each alone; of whom it still panics over, a case says
    /// so until it no longer does. Where panics abort the program, that is the end of it.
    fn examine(&self, entities: &[Examined<'_>], at: DateTime<Utc>) -> Vec<Violation>;
}

impl fmt::Debug for dyn EntityCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Something that a check found wrong with an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// With which.
    pub entity: EntityId,
    /// With which unit of it; `None`: with none alone.
    pub unit: Option<Text>,
    /// Why, in words. It is journaled, and shown in a case: it names no value.
    pub why: Text,
}

/// An entity under examination.
#[derive(Debug, Clone, Copy)]
pub struct Examined<'a> {
    /// The entity, side by side.
    pub entity: &'a EntityView,
    /// Where its golden references lead.
    pub references: &'a [Reference],
}

impl Examined<'_> {
    /// The golden value of an attribute in canonical form; `None`: it has none, or the attribute is a collection.
    #[must_use]
    pub fn golden(&self, attribute: &str) -> Option<Text> {
        match self.entity.golden(attribute)? {
            Field::Value(text) => Some(text),
            Field::Null | Field::Empty => None,
        }
    }

    /// That something is wrong with a unit of it.
    #[must_use]
    pub fn violates(&self, unit: &str, why: impl Into<Text>) -> Violation {
        Violation { entity: self.entity.id, unit: Some(unit.into()), why: why.into() }
    }

    /// That something is wrong with it as a whole.
    #[must_use]
    pub fn violates_whole(&self, why: impl Into<Text>) -> Violation {
        Violation { entity: self.entity.id, unit: None, why: why.into() }
    }
}

/// A golden value that names an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// The unit that holds it.
    pub unit: Text,
    /// The entity that it names.
    pub to: EntityId,
    /// Of which type that is to be.
    pub entity_type: EntityType,
    /// What is there.
    pub reaches: Reaches,
}

impl Reference {
    /// A reference, and what is there.
    #[must_use]
    pub fn new(unit: impl Into<Text>, to: EntityId, entity_type: EntityType, reaches: Reaches) -> Self {
        Self { unit: unit.into(), to, entity_type, reaches }
    }
}

/// What is where a reference leads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reaches {
    /// An entity of this type, which exists or was retired. That of an entity that was merged is the survivor.
    Entity(EntityType, GoldenLife),
    /// Nothing.
    Nothing,
}

/// A check of each entity by itself, from a closure, with the name and version that identify it.
///
/// The version stands for the closure's code: raise it whenever the code changes, and every entity is looked at anew.
///
/// ```
/// use accordant::check::each;
/// use accordant::engine::Checks;
///
/// let named = each("a name or a phone", 1, |entity, _at| {
///     let told = entity.golden("name").is_some() || entity.golden("phone").is_some();
///     (!told).then(|| entity.violates_whole("nobody could address them"))
/// });
/// let checks = Checks::new().check("customer", named);
/// # let _ = checks;
/// ```
pub fn each<V: IntoIterator<Item = Violation>>(
    name: &'static str,
    version: u32,
    examine: impl Fn(&Examined<'_>, DateTime<Utc>) -> V + Send + Sync + 'static,
) -> impl EntityCheck {
    batch(name, version, move |entities, at| entities.iter().flat_map(|entity| examine(entity, at)).collect())
}

/// The same of many entities at once, where that is cheaper: a list that all of them are held against.
pub fn batch(
    name: &'static str,
    version: u32,
    examine: impl Fn(&[Examined<'_>], DateTime<Utc>) -> Vec<Violation> + Send + Sync + 'static,
) -> impl EntityCheck {
    Closure { name, version, examine }
}

struct Closure<F> {
    name: &'static str,
    version: u32,
    examine: F,
}

impl<F> EntityCheck for Closure<F>
where
    F: Fn(&[Examined<'_>], DateTime<Utc>) -> Vec<Violation> + Send + Sync + 'static,
{
    fn name(&self) -> Text {
        self.name.into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(i64::from(self.version));
    }

    fn examine(&self, entities: &[Examined<'_>], at: DateTime<Utc>) -> Vec<Violation> {
        (self.examine)(entities, at)
    }
}
