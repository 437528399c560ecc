//! The indexes of matchers that this process holds: what records say that tells who they are, read from their rows.
//!
//! They are memory of what the store holds, and nothing else. Each is built from the rows once, follows the journal from there, and is
//! thrown away whenever that does not lead to today.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use crate::engine::Core;
use crate::entity::{Entity, Evidence, HUB_OBJECT};
use crate::fingerprint::Fingerprint;
use crate::id::{EntityId, RecordRef, TenantId};
use crate::matching::{Column, Features, MatchIndex, Matcher, MatcherError, Place, Subject};
use crate::model::{AttributeModel, Cardinality, Shape};
use crate::representation::Representation;
use crate::text::Text;

/// An index, while one pass works with it.
pub(crate) type HeldIndex = Arc<futures::lock::Mutex<Slot>>;

/// Where a process keeps the index of an entity type.
#[derive(Default)]
pub(crate) enum Slot {
    /// None was asked for, or it is to be built anew.
    #[default]
    Empty,
    /// An index.
    Held(Box<Held>),
    /// The matcher refused the model whose row has this revision: it cannot read it, or learn it anew. To try again would read all records
    /// in vain.
    Refused(u64, MatcherError),
}

/// The indexes, by tenant and entity type.
#[derive(Default)]
pub(crate) struct MatchIndexes {
    held: Mutex<BTreeMap<(TenantId, u16), HeldIndex>>,
    /// The tenants that were seen to hold nothing of types that this process does not match.
    let_go: Mutex<BTreeSet<TenantId>>,
}

impl MatchIndexes {
    pub(crate) fn of(&self, tenant: &TenantId, entity: u16) -> HeldIndex {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(held.entry((tenant.clone(), entity)).or_default())
    }

    /// Whether a tenant was seen to hold nothing of types that this process does not match.
    pub(crate) fn has_let_go(&self, tenant: &TenantId) -> bool {
        self.let_go.lock().unwrap_or_else(PoisonError::into_inner).contains(tenant)
    }

    /// Notes that it was.
    pub(crate) fn note_let_go(&self, tenant: &TenantId) {
        self.let_go.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone());
    }

    /// Forgets what a tenant's records of an entity type say.
    pub(crate) fn forget_of(&self, tenant: &TenantId, entity: u16) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&(tenant.clone(), entity));
    }

    /// Forgets what a tenant's records say.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(of, _), _| of != tenant);
    }
}

/// Two records, the lesser first.
pub(crate) type RecordPair = (RecordRef, RecordRef);

/// What matching looks at in an entity.
pub(crate) struct MatchedEntity {
    pub(crate) id: EntityId,
    /// Its links, in the order of confirmation.
    pub(crate) links: Vec<MatchedLink>,
    /// The entities that it is not.
    pub(crate) cannot_link: BTreeSet<EntityId>,
    /// The records that it is not.
    pub(crate) held_apart: Vec<Arc<RecordRef>>,
}

/// What matching looks at in a link.
pub(crate) struct MatchedLink {
    pub(crate) record: Arc<RecordRef>,
    /// Whether it is a system's record: not the hub's own.
    pub(crate) native: bool,
    /// The entity that keys or people say it is.
    pub(crate) held: Option<EntityId>,
    /// Whether a person says so.
    pub(crate) asserted: bool,
}

impl MatchedEntity {
    pub(crate) fn of(entity: &Entity) -> Self {
        let links = entity.links.iter().map(|link| MatchedLink {
            record: Arc::clone(&link.record),
            native: link.object != HUB_OBJECT,
            held: link.evidence.held(entity.id),
            asserted: matches!(link.evidence, Evidence::Asserted { .. }),
        });
        Self {
            id: entity.id,
            links: links.collect(),
            cannot_link: entity.cannot_link.clone(),
            held_apart: entity.held_apart.keys().cloned().collect(),
        }
    }

    /// Its records.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Arc<RecordRef>> {
        self.links.iter().map(|link| &link.record)
    }
}

