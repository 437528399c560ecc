//! The indexes of matchers that this process holds: what records say that tells who they are, read from their rows.
//!
//! They are memory of what the store holds, and nothing else. Each is built from the rows once, follows the journal from there, and is
//! thrown away whenever that does not lead to today.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use crate::engine::Core;
use crate::entity::{Entity, HUB_OBJECT};
use crate::fingerprint::Fingerprint;
use crate::id::{EntityId, RecordRef, TenantId};
use crate::matching::{Column, Features, MatchIndex, Place, Subject};
use crate::model::{AttributeModel, Cardinality, CompiledEntity, Shape};
use crate::representation::Representation;
use crate::text::Text;

/// An index, while one pass works with it.
pub(crate) type HeldIndex = Arc<futures::lock::Mutex<Option<Held>>>;

/// The indexes, by tenant and entity type.
#[derive(Default)]
pub(crate) struct MatchIndexes(Mutex<BTreeMap<(TenantId, u16), HeldIndex>>);

impl MatchIndexes {
    pub(crate) fn of(&self, tenant: &TenantId, entity: u16) -> HeldIndex {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(held.entry((tenant.clone(), entity)).or_default())
    }

    /// Forgets what a tenant's records say.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(of, _), _| of != tenant);
    }
}

/// Two records, the lesser first.
pub(crate) type RecordPair = (RecordRef, RecordRef);

/// The index of an entity type, and what it was made of.
pub(crate) struct Held {
    /// The version of the model.
    pub(crate) version: u32,
    /// The last entry of the journal that it knows.
    pub(crate) place: u64,
    pub(crate) index: Box<dyn MatchIndex>,
    known: HashMap<RecordRef, Known>,
    records_of: BTreeMap<EntityId, BTreeSet<RecordRef>>,
    apart_of: BTreeMap<EntityId, BTreeSet<RecordPair>>,
    /// How many entities say that two records are none.
    apart: BTreeMap<RecordPair, u32>,
    /// How often a record was taken in since the index was built.
    puts: usize,
}

/// What is known of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Known {
    /// The revision of its row.
    revision: u64,
    /// The digest of its features.
    features: u64,
}

/// An index that took in records so often, and more than it holds, is built anew: it grows with every one.
const MOST_PUTS: usize = 10_000;

impl Held {
    /// An index of records, each with the revision of its row.
    pub(crate) fn new(version: u32, place: u64, index: Box<dyn MatchIndex>, records: &[(Features, u64)]) -> Self {
        let known = records.iter().map(|(features, revision)| {
            let known = Known { revision: *revision, features: digest(features) };
            (features.record.clone(), known)
        });
        Self {
            version,
            place,
            index,
            known: known.collect(),
            records_of: BTreeMap::new(),
            apart_of: BTreeMap::new(),
            apart: BTreeMap::new(),
            puts: 0,
        }
    }

    /// Whether it has grown so that it is better built anew.
    pub(crate) fn is_worn(&self) -> bool {
        self.puts > MOST_PUTS.max(self.known.len())
    }

    /// Whether it knows a record as the row of this revision has it; `None`: there is no row.
    pub(crate) fn knows(&self, record: &RecordRef, revision: Option<u64>) -> bool {
        self.known.get(record).is_none_or(|known| Some(known.revision) == revision)
    }

    /// Takes in what the row of a record says; `None`: it says nothing.
    pub(crate) fn put(&mut self, record: &RecordRef, features: Option<(Features, u64)>) {
        let Some((features, revision)) = features else {
            if self.known.remove(record).is_some() {
                self.index.remove(record);
            }
            return;
        };
        let now = Known { revision, features: digest(&features) };
        let before = self.known.insert(record.clone(), now);
        if before.is_none_or(|before| before.features != now.features) {
            self.index.put(&features);
            self.puts += 1;
        }
    }

    /// The records that an entity was known to have.
    pub(crate) fn records_of(&self, entity: EntityId) -> impl Iterator<Item = &RecordRef> {
        self.records_of.get(&entity).into_iter().flatten()
    }

