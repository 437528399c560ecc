//! Facts: everything that changes an entity is one. The engine applies and journals them; replay applies them again.

pub(crate) mod stored;

use std::sync::Arc;

use crate::base::{Base, Sent};
use crate::decision::{Decision, Divergence, Lapse, ProposedDecision};
use crate::discrepancy::Discrepancy;
use crate::entity::{Entity, Evidence, HeldApart, Link};
use crate::golden::{GoldenCell, GoldenLife};
use crate::id::{Actor, ConnectionName, EntityId, ObjectType, RecordRef};
use crate::model::UnitKey;
use crate::sparse::Sparse;
use crate::text::Text;
use crate::value::Field;

/// One change of one entity. What it says is shared with the entity that it was applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// The entity came to be.
    Entered {
        /// Its type, by index.
        entity: u16,
    },
    /// A record was linked.
    Linked {
        /// The record.
        record: Arc<RecordRef>,
        /// Its object type, by index.
        object: u16,
        /// Its place in the order of confirmation.
        order: u64,
        /// Why.
        evidence: Evidence,
    },
    /// A record was unlinked.
    Unlinked {
        /// The record.
        record: Arc<RecordRef>,
    },
    /// A golden value moved, was held, parked or released.
    Settled {
        /// The unit.
        unit: UnitKey,
        /// What stands now; `None`: nothing.
        cell: Option<Arc<GoldenCell>>,
    },
    /// A base moved.
    Rebased {
        /// The record.
        record: Arc<RecordRef>,
        /// The unit.
        unit: UnitKey,
        /// The base; `None`: there is none any more.
        base: Option<Arc<Base>>,
    },
    /// A record's presence was accepted, or its death.
    Existed {
        /// The record.
        record: Arc<RecordRef>,
        /// Whether it counts as present.
        existed: bool,
    },
    /// A record that is gone is to be made anew, because the model says so; or no more.
    ToRestore {
        /// The record.
        record: Arc<RecordRef>,
        /// Whether it is.
        holds: bool,
    },
    /// Golden's life changed.
    Lived {
        /// What it is now.
        life: GoldenLife,
    },
    /// A change restored what our write had displaced; or the count starts over.
    Reacted {
        /// The record.
        record: Arc<RecordRef>,
        /// The unit.
        unit: UnitKey,
        /// How often by now.
        count: u8,
    },
    /// A person decided, or a decision lapsed.
    Decided {
        /// The unit.
        unit: UnitKey,
        /// What holds now.
        decision: Option<Arc<Decision>>,
    },
    /// A decision ended, and why; or that is history.
    Lapsed {
        /// The unit.
        unit: UnitKey,
        /// The end of the last decision; `None`: the matter is over.
        lapse: Option<Box<Lapse>>,
    },
    /// A decision was proposed that a second person has to approve, or it was approved, rejected or withdrawn.
    Proposed {
        /// The unit.
        unit: UnitKey,
        /// What is proposed now.
        proposal: Option<Box<ProposedDecision>>,
    },
    /// A person let a link differ, or that lapsed.
    Diverged {
        /// The record.
        record: Arc<RecordRef>,
        /// The unit.
        unit: UnitKey,
        /// The leave; `None`: there is none any more.
        divergence: Option<Box<Divergence>>,
    },
    /// A record is sent a value, or that is answered.
    Sent {
        /// The record.
        record: Arc<RecordRef>,
        /// The unit.
        unit: UnitKey,
        /// What is under way; `None`: nothing is any more.
        sent: Option<Box<Sent>>,
    },
    /// A discrepancy opened, changed, or was resolved.
    Disputed {
        /// As it stands now.
        discrepancy: Arc<Discrepancy>,
    },
    /// The entity was merged into another, or unmerged.
    Merged {
        /// The survivor; `None`: the entity stands for itself again.
        into: Option<EntityId>,
    },
    /// A person said that it is not another entity, or took that back.
    CannotLink {
        /// The other.
        other: EntityId,
        /// Whether that holds.
        holds: bool,
    },
    /// A person unlinked a record for good, or that is over.
    HeldApart {
        /// The record.
        record: Arc<RecordRef>,
        /// Who said so; `None`: it may be linked by its keys again.
        held: Option<Box<HeldApart>>,
    },
    /// A person said of a record that a matcher had linked that it belongs to the entity.
    Asserted {
        /// The record.
        record: Arc<RecordRef>,
        /// Who said so.
        by: Actor,
    },
    /// A created record is gone for good: the next create is a new one.
    Generation {
        /// The generation of the next create.
        generation: u32,
    },
    /// A create was sent and never heard of: it may still arrive. Or what became of it is known.
    CreateSent {
        /// The connection.
        connection: ConnectionName,
        /// The native type.
        object: ObjectType,
        /// What it sent, by unit; `None`: nothing is open any more.
        fields: Option<Vec<(Text, Field)>>,
    },
}

/// A fact and the entity that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityFact {
    /// The entity.
    pub entity: EntityId,
    /// The fact.
    pub fact: Fact,
}

