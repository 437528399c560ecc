//! Views: one entity side by side, as a person inspects it.
//!
//! A pure function of what is stored: golden values with their status, what every record says and since when, the verdict
//! of every unit, where writes are owed, what stands open. There is no wall clock: freshness is measured between records.

mod action;
mod build;
mod confidence;
mod decided;
mod golden;
mod mask;
mod presence;
mod table;
mod unit;
mod when;
mod write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::classify::{Hidden, LinkState, Verdict};
use crate::decision::Lifetime;
use crate::discrepancy::{DiscrepancyKind, DiscrepancyState};
use crate::entity::Evidence;
use crate::golden::GoldenLife;
use crate::id::{Actor, AttributeId, EntityId, EntityType, ObjectKey, RecordRef, SystemName};
use crate::model::Incomplete;
use crate::observation::DeathEvidence;
use crate::ownership::Authority;
use crate::text::Text;
use crate::value::Field;
use crate::write_access::WriteAccess;

pub use action::Action;
pub(crate) use build::discrepancies;
pub use confidence::{Confidence, RestsOn};
pub(crate) use decided::choice_words;
pub use decided::{ChangeView, LapseView, ProposalView};
pub(crate) use mask::{MASK, mask_answer, mask_field, mask_name, mask_text};
pub(crate) use presence::presence_view;
pub(crate) use table::{approved_by, lifetime_words, quoted};
pub(crate) use unit::{unit_view, words};
pub(crate) use when::instant_of;
pub(crate) use when::span;
pub use when::{FirstSaid, When};
pub use write::WriteView;
pub(crate) use write::hidden_words;

/// One entity of a type that the compiler knows: the golden record as the struct, and the whole side by side.
///
/// The struct holds values as they are. Doors that serve people who may not see personal data show
/// [`EntityView::masked`] instead.
#[derive(Debug, Clone)]
pub struct View<E> {
    /// The golden record, or what it lacks to be one.
    pub golden: Result<E, Incomplete>,
    /// The entity side by side.
    pub entity: EntityView,
}

/// One entity side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EntityView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: EntityId,
    /// Its type.
    #[schemars(with = "String")]
    pub entity_type: EntityType,
    /// Whether golden says that it exists.
    #[schemars(with = "String")]
    pub life: GoldenLife,
    /// Its records, in the order of confirmation.
    pub links: Vec<LinkView>,
    /// Its units, in the order of the model; the elements of a collection by key.
    pub units: Vec<UnitView>,
    /// What stands and is not resolved, by kind, unit and record.
    pub discrepancies: Vec<DiscrepancyView>,
    /// The records that people unlinked from it, in the order of records.
    pub held_apart: Vec<HeldApartView>,
    /// What people decided and still holds, in the order of units.
    pub decisions: Vec<DecisionView>,
    /// What was decided by one person and waits for a second, in the order of units.
    pub proposals: Vec<ProposalView>,
    /// How decisions ended that nobody replaced since, in the order of units.
    pub lapses: Vec<LapseView>,
    /// What a person may do about whether it exists.
    pub actions: Vec<Action>,
    /// Whether personal data is masked.
    pub masked: bool,
}

/// One record of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LinkView {
    /// The record.
    #[schemars(with = "RecordSchema")]
    pub record: RecordRef,
    /// The system that holds it.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// The name that mappings use for its object type.
    #[schemars(with = "String")]
    pub object: ObjectKey,
    /// Whether it is there.
    pub presence: RecordPresence,
    /// Whether it is the primary: the oldest confirmed of those that speak in its connection and object type.
    pub primary: bool,
    /// Why it belongs to the entity.
    #[schemars(with = "serde_json::Value")]
    pub evidence: Evidence,
    /// When it was last seen, told of or read, as its system counts; `None`: never.
    pub last_verified: Option<When>,
    /// The number of the last read that met it; 0: none did, and all that is known of it was told.
    pub last_read: u64,
}

/// A record that a person unlinked: no key links it to the entity again, until a person does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct HeldApartView {
    /// The record.
    #[schemars(with = "RecordSchema")]
    pub record: RecordRef,
    /// Who unlinked it.
    #[schemars(with = "String")]
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Why, in the person's words.
    pub reason: String,
}

/// Whether a record is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordPresence {
    /// Never sighted.
    Unknown,
    /// There.
    Live,
    /// There again after it was gone; not yet read in full.
    Resurrected,
    /// Gone, as far as this evidence goes.
    Dead(#[schemars(with = "String")] DeathEvidence),
    /// Merged inside its system into the record of this id.
    Redirected(#[schemars(with = "String")] Text),
}

/// One unit of an entity, side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct UnitView {
    /// Its name: `email`, `address`, `lines[SKU-1]`.
    #[schemars(with = "String")]
    pub name: Text,
    /// The attributes that it is made of.
    #[schemars(with = "Vec<String>")]
    pub members: Vec<AttributeId>,
    /// Whether its values are the texts of several members: a JSON array.
    pub compound: bool,
    /// Whether it holds personal data.
    pub pii: bool,
    /// The golden value.
    #[schemars(with = "Option<String>")]
    pub golden: Field,
    /// Whether the golden value stands, or something waits.
    pub status: GoldenStatus,
    /// What happened.
    pub verdict: Verdict,
    /// The systems that own it, in order of authority; none: every system that holds it is a co-owner.
    #[schemars(with = "Vec<String>")]
    pub owners: Vec<SystemName>,
    /// How much the golden value rests on.
    pub confidence: Confidence,
    /// What a person may do about it now.
    pub actions: Vec<Action>,
    /// What the records that hold the unit show, in the order of links.
    pub links: Vec<UnitLink>,
}

