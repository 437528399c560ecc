//! The stored form of an entity: JSON, keyed by unit name, so that a model may change around it.

mod migrate;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::stored::{StoredBase, StoredNative};
use crate::base::{Base, Marked, Marks, Sent};
use crate::decision::{Decision, Divergence, Lapse, ProposedDecision};
use crate::discrepancy::Discrepancy;
use crate::entity::{Entity, Evidence, HUB_OBJECT, HeldApart, Link};
use crate::golden::{GoldenCell, GoldenLife, PerUnit};
use crate::id::{ConnectionName, EntityId, EntityType, ObjectType, RecordRef};
use crate::model::{CompiledEntity, Model, Read, SlotModel, UnitKey};
use crate::sparse::Sparse;
use crate::text::Text;
use crate::value::{Field, Leaf, Native};

pub(crate) use migrate::Obstacle;

/// The version of this form. The first said everything in full, and is read as well.
const FORMAT: u16 = 2;

/// An entity as a row holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEntity {
    format: u16,
    /// Its id.
    pub id: EntityId,
    /// Its type.
    #[serde(rename = "type")]
    pub entity_type: EntityType,
    links: Vec<StoredLink>,
    golden: BTreeMap<Text, Arc<GoldenCell>>,
    life: GoldenLife,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    decisions: BTreeMap<Text, Arc<Decision>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lapses: BTreeMap<Text, Lapse>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    proposals: BTreeMap<Text, ProposedDecision>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discrepancies: Vec<Arc<Discrepancy>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merged_into: Option<EntityId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    cannot_link: BTreeSet<EntityId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    held_apart: Vec<(Arc<RecordRef>, HeldApart)>,
    #[serde(default)]
    generation: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    creates_sent: Vec<StoredCreate>,
}

/// A create that was sent and never heard of, as a row holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredCreate {
    connection: ConnectionName,
    object: ObjectType,
    fields: Vec<(Text, Field)>,
}

/// A link as a row holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredLink {
    #[serde(serialize_with = "RecordRef::in_short")]
    record: Arc<RecordRef>,
    /// The object key; `hub` for the hub's own record.
    object: Text,
    order: u64,
    evidence: Evidence,
    existed: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    to_restore: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    bases: BTreeMap<Text, StoredBase>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    reactions: BTreeMap<Text, u8>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    divergences: BTreeMap<Text, Divergence>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sent: BTreeMap<Text, Sent>,
}

impl StoredEntity {
    /// Whether it has a record.
    pub(crate) fn has(&self, record: &RecordRef) -> bool {
        self.links.iter().any(|link| *link.record == *record)
    }

    /// Its records.
    pub(crate) fn records(&self) -> impl Iterator<Item = &RecordRef> {
        self.links.iter().map(|link| &*link.record)
    }

    /// The names of the units that anything is stored of.
    pub(crate) fn unit_names(&self) -> impl Iterator<Item = &Text> {
        let links = self.links.iter().flat_map(|link| {
            link.bases.keys().chain(link.reactions.keys()).chain(link.divergences.keys()).chain(link.sent.keys())
        });
        let disputes = self.discrepancies.iter().map(|standing| &standing.unit);
        let ended = self.lapses.keys().chain(self.proposals.keys());
        self.golden.keys().chain(self.decisions.keys()).chain(ended).chain(links).chain(disputes)
    }
}

impl StoredEntity {
    /// Whether what stands in a system is read by other rates since: its base is another one.
    pub(crate) fn is_read_again(&self, model: &CompiledEntity) -> bool {
        self.links.iter().any(|link| {
            object_index(model, &link.object).is_some_and(|object| {
                link.bases.iter().any(|(name, base)| {
                    let key = model.unit_key(name);
                    base.native.is_some() && key.is_some_and(|key| base.read_by != read_by(model, object, &key))
                })
            })
        })
    }

    /// The names of the units that a discrepancy is about.
    pub(crate) fn disputed_units(&self) -> impl Iterator<Item = &Text> {
        self.discrepancies.iter().map(|standing| &standing.unit)
    }

    /// The names of the units that a decision stands about.
    pub(crate) fn decided_units(&self) -> impl Iterator<Item = &Text> {
        self.decisions.keys()
    }
}

