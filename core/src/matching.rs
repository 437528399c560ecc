//! Matching: which records are one entity where no key says so.
//!
//! A [`Matcher`] learns from the records of an entity type what agreement is worth, and keeps an index of them. The engine asks it about
//! records that changed, links what is probable enough, and opens a case of kind `match` where only a person can tell. It is asked live
//! and never in replay: what it said is in the journal.
//!
//! Nothing here reads a clock, a store or chance.

mod decide;
mod held;

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AttributeId, ConnectionName, EntityId, EntityType, ObjectKey, ObjectType, RecordRef};
use crate::model::Canonical;
use crate::text::Text;

pub(crate) use decide::{Action, decide, doubted};
pub use held::{Bridge, HeldTogether, Holds};

/// A probability, in parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Probability(u32);

impl Probability {
    /// Certainty.
    pub const ONE: Self = Self(1_000_000);

    /// So many parts of a million; more are certainty.
    #[must_use]
    pub const fn per_million(parts: u32) -> Self {
        Self(if parts > Self::ONE.0 { Self::ONE.0 } else { parts })
    }

    /// So many percent; more than a hundred are certainty.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        Self::per_million(percent as u32 * 10_000)
    }

    /// In parts per million.
    #[must_use]
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Probability {
    /// In percent, with two places, cut off: `99.97 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} %", self.0 / 10_000, self.0 % 10_000 / 100)
    }
}

/// What a matcher is told of an entity type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The entity type.
    pub entity_type: EntityType,
    /// The attributes that records hold, in the order of [`Features::values`].
    pub columns: Vec<Column>,
    /// Where records are.
    pub places: Vec<Place>,
}

/// An attribute as a matcher sees it: one that systems say, with one value, that names no other entity and is not computed from others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// The attribute.
    pub attribute: AttributeId,
    /// The name of its value type: `email`, `text`.
    pub kind: &'static str,
    /// Whether equal values mean the same entity, as is declared.
    pub identity: bool,
}

/// An object type of a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The connection.
    pub connection: ConnectionName,
    /// The object type.
    pub object: ObjectType,
    /// How many records of it an entity has at most, as the model declares it ([`SystemObject`](crate::model::SystemObject)): one unless it
    /// may have several; or as [`Matching::at_most`] says it. None: any number.
    pub most: Option<u16>,
}

/// What a record says that tells who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// The record.
    pub record: RecordRef,
    /// Canonical text, by column, cut to [`Features::LONGEST`]; empty: nothing is said, or the matcher does not compare it.
    pub values: Vec<Text>,
    /// The entity that keys or people say it is: the records of one are held together.
    pub held: Option<EntityId>,
}

impl Features {
    /// Values are cut to this many bytes, at the end of a letter: what identifies stands in front.
    pub const LONGEST: usize = 1_024;

    /// What a record says.
    #[must_use]
    pub const fn new(record: RecordRef, values: Vec<Text>, held: Option<EntityId>) -> Self {
        Self { record, values, held }
    }
}

/// What a person said of two records.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judged {
    /// The one.
    pub one: RecordRef,
    /// The other.
    pub other: RecordRef,
    /// Whether they are one entity.
    pub same: bool,
}

/// From where on records are linked, and from where on a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thresholds {
    /// What is as probable is linked.
    pub link: Probability,
    /// What is less probable is nothing.
    pub review: Probability,
}

impl Default for Thresholds {
    /// 95 and 50 percent.
    fn default() -> Self {
        Self { link: Probability::percent(95), review: Probability::percent(50) }
    }
}