/// Whether a golden value stands, or something waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GoldenStatus {
    /// Nothing was ever said.
    Unsettled,
    /// It stands.
    Settled,
    /// A rule holds a change; golden keeps its former value.
    Held {
        /// The value that waits.
        #[schemars(with = "Option<String>")]
        proposed: Field,
        /// The rule.
        #[schemars(with = "String")]
        rule: Text,
        /// Its reason.
        #[schemars(with = "String")]
        reason: Text,
    },
    /// No policy could tell; it waits for a person.
    Parked {
        /// Why.
        #[schemars(with = "String")]
        reason: Text,
    },
    /// No owner can be read; a fallback's value is shown and never written.
    Provisional {
        /// The fallback's value.
        #[schemars(with = "Option<String>")]
        shown: Field,
    },
}

/// What one record shows of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct UnitLink {
    /// The record, by its place in [`EntityView::links`].
    pub link: usize,
    /// The value, or why there is none to see.
    pub shows: Shows,
    /// How it stands to what was accepted.
    pub state: LinkState,
    /// Since when it says so; `None`: it says nothing.
    pub since: Option<When>,
    /// Where and when the value was first said: elsewhere, if it is our own writing.
    pub first_said: Option<FirstSaid>,
    /// How much older the first saying is than the latest of all records, in milliseconds. Instants of one kind only.
    pub older_by_ms: Option<i64>,
    /// The common ancestor.
    pub base: Option<BaseView>,
    /// What the system is to the unit.
    #[schemars(with = "String")]
    pub authority: Authority,
    /// Whether the unit may be written there at all.
    pub access: AccessView,
    /// Whether a write is owed, and why, or why not.
    pub write: WriteView,
}

/// A value, or why there is none to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// The value.
    Value(#[schemars(with = "Option<String>")] Field),
    /// Why there is none to see.
    Hidden(Hidden),
}

/// The common ancestor of a record and golden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct BaseView {
    /// The system's last accepted value.
    #[schemars(with = "Option<String>")]
    pub seen: Field,
    /// The golden value against which it was accepted.
    #[schemars(with = "Option<String>")]
    pub agreed: Field,
    /// Whether it is our own writing.
    pub wrote: bool,
}

/// Whether a unit may be written on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessView {
    /// It fills what never had a value.
    Weak,
    /// It follows golden.
    Normal,
    /// Golden is enforced against observers.
    Strong,
    /// Its system owns the unit, and a person decided.
    ByDecision,
    /// It may not.
    No,
}

impl From<WriteAccess> for AccessView {
    fn from(access: WriteAccess) -> Self {
        use crate::ownership::Strength;
        match access {
            WriteAccess::Yes(Strength::Weak) => AccessView::Weak,
            WriteAccess::Yes(Strength::Normal) => AccessView::Normal,
            WriteAccess::Yes(Strength::Strong) => AccessView::Strong,
            WriteAccess::ByDecision => AccessView::ByDecision,
            WriteAccess::No => AccessView::No,
        }
    }
}

/// A standing disagreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct DiscrepancyView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: crate::fingerprint::Digest,
    /// What it is.
    #[schemars(with = "String")]
    pub kind: DiscrepancyKind,
    /// Where it stands.
    #[schemars(with = "String")]
    pub state: DiscrepancyState,
    /// The unit, by name.
    #[schemars(with = "String")]
    pub unit: Text,
    /// The record or object type that it concerns, if it concerns one.
    #[schemars(with = "Option<String>")]
    pub link: Option<Text>,
    /// Whether the unit holds personal data.
    pub pii: bool,
    /// Why.
    #[schemars(with = "String")]
    pub reason: Text,
    /// When it was first seen, in milliseconds since the epoch.
    pub first_seen: i64,
    /// When it last changed, in milliseconds since the epoch.
    pub last_seen: i64,
}

/// A decision that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct DecisionView {
    /// The unit, by name.
    #[schemars(with = "String")]
    pub unit: Text,
    /// Whether the unit holds personal data.
    pub pii: bool,
    /// The value chosen.
    #[schemars(with = "Option<String>")]
    pub chosen: Field,
    /// Who chose it.
    #[schemars(with = "String")]
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Why, in the person's words.
    pub reason: String,
    /// How long it holds.
    pub lifetime: Lifetime,
    /// Who approved it, where four eyes were asked for.
    #[schemars(with = "Option<String>")]
    pub approved_by: Option<Actor>,
    /// The hash of what was on the table.
    pub basis: String,
    /// What was on the table: what each record said of its own, in the order of records.
    pub on_table: Vec<SaidView>,
}

/// What a record said of its own when something was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SaidView {
    /// The record.
    #[schemars(with = "RecordSchema")]
    pub record: RecordRef,
    /// What it said.
    #[schemars(with = "Option<String>")]
    pub said: Field,
}

/// How a record is named in JSON.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct RecordSchema {
    connection: String,
    object: String,
    id: String,
}