impl Entity {
    /// The form that a row holds.
    #[must_use]
    pub fn to_stored(&self, model: &CompiledEntity) -> StoredEntity {
        StoredEntity {
            format: FORMAT,
            id: self.id,
            entity_type: model.name.clone(),
            links: self
                .links
                .iter()
                .map(|link| store_link(link, model))
                .chain(self.out_of_scope.iter().cloned())
                .collect(),
            golden: named(&self.golden, model),
            life: self.life,
            decisions: named(&self.decisions, model),
            lapses: self.lapses.iter().map(|(key, lapse)| (model.unit_name(key), lapse.clone())).collect(),
            proposals: self.proposals.iter().map(|(key, waits)| (model.unit_name(key), waits.clone())).collect(),
            discrepancies: self.discrepancies.values().cloned().collect(),
            merged_into: self.merged_into,
            cannot_link: self.cannot_link.clone(),
            held_apart: self.held_apart.iter().map(|(record, held)| (Arc::clone(record), held.clone())).collect(),
            generation: self.generation,
            creates_sent: self
                .creates_sent
                .iter()
                .map(|((connection, object), fields)| StoredCreate {
                    connection: connection.clone(),
                    object: object.clone(),
                    fields: fields.clone(),
                })
                .collect(),
        }
    }

    /// The entity that a row holds, under today's model. Units that are gone are left out; a base whose values were read
    /// otherwise is no base. `None` if the model has no such type.
    #[must_use]
    pub fn from_stored(stored: StoredEntity, model: &Model) -> Option<Self> {
        let entity = model.entity_index(stored.entity_type.as_str())?;
        let of = model.entity(entity);
        let (links, out_of_scope): (Vec<_>, Vec<_>) =
            stored.links.into_iter().partition(|link| object_index(of, &link.object).is_some());
        Some(Self {
            id: stored.id,
            entity,
            out_of_scope,
            links: links.into_iter().filter_map(|link| load_link(link, of)).collect(),
            golden: indexed(stored.golden, of),
            life: stored.life,
            decisions: indexed(stored.decisions, of),
            lapses: keyed(stored.lapses, of),
            proposals: keyed(stored.proposals, of),
            discrepancies: stored.discrepancies.into_iter().collect(),
            merged_into: stored.merged_into,
            cannot_link: stored.cannot_link,
            held_apart: stored.held_apart.into_iter().collect(),
            generation: stored.generation,
            creates_sent: stored
                .creates_sent
                .into_iter()
                .map(|StoredCreate { connection, object, fields }| ((connection, object), fields))
                .collect(),
        })
    }
}

/// How the values of a unit are read on an object type: 0 for the hub, which takes canonical values.
pub(crate) fn read_by(model: &CompiledEntity, object: u16, key: &UnitKey) -> u64 {
    let slots = key.index().and_then(|unit| {
        let object = model.objects.get(usize::from(object))?;
        Some((object, object.unit_slots.get(usize::from(unit))?))
    });
    let Some((object, slots)) = slots else { return 0 };
    fold_read_by(
        slots
            .iter()
            .filter_map(|slot| object.slots.get(usize::from(*slot)))
            .map(|slot| slot.fingerprint.short_number()),
    )
}

/// How a unit is read, from how its members are.
pub(crate) fn fold_read_by(slots: impl Iterator<Item = u64>) -> u64 {
    slots.fold(0, |all, slot| all.rotate_left(7) ^ slot)
}

fn store_link(link: &Link, model: &CompiledEntity) -> StoredLink {
    StoredLink {
        record: Arc::clone(&link.record),
        object: object_name(model, link.object),
        order: link.order,
        evidence: link.evidence.clone(),
        existed: link.existed,
        to_restore: link.to_restore,
        bases: link
            .bases
            .iter()
            .map(|(key, base)| {
                let read_by = read_by(model, link.object, &key);
                let native = native(model, link.object, &key, base);
                (model.unit_name(&key), StoredBase::new(base.clone(), read_by, native))
            })
            .collect(),
        reactions: link.reactions.iter().map(|(key, count)| (model.unit_name(key), *count)).collect(),
        divergences: link.divergences.iter().map(|(key, leave)| (model.unit_name(key), leave.clone())).collect(),
        sent: link.sent.iter().map(|(key, sent)| (model.unit_name(key), sent.clone())).collect(),
    }
}

