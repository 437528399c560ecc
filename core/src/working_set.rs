//! The working set: the records and entities that one step works on, in memory, with the pure centre in sequence.
//!
//! A tenant's step loads what its inputs touch into a working set, lets it fold, link and settle, and commits what
//! changed. The stream benchmark keeps one working set for all its entities. There is no clock, no I/O and no randomness
//! here: the instant, new ids and everything else it cannot know are arguments.

mod ahead;
mod directory;
mod identity;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use smallvec::SmallVec;

use crate::copy_on_write::CopyOnWrite;
use crate::decode::DecodedRecord;
use crate::entity::{Entity, Evidence, HUB_OBJECT};
use crate::fact::{EntityFact, Fact};
use crate::id::{ConnectionName, EntityId, ObjectType, RecordRef, TenantId};
use crate::model::{CompiledEntity, CompiledObject, Model, Shape, UnitIndex};
use crate::observation::{DeathEvidence, Observation, Sighting, SlotIndex};
use crate::representation::redirects::{Resolution, resolve};
use crate::representation::{FoldOutcome, Representation};
use crate::settle::{RuleSet, Touched, settle};
use crate::sight::Ground;
use crate::stamp::{Domain, Stamp};
use crate::text::Text;
use crate::working_set::directory::Directory;

pub use directory::Source;
pub use identity::{IdentityKey, Unlinked};
pub(crate) use identity::{MOST_ENTITIES_OF_A_KEY, identity_key, identity_keys, identity_values};

/// The place of a record in a working set.
pub type RecordIndex = u32;
/// The place of an entity in a working set.
pub type EntityIndex = u32;

/// What stays the same while a working set works.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The model.
    pub model: &'a Model,
    /// Rules, per entity type and unit.
    pub rules: &'a [RuleSet],
    /// The ordering domain of a connection's object type.
    pub domain: &'a dyn Fn(&RecordRef) -> Domain,
    /// Whether resolutions keep every candidate's voice, for the journal and for explanations.
    pub keep_voices: bool,
}

impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// One record of a working set.
#[derive(Debug, Clone)]
pub struct RecordState {
    /// The record.
    pub record: Arc<RecordRef>,
    /// What its system says.
    pub representation: CopyOnWrite<Representation>,
    /// Its entity type, by index.
    pub entity_type: u16,
    /// Its object type, by index.
    pub object: u16,
    /// Its entity, if it is linked.
    pub entity: Option<EntityIndex>,
    /// Whether its representation changed.
    pub changed: bool,
    /// Whether equal stamps disagreed: it must be read.
    pub must_read: bool,
}

/// One entity of a working set.
#[derive(Debug, Clone)]
pub struct EntityState {
    /// The entity.
    pub entity: CopyOnWrite<Entity>,
    /// The records of its links, in the order of links.
    pub records: Vec<RecordIndex>,
    /// What must be settled.
    touched: Option<Touched>,
    /// Whether a fact changed it.
    pub changed: bool,
}

/// The records and entities that one step works on.
#[derive(Debug, Default)]
pub struct WorkingSet {
    records: Vec<RecordState>,
    directory: Directory,
    entities: Vec<EntityState>,
    /// By place: the ids of the entities. Apart from them, so that one can be settled while others are named.
    ids: Vec<EntityId>,
    /// Places, by the hash of the ids that stand there.
    by_entity: HashTable<EntityIndex>,
    hasher: DefaultHashBuilder,
    /// Entities of records that are not loaded: what references may lead to.
    crosswalk: HashMap<RecordRef, EntityId>,
    /// Which entities hold an identity value.
    identity: BTreeMap<IdentityKey, BTreeSet<EntityId>>,
    dirty: Vec<EntityIndex>,
    /// Room that is used again and again.
    scratch: Vec<Fact>,
    /// The same, for folding.
    outcome: FoldOutcome,
}

/// Where records and their entities are: what references are followed by.
struct Places<'a> {
    records: &'a [RecordState],
    directory: &'a Directory,
    ids: &'a [EntityId],
    crosswalk: &'a HashMap<RecordRef, EntityId>,
}

