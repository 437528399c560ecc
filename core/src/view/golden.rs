//! The golden record as the user's struct.

use crate::entity::Entity;
use crate::model::{Canonical, CompiledEntity, GoldenReader, UnitKey, UnitShape};
use crate::representation::Representation;
use crate::sight::Ground;
use crate::text::Text;
use crate::value::{Field, split_member};
use crate::view::{EntityView, View};

impl<E: Canonical> View<E> {
    /// One entity of this type: the struct built from the golden record, beside the whole.
    pub(crate) fn of(ground: &Ground<'_>, entity: &Entity, representations: &[Option<&Representation>]) -> Self {
        Self {
            golden: E::read(&GoldenReader::new(&|attribute| fields(ground.model, entity, attribute))),
            entity: EntityView::of(ground, entity, representations),
        }
    }
}

/// The golden fields of an attribute: elements by key, one entry of empty key for a scalar, none without a value.
fn fields(model: &CompiledEntity, entity: &Entity, attribute: &str) -> Vec<(Text, Field)> {
    // A keyed collection is asked for as a whole; its members are no attributes of their own.
    let Some((index, member)) = model.unit_of(attribute) else { return Vec::new() };
    let Some(unit) = model.units.get(usize::from(index)) else { return Vec::new() };
    let whole = || entity.golden.get(&UnitKey::Whole(index)).map(|cell| &cell.field);
    match unit.shape {
        UnitShape::One | UnitShape::Group => whole()
            .and_then(|field| split_member(field, unit.members.len(), member))
            .filter(Field::is_value)
            .map(|field| vec![(Text::default(), field)])
            .unwrap_or_default(),
        UnitShape::List => whole().map(elements).unwrap_or_default(),
        UnitShape::Set | UnitShape::Keyed => entity
            .golden
            .element_keys(index)
            .filter_map(|key| {
                let cell = entity.golden.get(&UnitKey::Element(index, key.clone()))?;
                cell.field.is_value().then(|| (key.clone(), cell.field.clone()))
            })
            .collect(),
    }
}

/// The elements of an ordered list, which is one text.
fn elements(list: &Field) -> Vec<(Text, Field)> {
    let elements: Option<Vec<Option<Text>>> = list.as_value().and_then(|text| serde_json::from_str(text).ok());
    let value = |text: Option<Text>| (Text::default(), text.map_or(Field::Null, Field::Value));
    elements.unwrap_or_default().into_iter().map(value).collect()
}