fn load_link(link: StoredLink, model: &CompiledEntity) -> Option<Link> {
    let object = object_index(model, &link.object)?;
    let mut bases = PerUnit::default();
    for (name, stored) in link.bases {
        let Some(key) = model.unit_key(&name) else { continue };
        let (stored_by, native) = (stored.read_by, stored.native.clone());
        let base = Base::from(stored);
        let base = if stored_by == read_by(model, object, &key) {
            Some(base)
        } else {
            native.and_then(|native| read_again(model, object, &key, &base, &native))
        };
        if let Some(base) = base {
            bases.set(&key, Some(Arc::new(base)));
        }
    }
    let reactions =
        link.reactions.into_iter().filter_map(|(name, count)| Some((model.unit_key(&name)?, count))).collect();
    let divergences =
        link.divergences.into_iter().filter_map(|(name, leave)| Some((model.unit_key(&name)?, leave))).collect();
    let sent = link.sent.into_iter().filter_map(|(name, sent)| Some((model.unit_key(&name)?, sent))).collect();
    Some(Link {
        record: link.record,
        object,
        order: link.order,
        evidence: link.evidence,
        bases,
        existed: link.existed,
        to_restore: link.to_restore,
        reactions,
        divergences,
        sent,
    })
}

/// The slot of a unit on an object type, if something of how it is read is dated.
pub(crate) fn dated_slot<'m>(model: &'m CompiledEntity, object: u16, key: &UnitKey) -> Option<&'m SlotModel> {
    let UnitKey::Whole(unit) = key else { return None };
    let object = model.objects.get(usize::from(object))?;
    let [slot] = object.unit_slots.get(usize::from(*unit))?.as_slice() else { return None };
    object.slots.get(usize::from(*slot)).filter(|slot| slot.is_dated())
}

/// What a base's value was read from, where that may be read by other rates one day.
fn native(model: &CompiledEntity, object: u16, key: &UnitKey, base: &Base) -> Option<StoredNative> {
    let slot = dated_slot(model, object, key)?;
    let (least, same) = slot.mapping.codec.between(&base.seen)?;
    // Rates may change twice before anybody reads.
    let most = base.marks.reread.as_ref().map_or(Some(same), |most| Some(slot.mapping.codec.between(most)?.1))?;
    let text = |native: &Native| native.as_leaf().as_text().map(Text::new);
    Some(StoredNative { undated: slot.undated.short_number(), least: text(&least)?, most: text(&most)? })
}

/// A base whose value was read by something dated that is another today: what stands in the system has not moved.
fn read_again(model: &CompiledEntity, object: u16, key: &UnitKey, base: &Base, native: &StoredNative) -> Option<Base> {
    let slot = dated_slot(model, object, key).filter(|slot| slot.undated.short_number() == native.undated)?;
    let read = |text: &Text| {
        let mut out = String::new();
        let read = slot.mapping.codec.read(&[Leaf::Text(text)], &mut out).ok()?;
        matches!(read, Read::Value).then(|| Field::value(&out))
    };
    let (seen, most) = (read(&native.least)?, read(&native.most)?);
    let reread = (seen != most).then(|| Box::new(most));
    // What was displaced, and the form in which a write was kept, were read by the rates of then.
    let wrote = base.marks.wrote.clone();
    let marks = Marked::from(Marks { wrote, reread, ..Marks::default() });
    Some(Base { seen, marks, ..base.clone() })
}

/// The name of an object type in stored state.
pub(crate) fn object_name(model: &CompiledEntity, object: u16) -> Text {
    if object == HUB_OBJECT {
        return crate::hub::SYSTEM.into();
    }
    model.objects.get(usize::from(object)).map_or("?", |object| object.declared.key.as_str()).into()
}

/// The object type of a name in stored state.
pub(crate) fn object_index(model: &CompiledEntity, name: &str) -> Option<u16> {
    if name == crate::hub::SYSTEM {
        return Some(HUB_OBJECT);
    }
    let place = model.objects.iter().position(|object| object.declared.key.as_str() == name)?;
    u16::try_from(place).ok()
}

fn named<T>(units: &PerUnit<T>, model: &CompiledEntity) -> BTreeMap<Text, Arc<T>> {
    units.iter_shared().map(|(key, value)| (model.unit_name(&key), Arc::clone(value))).collect()
}

fn keyed<T>(units: BTreeMap<Text, T>, model: &CompiledEntity) -> Sparse<T> {
    units.into_iter().filter_map(|(name, value)| Some((model.unit_key(&name)?, value))).collect()
}

fn indexed<T>(units: BTreeMap<Text, Arc<T>>, model: &CompiledEntity) -> PerUnit<T> {
    let mut all = PerUnit::default();
    for (name, value) in units {
        if let Some(key) = model.unit_key(&name) {
            all.set(&key, Some(value));
        }
    }
    all
}