impl Places<'_> {
    fn entity_of(&self, record: &RecordRef) -> Option<EntityId> {
        let loaded = self.directory.find_record(record, self.records);
        let entity = loaded.and_then(|index| self.records[index as usize].entity);
        entity.map(|entity| self.ids[entity as usize]).or_else(|| self.crosswalk.get(record).copied())
    }
}

impl WorkingSet {
    /// An empty working set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record, or gives the one that is there.
    pub fn add_record(
        &mut self,
        record: Arc<RecordRef>,
        entity_type: u16,
        object: u16,
        representation: impl Into<CopyOnWrite<Representation>>,
    ) -> RecordIndex {
        if let Some(index) = self.find_record(&record) {
            return index;
        }
        let index = next(self.records.len());
        self.directory.insert(&record, index);
        self.records.push(RecordState {
            record,
            representation: representation.into(),
            entity_type,
            object,
            entity: None,
            changed: false,
            must_read: false,
        });
        index
    }

    /// Adds an entity whose linked records were added before.
    pub fn add_entity(&mut self, entity: impl Into<CopyOnWrite<Entity>>) -> EntityIndex {
        let entity = entity.into();
        if let Some(index) = self.find_entity(entity.id) {
            return index;
        }
        let index = next(self.entities.len());
        self.ids.push(entity.id);
        let Self { by_entity, hasher, ids, .. } = self;
        by_entity.insert_unique(hasher.hash_one(entity.id), index, |index| hasher.hash_one(ids[*index as usize]));
        self.entities.push(EntityState { entity, records: Vec::new(), touched: None, changed: false });
        self.match_records(index);
        index
    }

    /// Tells which entity a record that is not loaded belongs to.
    pub fn add_crosswalk(&mut self, record: RecordRef, entity: EntityId) {
        self.crosswalk.insert(record, entity);
    }

    /// The place of a record.
    #[must_use]
    pub fn find_record(&self, record: &RecordRef) -> Option<RecordIndex> {
        self.directory.find_record(record, &self.records)
    }

    /// The source of a connection's object type, for [`WorkingSet::find_native`].
    pub fn source(&mut self, connection: &ConnectionName, object: &ObjectType) -> Source {
        self.directory.source(connection, object)
    }

    /// The place of a record by its native id: the hot path, for streams that know their sources.
    #[must_use]
    pub fn find_native(&self, source: Source, id: &str) -> Option<RecordIndex> {
        self.directory.find(source, id, &self.records)
    }

    /// The place of an entity.
    #[must_use]
    pub fn find_entity(&self, id: EntityId) -> Option<EntityIndex> {
        self.by_entity.find(self.hasher.hash_one(id), |index| self.ids[*index as usize] == id).copied()
    }

    /// A record.
    ///
    /// # Panics
    ///
    /// If the index is not one that this working set gave.
    #[must_use]
    pub fn record(&self, index: RecordIndex) -> &RecordState {
        &self.records[index as usize]
    }

    /// An entity.
    ///
    /// # Panics
    ///
    /// If the index is not one that this working set gave.
    #[must_use]
    pub fn entity(&self, index: EntityIndex) -> &EntityState {
        &self.entities[index as usize]
    }

    /// The records, in the order in which they were added.
    #[must_use]
    pub fn records(&self) -> &[RecordState] {
        &self.records
    }

    /// The entities, in the order in which they were added.
    #[must_use]
    pub fn entities(&self) -> &[EntityState] {
        &self.entities
    }

    /// The representations of an entity's links, in the order of links.
    #[must_use]
    pub fn representations(&self, index: EntityIndex) -> Vec<Option<&Representation>> {
        let state = self.entity(index);
        state.records.iter().map(|record| self.records.get(*record as usize).map(|r| &*r.representation)).collect()
    }

    /// The entity that a record belongs to, loaded or not.
    #[must_use]
    pub fn entity_of(&self, record: &RecordRef) -> Option<EntityId> {
        let Self { records, directory, ids, crosswalk, .. } = self;
        Places { records, directory, ids, crosswalk }.entity_of(record)
    }

