//! From operations to the write that a connector sends.

use std::collections::BTreeMap;

use crate::connector::{Write, WriteAction};
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::tenant::apply::create_key;
use crate::engine::tenant::plans::native;
use crate::fingerprint::{Digest, Fingerprint};
use crate::id::RecordRef;
use crate::model::{CompiledEntity, Mapping, Path, UnitKey, UnitShape};
use crate::plan::{Intent, Operation, Target};
use crate::representation::Life;
use crate::text::Text;
use crate::value::{Field, Malformed, Native, split};
use crate::working_set::WorkingSet;

impl Tenant {
    /// Whether a record holds what an operation would write.
    pub(super) fn holds(&self, loader: &Loader<'_>, operation: &Operation) -> bool {
        let set = &loader.loaded.set;
        let Some(index) = set.find_entity(operation.entity) else { return false };
        let (Intent::Set(value), Target::Record(record)) = (&operation.intent, &operation.target) else {
            let place = (operation.target.connection(), operation.target.object());
            let mut links = set.entity(index).entity.links.iter();
            // A record that is gone was not created by this operation: it is what made it necessary.
            let gone = |record: &RecordRef| {
                let known = set.find_record(record).map(|at| set.record(at).representation.existence().life());
                matches!(known, Some(Life::Dead(_)))
            };
            return matches!(operation.intent, Intent::Create(_))
                && links.any(|link| (&link.record.connection, &link.record.object) == place && !gone(&link.record));
        };
        let as_of = self.now();
        self.with_frame(|frame| {
            set.with_ground(frame, index, as_of, |ground, entity, representations| {
                let Some(key) = ground.model.unit_key(&operation.unit) else { return false };
                let Some(unit) = key.index().and_then(|unit| ground.model.units.get(usize::from(unit))) else {
                    return false;
                };
                crate::sight::shown(ground, entity, representations, &key).iter().any(|shown| {
                    *entity.links[shown.link].record == *record
                        && shown.field().is_some_and(|field| unit.same(field, value))
                })
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
                if let UnitKey::Element(unit, element) = &key {
                    collections.entry(*unit).or_default().insert(element.clone(), value.clone());
                    continue;
                }
                changes.extend(leaves(set, model, object, &key, value, &first.target)?);
                if let Some(before) = before {
                    // What was read can be expected only where it can be written.
                    expect.extend(leaves(set, model, object, &key, before, &first.target).unwrap_or_default());
                }
            }
        }
        for (unit, elements) in collections {
            changes.push(whole_collection(set, model, object, unit, record, elements)?);
        }
        changes.sort();
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
            idempotency_key: idempotency_key(operations),
        })
    }
}

/// The leaves of one unit on one object type.
fn leaves(
    set: &WorkingSet,
    model: &CompiledEntity,
    object: u16,
    key: &UnitKey,
    value: &Field,
    target: &Target,
) -> Result<Vec<(Path, Native)>, Malformed> {
    let unit = key.index().ok_or(Malformed::new("presence has no leaves"))?;
    let compiled = model.objects.get(usize::from(object)).ok_or(Malformed::new("the object type is gone"))?;
    let writes = compiled.writes.get(usize::from(unit)).and_then(Option::as_ref);
    let (_, mappings) = writes.ok_or(Malformed::new("the unit is not written here"))?;
    if let Some(native_type) = crate::sight::reference_object(model, object, key) {
        let leaf = match value.as_value() {
            None => Native::Null,
            Some(id) => {
                let id = id.parse().map_err(|_| Malformed::new("not a reference"))?;
                let record = native(set, id, target.connection(), native_type)
                    .ok_or(Malformed::new("the entity referred to has no record there"))?;
                Native::Text(record.id)
            }
        };
        return Ok(mappings[0].write.iter().map(|path| (path.clone(), leaf.clone())).collect());
    }
    let members = match model.units[usize::from(unit)].shape {
        UnitShape::Group => split(value, mappings.len()).ok_or(Malformed::new("not a group"))?,
        UnitShape::One | UnitShape::List | UnitShape::Set | UnitShape::Keyed => vec![value.clone()],
    };
    let mut leaves = Vec::new();
    for (mapping, field) in mappings.iter().zip(&members) {
        leaves.extend(leaves_of(mapping, field)?);
    }
    Ok(leaves)
}

/// The leaves of one attribute. A cleared value clears every path.
fn leaves_of(mapping: &Mapping, field: &Field) -> Result<Vec<(Path, Native)>, Malformed> {
    let natives = mapping.codec.write(field)?;
    let leaf = |(place, path): (usize, &Path)| match natives.get(place) {
        Some(native) => Some((path.clone(), native.clone())),
        None => (!field.is_value()).then(|| (path.clone(), Native::Null)),
    };
    Ok(mapping.write.iter().enumerate().filter_map(leaf).collect())
}

/// A collection is written whole: what the record holds, with our elements set or removed. Elements that others put
/// there and golden does not hold stay: removal only within one's own range.
fn whole_collection(
    set: &WorkingSet,
    model: &CompiledEntity,
    object: u16,
    unit: u16,
    record: Option<&RecordRef>,
    elements: BTreeMap<Text, Field>,
) -> Result<(Path, Native), Malformed> {
    let compiled = &model.objects[usize::from(object)];
    let writes = compiled.writes.get(usize::from(unit)).and_then(Option::as_ref);
    let (_, mappings) = writes.ok_or(Malformed::new("the collection is not written here"))?;
    let mapping = mappings.first().ok_or(Malformed::new("the collection is not mapped"))?;
    let mut whole: BTreeMap<Text, Field> = BTreeMap::new();
    let held = record.and_then(|record| set.find_record(record)).map(|index| &set.record(index).representation);
    if let (Some(held), Some(slot)) = (held, compiled.unit_slots[usize::from(unit)].first()) {
        for key in held.element_keys(*slot) {
            if let Some(said) = held.element(*slot, key).filter(|said| said.field.is_value()) {
                whole.insert(key.clone(), said.field.clone());
            }
        }
    }
    for (key, field) in elements {
        if field.is_value() {
            whole.insert(key, field);
        } else {
            whole.remove(&key);
        }
    }
    let path = mapping.write.first().cloned().ok_or(Malformed::new("the collection has no path"))?;
    let attribute = &model.attributes[usize::from(model.units[usize::from(unit)].members[0])];
    let mut natives = Vec::new();
    for field in whole.values() {
        if attribute.members.is_empty() {
            natives.extend(mapping.codec.write(field)?);
            continue;
        }
        let fields = split(field, attribute.members.len()).ok_or(Malformed::new("not an element"))?;
        let mut members = Vec::new();
        for (member, field) in attribute.members.iter().zip(&fields) {
            if let Some(inner) = member.0.mappings.iter().find(|inner| inner.object == mapping.object) {
                let leaves = leaves_of(inner, field)?;
                members.extend(leaves.into_iter().map(|(path, leaf)| (path.to_string().into(), leaf)));
            }
        }
        natives.push(Native::Record(members));
    }
    if let Some(separator) = mapping.separator {
        let texts: Vec<&str> = natives.iter().filter_map(|native| native.as_leaf().as_text()).collect();
        return Ok((path, Native::Text(texts.join(&separator.to_string()).into())));
    }
    Ok((path, Native::List(natives)))
}

fn idempotency_key(operations: &[Operation]) -> Digest {
    let mut fingerprint = Fingerprint::new();
    for operation in operations {
        fingerprint.bytes(&operation.key.0);
    }
    fingerprint.finish()
}
