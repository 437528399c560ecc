//! What keeps creates back while matchers are asked and people are to answer: what an entity lacks may be another's, or waits to be asked
//! about where it would be created.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::engine::Tenant;
use crate::engine::case::CaseKind;
use crate::engine::hydrate::parse;
use crate::engine::match_queue::{queue_key, queue_prefix};
use crate::engine::persist::{PART, connection_prefix};
use crate::engine::tenant::creates::Creates;
use crate::engine::tenant::matching::sweep::sweep_row;
use crate::engine::tenant::pages::Pages;
use crate::entity::HUB_OBJECT;
use crate::error::Error;
use crate::id::{ConnectionName, EntityId, ObjectType, RecordRef};
use crate::plan::{Intent, Operation, PlanDraft};
use crate::store::{RowKey, Table};
use crate::working_set::WorkingSet;

/// Why a create is kept out of a plan.
const WHY_MATCHING: &str = "it may be another entity, by a match that waits: say whether the two are one";
const WHY_QUEUED: &str = "it may be another entity: the matcher is asked first";
const WHY_THERE: &str = "it may be there: the matcher is asked first about what was heard from there";

/// What creates of matched entity types wait for.
#[derive(Debug, Default)]
pub(crate) struct Unasked {
    /// The entities that an open case says may be another.
    in_cases: BTreeSet<EntityId>,
    /// Where records wait to be asked about.
    places: BTreeSet<(ConnectionName, ObjectType)>,
}

/// The part of a case's row that says whom it is about.
#[derive(Deserialize)]
struct About {
    #[serde(default)]
    entities: Vec<EntityId>,
    #[serde(default)]
    records: Vec<RecordRef>,
}

impl Tenant {
    /// Keeps creates out of a draft that matchers or people were not asked about, among its operations from a place on: those of
    /// entities of a working set.
    pub(crate) async fn keep_out_unasked(
        &self,
        set: &WorkingSet,
        creates: &Creates,
        draft: &mut PlanDraft,
        from: usize,
    ) -> Result<(), Error> {
        let matched = |operation: &Operation| {
            let of = self.core.model.entity_index(operation.entity_type.as_str());
            of.is_some_and(|of| self.core.matching.get(usize::from(of)).is_some_and(Option::is_some))
        };
        let is_create = |operation: &Operation| matches!(operation.intent, Intent::Create(_)) && matched(operation);
        let operations = draft.operations().get(from..).unwrap_or_default();
        let ids: BTreeSet<EntityId> = operations.iter().filter(|one| is_create(one)).map(|one| one.entity).collect();
        if ids.is_empty() {
            return Ok(());
        }
        if creates.unasked.get().is_none() {
            // Whoever was faster read the same.
            drop(creates.unasked.set(self.unasked().await?));
        }
        let Some(unasked) = creates.unasked.get() else { return Ok(()) };
        let mut keys: Vec<(EntityId, RowKey)> = Vec::new();
        for index in ids.iter().filter_map(|id| set.find_entity(*id)) {
            let entity = &set.entity(index).entity;
            let name = &self.core.model.entity(entity.entity).name;
            let native = entity.links.iter().filter(|link| link.object != HUB_OBJECT);
            keys.extend(native.map(|link| (entity.id, queue_key(name, &link.record))));
        }
        let (of, keys): (Vec<EntityId>, Vec<RowKey>) = keys.into_iter().unzip();
        let rows = match keys.is_empty() {
            true => Vec::new(),
            false => self.core.store.load(&self.id, &keys).await.map_err(Error::store("see what is to be matched"))?,
        };
        let queued: BTreeSet<EntityId> =
            of.into_iter().zip(rows).filter(|(_, row)| row.is_some()).map(|(id, _)| id).collect();
        draft.keep_out_each_from(from, &|operation| {
            if !is_create(operation) {
                return None;
            }
            let place = (operation.target.connection().clone(), operation.target.object().clone());
            if unasked.in_cases.contains(&operation.entity) {
                Some(WHY_MATCHING.into())
            } else if queued.contains(&operation.entity) {
                Some(WHY_QUEUED.into())
            } else if unasked.places.contains(&place) {
                Some(WHY_THERE.into())
            } else {
                None
            }
        });
        Ok(())
    }

    async fn unasked(&self) -> Result<Unasked, Error> {
        let mut unasked = Unasked::default();
        let of = |record: &RecordRef| self.core.place(record).map(|(entity, _)| usize::from(entity));
        let is_matched = |of: usize| self.core.matching.get(of).is_some_and(Option::is_some);
        let mut rows = Pages::of(self, Table::Case, CaseKind::Match.prefix(), "list matches");
        while let Some(row) = rows.next().await? {
            let About { entities, records } = parse(Table::Case, &row)?;
            if records.first().and_then(of).is_some_and(is_matched) {
                unasked.in_cases.extend(entities);
            }
        }
        let types: Vec<u16> =
            (0u16..).take(self.core.matching.len()).filter(|of| is_matched(usize::from(*of))).collect();
        let sweeps: Vec<RowKey> = types.iter().map(|of| sweep_row(&self.core.model.entity(*of).name)).collect();
        let sweeps = self.core.store.load(&self.id, &sweeps).await.map_err(Error::store("see what was matched"))?;
        // What a sweep has not put in the queue yet waits as well.
        let swept: BTreeSet<u16> =
            types.into_iter().zip(sweeps).filter(|(_, sweep)| sweep.is_some()).map(|(of, _)| of).collect();
        for (connection, bound) in &self.core.connections {
            for (object, (entity, ..)) in bound.objects.iter().filter(|(_, (of, ..))| is_matched(usize::from(*of))) {
                let prefix = queue_prefix(&self.core.model.entity(*entity).name);
                let prefix = format!("{prefix}{}{object}{PART}", connection_prefix(connection));
                let rows = self.core.store.scan(&self.id, Table::Index, &prefix, None, 1).await;
                let queued = !rows.map_err(Error::store("see what is to be matched"))?.is_empty();
                if queued || swept.contains(entity) {
                    unasked.places.insert((connection.clone(), object.clone()));
                }
            }
        }
        Ok(unasked)
    }
}

/// Whether a create was kept out because a matcher or a person is to be asked first: it is tried again once they were.
pub(crate) fn waits_for_matching(why: &str) -> bool {
    [WHY_MATCHING, WHY_QUEUED, WHY_THERE].contains(&why)
}
