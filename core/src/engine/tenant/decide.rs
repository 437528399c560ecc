//! Deciding: an operator's choices.

use crate::decision::Lifetime;
use crate::discrepancy::DiscrepancyState;
use crate::engine::Tenant;
use crate::engine::case::{discrepancy_key, discrepancy_of_key};
use crate::engine::hydrate::Loader;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::merge::unmerged_case;
use crate::engine::tenant::unknown_attribute;
use crate::error::Error;
use crate::fact::EntityFact;
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityId, Id};
use crate::model::{Attribute, Canonical};
use crate::role::Role;
use crate::settle::{Choice, NotRuled, Ruled, Ruling, rule_or_propose};
use crate::working_set::EntityIndex;

impl Tenant {
    /// Decides what is true of an attribute, until a system says something that was not on the table. Where four eyes are
    /// asked for, it is a proposal: [`Ruled`] says so.
    ///
    /// # Errors
    ///
    /// [`Error::NotHeld`] for accepting where no rule holds a change; [`Error::Value`] for a text that is no value of the
    /// attribute; [`Error::UnknownEntity`] if there is no such entity, or it is of another type;
    /// [`Error::UnknownAttribute`]; or a store that failed.
    pub async fn decide<E: Canonical, T>(
        &self,
        id: Id<E>,
        attribute: Attribute<E, T>,
        choice: Choice,
        by: &Actor,
        reason: &str,
    ) -> Result<Ruled, Error> {
        let lifetime = Lifetime::default();
        let ruling = Ruling { choice, lifetime, by: by.clone(), reason: reason.to_owned() };
        self.rule_as(id.erase(), Some(E::ENTITY), attribute.id(), ruling).await
    }

    /// Decides whether an entity exists: [`Choice::Retire`] archives what is left of it, [`Choice::Restore`] creates anew
    /// what is gone, [`Choice::Keep`] accepts that a record is gone, and [`Choice::LetDiffer`] lets a surplus record stand.
    /// Plans carry it out; nothing is written before they are approved.
    ///
    /// # Errors
    ///
    /// [`Error::NotHeld`] where there is nothing to decide, [`Error::UnknownEntity`], or a store that failed.
    pub async fn decide_presence<E>(
        &self,
        id: Id<E>,
        choice: Choice,
        by: &Actor,
        reason: &str,
    ) -> Result<Ruled, Error> {
        let lifetime = Lifetime::default();
        let ruling = Ruling { choice, lifetime, by: by.clone(), reason: reason.to_owned() };
        self.rule(id.erase(), "$exists", ruling).await
    }

    /// As [`Tenant::decide`], for a unit by name and with a lifetime of choice.
    ///
    /// # Errors
    ///
    /// As [`Tenant::decide`].
    pub async fn rule(&self, id: EntityId, unit: &str, ruling: Ruling) -> Result<Ruled, Error> {
        self.rule_as(id, None, unit, ruling).await
    }

    /// Decides the unit that an open case is about.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCase`]; [`Error::CaseClosed`], also if it is closed meanwhile; [`Error::NoChoice`] for a case that is
    /// about records or entities as such; and as [`Tenant::decide`].
    pub async fn decide_case(&self, key: &str, ruling: Ruling) -> Result<Ruled, Error> {
        self.require_role(&ruling.by, Role::Operator, "decide cases").await?;
        let case = self.case(key).await?;
        let (Some(entity), Some(unit), Some(id)) = (case.entities.first(), &case.unit, discrepancy_of_key(key)) else {
            return Err(Error::NoChoice { key: key.into(), advice: case.kind.advice() });
        };
        self.rule_while(*entity, None, unit, ruling, Some(id)).await
    }

    async fn rule_as(
        &self,
        id: EntityId,
        expected: Option<&'static str>,
        unit: &str,
        ruling: Ruling,
    ) -> Result<Ruled, Error> {
        self.rule_while(id, expected, unit, ruling, None).await
    }

