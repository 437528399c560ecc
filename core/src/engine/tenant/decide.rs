//! Deciding: an operator's choices and own entries, and the crosswalk that people assert.

use std::sync::Arc;

use crate::decision::Lifetime;
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::intake::Input;
use crate::engine::persist::Changes;
use crate::engine::tenant::MOST_ATTEMPTS;
use crate::engine::tenant::ask::typed_index;
use crate::engine::tenant::take_in::{MERGED, UNLINKED, case_key, order};
use crate::entity::{Evidence, HUB_OBJECT};
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::id::{Actor, EntityId, Id, RecordRef, SurfaceName};
use crate::model::{Attribute, Canonical, Shape};
use crate::observation::{Coverage, Observation, Said, Sighting};
use crate::settle::{Choice, NotRuled, Ruling, Touched, rule_on};
use crate::stamp::Stamp;
use crate::text::Text;
use crate::value::{Field, Value};
use crate::working_set::EntityIndex;

impl Tenant {
    /// Decides what is true of an attribute, until a system says something that was not on the table.
    ///
    /// # Errors
    ///
    /// [`Error::NotHeld`] for accepting where no rule holds a change; [`Error::UnknownEntity`] if there is no such entity,
    /// or it is of another type; [`Error::UnknownAttribute`]; or a store that failed.
    pub async fn decide<E: Canonical, T>(
        &self,
        id: Id<E>,
        attribute: Attribute<E, T>,
        choice: Choice,
        by: &Actor,
        reason: &str,
    ) -> Result<(), Error> {
        let lifetime = Lifetime::default();
        let ruling = Ruling { choice, lifetime, by: by.clone(), reason: reason.to_owned() };
        self.rule_as(id.erase(), Some(E::ENTITY), attribute.id(), ruling).await
    }

    /// As [`Tenant::decide`], for a unit by name and with a lifetime of choice.
    ///
    /// # Errors
    ///
    /// As [`Tenant::decide`].
    pub async fn rule(&self, id: EntityId, unit: &str, ruling: Ruling) -> Result<(), Error> {
        self.rule_as(id, None, unit, ruling).await
    }

    async fn rule_as(
        &self,
        id: EntityId,
        expected: Option<&'static str>,
        unit: &str,
        ruling: Ruling,
    ) -> Result<(), Error> {
        let mut key = Text::default();
        for _ in 0..MOST_ATTEMPTS {
            let as_of = self.now();
            let mut loader = Loader::new(&self.core, &self.id);
            let index = self.decided_on(&mut loader, id, expected).await?;
            loader.references().await?;
            let model = self.core.model.entity(loader.loaded.set.entity(index).entity.entity);
            let id = loader.loaded.set.entity(index).entity.id;
            let unknown = || Error::UnknownAttribute { entity: model.name.as_str().into(), attribute: unit.into() };
            let unit_key = model.unit_key(unit).ok_or_else(unknown)?;
            let mut changes = Changes::new(&self.core, as_of, &ruling.by);
            let mut facts: Vec<EntityFact> = Vec::new();
            let mut ruled = Ok(());
            self.with_frame(|frame| {
                loader.loaded.set.decide(frame, index, as_of, &mut facts, |ground, entity, representations, facts| {
                    ruled = rule_on(ground, entity, representations, &unit_key, &ruling, facts);
                });
            });
            ruled.map_err(|why| not_held(id, unit, why))?;
            self.with_frame(|frame| {
                loader.loaded.set.settle(frame, as_of, &mut facts);
                changes.add_set(frame, &loader.loaded, &facts)
            })?;
            changes.journal("decided", &id.to_string(), &(unit, &ruling.by, &ruling.reason));
            if let Some((lost, _)) = changes.commit.expect.first() {
                key = lost.key.clone();
            }
            if self.commit("store a decision", changes.commit).await? {
                return Ok(());
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key })
    }

