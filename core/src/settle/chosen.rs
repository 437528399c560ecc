//! What a person may choose for a unit: a value of its type, in canonical form.

use crate::id::EntityId;
use crate::model::{AttributeModel, CompiledEntity, Unit, UnitKey, UnitShape};
use crate::value::{Field, join, split};

/// A chosen field in canonical form; `None`: it is no value of the unit. What is not a value clears the unit.
pub(super) fn canonical(model: &CompiledEntity, unit: &Unit, key: &UnitKey, chosen: &Field) -> Option<Field> {
    let Field::Value(text) = chosen else { return Some(chosen.clone()) };
    let member = |place: usize| model.attributes.get(usize::from(*unit.members.get(place)?));
    match unit.shape {
        UnitShape::One => member(0).and_then(|attribute| of_attribute(attribute, text)),
        UnitShape::Group => {
            let fields = split(chosen, unit.members.len())?;
            let each = fields.iter().enumerate().map(|(place, field)| match field {
                Field::Value(text) => of_attribute(member(place)?, text),
                Field::Null | Field::Empty => Some(field.clone()),
            });
            Some(join(&each.collect::<Option<Vec<_>>>()?))
        }
        UnitShape::List => {
            let elements: Vec<String> = serde_json::from_str(text).ok()?;
            let each = elements.iter().map(|element| of_attribute(member(0)?, element));
            Some(join(&each.collect::<Option<Vec<_>>>()?))
        }
        // An element is there or it is not.
        UnitShape::Set => matches!(key, UnitKey::Element(_, element) if element == text).then(|| chosen.clone()),
        UnitShape::Keyed => {
            let members = &member(0)?.members;
            let fields = split(chosen, members.len())?;
            let each = fields.iter().zip(members).map(|(field, member)| match field {
                Field::Value(text) => of_attribute(&member.0, text),
                Field::Null | Field::Empty => Some(field.clone()),
            });
            Some(join(&each.collect::<Option<Vec<_>>>()?))
        }
    }
}

fn of_attribute(attribute: &AttributeModel, text: &str) -> Option<Field> {
    if attribute.reference.is_some() {
        // The native id that a system would say is no entity.
        return text.parse::<EntityId>().ok().map(|id| Field::Value(id.to_string().into()));
    }
    let canonical = (attribute.canonical)(text);
    canonical.or_else(|| (attribute.check)(text).is_ok().then(|| text.to_owned())).map(|text| Field::Value(text.into()))
}