    /// Rules on a unit, if this discrepancy waits for a person.
    async fn rule_while(
        &self,
        id: EntityId,
        expected: Option<&'static str>,
        unit: &str,
        ruling: Ruling,
        waits: Option<Digest>,
    ) -> Result<Ruled, Error> {
        let mut attempts = Attempts::default();
        loop {
            let as_of = self.now();
            let mut loader = Loader::new(&self.core, &self.id);
            let index = self.decided_by(&ruling.by, &mut loader, id, expected).await?;
            loader.references().await?;
            let model = self.core.model.entity(loader.loaded.set.entity(index).entity.entity);
            let unit_key = model.unit_key(unit).ok_or_else(|| unknown_attribute(model, unit))?;
            self.require_to_decide(&ruling.by, model, unit).await?;
            self.refuse_cards_of(unit, &ruling)?;
            let id = loader.loaded.set.entity(index).entity.id;
            if let Some(waiting) = &waits {
                let standing = loader.loaded.set.entity(index).entity.discrepancies.get(waiting);
                if standing.is_none_or(|standing| standing.state != DiscrepancyState::Waiting) {
                    let how = "it was closed while you decided".into();
                    return Err(Error::CaseClosed { key: discrepancy_key(*waiting), how });
                }
            }
            let mut changes = Changes::new(&self.core, as_of, &ruling.by);
            let mut facts: Vec<EntityFact> = Vec::new();
            let asked = self.asks_four_eyes(loader.loaded.set.entity(index).entity.entity, model, &unit_key);
            let mut ruled = Ok(Ruled::Decided);
            self.with_frame(|frame| {
                loader.loaded.set.decide(frame, index, as_of, &mut facts, |ground, entity, representations, facts| {
                    ruled = rule_or_propose(ground, entity, representations, &unit_key, &ruling, asked, facts);
                });
            });
            let ruled = ruled.map_err(|why| not_held(id, unit, why))?;
            self.with_frame(|frame| {
                loader.loaded.set.settle(frame, as_of, &mut facts);
                changes.add_set(frame, &loader.loaded, &facts)
            })?;
            changes.journal(ruled.kind(), &id.to_string(), &(unit, &ruling.by, &ruling.reason));
            if ruled == Ruled::Decided {
                changes.delete(unmerged_case(id, &model.unit_name(&unit_key)));
            }
            if attempts.commit(self, "store a decision", changes.commit).await? {
                return Ok(ruled);
            }
        }
    }

    /// Refuses a ruling that holds a card number.
    pub(super) fn refuse_cards_of(&self, unit: &str, ruling: &Ruling) -> Result<(), Error> {
        let chosen = match &ruling.choice {
            Choice::Value(field) => field.as_value().unwrap_or_default(),
            _ => "",
        };
        self.refuse_cards(unit, [chosen, &ruling.reason])
    }

    /// As [`Tenant::decided_on`]. Whoever may decide nothing is not told that nobody is there.
    pub(super) async fn decided_by(
        &self,
        by: &Actor,
        loader: &mut Loader<'_>,
        id: EntityId,
        expected: Option<&'static str>,
    ) -> Result<EntityIndex, Error> {
        let found = self.decided_on(loader, id, expected).await;
        if found.is_err() {
            self.require_role(by, Role::Operator, "decide").await?;
        }
        found
    }

    /// The entity that a person decides on: of the expected type, and the survivor if it was merged.
    pub(super) async fn decided_on(
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
}

pub(super) fn not_held(entity: EntityId, unit: &str, why: NotRuled) -> Error {
    let (state, advice) = match why {
        NotRuled::NotHeld => ("not held", "choose a value, or keep the one that golden holds"),
        NotRuled::Derived => ("computed", "decide the values that it is computed from, or accept what a rule holds"),
        NotRuled::Presence => {
            ("presence", "retire or restore the entity, keep it without what is gone, or let a record differ")
        }
        NotRuled::NoPresence => ("a value", "retire or restore `$exists`"),
        NotRuled::NothingGone => ("present", "there is nothing to restore; retire it, or let a record differ"),
        NotRuled::Unsettled => ("not settled", "decide the value first, then let a system differ from it"),
        NotRuled::Owns => {
            ("owned there", "the owner's value is true; choose another value and the owner is asked to follow")
        }
        NotRuled::NoValue => {
            return Error::Value { attribute: unit.into(), reason: "the text is no value of its type" };
        }
        NotRuled::Forbidden => ("not to become that", "a rule forbids it: choose another value, or change the rule"),
        NotRuled::Over => ("over by then", "name an instant that is yet to come"),
        NotRuled::NothingThere => ("not known there", "name a connection that says something else than golden"),
    };
    Error::NotHeld { entity, unit: unit.into(), state, advice }
}
