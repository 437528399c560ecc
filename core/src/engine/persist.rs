//! Persistence: what a step changed, as rows and journal entries of one commit.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::classify::Hidden;
use crate::engine::Core;
use crate::engine::case::note_shared;
use crate::engine::hydrate::Loaded;
use crate::engine::identity_index::changed_rows;
use crate::engine::{case_index, due_index, match_queue};
use crate::entity::Entity;
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::fact::{EntityFact, Fact};
use crate::golden::GoldenLife;
use crate::id::{Actor, ConnectionName, EntityId, EntityType, ObjectType, RecordRef};
use crate::journal;
use crate::model::UnitKey;
use crate::representation::Representation;
use crate::sight::{reference_object, shown};
use crate::store::{Commit, RowKey, Table};
use crate::text::Text;
use crate::working_set::{Frame, IdentityKey};

/// The row of a link, and of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkRow {
    pub(crate) entity: EntityId,
}

/// Separates the parts of composed keys: it occurs in no name.
pub(crate) const SEPARATOR: char = '\u{1f}';

/// The same, as text.
pub(crate) const PART: &str = "\u{1f}";

pub(crate) fn representation_key(record: &RecordRef) -> RowKey {
    RowKey::new(Table::Representation, record_key(record))
}

pub(crate) fn link_key(record: &RecordRef) -> RowKey {
    RowKey::new(Table::Link, record_key(record))
}

/// A record as a key: its parts cannot run into each other.
pub(crate) fn record_key(record: &RecordRef) -> Text {
    let RecordRef { connection, object, id } = record;
    Text::of_parts(&[connection.as_str(), PART, object.as_str(), PART, id])
}

/// The row of an entity.
pub(crate) fn entity_key(id: EntityId) -> RowKey {
    RowKey::new(Table::Entity, id.text())
}

/// What the keys of a connection's records begin with.
pub(crate) fn connection_prefix(connection: &ConnectionName) -> Text {
    Text::of_parts(&[connection.as_str(), PART])
}

/// The record that a key names.
pub(crate) fn record_of_key(key: &str) -> Option<RecordRef> {
    let mut parts = key.splitn(3, SEPARATOR);
    Some(RecordRef::new(parts.next()?, parts.next()?, parts.next()?))
}

pub(crate) fn identity_row(key: &IdentityKey) -> RowKey {
    let IdentityKey { entity_type, attribute, value } = key;
    RowKey::new(Table::Index, Text::of_parts(&[entity_type.as_str(), PART, attribute.as_str(), PART, value]))
}

/// The prefix of the rows of all that names a record: whoever waits for its link, and whoever follows it to another entity.
/// A row outlives the reference: whoever is woken in vain settles to what it was.
pub(crate) fn naming_prefix(record: &RecordRef) -> String {
    format!("{SEPARATOR}waits{SEPARATOR}{}{SEPARATOR}", record_key(record))
}

/// The same, of all records of an object type.
pub(crate) fn naming_prefix_of(connection: &ConnectionName, object: &ObjectType) -> String {
    format!("{SEPARATOR}waits{SEPARATOR}{connection}{SEPARATOR}{object}{SEPARATOR}")
}

/// The entity type, attribute and value that the row of an identity value is about; `None` for a waiting reference's.
pub(crate) fn identity_of_key(key: &str) -> Option<(&str, &str, &str)> {
    let mut parts = key.splitn(3, SEPARATOR);
    let (entity_type, attribute, value) = (parts.next()?, parts.next()?, parts.next()?);
    (!entity_type.is_empty()).then_some((entity_type, attribute, value))
}

/// What people read for a row: its table and key, but no value. Rows of identity values are keyed by them.
pub(crate) fn row_name(row: &RowKey) -> Text {
    if row.table == Table::Index {
        let name = match identity_of_key(&row.key) {
            Some((entity_type, attribute, _)) => format!("the index of {entity_type}.{attribute}"),
            None => "the index of references".to_owned(),
        };
        return name.into();
    }
    format!("{} {}", row.table.name(), row.key.replace(SEPARATOR, "/")).trim_end().into()
}

/// The journal's kind for an entry that says of another, so many places before it, that it is about this subject too. It tells nothing by
/// itself: what is told goes with the first subject.
pub(crate) const ALSO_ABOUT: &str = "also_about";

