//! Planning and approving.

use std::collections::BTreeSet;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::{Changes, json};
use crate::engine::suppression::suppression_key;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::creates::Creates;
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::purge::Made;
use crate::entity::Entity;
use crate::error::{Error, Known};
use crate::id::{Actor, ConnectionName, EntityId, Id, ObjectType, RecordRef, SystemName};
use crate::model::UnitKey;
use crate::plan::{Plan, PlanDraft, PlanHash, PlanKind, Scope, Surroundings, plan_entity};
use crate::role::Role;
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::working_set::WorkingSet;

/// A stored plan, in a line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlanSummary {
    /// Its name.
    pub hash: PlanHash,
    /// What it is for.
    pub kind: PlanKind,
    /// What it covers.
    pub scope: Scope,
    /// How many writes it has.
    pub operations: usize,
    /// How many writes are kept out of it.
    pub parked: usize,
    /// Who asked for it first.
    pub by: Actor,
    /// When it was last made; `None`: before that was noted.
    pub made: Option<DateTime<Utc>>,
    /// Until when it can be approved.
    pub stands_until: Option<DateTime<Utc>>,
}

/// A plan being asked for; awaiting it makes the plan, stores it and gives it back.
#[derive(Debug, Clone)]
#[must_use = "a plan is made when it is awaited"]
pub struct PlanRequest {
    tenant: Tenant,
    scope: Scope,
    kind: PlanKind,
    /// `None`: nobody in particular.
    by: Option<Actor>,
}

impl PlanRequest {
    /// Only writes into this connection or system. May be repeated.
    pub fn toward(mut self, name: &str) -> Self {
        self.scope.toward.get_or_insert_default().push(name.into());
        self
    }

    /// Writes into every system: the default, said aloud.
    pub fn both_ways(mut self) -> Self {
        self.scope.toward = None;
        self
    }

    /// Only these attributes or groups, by id.
    pub fn attributes(mut self, ids: &[&str]) -> Self {
        self.scope.units = Some(ids.iter().map(|id| Text::new(id)).collect());
        self
    }

    /// Only entities of this type. May be repeated.
    pub fn of_type(mut self, entity_type: &str) -> Self {
        self.scope.types.get_or_insert_default().push(entity_type.into());
        self
    }

    /// A plan for first contact: fills what systems never had, and lets owners replace observers' values.
    pub fn bootstrap(mut self) -> Self {
        self.kind = PlanKind::Bootstrap;
        self
    }

    /// Who asks: an operator at least, where roles are configured.
    pub fn by(mut self, actor: &Actor) -> Self {
        self.by = Some(actor.clone());
        self
    }
}

/// # Errors
///
/// Awaiting it fails with [`Error::Forbidden`] if whoever asks may not plan; if the scope names a connection, attribute or entity that
/// there is not; with [`Error::ModelChanged`] until
/// [`Tenant::accept_model`] is called; if a reader's row is broken; or if the store fails.
impl IntoFuture for PlanRequest {
    type Output = Result<Plan, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Plan, Error>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { tenant, scope, kind, by } = self;
        Box::pin(async move {
            if let Some(by) = &by {
                // Whoever asks counts as one of two people.
                tenant.require_role(by, Role::Operator, "plan").await?;
            }
            tenant.make_plan(scope, kind, &by.unwrap_or_else(Tenant::engine)).await
        })
    }
}

impl From<EntityId> for Scope {
    fn from(id: EntityId) -> Self {
        Scope { entities: Some(vec![id]), ..Scope::default() }
    }
}

/// Some entities: those that a search or a list of discrepancies named.
impl From<Vec<EntityId>> for Scope {
    fn from(ids: Vec<EntityId>) -> Self {
        Scope { entities: Some(ids), ..Scope::default() }
    }
}

impl<E> From<Id<E>> for Scope {
    fn from(id: Id<E>) -> Self {
        id.erase().into()
    }
}