    /// Folds one observation into its record. Says whether it changed anything: a repetition does not.
    pub fn fold(&mut self, frame: &Frame<'_>, record: RecordIndex, observation: &Observation) -> bool {
        let state = &mut self.records[record as usize];
        let of = frame.model.entity(state.entity_type);
        let hub_shapes: Vec<Shape>;
        let shapes: &[Shape] = match of.objects.get(usize::from(state.object)) {
            Some(object) => &object.shapes,
            None => {
                hub_shapes = of.attributes.iter().map(|attribute| attribute.shape).collect();
                &hub_shapes
            }
        };
        let before = state.representation.clone();
        let representation = state.representation.to_mut();
        let outcome = representation.fold(observation, shapes);
        representation.trim();
        let changed = *before != *representation;
        state.changed |= changed;
        self.note(frame, record, &outcome);
        changed
    }

    /// Folds one decoded record: the way without an [`Observation`], for streams that journal nothing. It ends in the same
    /// state as [`DecodedRecord::to_observation`] and [`WorkingSet::fold`] do.
    pub fn fold_decoded(&mut self, frame: &Frame<'_>, record: RecordIndex, decoded: &DecodedRecord<'_>, stamp: Stamp) {
        let state = &mut self.records[record as usize];
        let mut outcome = std::mem::take(&mut self.outcome);
        let sighting = if decoded.archived() {
            Sighting::Dead(DeathEvidence::Archived)
        } else {
            Sighting::Live { full: decoded.is_full() }
        };
        let representation = state.representation.to_mut();
        representation.sight(stamp, &sighting, &mut outcome);
        representation.make_room(decoded.cells().filter(|(_, element, _)| element.is_none()).count());
        for slot in decoded.collections() {
            let elements = || {
                let cells = decoded.cells().filter(|(of, ..)| of == slot);
                cells.filter_map(|(_, element, _)| element).collect()
            };
            representation.cover_with(*slot, stamp, elements, &mut outcome);
        }
        for (slot, element, field) in decoded.cells() {
            match element {
                None => representation.say(slot, stamp, field, &mut outcome),
                Some(element) => {
                    let element = Text::new(element);
                    representation.say_element(slot, &element, stamp, field, &mut outcome);
                }
            }
        }
        state.changed = true;
        self.note(frame, record, &outcome);
        outcome.clear();
        self.outcome = outcome;
    }

    /// Records a merge inside a system: `loser` leads to `survivor` from now on. Says whether that is new.
    pub fn redirect(&mut self, loser: RecordIndex, stamp: Stamp, survivor: Text) -> bool {
        let state = &mut self.records[loser as usize];
        let new = state.representation.to_mut().redirect(stamp, survivor);
        if new {
            state.changed = true;
            if let Some(entity) = state.entity {
                self.touch(entity, Touched::Everything);
            }
        }
        new
    }

    /// Forgets what a record says, as if it had never been seen.
    pub(crate) fn forget(&mut self, record: RecordIndex) {
        let state = &mut self.records[record as usize];
        state.representation = CopyOnWrite::Owned(Representation::new());
        state.changed = true;
    }

    /// Where a record's id leads through the merges of its system, among the records that were added.
    pub(crate) fn resolution(&self, record: RecordIndex) -> Resolution {
        let start = &self.record(record).record;
        resolve(&start.id, |id| {
            let at = self.find_record(&RecordRef { id: id.clone(), ..(**start).clone() })?;
            let (stamp, survivor) = self.record(at).representation.latest_merge()?;
            Some((stamp, survivor.clone()))
        })
    }

    /// Resolves cycles of merges: says of each record whether it is the one that a cycle leaves. Gives the records of
    /// which that changed.
    pub(crate) fn resolve_merges(&mut self) -> Vec<RecordIndex> {
        let merged = (0u32..).zip(&self.records).filter(|(_, state)| state.representation.latest_merge().is_some());
        let returned: Vec<(RecordIndex, bool)> =
            merged.map(|(index, state)| (index, self.resolution(index).survivor == state.record.id)).collect();
        let changed = returned.into_iter().filter(|(index, returned)| {
            let state = &mut self.records[*index as usize];
            state.representation.is_returned() != *returned && state.representation.to_mut().set_returned(*returned)
        });
        changed.map(|(index, _)| index).collect()
    }