/// Learns which records are one entity. See the [module](self).
///
/// # Contract
///
/// - **Deterministic.** The same records give the same model, letter for letter, and the same model and records the same clusters,
///   whatever the order in which they came.
/// - **Pure.** No clock, no I/O, no chance: it may be asked again.
pub trait Matcher: Send + Sync + 'static {
    /// Learns from records: a model, as text. `version` counts the models of the entity type.
    ///
    /// # Errors
    ///
    /// [`MatcherError::NothingToLearn`] where nothing tells records apart: nothing is guessed. [`MatcherError::Declared`] if what it was
    /// told does not fit the entity type.
    fn train(
        &self,
        subject: &Subject,
        records: &[Features],
        judged: &[Judged],
        version: u32,
    ) -> Result<String, MatcherError>;

    /// Whether it compares values of an attribute at all. Of one that it does not, no value is shown to it, and a record of which only that
    /// changed is not asked about again. Said once, when a builder is built: train anew where it says something else than before.
    fn compares(&self, _column: &Column) -> bool {
        true
    }

    /// What a model that [`Matcher::train`] gave does not know, for people: levels that nothing taught, records that no pair was made of.
    /// Without a value of a record.
    fn remarks(&self, _model: &str) -> Vec<Text> {
        Vec::new()
    }

    /// An index of records under a model that [`Matcher::train`] gave. Each process asks for one when it first takes a step about the entity
    /// type, with all that is stored, and again after an erasure or a training: an index is memory, and nothing of it is kept. What it
    /// calls its clusters is its own affair; entities keep the ids that the engine gave them.
    ///
    /// # Errors
    ///
    /// [`MatcherError::Model`] if the text is no model of this matcher.
    fn index(
        &self,
        subject: &Subject,
        model: &str,
        thresholds: Thresholds,
        records: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError>;
}

/// Records, and which of them are one entity under a model. Kept up to date by whoever holds it.
///
/// What it answers is what it would answer of the same records if they had come in another order.
pub trait MatchIndex: Send {
    /// Takes a record in, or takes it in anew.
    fn put(&mut self, features: &Features);

    /// Lets a record go. An unknown one changes nothing.
    fn remove(&mut self, record: &RecordRef);

    /// Holds two records apart, as a person said, or no longer.
    fn hold_apart(&mut self, one: &RecordRef, other: &RecordRef, apart: bool);

    /// What pairs connect with a record; nothing of an unknown one.
    fn around(&self, record: &RecordRef) -> Neighbourhood;

    /// Why the records that are one entity with a record are; none of an unknown one.
    fn held_together(&self, record: &RecordRef) -> Option<HeldTogether>;

    /// What it says of two records of one entity that it tells apart by now, however improbable they are: a person is asked whether the match
    /// that linked them was one. By default that nothing speaks for it.
    fn between(&self, one: &RecordRef, other: &RecordRef) -> Pair {
        Pair::new(one.clone(), other.clone(), Probability::per_million(0), None, Vec::new())
    }

    /// Records that it tells apart from others since it was last asked this, and did not before: of each cluster that parted from another
    /// one of each. Those are asked about though nothing of theirs changed. By default none is known, and what parted is found when one of
    /// its records is asked about.
    fn came_apart(&mut self) -> Vec<RecordRef> {
        Vec::new()
    }
}

/// The records that pairs connect with one, and how they cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Neighbourhood {
    /// Records that are one entity, by the model and by what it was told.
    pub clusters: Vec<Vec<RecordRef>>,
    /// The pairs that hold clusters together, and those between two clusters that a person is to see, the most probable first.
    pub pairs: Vec<Pair>,
}

impl Neighbourhood {
    /// Clusters, and pairs.
    #[must_use]
    pub const fn new(clusters: Vec<Vec<RecordRef>>, pairs: Vec<Pair>) -> Self {
        Self { clusters, pairs }
    }
}

/// Two records that may be one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pair {
    /// The one.
    pub one: RecordRef,
    /// The other.
    pub other: RecordRef,
    /// How probable it is.
    pub probability: Probability,
    /// Why a strong pair joins nothing, in words.
    pub refused: Option<Text>,
    /// Why it is as probable.
    pub steps: Vec<Step>,
    /// What a person's answer is expected to tell, in thousandths of a bit: how undecided it is, times what hangs on it.
    pub tells: u32,
}

impl Pair {
    /// A pair of which an answer is expected to tell nothing.
    #[must_use]
    pub const fn new(
        one: RecordRef,
        other: RecordRef,
        probability: Probability,
        refused: Option<Text>,
        steps: Vec<Step>,
    ) -> Self {
        Self { one, other, probability, refused, steps, tells: 0 }
    }

    /// The same pair, of which an answer is expected to tell so many thousandths of a bit.
    #[must_use]
    pub fn telling(self, millibits: u32) -> Self {
        Self { tells: millibits, ..self }
    }
}

/// One step of the way from how rare matches are to how probable this one is. It names attributes and how they agree, never a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Step {
    /// What is compared.
    #[schemars(with = "String")]
    pub of: Text,
    /// How it agrees.
    #[schemars(with = "String")]
    pub says: Text,
    /// By how much that moves the weight, in thousandths of a bit.
    pub millibits: i32,
}