impl Tenant {
    /// Asks for a plan: of one entity (`plan(id)`), or of all (`plan(Scope::default())`).
    pub fn plan(&self, scope: impl Into<Scope>) -> PlanRequest {
        PlanRequest { tenant: self.clone(), scope: scope.into(), kind: PlanKind::Regular, by: None }
    }

    /// A stored plan.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlan`] if there is none of this hash.
    pub async fn stored_plan(&self, hash: PlanHash) -> Result<Plan, Error> {
        // A plan that plans nothing is not stored: it is always the same.
        let empty = [PlanKind::Regular, PlanKind::Bootstrap].map(|kind| Plan::empty(&self.id, kind));
        if let Some(empty) = empty.into_iter().find(|empty| empty.hash == hash) {
            return Ok(empty);
        }
        let key = RowKey::new(Table::Plan, hash.to_string());
        let row = self.row(&key, "load a plan").await?;
        let row = row.ok_or(Error::UnknownPlan(hash))?;
        let plan = self.core.memory.plans.get(&self.id, &key, row, |row| Ok(Arc::new(parse(Table::Plan, row)?)))?;
        Ok(Plan::clone(&plan))
    }

    /// Refuses a plan that was last made too long ago.
    pub(crate) async fn require_standing(&self, hash: PlanHash) -> Result<(), Error> {
        let made = self.made(hash).await?;
        // An empty plan is in no row. Of one that was stored before this was noted nobody knows; it is checked operation by
        // operation all the same.
        let Some(made) = made.and_then(|made| made.made) else { return Ok(()) };
        let until = self.core.retention.stands_until(made);
        if until <= self.now() {
            return Err(Error::PlanExpired { plan: hash, made: instant(made), until: instant(until) });
        }
        Ok(())
    }

    /// When a plan was last made, and by whom; `None`: it is in no row.
    pub(crate) async fn made(&self, hash: PlanHash) -> Result<Option<Made>, Error> {
        let key = RowKey::new(Table::Plan, hash.to_string());
        let row = self.row(&key, "look when a plan was made").await?;
        row.map(|row| parse(Table::Plan, &row)).transpose()
    }