    /// Marks units of an entity to be settled.
    pub fn touch(&mut self, entity: EntityIndex, touched: Touched) {
        let state = &mut self.entities[entity as usize];
        match (&mut state.touched, touched) {
            (None, touched) => {
                state.touched = Some(touched);
                self.dirty.push(entity);
            }
            (Some(Touched::Everything), _) => {}
            (Some(standing), Touched::Everything) => *standing = Touched::Everything,
            (Some(Touched::Units(standing)), Touched::Units(more)) => {
                for unit in more {
                    if let Err(place) = standing.binary_search(&unit) {
                        standing.insert(place, unit);
                    }
                }
            }
        }
    }

    /// Settles every touched entity, and appends what was decided to `facts`.
    pub fn settle(&mut self, frame: &Frame<'_>, as_of: i64, facts: &mut Vec<EntityFact>) {
        let Self { records, directory, entities, ids, crosswalk, dirty, scratch, .. } = self;
        let places = Places { records, directory, ids, crosswalk };
        ahead::look_at_touched(dirty, entities, places.records);
        for index in dirty.drain(..) {
            let state = &mut entities[index as usize];
            let Some(touched) = state.touched.take() else { continue };
            if state.entity.merged_into.is_some() {
                // An alias has nothing of its own to settle.
                continue;
            }
            let mut representations: SmallVec<[Option<&Representation>; 8]> = SmallVec::new();
            for record in &state.records {
                representations.push(places.records.get(*record as usize).map(|record| &*record.representation));
            }
            let ground = Ground {
                tenant: frame.tenant,
                model: frame.model.entity(state.entity.entity),
                rules: &frame.rules[usize::from(state.entity.entity)],
                as_of,
                domain: frame.domain,
                crosswalk: &|record| places.entity_of(record),
                keep_voices: frame.keep_voices,
            };
            settle(&ground, state.entity.to_mut(), &representations, &touched, scratch);
            state.changed |= !scratch.is_empty();
            let id = state.entity.id;
            facts.extend(scratch.drain(..).map(|fact| EntityFact { entity: id, fact }));
        }
    }

    /// Applies a fact decided outside of settling, and appends it to `facts`.
    pub fn record_fact(&mut self, index: EntityIndex, fact: Fact, facts: &mut Vec<EntityFact>) {
        let state = &mut self.entities[index as usize];
        fact.apply(state.entity.to_mut());
        state.changed = true;
        let links = matches!(fact, Fact::Linked { .. } | Fact::Unlinked { .. });
        facts.push(EntityFact { entity: state.entity.id, fact });
        if links {
            self.match_records(index);
            self.touch(index, Touched::Everything);
        }
    }

    /// Links a record that was added to an entity that was added.
    pub fn link(
        &mut self,
        entity: EntityIndex,
        record: RecordIndex,
        order: u64,
        evidence: Evidence,
        facts: &mut Vec<EntityFact>,
    ) {
        let state = &self.records[record as usize];
        let fact = Fact::Linked { record: Arc::clone(&state.record), object: state.object, order, evidence };
        self.record_fact(entity, fact, facts);
    }

