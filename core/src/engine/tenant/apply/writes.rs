//! From operations to the write that a connector sends.

use std::collections::BTreeMap;

use crate::connector::{Write, WriteAction};
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::tenant::apply::outbox::create_key;
use crate::engine::tenant::plans::native;
use crate::fingerprint::{Digest, Fingerprint};
use crate::id::{EntityId, ObjectType, RecordRef};
use crate::model::UnitKey;
use crate::plan::{Intent, Operation, Target};
use crate::representation::Life;
use crate::spelling::{collection, expected, expected_collection, holds, leaves};
use crate::text::Text;
use crate::value::{Field, Malformed};
use crate::working_set::WorkingSet;

impl Tenant {
    /// Whether a record holds what an operation would write.
    pub(crate) fn holds(&self, loader: &Loader<'_>, operation: &Operation) -> bool {
        let set = &loader.loaded.set;
        let Some(index) = set.find_entity(operation.entity) else { return false };
        let (Intent::Set(value), Target::Record(record)) = (&operation.intent, &operation.target) else {
            return match (&operation.intent, &operation.target) {
                (Intent::Archive, Target::Record(record)) => {
                    set.find_record(record).is_some_and(|record| !set.record(record).representation.speaks())
                }
                (Intent::Create(_), target) => {
                    let place = (target.connection(), target.object());
                    let mut links = set.entity(index).entity.links.iter();
                    // A record that is gone was not created by this operation: it is what made it necessary.
                    let gone = |record: &RecordRef| {
                        let known = set.find_record(record).map(|at| set.record(at).representation.existence().life());
                        matches!(known, Some(Life::Dead(_)))
                    };
                    links.any(|link| (&link.record.connection, &link.record.object) == place && !gone(&link.record))
                }
                (Intent::Archive | Intent::Set(_), _) => false,
            };
        };
        let Some(held) = self.shows(loader, operation.entity, record, &operation.unit) else { return false };
        let model = self.core.model.entity(set.entity(index).entity.entity);
        let Some(key) = model.unit_key(&operation.unit) else { return false };
        let unit = key.index().and_then(|unit| model.units.get(usize::from(unit)));
        let place = self.core.place(record).zip(unit);
        place.is_some_and(|((_, object), unit)| holds(model, object, unit, &key, &held, value))
    }

    /// What a record of an entity is seen to hold of a unit, if it is seen.
    pub(crate) fn shows(
        &self,
        loader: &Loader<'_>,
        entity: EntityId,
        record: &RecordRef,
        unit: &Text,
    ) -> Option<Field> {
        let set = &loader.loaded.set;
        let index = set.find_entity(entity)?;
        let as_of = self.now();
        self.with_frame(|frame| {
            set.with_ground(frame, index, as_of, |ground, entity, representations| {
                let key = ground.model.unit_key(unit)?;
                let shown = crate::sight::shown(ground, entity, representations, &key);
                let shown = shown.iter().find(|shown| *entity.links[shown.link].record == *record)?;
                shown.field().cloned()
            })
        })
    }

    /// The write that carries out operations on one record.
    pub(super) fn write_of(&self, set: &WorkingSet, operations: &[Operation]) -> Result<Write, Malformed> {
        let no_entity = Malformed::new("the entity is gone");
        let first = operations.first().ok_or(no_entity)?;
        let index = set.find_entity(first.entity).ok_or(no_entity)?;
        let model = self.core.model.entity(set.entity(index).entity.entity);
        let (object, record) = match &first.target {
            Target::Record(record) => (self.core.place(record).map(|(_, object)| object), Some(record)),
            Target::New { connection, object, .. } => {
                let bound = self.core.connections.get(connection);
                (bound.and_then(|bound| bound.objects.get(object)).map(|(_, object, _)| *object), None)
            }
        };
        let object = object.ok_or(Malformed::new("the object type is not in the model"))?;
        let held = record.and_then(|record| set.find_record(record)).map(|at| &*set.record(at).representation);
        let connection = first.target.connection();
        let native_id = |id, native_type: &ObjectType| native(set, id, connection, native_type).map(|record| record.id);
        let mut changes = Vec::new();
        let mut expect = Vec::new();
        let mut collections: BTreeMap<u16, BTreeMap<Text, Field>> = BTreeMap::new();
        for operation in operations {
            let units: Vec<(&Text, &Field, Option<&Field>)> = match &operation.intent {
                Intent::Set(value) => vec![(&operation.unit, value, Some(&operation.expect))],
                Intent::Create(fields) => fields.iter().map(|(unit, value)| (unit, value, None)).collect(),
                Intent::Archive => Vec::new(),
            };
            for (name, value, before) in units {
                let key = model.unit_key(name).ok_or(Malformed::new("the unit is gone"))?;
                match key {
                    UnitKey::Exists => return Err(Malformed::new("presence has no leaves")),
                    UnitKey::Element(unit, element) => {
                        collections.entry(unit).or_default().insert(element, value.clone());
                    }
                    UnitKey::Whole(unit) => {
                        changes.extend(leaves(model, object, unit, value, &native_id)?);
                        if let Some(before) = before {
                            expect.extend(expected(model, object, unit, before, held)?);
                        }
                    }
                }
            }
        }
        for (unit, elements) in collections {
            changes.push(collection(model, object, unit, held, &elements)?);
            if held.is_some() {
                expect.push(expected_collection(model, object, unit, held, elements.keys())?);
            }
        }
        changes.sort();
        if planted!(ExpectationNotSent) {
            expect.clear();
        }
        let token = record.and_then(|record| {
            let state = set.record(set.find_record(record)?);
            state.representation.existence().last().map(|stamp| stamp.token)
        });
        Ok(Write {
            object: first.target.object().clone(),
            action: match (&first.intent, &first.target) {
                (Intent::Archive, Target::Record(record)) => WriteAction::Archive { id: record.id.clone() },
                (_, Target::Record(record)) => WriteAction::Update { id: record.id.clone() },
                (_, Target::New { .. }) => WriteAction::Create { key: create_key(first) },
            },
            changes,
            expect,
            expect_token: token,
            idempotency_key: idempotency_key(operations, token),
        })
    }
}

/// The same for every attempt while nothing newer is heard of the record; another once it moved. Otherwise a system that
/// answers a repetition with what it said the first time would answer so for ever, and do nothing.
fn idempotency_key(operations: &[Operation], token: Option<i64>) -> Digest {
    let mut fingerprint = Fingerprint::new();
    if let Some(token) = token {
        fingerprint.number(token);
    }
    for operation in operations {
        fingerprint.bytes(&operation.key.0);
    }
    fingerprint.finish()
}