    /// Takes in which records an entity has.
    pub(crate) fn have(&mut self, entity: EntityId, records: BTreeSet<RecordRef>) {
        if records.is_empty() {
            self.records_of.remove(&entity)
        } else {
            self.records_of.insert(entity, records)
        };
    }

    /// Takes in whom an entity is held apart from. The records of whoever that is are known.
    pub(crate) fn hold_apart(&mut self, id: EntityId, entity: Option<&Entity>) {
        let mut now: BTreeSet<RecordPair> = BTreeSet::new();
        if let Some(entity) = entity {
            let own = || self.records_of.get(&id).into_iter().flatten();
            let others = entity.cannot_link.iter().filter_map(|other| self.records_of.get(other)).flatten();
            for other in others.chain(entity.held_apart.keys().map(|record| &**record)) {
                now.extend(own().filter(|own| *own != other).map(|own| in_order(own, other)));
            }
        }
        let before = self.apart_of.remove(&id).unwrap_or_default();
        for pair in now.difference(&before) {
            let count = self.apart.entry(pair.clone()).or_default();
            *count += 1;
            if *count == 1 {
                self.index.hold_apart(&pair.0, &pair.1, true);
            }
        }
        for pair in before.difference(&now) {
            let left = self.apart.get_mut(pair).map_or(0, |count| {
                *count -= 1;
                *count
            });
            if left == 0 {
                self.apart.remove(pair);
                self.index.hold_apart(&pair.0, &pair.1, false);
            }
        }
        if !now.is_empty() {
            self.apart_of.insert(id, now);
        }
    }
}

/// Two records, the lesser first.
pub(crate) fn in_order(one: &RecordRef, other: &RecordRef) -> RecordPair {
    let (least, most) = if one <= other { (one, other) } else { (other, one) };
    (least.clone(), most.clone())
}

fn digest(features: &Features) -> u64 {
    let mut fingerprint = Fingerprint::new();
    for value in &features.values {
        fingerprint.text(value);
    }
    fingerprint.text(&features.held.map(|held| held.text()).unwrap_or_default());
    fingerprint.finish().short_number()
}

/// Whether a matcher looks at an attribute: one value that systems say, and that names no other entity.
fn is_looked_at(attribute: &AttributeModel) -> bool {
    attribute.shape == Shape::One && !attribute.hub && attribute.reference.is_none() && attribute.derived.is_none()
}

/// What a matcher is told of an entity type.
pub(crate) fn subject_of(core: &Core, entity: u16) -> Subject {
    let of = core.model.entity(entity);
    let columns = of.attributes.iter().filter(|attribute| is_looked_at(attribute)).map(|attribute| Column {
        attribute: attribute.id.clone(),
        kind: attribute.kind.name,
        identity: attribute.identity,
    });
    let places = core.connections.iter().flat_map(|(connection, bound)| {
        let of_entity = bound.objects.iter().filter(move |(_, (found, ..))| *found == entity);
        of_entity.filter_map(move |(object, (_, index, _))| {
            let declared = &of.objects.get(usize::from(*index))?.declared;
            let once = declared.cardinality == Cardinality::One;
            Some(Place { connection: connection.clone(), object: object.clone(), once })
        })
    });
    Subject { entity_type: of.name.clone(), columns: columns.collect(), places: places.collect() }
}

/// What a record says, by the columns of its entity type; `None`: it does not speak, or is the hub's own.
pub(crate) fn values_of(of: &CompiledEntity, object: u16, representation: &Representation) -> Option<Vec<Text>> {
    if object == HUB_OBJECT || !representation.speaks() {
        return None;
    }
    let slots = &of.objects.get(usize::from(object))?.slots;
    let columns = (0u16..).zip(&of.attributes).filter(|(_, attribute)| is_looked_at(attribute));
    let value = |index: u16| {
        let slot = slots.iter().position(|slot| slot.attribute == index)?;
        let cell = representation.cell(u16::try_from(slot).ok()?)?;
        cell.field().as_value().map(Text::from)
    };
    Some(columns.map(|(index, _)| value(index).unwrap_or_default()).collect())
}