    /// The stored plans, in the order of their hashes, behind `after`, at most `limit`: what a console lists.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn plans(&self, after: Option<PlanHash>, limit: usize) -> Result<Vec<PlanSummary>, Error> {
        let after = after.map(|hash| hash.to_string());
        let rows = self.core.store.scan(&self.id, Table::Plan, "", after.as_deref(), limit).await;
        let rows = rows.map_err(Error::store("list plans"))?;
        rows.iter()
            .map(|row| {
                let plan: Plan = parse(Table::Plan, row)?;
                let Made { made, by, .. } = parse(Table::Plan, row)?;
                Ok(PlanSummary {
                    hash: plan.hash,
                    kind: plan.kind,
                    scope: plan.scope,
                    operations: plan.operations.len(),
                    parked: plan.parked.len(),
                    by: by.unwrap_or_else(Self::engine),
                    made: made.map(instant),
                    stands_until: made.map(|made| instant(self.core.retention.stands_until(made))),
                })
            })
            .collect()
    }

    /// A scope by the names of today's model: a former id by the present one, a group's member by its group.
    ///
    /// # Errors
    ///
    /// If it names what there is not: a plan that covers nothing would look like a world in which nothing is owed.
    async fn resolve_scope(&self, mut scope: Scope) -> Result<Scope, Error> {
        for name in scope.toward.iter().flatten() {
            let is_system = self.core.connections.values().any(|connection| *connection.system.as_str() == **name);
            if !is_system {
                self.connection(name)?;
            }
        }
        for name in scope.types.iter().flatten() {
            self.entity_model(name.as_str())?;
        }
        for unit in scope.units.iter_mut().flatten() {
            *unit = self.unit_in_scope(unit)?;
        }
        if let Some(ids) = &scope.entities {
            let mut loader = Loader::new(&self.core, &self.id);
            for id in ids {
                if loader.standing(*id).await?.is_none() {
                    return Err(Error::UnknownEntity { expected: "entity".into(), id: *id });
                }
            }
        }
        Ok(scope)
    }

    /// The unit that a name of any entity type stands for.
    fn unit_in_scope(&self, name: &str) -> Result<Text, Error> {
        let entities = &self.core.model.entities;
        let named = entities.iter().find_map(|entity| {
            let key = entity.unit_key(name).or_else(|| entity.unit_of(name).map(|(unit, _)| UnitKey::Whole(unit)))?;
            Some(entity.unit_name(&key))
        });
        named.ok_or_else(|| {
            let units = entities.iter().flat_map(|entity| &entity.units).map(|unit| unit.id.as_str());
            let attributes = entities.iter().flat_map(|entity| &entity.attributes).map(|it| it.id.as_str());
            let known = Known::beside(name, units.chain(attributes).collect::<BTreeSet<_>>());
            Error::UnknownAttribute { entity: "the model".into(), attribute: name.into(), known }
        })
    }

    async fn make_plan(&self, scope: Scope, kind: PlanKind, by: &Actor) -> Result<Plan, Error> {
        if *by != Self::engine() {
            self.require_role(by, Role::Operator, "plan").await?;
        }
        let mut attempts = Attempts::default();
        loop {
            // Whoever was erased since is in no plan; and what another process took over, this one may store no more.
            let (rests_on, _) = self.suppression().await?;
            let plan = self.plan_now(scope.clone(), kind).await?;
            if self.store_plan(&plan, by, rests_on, &mut attempts).await? {
                return Ok(plan);
            }
        }
    }

    /// What is to be done as things stand now. Nothing of it is stored.
    async fn plan_now(&self, scope: Scope, kind: PlanKind) -> Result<Plan, Error> {
        let scope = self.resolve_scope(scope).await?;
        self.close_refusals(scope.entities.as_deref()).await?;
        let creates = self.creates().await?;
        let mut draft = PlanDraft::new(kind, scope.clone());
        match &scope.entities {
            Some(ids) => {
                let standing = self.standing(ids).await?;
                self.plan_into(&standing, &creates, &mut draft).await?;
            }
            None => {
                let mut pages = Pages::new(self, Table::Entity, "list entities");
                while let Some(rows) = pages.page().await? {
                    let ids: Vec<EntityId> = rows.iter().filter_map(|row| row.key.parse().ok()).collect();
                    self.plan_into(&ids, &creates, &mut draft).await?;
                }
            }
        }
        let observed = self.observed_only().await?;
        draft.keep_out(&|connection| observed.get(connection).cloned());
        let stops = self.all_stops().await?;
        if !stops.is_empty() {
            draft.keep_out_each(&|operation| self.why_stopped(stops.get(operation.target.connection())?, operation));
        }
        let counted = self.counted(draft.operations()).await?;
        draft.keep_to(self.core.limits, &counted);
        Ok(draft.finish(&self.id))
    }

    /// Stores a plan. One that plans nothing, or is stored already, leaves neither row nor entry: planning runs again after
    /// every reply, and the world is mostly quiet. `false`: it rests on what is so no more, and is to be made anew.
    async fn store_plan(
        &self,
        plan: &Plan,
        by: &Actor,
        rests_on: Option<u64>,
        attempts: &mut Attempts,
    ) -> Result<bool, Error> {
        self.require_model().await?;
        if plan.is_empty() {
            return Ok(true);
        }
        let key = RowKey::new(Table::Plan, plan.hash.to_string());
        let stored = self.row(&key, "look for a plan").await?;
        let Some(row) = self.plan_row(plan, by, stored)? else { return Ok(true) };
        let mut changes = Changes::new(&self.core, self.now(), by);
        // Nothing is kept of whoever was erased since the plan was begun.
        changes.commit.expect.push((suppression_key(), rests_on));
        let value = json(&row);
        debug_assert_eq!(serde_json::from_slice(&value).ok().as_ref(), Some(plan), "it is read as written");
        self.core.memory.plans.expect(&self.id, &key, &value, Arc::new(plan.clone()));
        changes.commit.put.push((key, value));
        if !row.again {
            let keys: Vec<_> = plan.operations.iter().map(|operation| operation.key).collect();
            changes.journal("planned", &plan.hash.to_string(), &(plan.hash, &plan.scope, keys));
        }
        attempts.commit(self, "store a plan", changes.commit).await
    }

    /// The entities that ids stand for, each once: one that was merged is its survivor.
    pub(super) async fn standing(&self, ids: &[EntityId]) -> Result<Vec<EntityId>, Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        let mut standing = Vec::new();
        for id in ids {
            let Some(index) = loader.standing(*id).await? else { continue };
            let id = loader.loaded.set.entity(index).entity.id;
            if !standing.contains(&id) {
                standing.push(id);
            }
        }
        Ok(standing)
    }

    /// Plans entities into a draft, without storing anything.
    pub(crate) async fn plan_into(
        &self,
        ids: &[EntityId],
        creates: &Creates,
        draft: &mut PlanDraft,
    ) -> Result<(), Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        loader.entities(ids).await?;
        loader.references().await?;
        loader.golden_references().await?;
        self.plan_loaded(&loader.loaded.set, ids, creates, draft).await
    }

    /// Plans entities of a working set, but for creates that matchers or people are to be asked about first.
    pub(crate) async fn plan_loaded(
        &self,
        set: &WorkingSet,
        ids: &[EntityId],
        creates: &Creates,
        draft: &mut PlanDraft,
    ) -> Result<(), Error> {
        let planned = draft.operations().len();
        self.plan_set(set, ids, creates, draft);
        self.keep_out_unasked(set, creates, draft, planned).await
    }

    /// Plans entities of a working set, whatever matchers may say.
    pub(crate) fn plan_set(&self, set: &WorkingSet, ids: &[EntityId], creates: &Creates, draft: &mut PlanDraft) {
        let as_of = self.now();
        let surroundings = Surroundings {
            native: &|entity, connection, object| native(set, entity, connection, object),
            creates_in: &|system| self.creates_in(system),
            creating: &|entity, object| creates.under_way(entity, object) && !planted!(SentBeside),
            unread: &|connection, object| creates.is_unread(connection, object),
            shared: &|entity| creates.may_be_another(entity),
        };
        self.with_frame(|frame| {
            for id in ids {
                let Some(index) = set.find_entity(*id) else { continue };
                set.with_ground(frame, index, as_of, |ground, entity, representations| {
                    plan_entity(ground, &surroundings, entity, representations, draft);
                });
            }
        });
    }

    /// The connection in which records of a system are created: the one of its name, else its first.
    fn creates_in(&self, system: &SystemName) -> Option<ConnectionName> {
        let own = ConnectionName::new(system.as_str());
        if self.core.connections.get(&own).is_some_and(|connection| connection.system == *system) {
            return Some(own);
        }
        self.core.connections.iter().find(|(_, connection)| connection.system == *system).map(|(name, _)| name.clone())
    }
}

/// The record of an entity in a connection's object type: the oldest confirmed of those that speak, else of all.
pub(crate) fn native(
    set: &WorkingSet,
    entity: EntityId,
    connection: &ConnectionName,
    object: &ObjectType,
) -> Option<RecordRef> {
    let entity = standing(set, entity)?;
    let links =
        || entity.links.iter().filter(|link| link.record.connection == *connection && link.record.object == *object);
    let speaks =
        |record: &RecordRef| set.find_record(record).is_some_and(|index| set.record(index).representation.speaks());
    let link = links().find(|link| speaks(&link.record)).or_else(|| links().next())?;
    Some((*link.record).clone())
}

/// The entity that an id stands for in a working set: its own, or the one that it was merged into.
fn standing(set: &WorkingSet, id: EntityId) -> Option<&Entity> {
    let mut entity = &set.entity(set.find_entity(id)?).entity;
    // Merges take no aliases, so they make no circle; a store that says otherwise is not followed for ever.
    for _ in set.entities() {
        let Some(into) = entity.merged_into.and_then(|into| set.find_entity(into)) else { break };
        entity = &set.entity(into).entity;
    }
    Some(entity)
}

/// An instant as people and other programs read it.
pub(super) fn instant(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