/// Collects one step's changes.
pub(crate) struct Changes<'a> {
    core: &'a Core,
    as_of: i64,
    actor: Actor,
    pub(crate) commit: Commit,
}

impl<'a> Changes<'a> {
    pub(crate) fn new(core: &'a Core, as_of: i64, actor: &Actor) -> Self {
        Self { core, as_of, actor: actor.clone(), commit: Commit::default() }
    }

    pub(crate) const fn core(&self) -> &'a Core {
        self.core
    }

    /// The instant of the step.
    pub(crate) const fn as_of(&self) -> i64 {
        self.as_of
    }

    /// Whose step it is.
    pub(crate) const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Appends a journal entry.
    pub(crate) fn journal(&mut self, kind: &'static str, subject: &str, payload: &impl Serialize) {
        let mut salt = [0; 16];
        self.core.entropy.fill(&mut salt);
        self.commit.journal.push(journal::Draft {
            at: self.as_of,
            actor: self.actor.clone(),
            kind,
            subject: subject.into(),
            payload: json(payload),
            salt,
        });
    }

    /// Says of others that the entry which was journaled last is about them too.
    pub(crate) fn also_about(&mut self, others: impl IntoIterator<Item = Text>) {
        for (before, other) in (1_u64..).zip(others) {
            self.journal(ALSO_ABOUT, &other, &(before,));
        }
    }

    /// Inserts or replaces a row.
    pub(crate) fn put(&mut self, key: RowKey, value: &impl Serialize) {
        self.commit.put.push((key, json(value)));
    }

    /// Deletes a row.
    pub(crate) fn delete(&mut self, key: RowKey) {
        self.commit.delete.push(key);
    }

    /// Adds everything that changed in a working set, and that its rows must be as they were loaded.
    pub(crate) fn add_set(&mut self, frame: &Frame<'_>, loaded: &Loaded, facts: &[EntityFact]) -> Result<(), Error> {
        self.commit.expect.extend(loaded.revisions.iter().map(|(key, revision)| (key.clone(), *revision)));
        for state in loaded.set.records().iter().filter(|state| state.changed) {
            let names = self.core.slot_names(state.entity_type, state.object);
            let stored = state.representation.to_stored(names);
            let (key, value) = (representation_key(&state.record), json_of_about(1 << 11, &stored));
            let representation = state.representation.as_stored();
            debug_assert_eq!(Representation::from_stored(stored, names), representation, "it is read as written");
            self.core.memory.representations.expect(frame.tenant, &key, &value, Arc::new(representation));
            self.commit.put.push((key, value));
        }
        for (index, state) in (0u32..).zip(loaded.set.entities()) {
            if !state.changed {
                continue;
            }
            let model = self.core.model.entity(state.entity.entity);
            self.file(loaded, &state.entity);
            let stored = state.entity.to_stored(model);
            let (key, value) = (entity_key(state.entity.id), json_of_about(1 << 12, &stored));
            let entity = Arc::new(Entity::clone(&state.entity));
            debug_assert_eq!(
                Entity::from_stored(stored, &self.core.model).as_ref(),
                Some(&*entity),
                "it is read as written"
            );
            self.core.memory.entities.expect(frame.tenant, &key, &value, Some(entity));
            self.commit.put.push((key, value));
            let waits = loaded.set.with_ground(frame, index, self.as_of, |ground, entity, representations| {
                let mut waits = Vec::new();
                for unit in (0u16..).take(ground.model.units.len()) {
                    let key = UnitKey::Whole(unit);
                    if ground.model.units[usize::from(unit)].reference.is_none() {
                        continue;
                    }
                    for shown in shown(ground, entity, representations, &key) {
                        let record = loaded.set.entity(index).records.get(shown.link);
                        let changed = record.is_some_and(|record| {
                            loaded.set.records().get(*record as usize).is_some_and(|state| state.changed)
                        });
                        if changed || shown.sight == Err(Hidden::Unresolved) {
                            waits.extend(named(ground, entity, representations, &key, shown.link));
                        }
                    }
                }
                waits
            });
            for record in waits {
                let key = format!("{}{}", naming_prefix(&record), state.entity.id);
                self.put(RowKey::new(Table::Index, key), &LinkRow { entity: state.entity.id });
            }
        }
        self.add_index(loaded);
        match_queue::note(self, self.core, loaded, facts);
        self.add_facts(loaded, facts);
        Ok(())
    }

    /// Keeps the indexes of open cases and of dates in step with an entity.
    fn file(&mut self, loaded: &Loaded, entity: &Entity) {
        let before = loaded.entities_before.get(&entity.id).map(|entity| &**entity);
        let keys = |entity: &Entity| {
            let mut keys = case_index::keys_of(self.core, entity);
            keys.append(&mut due_index::keys_of(entity));
            keys
        };
        let (before, after) = (before.map(keys).unwrap_or_default(), keys(entity));
        for key in after.difference(&before) {
            self.put(RowKey::new(Table::Index, key.clone()), &LinkRow { entity: entity.id });
        }
        for key in before.difference(&after) {
            self.delete(RowKey::new(Table::Index, key.clone()));
        }
    }

    /// Keeps the rows of identity values in step with what records say, and the cases of those that entities share.
    fn add_index(&mut self, loaded: &Loaded) {
        for (key, row) in changed_rows(&self.core.model, loaded) {
            let before = loaded.identity_rows.get(key);
            note_shared(self, loaded, key, before, &row);
            if row.is_empty() {
                self.delete(identity_row(key));
            } else {
                self.put(identity_row(key), &row);
            }
        }
    }

    /// Journals facts, one entry per entity, and keeps the rows of links and discrepancies in step.
    fn add_facts(&mut self, loaded: &Loaded, facts: &[EntityFact]) {
        let mut by_entity: BTreeMap<EntityId, Vec<StoredFact>> = BTreeMap::new();
        let mut order: Vec<EntityId> = Vec::new();
        let mut outdated: BTreeMap<EntityId, &EntityType> = BTreeMap::new();
        for EntityFact { entity, fact } in facts {
            let Some(index) = loaded.set.find_entity(*entity) else { continue };
            let model = self.core.model.entity(loaded.set.entity(index).entity.entity);
            if !order.contains(entity) {
                order.push(*entity);
            }
            if planted!(DecisionNotJournaled && matches!(fact, Fact::Decided { .. })) {
                continue;
            }
            by_entity.entry(*entity).or_default().push(fact.to_stored(model));
            match fact {
                Fact::Linked { record, .. } => self.put(link_key(record), &LinkRow { entity: *entity }),
                Fact::Unlinked { record } => self.delete(link_key(record)),
                Fact::Disputed { discrepancy } => {
                    self.put(RowKey::new(Table::Discrepancy, discrepancy.id.text()), discrepancy);
                }
                Fact::Lived { life: GoldenLife::Live } | Fact::Merged { into: None } => {
                    outdated.insert(*entity, &model.name);
                }
                _ => {}
            }
        }
        outdated.into_iter().for_each(|(entity, of)| self.outdate(of, entity));
        for entity in order {
            if let Some(facts) = by_entity.remove(&entity) {
                self.journal("facts", &entity.text(), &facts);
            }
        }
    }
}