    /// Enters a value of the hub's own: an operator's note, a classification that no system holds. It lives in the hub's
    /// record of the entity, with the same fold, base and explanation as any other system's.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if there is no such entity, or it is of another type; [`Error::UnknownAttribute`];
    /// [`Error::Value`] if the attribute is of another type than the handle, or holds several values; or a store that
    /// failed.
    pub async fn enter<E: Canonical, T: Value>(
        &self,
        id: Id<E>,
        attribute: Attribute<E, T>,
        value: Option<T>,
        by: &Actor,
    ) -> Result<(), Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        let index = self.decided_on(&mut loader, id.erase(), Some(E::ENTITY)).await?;
        let entity = &loader.loaded.set.entity(index).entity;
        let model = self.core.model.entity(entity.entity);
        let slot = typed_index(model, attribute)?;
        if model.attributes[usize::from(slot)].shape != Shape::One {
            let reason = "it holds several values, and one is entered: enter them where a system holds them";
            return Err(Error::Value { attribute: attribute.id().into(), reason });
        }
        let id = entity.id;
        let field = value.map_or(Field::Null, |value| {
            let mut text = String::new();
            value.canonical(&mut text);
            if text.is_empty() { Field::Empty } else { Field::Value(text.into()) }
        });
        let record = crate::hub::record(model.name.as_str(), id);
        let observation = Observation {
            record,
            stamp: Stamp { token: self.now(), read: self.read_number().await? },
            sighting: Sighting::Live { full: false },
            coverage: Coverage::Carried,
            cells: vec![Said { slot, element: None, field }],
            denied: Vec::new(),
        };
        let surface = SurfaceName::new("entry");
        self.take_in(vec![Input::Observed { observation, surface, body: bytes::Bytes::new() }], by).await?;
        Ok(())
    }

    /// The entity that a person decides on: of the expected type, and the survivor if it was merged.
    async fn decided_on(
        &self,
        loader: &mut Loader<'_>,
        id: EntityId,
        expected: Option<&'static str>,
    ) -> Result<EntityIndex, Error> {
        let unknown = || Error::UnknownEntity { expected: expected.unwrap_or("entity").into(), id };
        let index = loader.standing(id).await?.ok_or_else(unknown)?;
        let name = &self.core.model.entity(loader.loaded.set.entity(index).entity.entity).name;
        if expected.is_some_and(|expected| expected != name.as_str()) {
            return Err(unknown());
        }
        Ok(index)
    }

    /// Asserts that a record belongs to an entity: a crosswalk that the client already has, or an operator's match.
    ///
    /// A record that belongs to another entity moves; its bases start anew.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`], [`Error::UnknownConnection`], or a store that failed.
    pub async fn link(&self, id: EntityId, record: &RecordRef, by: &Actor) -> Result<(), Error> {
        if self.core.place(record).is_none_or(|(_, object)| object == HUB_OBJECT) {
            return Err(Error::UnknownConnection(record.connection.clone()));
        }
        let mut key = Text::default();
        for _ in 0..MOST_ATTEMPTS {
            let as_of = self.now();
            let mut loader = Loader::new(&self.core, &self.id);
            loader.records(std::slice::from_ref(record)).await?;
            let to = self.decided_on(&mut loader, id, None).await?;
            let Some(at) = loader.loaded.set.find_record(record) else { return Ok(()) };
            let mut changes = Changes::new(&self.core, as_of, by);
            let mut facts = Vec::new();
            let cases = [case_key(UNLINKED, record), case_key(MERGED, record)];
            let listed = loader.rows(&cases).await?.iter().any(Option::is_some);
            // A person says where it belongs: that is no case any more.
            cases.into_iter().for_each(|case| changes.delete(case));
            let keys = self.with_frame(|frame| loader.loaded.set.identity_keys(frame, at));
            loader.identities(&keys).await?;
            self.with_frame(|frame| {
                let set = &mut loader.loaded.set;
                if set.record(at).entity == Some(to) {
                    return Ok(());
                }
                if let Some(from) = set.record(at).entity {
                    let record = Arc::clone(&set.record(at).record);
                    set.record_fact(from, Fact::Unlinked { record }, &mut facts);
                }
                set.link(to, at, order(as_of, 0), Evidence::Asserted { by: by.clone() }, &mut facts);
                set.touch(to, Touched::Everything);
                set.settle(frame, as_of, &mut facts);
                changes.add_set(frame, &loader.loaded, &facts)
            })?;
            if facts.is_empty() && !listed {
                return Ok(());
            }
            if let Some((lost, _)) = changes.commit.expect.first() {
                key = lost.key.clone();
            }
            if self.commit("store a link", changes.commit).await? {
                return Ok(());
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key })
    }

    /// Does what is due, within a bound: settles writes of unknown outcome, and reads records that hints point at. Says
    /// whether there is more to do at once.
    ///
    /// Loop, sleep and shutdown are the caller's.
    ///
    /// # Errors
    ///
    /// If a system or the store fails; what is left stays on its list.
    pub async fn step(&self) -> Result<bool, Error> {
        self.recover().await?;
        self.read_hinted().await
    }
}

fn not_held(entity: EntityId, unit: &str, why: NotRuled) -> Error {
    let (state, advice) = match why {
        NotRuled::NotHeld => ("not held", "choose a value, or keep the one that golden holds"),
        NotRuled::NothingThere => ("not known there", "take a connection that says something of it"),
    };
    Error::NotHeld { entity, unit: unit.into(), state, advice }
}