    /// The ground rules for one entity.
    pub fn with_ground<R>(
        &self,
        frame: &Frame<'_>,
        entity: EntityIndex,
        as_of: i64,
        work: impl FnOnce(&Ground<'_>, &Entity, &[Option<&Representation>]) -> R,
    ) -> R {
        let state = self.entity(entity);
        let ground = Ground {
            tenant: frame.tenant,
            model: frame.model.entity(state.entity.entity),
            rules: &frame.rules[usize::from(state.entity.entity)],
            as_of,
            domain: frame.domain,
            crosswalk: &|record| self.entity_of(record),
            keep_voices: frame.keep_voices,
        };
        work(&ground, &state.entity, &self.representations(entity))
    }

    /// Lets `work` decide facts about one entity.
    pub fn decide(
        &mut self,
        frame: &Frame<'_>,
        index: EntityIndex,
        as_of: i64,
        facts: &mut Vec<EntityFact>,
        work: impl FnOnce(&Ground<'_>, &mut Entity, &[Option<&Representation>], &mut Vec<Fact>),
    ) {
        let id = self.entities[index as usize].entity.id;
        let mut entity = self.entities[index as usize].entity.clone();
        let mut decided = Vec::new();
        {
            let representations = self.representations(index);
            let ground = Ground {
                tenant: frame.tenant,
                model: frame.model.entity(entity.entity),
                rules: &frame.rules[usize::from(entity.entity)],
                as_of,
                domain: frame.domain,
                crosswalk: &|record| self.entity_of(record),
                keep_voices: frame.keep_voices,
            };
            work(&ground, entity.to_mut(), &representations, &mut decided);
        }
        let state = &mut self.entities[index as usize];
        state.entity = entity;
        state.changed |= !decided.is_empty();
        facts.extend(decided.into_iter().map(|fact| EntityFact { entity: id, fact }));
        self.match_records(index);
        self.touch(index, Touched::Everything);
    }

    /// Matches an entity's links with loaded records.
    fn match_records(&mut self, index: EntityIndex) {
        let state = &mut self.entities[index as usize];
        for record in state.records.drain(..) {
            if let Some(record) = self.records.get_mut(record as usize).filter(|record| record.entity == Some(index)) {
                record.entity = None;
            }
        }
        for link in &state.entity.links {
            let record = self.directory.find_record(&link.record, &self.records);
            if let Some(record) = record {
                self.records[record as usize].entity = Some(index);
            }
            state.records.push(record.unwrap_or(RecordIndex::MAX));
        }
    }

    fn note(&mut self, frame: &Frame<'_>, record: RecordIndex, outcome: &FoldOutcome) {
        let state = &mut self.records[record as usize];
        state.must_read |= outcome.tie;
        let Some(entity) = state.entity else { return };
        let (of, object) = (frame.model.entity(state.entity_type), state.object);
        if outcome.existence {
            match of.objects.get(usize::from(object)) {
                Some(declared) if outcome.first_sight && self.is_alone(entity, object) => {
                    self.touch_shown(entity, record, of, declared);
                }
                _ => self.touch(entity, Touched::Everything),
            }
        } else if !outcome.touched.is_empty() {
            self.touch_slots(entity, of, object, outcome.touched.iter().copied());
        }
    }

    /// Whether an entity has at most one link of an object type: then no record speaks in another's place.
    fn is_alone(&self, entity: EntityIndex, object: u16) -> bool {
        let links = &self.entities[entity as usize].entity.links;
        links.iter().filter(|link| link.object == object).count() <= 1
    }

    /// Marks what a record shows that was never seen before. All else is as hidden as it was.
    fn touch_shown(
        &mut self,
        entity: EntityIndex,
        record: RecordIndex,
        of: &CompiledEntity,
        declared: &CompiledObject,
    ) {
        let slots: SmallVec<[SlotIndex; 16]> = self.records[record as usize].representation.slots().collect();
        let object = self.records[record as usize].object;
        self.touch_slots(entity, of, object, slots.into_iter());
        // What is written but never read is seen as soon as the record is.
        let unread = |(unit, (slots, write)): (UnitIndex, (&SmallVec<_>, &Option<_>))| {
            (slots.is_empty() && write.is_some()).then_some(unit)
        };
        let units: Vec<UnitIndex> =
            (0..).zip(declared.unit_slots.iter().zip(&declared.writes)).filter_map(unread).collect();
        if !units.is_empty() {
            self.touch(entity, Touched::Units(units));
        }
    }

    /// Marks the units that slots belong to.
    fn touch_slots(
        &mut self,
        entity: EntityIndex,
        model: &CompiledEntity,
        object: u16,
        slots: impl Iterator<Item = SlotIndex>,
    ) {
        let state = &mut self.entities[entity as usize];
        let touched = state.touched.get_or_insert_with(|| {
            self.dirty.push(entity);
            Touched::Units(Vec::with_capacity(slots.size_hint().0))
        });
        let Touched::Units(units) = touched else { return };
        for unit in slots.filter_map(|slot| unit_of(model, object, slot)) {
            if let Err(place) = units.binary_search(&unit) {
                units.insert(place, unit);
            }
        }
    }
}

/// The unit that a slot belongs to.
fn unit_of(model: &CompiledEntity, object: u16, slot: SlotIndex) -> Option<UnitIndex> {
    if object == HUB_OBJECT {
        let unit = model.units.iter().position(|unit| unit.members.contains(&slot))?;
        return UnitIndex::try_from(unit).ok();
    }
    model.objects.get(usize::from(object))?.slot_unit.get(usize::from(slot)).copied()
}

fn next(length: usize) -> u32 {
    u32::try_from(length).expect("a working set holds fewer than four thousand million records")
}
