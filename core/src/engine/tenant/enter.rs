//! Entering: what operators know and no system holds.

use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::intake::{Entry, Input};
use crate::engine::tenant::ask::typed_index;
use crate::engine::tenant::unknown_attribute;
use crate::error::Error;
use crate::id::{Actor, EntityId, Id};
use crate::model::{Attribute, Canonical, Shape, UnitKey};
use crate::observation::{Coverage, Observation, Said, Sighting};
use crate::stamp::Stamp;
use crate::value::{Field, Value};

impl Tenant {
    /// Enters a value of the hub's own: an operator's note, a classification that no system holds. It lives in the hub's
    /// record of the entity, with the same fold, base and explanation as any other system's.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if there is no such entity, or it is of another type; [`Error::UnknownAttribute`];
    /// [`Error::Value`] if the attribute is of another type than the handle, holds several values, or is computed;
    /// [`Error::TakesTwo`] where four eyes are asked for: what one person enters, that person alone has decided; or a store
    /// that failed.
    pub async fn enter<E: Canonical, T: Value>(
        &self,
        id: Id<E>,
        attribute: Attribute<E, T>,
        value: Option<T>,
        by: &Actor,
    ) -> Result<(), Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        self.decided_by(by, &mut loader, id.erase(), Some(E::ENTITY)).await?;
        typed_index(self.entity_model(E::ENTITY)?, attribute)?;
        let text = value.map(|value| {
            let mut text = String::new();
            value.canonical(&mut text);
            text
        });
        self.enter_as(id.erase(), Some(E::ENTITY), attribute.id(), text.as_deref(), by, "").await
    }

    /// As [`Tenant::enter`], by the name of an attribute, with the value as people write it and with the reason. Journaled.
    ///
    /// # Errors
    ///
    /// As [`Tenant::enter`]; and [`Error::Value`] for a text that is no value of the attribute.
    pub async fn enter_erased(
        &self,
        id: EntityId,
        attribute: &str,
        value: Option<&str>,
        by: &Actor,
        reason: &str,
    ) -> Result<(), Error> {
        self.enter_as(id, None, attribute, value, by, reason).await
    }

    async fn enter_as(
        &self,
        id: EntityId,
        expected: Option<&'static str>,
        attribute: &str,
        value: Option<&str>,
        by: &Actor,
        reason: &str,
    ) -> Result<(), Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        let index = self.decided_by(by, &mut loader, id, expected).await?;
        let entity = &loader.loaded.set.entity(index).entity;
        let model = self.core.model.entity(entity.entity);
        let slot = model.attribute_index(attribute).ok_or_else(|| unknown_attribute(model, attribute))?;
        self.require_to_decide(by, model, attribute).await?;
        self.refuse_cards(attribute, [value.unwrap_or_default(), reason])?;
        if model.attributes[usize::from(slot)].shape != Shape::One {
            let reason = "it holds several values, and one is entered: enter them where a system holds them";
            return Err(Error::Value { attribute: attribute.into(), reason });
        }
        let unit = model.unit_of(attribute).map(|(unit, _)| unit);
        if unit.is_some_and(|unit| model.units[usize::from(unit)].derived.is_some()) {
            let reason = "it is computed from other values: enter those";
            return Err(Error::Value { attribute: attribute.into(), reason });
        }
        let id = entity.id;
        if unit.is_some_and(|unit| self.asks_four_eyes(entity.entity, model, &UnitKey::Whole(unit))) {
            return Err(Error::TakesTwo { entity: id, unit: attribute.into() });
        }
        let declared = &model.attributes[usize::from(slot)];
        let field = match value {
            None => Field::Null,
            Some("") => Field::Empty,
            Some(text) => {
                let reason = "the text is no value of its type";
                let none = || Error::Value { attribute: attribute.into(), reason };
                Field::Value((declared.canonical)(text).ok_or_else(none)?.into())
            }
        };
        let entry = Box::new(Entry { attribute: declared.id.as_str().into(), reason: reason.to_owned() });
        let record = crate::hub::record(model.name.as_str(), id);
        let observation = Observation {
            record,
            stamp: Stamp { token: self.now(), read: self.read_number().await? },
            sighting: Sighting::Live { full: false },
            coverage: Coverage::Carried,
            cells: vec![Said { slot, element: None, field }],
            denied: Vec::new(),
        };
        self.take_in(vec![Input::Entered { observation, entry }], by).await?;
        Ok(())
    }
}