/// The index of an entity type, and what it was made of.
pub(crate) struct Held {
    /// The version of the model.
    pub(crate) version: u32,
    /// The revision of the model's row: what is decided rests on it.
    pub(crate) revision: u64,
    /// The last entry of the journal that it knows.
    pub(crate) place: u64,
    pub(crate) index: Box<dyn MatchIndex>,
    /// The open cases about matches.
    pub(crate) cases: OpenMatches,
    known: HashMap<RecordRef, Known>,
    /// The records that it let go of: a matcher keeps their words.
    let_go: BTreeSet<RecordRef>,
    records_of: BTreeMap<EntityId, BTreeSet<RecordRef>>,
    apart_of: BTreeMap<EntityId, BTreeSet<RecordPair>>,
    /// How many entities say that two records are none.
    apart: BTreeMap<RecordPair, u32>,
    /// How often a record was taken in since the index was built.
    puts: usize,
    /// The records that came apart from others, and were not put in the queue for that yet.
    pub(crate) came_apart: BTreeSet<RecordRef>,
}

/// What is known of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// The revision of its row.
    revision: u64,
    /// The digest of its features.
    features: u64,
}

impl Known {
    pub(crate) fn of(features: &Features, revision: u64) -> Self {
        Self { revision, features: digest(features) }
    }
}

/// Open cases about matches, by the records that they are about: one that is gone meanwhile may still be among them.
#[derive(Default)]
pub(crate) struct OpenMatches {
    records: BTreeMap<Text, Vec<RecordRef>>,
    keys: BTreeMap<RecordRef, BTreeSet<Text>>,
}

impl OpenMatches {
    /// A case is open.
    pub(crate) fn put(&mut self, key: Text, records: Vec<RecordRef>) {
        for record in &records {
            self.keys.entry(record.clone()).or_default().insert(key.clone());
        }
        self.records.insert(key, records);
    }

    /// A case is open no longer.
    pub(crate) fn remove(&mut self, key: &str) {
        for record in self.records.remove(key).into_iter().flatten() {
            if let Some(keys) = self.keys.get_mut(&record) {
                keys.remove(key);
                if keys.is_empty() {
                    self.keys.remove(&record);
                }
            }
        }
    }

    /// The cases about any of these records, and the records of each.
    pub(crate) fn about<'o>(&'o self, records: &'o [RecordRef]) -> impl Iterator<Item = (&'o Text, &'o [RecordRef])> {
        let keys: BTreeSet<&Text> = records.iter().filter_map(|record| self.keys.get(record)).flatten().collect();
        keys.into_iter().filter_map(|key| Some((key, self.records.get(key)?.as_slice())))
    }
}

/// An index that took in records so often, and more than it holds, is built anew: it grows with every one.
const MOST_PUTS: usize = 10_000;

