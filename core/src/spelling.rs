//! Spelling: from canonical fields to the leaves that a system is written. Pure: planning asks whether a value can be
//! spelled at all, and applying sends what came of it.

use std::collections::BTreeMap;

use crate::id::{EntityId, ObjectType};
use crate::model::{CompiledEntity, Mapping, Path, UnitIndex, UnitKey, UnitShape};
use crate::representation::Representation;
use crate::sight::reference_object;
use crate::text::Text;
use crate::value::{Field, Malformed, Native, split};

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

/// A collection as it is written: whole, what the record holds with our elements set or removed. Elements that others put
/// there and golden does not hold stay: removal only within one's own range.
pub(crate) fn collection(
    model: &CompiledEntity,
    object: u16,
    unit: UnitIndex,
    held: Option<&Representation>,
    elements: &BTreeMap<Text, Field>,
) -> Result<(Path, Native), Malformed> {
    let mapping = mappings(model, object, unit)?.first().ok_or(Malformed::new("the collection is not mapped"))?;
    let compiled = model.objects.get(usize::from(object)).ok_or(Malformed::new("the object type is gone"))?;
    let mut whole: BTreeMap<&Text, &Field> = BTreeMap::new();
    if let (Some(held), Some(slot)) = (held, compiled.unit_slots[usize::from(unit)].first()) {
        for key in held.element_keys(*slot) {
            if let Some(said) = held.element(*slot, key).filter(|said| said.field.is_value()) {
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
    let path = mapping.write.first().cloned().ok_or(Malformed::new("the collection has no path"))?;
    let mut natives = Vec::new();
    for field in whole.into_values() {
        natives.extend(element(model, mapping, unit, field)?);
    }
    if let Some(separator) = mapping.separator {
        let texts: Vec<&str> = natives.iter().filter_map(|native| native.as_leaf().as_text()).collect();
        return Ok((path, Native::Text(texts.join(&separator.to_string()).into())));
    }
    Ok((path, Native::List(natives)))
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
        UnitKey::Element(unit, _) if value.is_value() => {
            let mapping = mappings(model, object, *unit)?.first();
            let mapping = mapping.ok_or(Malformed::new("the collection is not mapped"))?;
            element(model, mapping, *unit, value).map(|_| ())
        }
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

/// One element of a collection: a leaf, or a record of its members.
fn element(
    model: &CompiledEntity,
    mapping: &Mapping,
    unit: UnitIndex,
    field: &Field,
) -> Result<Vec<Native>, Malformed> {
    let declared = model.units.get(usize::from(unit)).and_then(|unit| unit.members.first());
    let attribute = declared.and_then(|member| model.attributes.get(usize::from(*member)));
    let attribute = attribute.ok_or(Malformed::new("the unit is gone"))?;
    if attribute.members.is_empty() {
        return Ok(leaves_of(mapping, field)?.into_iter().map(|(_, native)| native).collect());
    }
    let fields = split(field, attribute.members.len()).ok_or(Malformed::new("not an element"))?;
    let mut members = Vec::new();
    for (member, field) in attribute.members.iter().zip(&fields) {
        if let Some(inner) = member.0.mappings.iter().find(|inner| inner.object == mapping.object) {
            let leaves = leaves_of(inner, field)?;
            members.extend(leaves.into_iter().map(|(path, leaf)| (path.to_string().into(), leaf)));
        }
    }
    Ok(vec![Native::Record(members)])
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
