//! What items tell: decoded as the engine would, for the bench's values.

use std::collections::BTreeMap;

use super::bench::Values;
use super::told::{Told, broken, skipped};
use crate::connector::{Item, Says};
use crate::decode::{Batch, DecodeTable, DecodedRecord};
use crate::id::{ObjectType, SurfaceName, SystemName};
use crate::model::{At, EntityModel, Model, SystemObject, TypedAttribute};
use crate::surface::Surface;
use crate::text::Text;
use crate::value::FieldRef;

/// What one item told.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// The record; of a merge, the survivor.
    pub(super) id: Text,
    pub(super) losers: Vec<Text>,
    pub(super) kind: Kind,
    pub(super) token: Option<i64>,
    /// By path of the bench's values; `None`: not carried, or not to be believed.
    pub(super) values: Vec<Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Live,
    Archived,
    Deleted,
    Merged,
    Hint,
}

impl Heard {
    pub(super) fn is_live(&self, id: &str) -> bool {
        self.id.as_str() == id && self.kind == Kind::Live
    }

    /// The value that edits and writes change, if it is carried.
    pub(super) fn last(&self) -> Option<&str> {
        self.values.last()?.as_deref()
    }
}

/// Decoders of a bench's values, one for each surface.
pub(super) fn decoders<'s>(
    system: &str,
    object: &ObjectType,
    values: &Values,
    surfaces: impl Iterator<Item = &'s Surface>,
) -> Told<BTreeMap<SurfaceName, DecodeTable>> {
    if values.is_empty() {
        return skipped("the bench has no values for it");
    }
    let mut model = EntityModel::new("record");
    model.object(SystemObject::new(system, object.as_str()));
    for (place, (path, _)) in values.iter().enumerate() {
        let at = At::path(system, &path.to_string());
        model.attribute(TypedAttribute::<String>::new(&format!("value{place}")).at(at));
    }
    let model = match Model::compile(vec![model]) {
        Ok(model) => model,
        Err(mistakes) => return skipped(format!("no decoder can be made of the bench's paths: {mistakes}")),
    };
    let place = model.object(&SystemName::new(system), object);
    let compiled = place.map(|(entity, place)| (model.entity(entity), usize::from(place)));
    let Some((entity, object)) = compiled.and_then(|(entity, place)| Some((entity, entity.objects.get(place)?))) else {
        return skipped("no decoder can be made of the bench's paths");
    };
    let table = |surface: &Surface| (surface.name.clone(), DecodeTable::of(entity, object, &surface.shape));
    Ok(surfaces.map(table).collect())
}

/// What an item tells.
pub(super) fn decode(table: &DecodeTable, item: &Item) -> Told<Heard> {
    let (named, losers, kind) = match &item.says {
        Says::Record => (None, Vec::new(), Kind::Live),
        Says::Deleted { id } => (Some(id.clone()), Vec::new(), Kind::Deleted),
        Says::Hint { id } => (Some(id.clone()), Vec::new(), Kind::Hint),
        Says::Merged { survivor, losers } => (Some(survivor.clone()), losers.clone(), Kind::Merged),
    };
    let mut batch = Batch::new();
    let reach = table.reach(item.covers.as_deref(), &item.denied);
    let decoded = table.decode_within(&item.body, false, &reach, &mut batch);
    let record = batch.records().next();
    let (id, token, archived, values) = match (&decoded, record, named) {
        (Ok(()), Some(record), named) => {
            let values = values_of(&record, reach.len());
            (named.unwrap_or_else(|| record.id().into()), record.token(), record.archived(), values)
        }
        // The body of what is no record need not hold one.
        (_, _, Some(named)) => (named, None, false, Vec::new()),
        (Err(error), ..) => return broken(format!("an item is no record: {error}")),
        (Ok(()), None, None) => return broken("an item is no record"),
    };
    let kind = if kind == Kind::Live && archived { Kind::Archived } else { kind };
    Ok(Heard { id, losers, kind, token, values })
}

/// The values that a record carries, in the order of the bench's paths.
fn values_of(record: &DecodedRecord<'_>, count: usize) -> Vec<Option<String>> {
    let mut values = vec![None; count];
    for (slot, _, field) in record.cells() {
        if let Some(value) = values.get_mut(usize::from(slot)) {
            *value = match field {
                FieldRef::Value(text) => Some(text.to_owned()),
                _ => Some(String::new()),
            };
        }
    }
    values
}