/// The record that a reference on one link names.
fn named(
    ground: &crate::sight::Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    key: &UnitKey,
    link: usize,
) -> Option<RecordRef> {
    let linked = entity.links.get(link)?;
    let native = reference_object(ground.model, linked.object, key)?;
    let object = ground.model.objects.get(usize::from(linked.object))?;
    let slot = *object.unit_slots.get(usize::from(key.index()?))?.first()?;
    let id = representations.get(link).copied().flatten()?.cell(slot)?.field().as_value()?;
    Some(RecordRef { connection: linked.record.connection.clone(), object: native.clone(), id: id.into() })
}

/// Serialising the engine's own types to JSON cannot fail: their maps have text keys, and their numbers are integers.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    json_of_about(256, value)
}

/// The same, of about so many bytes: what is written is moved less often while it grows.
pub(crate) fn json_of_about(bytes: usize, value: &impl Serialize) -> Vec<u8> {
    let mut written = Written(Vec::with_capacity(bytes));
    serde_json::to_writer(&mut written, value).expect("the engine's own types have text keys and integer numbers");
    written.0
}

/// What was written. Most calls write a single character of JSON, and those are pushed.
struct Written(Vec<u8>);

impl io::Write for Written {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match bytes {
            [byte] => self.0.push(*byte),
            _ => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
