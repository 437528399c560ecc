//! Entities: a canonical business thing with its links, bases, golden values, decisions and discrepancies.

pub(crate) mod migrate;
pub(crate) mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::{Base, Sent};
use crate::decision::{Decision, Divergence, Lapse, ProposedDecision};
use crate::discrepancy::Discrepancies;
use crate::golden::{GoldenCell, GoldenLife, PerUnit};
use crate::id::{Actor, AttributeId, ConnectionName, EntityId, ObjectKey, ObjectType, RecordRef};
use crate::matching::Probability;
use crate::sparse::Sparse;
use crate::text::Text;
use crate::value::Field;

/// Why a record belongs to an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// It was the first to be seen: the entity was made of it.
    FirstSight,
    /// It has an identity value in common with another record.
    Key {
        /// The attribute.
        attribute: AttributeId,
    },
    /// We created it.
    Created,
    /// A person, or an imported crosswalk, says so.
    Asserted {
        /// Who.
        by: Actor,
    },
    /// It survived a merge inside its system.
    Survived,
    /// It is the hub's own record of the entity.
    Hub,
    /// A matcher found it probable enough, as the journal explains.
    Matched {
        /// The entity that it was before: the records that came with it are held together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<EntityId>,
        /// How probable it was.
        probability: Probability,
        /// The version of the model that said so.
        model: u32,
    },
}

impl Evidence {
    /// The entity that keys or people say a record of an entity is: not what a matcher made of it.
    pub(crate) const fn held(&self, entity: EntityId) -> Option<EntityId> {
        match self {
            Self::Matched { from, .. } => *from,
            _ => Some(entity),
        }
    }
}

/// A link (crosswalk entry): one record of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The record.
    pub record: Arc<RecordRef>,
    /// Its object type, by index in the entity's model. `u16::MAX` for the hub's own record.
    pub object: u16,
    /// Its place in the order of confirmation: the oldest of those that speak is the primary.
    pub order: u64,
    /// Why it belongs here.
    pub evidence: Evidence,
    /// What was accepted, per unit.
    pub bases: PerUnit<Base>,
    /// Whether its presence was accepted: a death is then a move.
    pub existed: bool,
    /// Whether it is gone and is to be made anew, because the model says so.
    pub to_restore: bool,
    /// How often a change here restored what our write had displaced, per unit.
    pub reactions: Sparse<u8>,
    /// Where a person let it differ from golden, per unit.
    pub divergences: Sparse<Divergence>,
    /// What it was sent and has not answered, per unit.
    pub sent: Sparse<Sent>,
}

/// That a record is not an entity, as a person said who unlinked it: no key links it there again, until a person does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldApart {
    /// The name that mappings use for its object type: nothing is created in its place.
    pub object: ObjectKey,
    /// Who unlinked it.
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Why, in the person's words.
    pub reason: String,
}

/// The object index of the hub's own record.
pub const HUB_OBJECT: u16 = u16::MAX;

/// Restoring a displaced value this often freezes the unit.
pub const REACTIONS_TO_FREEZE: u8 = 3;

/// One canonical business thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Its id.
    pub id: EntityId,
    /// Its type, by index in the model.
    pub entity: u16,
    /// Its links, in the order of confirmation.
    pub links: Vec<Link>,
    /// What is true.
    pub golden: PerUnit<GoldenCell>,
    /// Whether golden says that it exists.
    pub life: GoldenLife,
    /// What people decided and still holds.
    pub decisions: PerUnit<Decision>,
    /// How the last decision of a unit ended.
    pub lapses: Sparse<Lapse>,
    /// What was decided by one person and waits for a second.
    pub proposals: Sparse<ProposedDecision>,
    /// Its standing disagreements, resolved ones included.
    pub discrepancies: Discrepancies,
    /// The entity that it was merged into: its id is an alias until it is unmerged.
    pub merged_into: Option<EntityId>,
    /// The entities that a person said it is not: they were merged, and that was taken back.
    pub cannot_link: BTreeSet<EntityId>,
    /// The records that a person unlinked from it, and that no key links to it again.
    pub held_apart: BTreeMap<Arc<RecordRef>, HeldApart>,
    /// The generation of creates: raised when a created record is gone for good.
    pub generation: u32,
    /// The creates of this generation that were sent and never heard of, by place, each with what it sent: they may arrive
    /// late, and one key stands for one content.
    pub creates_sent: BTreeMap<(ConnectionName, ObjectType), Vec<(Text, Field)>>,
    /// Links of object types that today's model does not have. They are kept as they were stored: a system that is taken
    /// out of the model and put back finds its records linked.
    pub(crate) out_of_scope: Vec<stored::StoredLink>,
}

impl Entity {
    /// Whether a link has restored displaced values of a unit too often: it is frozen until a person decides.
    #[must_use]
    pub fn oscillates(&self, key: &crate::model::UnitKey) -> bool {
        let mut counts = self.links.iter().filter_map(|link| link.reactions.get(key));
        counts.any(|count| *count >= REACTIONS_TO_FREEZE) && !planted!(OscillationUnbounded)
    }

    /// Whether nobody decided anything of it, nothing is under way to its records, and none of them differs by leave or fights: as
    /// of most entities.
    pub(crate) fn is_plain(&self) -> bool {
        let plain = |link: &Link| link.sent.is_empty() && link.divergences.is_empty() && link.reactions.is_empty();
        let decided = || !self.decisions.is_empty() || !self.lapses.is_empty();
        !decided() && self.creates_sent.is_empty() && self.links.iter().all(plain)
    }

    /// A new entity without links.
    #[must_use]
    pub fn new(id: EntityId, entity: u16) -> Self {
        Self {
            id,
            entity,
            links: Vec::new(),
            golden: PerUnit::default(),
            life: GoldenLife::Live,
            decisions: PerUnit::default(),
            lapses: Sparse::default(),
            proposals: Sparse::default(),
            discrepancies: Discrepancies::default(),
            merged_into: None,
            cannot_link: BTreeSet::new(),
            held_apart: BTreeMap::new(),
            generation: 0,
            creates_sent: BTreeMap::new(),
            out_of_scope: Vec::new(),
        }
    }

    /// Who unlinked its record of an object type, if somebody did.
    pub(crate) fn unlinked_there(&self, object: &ObjectKey) -> Option<&HeldApart> {
        self.held_apart.values().find(|held| held.object == *object)
    }

    /// The place of a record's link.
    #[must_use]
    pub fn link_of(&self, record: &RecordRef) -> Option<usize> {
        // Whoever names a record mostly shares it with its link: a look is cheaper than comparing names.
        let shared = self.links.iter().position(|link| std::ptr::eq(&raw const *link.record, record));
        shared.or_else(|| self.links.iter().position(|link| *link.record == *record))
    }
}
