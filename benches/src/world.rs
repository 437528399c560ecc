//! A working set with a crosswalk: the customers that a file tells of, each linked in its three systems.

use std::collections::BTreeSet;

use accordant::decode::{Batch, DecodeTable};
use accordant::entity::{Entity, Evidence};
use accordant::fact::Fact;
use accordant::model::Model;
use accordant::representation::Representation;
use accordant::settle::RuleSet;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::working_set::{Frame, Source, WorkingSet};
use accordant::{EntityId, RecordRef, TenantId};
use std::sync::Arc;

use crate::customer::{OBJECT_OF_SOURCE, model, tables};
use crate::delivery::{Block, cut};

/// What stays the same while deliveries are folded.
#[derive(Debug)]
pub struct Ground {
    /// The model.
    pub model: Model,
    /// The decoders, one per surface.
    pub tables: [DecodeTable; 4],
    tenant: TenantId,
    rules: Vec<RuleSet>,
}

impl Default for Ground {
    fn default() -> Self {
        let model = model();
        Self { tables: tables(&model), model, tenant: TenantId::new("bench"), rules: vec![RuleSet::new()] }
    }
}

impl Ground {
    /// The frame of a working set that journals nothing.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        Frame { tenant: &self.tenant, model: &self.model, rules: &self.rules, domain: &one_clock, keep_voices: false }
    }
}

/// Every system of the workload stamps events, to the millisecond, by one clock.
fn one_clock(_: &RecordRef) -> Domain {
    Domain::Time(TimeScale { kind: TimeKind::Occurred, precision_ms: 0, skew_ms: 0 })
}

/// The ids of customer `number` in the systems of the model.
#[must_use]
pub fn ids(number: u64) -> [String; 3] {
    [
        (10_000_000_000 + number * 17).to_string(),
        (7_000_000_000_000 + number * 32_768).to_string(),
        (500 + number).to_string(),
    ]
}

/// The number of the customer whom object type `object` knows by `id`.
#[must_use]
pub fn customer_of(object: u16, id: &str) -> Option<u64> {
    let id: u64 = id.parse().ok()?;
    match object {
        0 => Some(id.checked_sub(10_000_000_000)? / 17),
        1 => Some(id.checked_sub(7_000_000_000_000)? / 32_768),
        _ => id.checked_sub(500),
    }
}

/// Adds the customers that the lines of `block` tell of to `known`.
pub fn customers_of(ground: &Ground, block: Block<'_>, known: &mut BTreeSet<u64>) {
    let mut batch = Batch::new();
    for delivery in block.lines().filter_map(cut) {
        batch.clear();
        if ground.tables[delivery.source].decode(delivery.body, false, &mut batch).is_ok() {
            let object = OBJECT_OF_SOURCE[delivery.source];
            known.extend(batch.records().filter_map(|record| customer_of(object, record.id())));
        }
    }
}

/// A record of an object type, by its native id.
#[must_use]
pub fn record(model: &Model, object: u16, id: &str) -> RecordRef {
    let declared = &model.entity(0).objects[usize::from(object)].declared;
    RecordRef::new(declared.system.as_str(), declared.object.as_str(), id)
}

/// The sources of the object types of the model.
#[must_use]
pub fn sources(ground: &Ground, set: &mut WorkingSet) -> [Source; 3] {
    std::array::from_fn(|object| {
        let declared = &ground.model.entity(0).objects[object].declared;
        set.source(&declared.system.as_str().into(), &declared.object)
    })
}

/// A working set of linked customers, of whom nothing was said yet.
pub fn linked(ground: &Ground, customers: impl IntoIterator<Item = u64>) -> WorkingSet {
    let frame = ground.frame();
    let mut set = WorkingSet::new();
    let mut facts = Vec::new();
    for number in customers {
        let entity = set.add_entity(Entity::new(entity_id(number), 0));
        set.record_fact(entity, Fact::Entered { entity: 0 }, &mut facts);
        for (object, id) in (0u16..).zip(ids(number)) {
            let record = Arc::new(record(&ground.model, object, &id));
            let record = set.add_record(record, 0, object, Representation::new());
            set.link(entity, record, u64::from(object), Evidence::FirstSight, &mut facts);
        }
        facts.clear();
    }
    set.settle(&frame, 0, &mut facts);
    set
}

/// The id of customer `number`.
#[must_use]
pub fn entity_id(number: u64) -> EntityId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    EntityId::from_parts(0, random)
}
