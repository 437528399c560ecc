//! The stored form of facts: JSON, keyed by unit name and object key, as the journal holds them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::{Base, Sent};
use crate::decision::{Decision, Divergence, Lapse, ProposedDecision};
use crate::discrepancy::Discrepancy;
use crate::entity::stored::{object_index, object_name};
use crate::entity::{Evidence, HeldApart};
use crate::fact::Fact;
use crate::golden::{GoldenCell, GoldenLife};
use crate::id::{Actor, ConnectionName, EntityType, ObjectType, RecordRef};
use crate::model::{CompiledEntity, Model};
use crate::text::Text;
use crate::value::Field;

/// A fact as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoredFact {
    Entered {
        #[serde(rename = "type")]
        entity_type: EntityType,
    },
    Linked {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
        object: Text,
        order: u64,
        evidence: Evidence,
    },
    Unlinked {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
    },
    Settled {
        unit: Text,
        cell: Option<Arc<GoldenCell>>,
    },
    Rebased {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
        unit: Text,
        base: Option<Arc<Base>>,
    },
    Existed {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
        existed: bool,
    },
    ToRestore {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
        holds: bool,
    },
    Lived {
        life: GoldenLife,
    },
    Reacted {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
        unit: Text,
        count: u8,
    },
    Decided {
        unit: Text,
        decision: Option<Arc<Decision>>,
    },
    Lapsed {
        unit: Text,
        lapse: Option<Box<Lapse>>,
    },
    Proposed {
        unit: Text,
        proposal: Option<Box<ProposedDecision>>,
    },
    Diverged {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
        unit: Text,
        divergence: Option<Box<Divergence>>,
    },
    Sent {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
        unit: Text,
        sent: Option<Box<Sent>>,
    },
    Disputed {
        discrepancy: Arc<Discrepancy>,
    },
    Merged {
        into: Option<crate::id::EntityId>,
    },
    CannotLink {
        other: crate::id::EntityId,
        holds: bool,
    },
    HeldApart {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
        held: Option<Box<HeldApart>>,
    },
    Asserted {
        #[serde(serialize_with = "RecordRef::in_short")]
        record: Arc<RecordRef>,
        by: Actor,
    },
    Generation {
        generation: u32,
    },
    CreateSent {
        connection: ConnectionName,
        object: ObjectType,
        fields: Option<Vec<(Text, Field)>>,
    },
}

impl Fact {
    /// The form that the journal holds.
    #[must_use]
    pub fn to_stored(&self, model: &CompiledEntity) -> StoredFact {
        match self.clone() {
            Fact::Entered { entity: _ } => StoredFact::Entered { entity_type: model.name.clone() },
            Fact::Linked { record, object, order, evidence } => {
                StoredFact::Linked { record, object: object_name(model, object), order, evidence }
            }
            Fact::Unlinked { record } => StoredFact::Unlinked { record },
            Fact::Settled { unit, cell } => StoredFact::Settled { unit: model.unit_name(&unit), cell },
            Fact::Rebased { record, unit, base } => StoredFact::Rebased { record, unit: model.unit_name(&unit), base },
            Fact::Existed { record, existed } => StoredFact::Existed { record, existed },
            Fact::ToRestore { record, holds } => StoredFact::ToRestore { record, holds },
            Fact::Lived { life } => StoredFact::Lived { life },
            Fact::Reacted { record, unit, count } => {
                StoredFact::Reacted { record, unit: model.unit_name(&unit), count }
            }
            Fact::Decided { unit, decision } => StoredFact::Decided { unit: model.unit_name(&unit), decision },
            Fact::Lapsed { unit, lapse } => StoredFact::Lapsed { unit: model.unit_name(&unit), lapse },
            Fact::Proposed { unit, proposal } => StoredFact::Proposed { unit: model.unit_name(&unit), proposal },
            Fact::Diverged { record, unit, divergence } => {
                StoredFact::Diverged { record, unit: model.unit_name(&unit), divergence }
            }
            Fact::Sent { record, unit, sent } => StoredFact::Sent { record, unit: model.unit_name(&unit), sent },
            Fact::Disputed { discrepancy } => StoredFact::Disputed { discrepancy },
            Fact::Merged { into } => StoredFact::Merged { into },
            Fact::CannotLink { other, holds } => StoredFact::CannotLink { other, holds },
            Fact::HeldApart { record, held } => StoredFact::HeldApart { record, held },
            Fact::Asserted { record, by } => StoredFact::Asserted { record, by },
            Fact::Generation { generation } => StoredFact::Generation { generation },
            Fact::CreateSent { connection, object, fields } => StoredFact::CreateSent { connection, object, fields },
        }
    }
}

impl StoredFact {
    /// The fact under today's model; `None` if it is about a type, unit or object that is gone.
    #[must_use]
    pub fn into_fact(self, model: &Model, of: &CompiledEntity) -> Option<Fact> {
        Some(match self {
            StoredFact::Entered { entity_type } => Fact::Entered { entity: model.entity_index(entity_type.as_str())? },
            StoredFact::Linked { record, object, order, evidence } => {
                Fact::Linked { record, object: object_index(of, &object)?, order, evidence }
            }
            StoredFact::Unlinked { record } => Fact::Unlinked { record },
            StoredFact::Settled { unit, cell } => Fact::Settled { unit: of.unit_key(&unit)?, cell },
            StoredFact::Rebased { record, unit, base } => Fact::Rebased { record, unit: of.unit_key(&unit)?, base },
            StoredFact::Existed { record, existed } => Fact::Existed { record, existed },
            StoredFact::ToRestore { record, holds } => Fact::ToRestore { record, holds },
            StoredFact::Lived { life } => Fact::Lived { life },
            StoredFact::Reacted { record, unit, count } => Fact::Reacted { record, unit: of.unit_key(&unit)?, count },
            StoredFact::Decided { unit, decision } => Fact::Decided { unit: of.unit_key(&unit)?, decision },
            StoredFact::Lapsed { unit, lapse } => Fact::Lapsed { unit: of.unit_key(&unit)?, lapse },
            StoredFact::Proposed { unit, proposal } => Fact::Proposed { unit: of.unit_key(&unit)?, proposal },
            StoredFact::Diverged { record, unit, divergence } => {
                Fact::Diverged { record, unit: of.unit_key(&unit)?, divergence }
            }
            StoredFact::Sent { record, unit, sent } => Fact::Sent { record, unit: of.unit_key(&unit)?, sent },
            StoredFact::Disputed { discrepancy } => Fact::Disputed { discrepancy },
            StoredFact::Merged { into } => Fact::Merged { into },
            StoredFact::CannotLink { other, holds } => Fact::CannotLink { other, holds },
            StoredFact::HeldApart { record, held } => Fact::HeldApart { record, held },
            StoredFact::Asserted { record, by } => Fact::Asserted { record, by },
            StoredFact::Generation { generation } => Fact::Generation { generation },
            StoredFact::CreateSent { connection, object, fields } => Fact::CreateSent { connection, object, fields },
        })
    }
}