impl Held {
    /// An index of records, by the row of a model that has this version and revision.
    pub(crate) fn new(
        (version, revision): (u32, u64),
        place: u64,
        index: Box<dyn MatchIndex>,
        known: HashMap<RecordRef, Known>,
        cases: OpenMatches,
    ) -> Self {
        Self {
            version,
            revision,
            place,
            index,
            cases,
            known,
            let_go: BTreeSet::new(),
            records_of: BTreeMap::new(),
            apart_of: BTreeMap::new(),
            apart: BTreeMap::new(),
            puts: 0,
            came_apart: BTreeSet::new(),
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

    /// The revision of the row by which it knows a record.
    pub(crate) fn revision_of(&self, record: &RecordRef) -> Option<u64> {
        self.known.get(record).map(|known| known.revision)
    }

    /// Whether a record is among those that it knows, or knew.
    pub(crate) fn ever_had(&self, record: &RecordRef) -> bool {
        self.known.contains_key(record) || self.let_go.contains(record)
    }

    /// Takes in what the row of a record says; `None`: it says nothing.
    pub(crate) fn put(&mut self, record: &RecordRef, features: Option<(Features, u64)>) {
        let Some((features, revision)) = features else {
            if self.known.remove(record).is_some() {
                self.index.remove(record);
                self.note_apart();
                self.let_go.insert(record.clone());
            }
            return;
        };
        let now = Known::of(&features, revision);
        let before = self.known.insert(record.clone(), now);
        if before.is_none_or(|before| before.features != now.features) {
            self.index.put(&features);
            self.note_apart();
            self.puts += 1;
        }
    }

    fn note_apart(&mut self) {
        self.came_apart.extend(self.index.came_apart());
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
    pub(crate) fn hold_apart(&mut self, id: EntityId, entity: Option<&MatchedEntity>) {
        let mut now: BTreeSet<RecordPair> = BTreeSet::new();
        if let Some(entity) = entity {
            let own = || self.records_of.get(&id).into_iter().flatten();
            let others = entity.cannot_link.iter().filter_map(|other| self.records_of.get(other)).flatten();
            for other in others.chain(entity.held_apart.iter().map(|record| &**record)) {
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
        self.note_apart();
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

/// A column of an entity type, as its matcher sees it.
#[derive(Debug)]
pub(crate) struct MatchColumn {
    /// The attribute, by index.
    attribute: u16,
    column: Column,
    /// Whether the matcher compares it.
    pub(crate) compared: bool,
}

/// The columns that a matcher is told of: attributes with one value that systems say, and that name no other entity.
pub(crate) fn match_columns(attributes: &[AttributeModel], matcher: &dyn Matcher) -> Vec<MatchColumn> {
    let has_one = |attribute: &AttributeModel| {
        attribute.shape == Shape::One && !attribute.hub && attribute.reference.is_none() && attribute.derived.is_none()
    };
    let columns = (0u16..).zip(attributes).filter(|(_, attribute)| has_one(attribute));
    let column = |(index, attribute): (u16, &AttributeModel)| {
        let column =
            Column { attribute: attribute.id.clone(), kind: attribute.kind.name, identity: attribute.identity };
        MatchColumn { attribute: index, compared: matcher.compares(&column), column }
    };
    columns.map(column).collect()
}

/// What a matcher is told of an entity type.
pub(crate) fn subject_of(core: &Core, entity: u16) -> Subject {
    let of = core.model.entity(entity);
    let matching = core.matching.get(usize::from(entity)).and_then(Option::as_ref);
    let columns = core.match_columns.get(usize::from(entity)).into_iter().flatten().map(|one| one.column.clone());
    let places = core.connections.iter().flat_map(|(connection, bound)| {
        let of_entity = bound.objects.iter().filter(move |(_, (found, ..))| *found == entity);
        of_entity.filter_map(move |(object, (_, index, _))| {
            let declared = &of.objects.get(usize::from(*index))?.declared;
            let said = matching.and_then(|matching| matching.most.iter().find(|(key, _)| *key == declared.key));
            let most = said.map(|(_, most)| *most).or((declared.cardinality == Cardinality::One).then_some(1));
            Some(Place { connection: connection.clone(), object: object.clone(), most })
        })
    });
    Subject { entity_type: of.name.clone(), columns: columns.collect(), places: places.collect() }
}

/// What a record says that its matcher compares, by the columns of its entity type; `None`: it does not speak, or is the hub's own.
pub(crate) fn values_of(
    core: &Core,
    (entity, object): (u16, u16),
    representation: &Representation,
) -> Option<Vec<Text>> {
    if object == HUB_OBJECT || !representation.speaks() {
        return None;
    }
    let slots = &core.model.entity(entity).objects.get(usize::from(object))?.slots;
    let value = |column: &MatchColumn| {
        let slot = slots.iter().position(|slot| slot.attribute == column.attribute)?;
        let cell = representation.cell(u16::try_from(slot).ok()?)?;
        cell.field().as_value().map(|value| cut(Text::from(value)))
    };
    let of = |column: &MatchColumn| value(column).filter(|_| column.compared).unwrap_or_default();
    Some(core.match_columns.get(usize::from(entity))?.iter().map(of).collect())
}

/// A value as far as matchers see it.
fn cut(value: Text) -> Text {
    if value.len() <= Features::LONGEST { value } else { value[..value.floor_char_boundary(Features::LONGEST)].into() }
}
