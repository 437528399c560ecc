//! Spelling: from canonical fields to the leaves that a system is written. Pure: planning asks whether a value can be
//! spelled at all, and applying sends what came of it.

use std::collections::BTreeMap;

use crate::id::{EntityId, ObjectType};
use crate::model::{AttributeModel, CompiledEntity, Mapping, Path, Read, Unit, UnitIndex, UnitKey, UnitShape};
use crate::observation::SlotIndex;
use crate::representation::Representation;
use crate::sight::reference_object;
use crate::text::Text;
use crate::value::{Element, Field, Malformed, Native, join, split};

/// The native id of an entity's record in the object type that a reference names.
pub(crate) type NativeId<'a> = &'a dyn Fn(EntityId, &ObjectType) -> Option<Text>;

/// The leaves of one whole unit on one object type.
pub(crate) fn leaves(
    model: &CompiledEntity,
    object: u16,
    unit: UnitIndex,
    value: &Field,
    native: NativeId<'_>,
) -> Result<Vec<(Path, Native)>, Malformed> {
    let mappings = mappings(model, object, unit)?;
    if let Some(native_type) = reference_object(model, object, &UnitKey::Whole(unit)) {
        let leaf = match value.as_value() {
            None => Native::Null,
            Some(id) => {
                let id = id.parse().map_err(|_| Malformed::new("not a reference"))?;
                let record = native(id, native_type);
                Native::Text(record.ok_or(Malformed::new("the entity referred to has no record there"))?)
            }
        };
        return Ok(of_leaf(mappings, &leaf));
    }
    let members = match model.units.get(usize::from(unit)).map(|unit| unit.shape) {
        Some(UnitShape::Group) => split(value, mappings.len()).ok_or(Malformed::new("not a group"))?,
        Some(UnitShape::One | UnitShape::List | UnitShape::Set | UnitShape::Keyed) => vec![value.clone()],
        None => return Err(Malformed::new("the unit is gone")),
    };
    let mut leaves = Vec::new();
    for (mapping, field) in mappings.iter().zip(&members) {
        leaves.extend(leaves_of(mapping, field)?);
    }
    Ok(leaves)
}

/// The form that a whole unit's value has in a system, as its mappings read what they write there: known before anybody
/// reads it. It is the value itself, but where a mapping rounds; `None`: it cannot be told from what is written.
pub(crate) fn form(model: &CompiledEntity, object: u16, unit: UnitIndex, value: &Field) -> Option<Field> {
    let mappings = mappings(model, object, unit).ok()?;
    if mappings.iter().all(|mapping| mapping.codec.is_exact()) || !value.is_value() {
        return None;
    }
    let members = match model.units.get(usize::from(unit))?.shape {
        UnitShape::Group => split(value, mappings.len())?,
        UnitShape::One | UnitShape::List => vec![value.clone()],
        UnitShape::Set | UnitShape::Keyed => return None,
    };
    let mut forms = Vec::new();
    for (mapping, member) in mappings.iter().zip(&members) {
        if mapping.codec.is_exact() || !member.is_value() {
            forms.push(member.clone());
            continue;
        }
        let written = leaves_of(mapping, member).ok()?;
        let leaf = |path: &Path| written.iter().find(|(at, _)| at == path).map(|(_, native)| native.as_leaf());
        let read: Vec<_> = mapping.read.iter().map(leaf).collect::<Option<_>>()?;
        let mut text = String::new();
        forms.push(match mapping.codec.read(&read, &mut text).ok()? {
            Read::Value => Field::value(&text),
            Read::Null => Field::Null,
            Read::Empty => Field::Empty,
        });
    }
    match forms.as_slice() {
        [only] if mappings.len() == 1 => Some(only.clone()),
        _ => Some(join(&forms)),
    }
}

/// Whether what a system shows is the form that another value has there, though not the value itself.
pub(crate) fn is_form(
    model: &CompiledEntity,
    object: u16,
    unit: &Unit,
    key: &UnitKey,
    shown: &Field,
    value: &Field,
) -> bool {
    let UnitKey::Whole(index) = key else { return false };
    unit.rounds && form(model, object, *index, value).is_some_and(|form| unit.same(shown, &form))
}