impl Fact {
    /// The kind that the journal shows.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Fact::Entered { .. } => "entered",
            Fact::Linked { .. } => "linked",
            Fact::Unlinked { .. } => "unlinked",
            Fact::Settled { .. } => "settled",
            Fact::Rebased { .. } => "rebased",
            Fact::Existed { .. } => "existed",
            Fact::ToRestore { .. } => "to_restore",
            Fact::Lived { .. } => "lived",
            Fact::Reacted { .. } => "reacted",
            Fact::Decided { .. } => "decided",
            Fact::Lapsed { .. } => "lapsed",
            Fact::Proposed { .. } => "proposed",
            Fact::Diverged { .. } => "diverged",
            Fact::Sent { .. } => "sent",
            Fact::Disputed { .. } => "disputed",
            Fact::Merged { .. } => "merged",
            Fact::CannotLink { .. } => "cannot_link",
            Fact::HeldApart { .. } => "held_apart",
            Fact::Asserted { .. } => "asserted",
            Fact::Generation { .. } => "generation",
            Fact::CreateSent { .. } => "create_sent",
        }
    }

    /// Applies the fact. The only way in which an entity changes, live and in replay.
    pub fn apply(&self, entity: &mut Entity) {
        match self {
            Fact::Entered { entity: of } => entity.entity = *of,
            Fact::Linked { record, object, order, evidence } => {
                // Whoever links it, by whatever right, says that it is.
                entity.held_apart.remove(record);
                entity.links.retain(|link| link.record != *record);
                // Few entities come to have more links than they have: room for each, and no more.
                entity.links.reserve_exact(1);
                entity.links.push(Link {
                    record: Arc::clone(record),
                    object: *object,
                    order: *order,
                    evidence: evidence.clone(),
                    bases: crate::golden::PerUnit::default(),
                    existed: false,
                    to_restore: false,
                    reactions: Sparse::default(),
                    divergences: Sparse::default(),
                    sent: Sparse::default(),
                });
                entity.links.sort_by(|a, b| (a.order, &a.record).cmp(&(b.order, &b.record)));
            }
            Fact::Unlinked { record } => entity.links.retain(|link| link.record != *record),
            Fact::Settled { unit, cell } => entity.golden.set(unit, cell.clone()),
            Fact::Rebased { record, unit, base } => {
                if let Some(link) = link_of(entity, record) {
                    link.bases.set(unit, base.clone());
                }
            }
            Fact::Existed { record, existed } => {
                if let Some(link) = link_of(entity, record) {
                    link.existed = *existed;
                }
            }
            Fact::ToRestore { record, holds } => {
                if let Some(link) = link_of(entity, record) {
                    link.to_restore = *holds;
                }
            }
            Fact::Lived { life } => entity.life = *life,
            Fact::Reacted { record, unit, count } => {
                if let Some(link) = link_of(entity, record) {
                    if *count == 0 {
                        link.reactions.remove(unit);
                    } else {
                        link.reactions.insert(unit.clone(), *count);
                    }
                }
            }
            Fact::Decided { unit, decision } => entity.decisions.set(unit, decision.clone()),
            Fact::Lapsed { unit, lapse: Some(lapse) } => {
                entity.lapses.insert(unit.clone(), (**lapse).clone());
            }
            Fact::Lapsed { unit, lapse: None } => drop(entity.lapses.remove(unit)),
            Fact::Proposed { unit, proposal: Some(proposal) } => {
                entity.proposals.insert(unit.clone(), (**proposal).clone());
            }
            Fact::Proposed { unit, proposal: None } => drop(entity.proposals.remove(unit)),
            Fact::Diverged { record, unit, divergence } => {
                if let Some(link) = link_of(entity, record) {
                    match divergence {
                        Some(divergence) => {
                            link.divergences.insert(unit.clone(), (**divergence).clone());
                        }
                        None => {
                            link.divergences.remove(unit);
                        }
                    }
                }
            }
            Fact::Sent { record, unit, sent } => {
                if let Some(link) = link_of(entity, record) {
                    match sent {
                        Some(sent) => drop(link.sent.insert(unit.clone(), (**sent).clone())),
                        None => drop(link.sent.remove(unit)),
                    }
                }
            }
            Fact::Disputed { discrepancy } => entity.discrepancies.insert(Arc::clone(discrepancy)),
            Fact::Merged { into } => entity.merged_into = *into,
            Fact::CannotLink { other, holds: true } => drop(entity.cannot_link.insert(*other)),
            Fact::CannotLink { other, holds: false } => drop(entity.cannot_link.remove(other)),
            Fact::HeldApart { record, held: Some(held) } => {
                drop(entity.held_apart.insert(Arc::clone(record), (**held).clone()));
            }
            Fact::HeldApart { record, held: None } => drop(entity.held_apart.remove(record)),
            Fact::Asserted { record, by } => {
                if let Some(link) = link_of(entity, record) {
                    link.evidence = Evidence::Asserted { by: by.clone() };
                }
            }
            Fact::Generation { generation } => {
                entity.generation = *generation;
                // The next create has a key of its own, and with it a content.
                entity.creates_sent.clear();
            }
            Fact::CreateSent { connection, object, fields } => {
                let place = (connection.clone(), object.clone());
                match fields {
                    Some(fields) => drop(entity.creates_sent.insert(place, fields.clone())),
                    None => drop(entity.creates_sent.remove(&place)),
                }
            }
        }
    }
}

/// The link of a record.
fn link_of<'e>(entity: &'e mut Entity, record: &Arc<RecordRef>) -> Option<&'e mut Link> {
    let place = entity.link_of(record)?;
    entity.links.get_mut(place)
}