impl Step {
    /// A step.
    #[must_use]
    pub fn new(of: impl Into<Text>, says: impl Into<Text>, millibits: i32) -> Self {
        Self { of: of.into(), says: says.into(), millibits }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.of, self.says, bits(self.millibits))
    }
}

/// Thousandths of a bit as people write them, in bits, cut off after two places: `+8.12`.
fn bits(millibits: i32) -> String {
    let sign = if millibits < 0 { '-' } else { '+' };
    let of = millibits.unsigned_abs();
    format!("{sign}{}.{:02}", of / 1_000, of % 1_000 / 10)
}

/// What a model said of two records: why they are linked, or why a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Match {
    /// How probable it is that they are one entity.
    pub probability: Probability,
    /// The version of the model that said so.
    pub model: u32,
    /// Why a strong pair joins nothing, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub refused: Option<Text>,
    /// Why it is as probable: the waterfall.
    pub steps: Vec<Step>,
    /// What a person's answer is expected to tell, in thousandths of a bit: what is asked first tells most.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub tells: u32,
    /// Of two that a match linked and that this speaks against by now, the one that stands apart from the others of its entity: whether it
    /// was a match, a person says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub doubted: Option<RecordRef>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it serialises by reference")]
const fn is_nothing(tells: &u32) -> bool {
    *tells == 0
}

/// Why a matcher cannot do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatcherError {
    /// The records tell nothing that could be learned.
    #[error("{0}")]
    NothingToLearn(Text),
    /// The text is no model that it reads.
    #[error("{0}")]
    Model(Text),
    /// It was told something of an attribute that the entity type does not have.
    #[error("{0}")]
    Declared(Text),
}

/// How records of an entity type are matched, as the builder is told.
///
/// Nothing is matched before a model was trained ([`Tenant::train_matcher`](crate::Tenant::train_matcher)).
#[derive(Clone)]
pub struct Matching {
    pub(crate) entity_type: EntityType,
    pub(crate) matcher: Arc<dyn Matcher>,
    pub(crate) thresholds: Thresholds,
    pub(crate) always_ask: bool,
    /// By object type, how many of its records are made one entity.
    pub(crate) most: Vec<(ObjectKey, u16)>,
}

impl fmt::Debug for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matching").field("entity_type", &self.entity_type).finish_non_exhaustive()
    }
}

impl Matching {
    /// Records of an entity type are matched: what is 95 % probable is linked, and of what is 50 % probable a person is asked.
    #[must_use]
    pub fn of<E: Canonical>(matcher: impl Matcher) -> Self {
        Self::of_entity(E::ENTITY, matcher)
    }

    /// The same, of an entity type by name: one from a file.
    #[must_use]
    pub fn of_entity(entity_type: &str, matcher: impl Matcher) -> Self {
        Self {
            entity_type: entity_type.into(),
            matcher: Arc::new(matcher),
            thresholds: Thresholds::default(),
            always_ask: false,
            most: Vec::new(),
        }
    }

    /// Links what is as probable.
    #[must_use]
    pub const fn link_from(mut self, probability: Probability) -> Self {
        self.thresholds.link = probability;
        self
    }

    /// Asks a person about what is as probable.
    #[must_use]
    pub const fn review_from(mut self, probability: Probability) -> Self {
        self.thresholds.review = probability;
        self
    }

    /// Makes no entity of more than so many records of an object type that may have several (`many` in the model), named as the model does:
    /// a match that would is a case. By default of any number. What keys and people link is theirs to say.
    #[must_use]
    pub fn at_most(mut self, object: &str, records: u16) -> Self {
        self.most.push((object.into(), records));
        self
    }

    /// Links nothing by itself: whatever is probable is a case.
    #[must_use]
    pub const fn always_ask(mut self) -> Self {
        self.always_ask = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_and_steps_read_as_people_write_them() {
        assert_eq!(Probability::percent(95).to_string(), "95.00 %");
        assert_eq!(Probability::per_million(999_990).to_string(), "99.99 %", "never rounded up to certainty");
        assert_eq!(Probability::percent(200), Probability::ONE);
        assert_eq!(Step::new("surname", "same", 8_125).to_string(), "surname: same (+8.12)");
        assert_eq!(Step::new("given name", "differ", -450).to_string(), "given name: differ (-0.45)");
    }
}