/// Whether a system that shows this holds a value as well as it can: to write it there would change nothing.
pub(crate) fn holds(
    model: &CompiledEntity,
    object: u16,
    unit: &Unit,
    key: &UnitKey,
    shown: &Field,
    value: &Field,
) -> bool {
    unit.same(shown, value) || is_form(model, object, unit, key, shown, value)
}

/// The leaves that a whole unit is expected to hold before it is written: what was read, spelled as it is written. A
/// reference is expected as it was read. What is written and never read cannot be expected.
pub(crate) fn expected(
    model: &CompiledEntity,
    object: u16,
    unit: UnitIndex,
    before: &Field,
    held: Option<&Representation>,
) -> Result<Vec<(Path, Native)>, Malformed> {
    let slots = model.objects.get(usize::from(object)).and_then(|compiled| compiled.unit_slots.get(usize::from(unit)));
    let Some(slot) = slots.and_then(|slots| slots.first()) else { return Ok(Vec::new()) };
    if reference_object(model, object, &UnitKey::Whole(unit)).is_some() {
        let id = held.and_then(|held| held.cell(*slot)).and_then(|cell| cell.field().as_value());
        let leaf = id.map_or(Native::Null, |id| Native::Text(id.into()));
        return Ok(of_leaf(mappings(model, object, unit)?, &leaf));
    }
    leaves(model, object, unit, before, &|_, _| None)
}

/// A collection as it is written. Of a keyed one, the elements that change. A set is written whole: what the record holds
/// with our elements set or removed. Elements that others put there and golden does not hold stay: removal only within
/// one's own range.
pub(crate) fn collection(
    model: &CompiledEntity,
    object: u16,
    unit: UnitIndex,
    held: Option<&Representation>,
    elements: &BTreeMap<Text, Field>,
) -> Result<(Path, Native), Malformed> {
    let mapping = mapping(model, object, unit)?;
    if is_keyed(model, unit) {
        let change = |(key, field): (&Text, &Field)| keyed(model, mapping, unit, key, field);
        let changes: Result<Vec<Element>, Malformed> = elements.iter().map(change).collect();
        return Ok((path(mapping)?, Native::Elements(changes?)));
    }
    let mut whole: BTreeMap<&Text, &Field> = BTreeMap::new();
    if let (Some(held), Some(slot)) = (held, slot_of(model, object, unit)) {
        for key in held.element_keys(slot) {
            if let Some(said) = held.element(slot, key).filter(|said| said.field.is_value()) {
                whole.insert(key, said.field);
            }
        }
    }
    for (key, field) in elements {
        if field.is_value() {
            whole.insert(key, field);
        } else {
            whole.remove(key);
        }
    }
    let mut natives = Vec::new();
    for field in whole.into_values() {
        natives.extend(leaves_of(mapping, field)?.into_iter().map(|(_, native)| native));
    }
    if let Some(separator) = mapping.separator {
        let texts: Vec<&str> = natives.iter().filter_map(|native| native.as_leaf().as_text()).collect();
        return Ok((path(mapping)?, Native::Text(texts.join(&separator.to_string()).into())));
    }
    Ok((path(mapping)?, Native::List(natives)))
}

/// What a collection is expected to hold before elements of it are written: of a keyed one those elements, of a set
/// everything, because an element that somebody adds meanwhile must not be lost.
pub(crate) fn expected_collection<'k>(
    model: &CompiledEntity,
    object: u16,
    unit: UnitIndex,
    held: Option<&Representation>,
    keys: impl Iterator<Item = &'k Text>,
) -> Result<(Path, Native), Malformed> {
    if !is_keyed(model, unit) {
        return collection(model, object, unit, held, &BTreeMap::new());
    }
    let slot = slot_of(model, object, unit);
    let holds = |key: &Text| held.zip(slot).and_then(|(held, slot)| Some(held.element(slot, key)?.field.clone()));
    let elements = keys.map(|key| (key.clone(), holds(key).unwrap_or_default())).collect();
    collection(model, object, unit, held, &elements)
}

fn is_keyed(model: &CompiledEntity, unit: UnitIndex) -> bool {
    model.units.get(usize::from(unit)).is_some_and(|unit| unit.shape == UnitShape::Keyed)
}

fn mapping(model: &CompiledEntity, object: u16, unit: UnitIndex) -> Result<&Mapping, Malformed> {
    mappings(model, object, unit)?.first().ok_or(Malformed::new("the collection is not mapped"))
}

fn path(mapping: &Mapping) -> Result<Path, Malformed> {
    mapping.write.first().cloned().ok_or(Malformed::new("the collection has no path"))
}

fn slot_of(model: &CompiledEntity, object: u16, unit: UnitIndex) -> Option<SlotIndex> {
    model.objects.get(usize::from(object))?.unit_slots.get(usize::from(unit))?.first().copied()
}

/// Whether a unit's value can be spelled on an object type. Of a reference this does not tell: it depends on who has a
/// record there.
pub(crate) fn can_spell(model: &CompiledEntity, object: u16, key: &UnitKey, value: &Field) -> Result<(), Malformed> {
    if reference_object(model, object, key).is_some() {
        return Ok(());
    }
    match key {
        UnitKey::Exists => Ok(()),
        UnitKey::Whole(unit) => leaves(model, object, *unit, value, &|_, _| None).map(|_| ()),
        UnitKey::Element(unit, key) if is_keyed(model, *unit) => {
            keyed(model, mapping(model, object, *unit)?, *unit, key, value).map(|_| ())
        }
        UnitKey::Element(unit, _) if value.is_value() => leaves_of(mapping(model, object, *unit)?, value).map(|_| ()),
        UnitKey::Element(..) => Ok(()),
    }
}

fn mappings(model: &CompiledEntity, object: u16, unit: UnitIndex) -> Result<&[Mapping], Malformed> {
    let compiled = model.objects.get(usize::from(object)).ok_or(Malformed::new("the object type is gone"))?;
    let writes = compiled.writes.get(usize::from(unit)).and_then(Option::as_ref);
    writes.map(|(_, mappings)| mappings.as_slice()).ok_or(Malformed::new("the unit is not written here"))
}

fn of_leaf(mappings: &[Mapping], leaf: &Native) -> Vec<(Path, Native)> {
    let paths = mappings.first().into_iter().flat_map(|mapping| &mapping.write);
    paths.map(|path| (path.clone(), leaf.clone())).collect()
}

/// One element of a keyed collection: its key, and its other members unless it is gone.
fn keyed(
    model: &CompiledEntity,
    collection: &Mapping,
    unit: UnitIndex,
    key: &Text,
    field: &Field,
) -> Result<Element, Malformed> {
    let declared = model.units.get(usize::from(unit)).and_then(|unit| unit.members.first());
    let attribute = declared.and_then(|member| model.attributes.get(usize::from(*member)));
    let attribute = attribute.ok_or(Malformed::new("the unit is gone"))?;
    let spelled = |member: &AttributeModel, field: &Field| -> Result<Vec<(Text, Native)>, Malformed> {
        let mapping = member.mappings.iter().find(|inner| inner.object == collection.object);
        let leaves = mapping.map(|inner| leaves_of(inner, field)).transpose()?.unwrap_or_default();
        Ok(leaves.into_iter().map(|(path, leaf)| (path.to_string().into(), leaf)).collect())
    };
    // Elements hold their key first.
    let (first, others) = attribute.members.split_first().ok_or(Malformed::new("an element without members"))?;
    let key = spelled(&first.0, &Field::Value(key.clone()))?;
    if key.is_empty() {
        return Err(Malformed::new("the key of its elements is not written there"));
    }
    if !field.is_value() {
        return Ok(Element { key, members: None });
    }
    let fields = split(field, attribute.members.len()).ok_or(Malformed::new("not an element"))?;
    let mut members = Vec::new();
    for (member, field) in others.iter().zip(fields.iter().skip(1)) {
        members.extend(spelled(&member.0, field)?);
    }
    Ok(Element { key, members: Some(members) })
}

/// The leaves of one attribute. A cleared value clears every path; a value that leaves a path without a leaf has no
/// spelling here, because a part of it would be lost.
fn leaves_of(mapping: &Mapping, field: &Field) -> Result<Vec<(Path, Native)>, Malformed> {
    let natives = mapping.codec.write(field)?;
    if field.is_value() && natives.len() < mapping.write.len() {
        return Err(Malformed::new("the mapping has no spelling for the value"));
    }
    let leaf = |(place, path): (usize, &Path)| (path.clone(), natives.get(place).cloned().unwrap_or(Native::Null));
    Ok(mapping.write.iter().enumerate().map(leaf).collect())
}
