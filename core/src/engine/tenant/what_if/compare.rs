//! Comparing what is stored with what a history comes to under a proposal, a page of entities at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{WhatIf, WouldBe, WouldWrite};
use super::shadow::Shadow;
use crate::discrepancy::{Discrepancy, DiscrepancyState};
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::tenant::creates::Creates;
use crate::engine::tenant::pages::Pages;
use crate::entity::Entity;
use crate::error::Error;
use crate::golden::{GoldenCell, Status};
use crate::id::EntityId;
use crate::model::{CompiledEntity, EXISTS, UnitKey};
use crate::plan::{Operation, PlanDraft, PlanKind, Scope, Target};
use crate::store::Table;
use crate::text::Text;
use crate::value::Field;

/// The entities of a page, and what would be written of them.
struct Side<'a> {
    loader: Loader<'a>,
    operations: Vec<Operation>,
}

impl Tenant {
    /// Compares every entity.
    pub(super) async fn compare_with(&self, shadow: &Shadow, would: &mut WhatIf) -> Result<(), Error> {
        // Where nobody has looked yet, and what is under way, is the same whatever the model.
        let creates = self.creates().await?;
        let mut pages = Pages::new(self, Table::Entity, "list entities");
        while let Some(page) = pages.page().await? {
            let ids: Vec<EntityId> = page.iter().filter_map(|row| row.key.parse().ok()).collect();
            let is = self.side(self, &ids, &creates).await?;
            let shown = shadow.tenant.side(self, &ids, &creates).await?;
            for id in &ids {
                self.compare_one(shadow, *id, &is, &shown, would);
            }
            compare_writes(&is.operations, &shown.operations, would);
        }
        Ok(())
    }

    /// What matchers are to be asked is what it is in `live`: nothing is asked of what would be.
    async fn side(&self, live: &Tenant, ids: &[EntityId], creates: &Creates) -> Result<Side<'_>, Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        loader.entities(ids).await?;
        loader.references().await?;
        loader.golden_references().await?;
        let mut draft = PlanDraft::new(PlanKind::Regular, Scope::default());
        self.plan_set(&loader.loaded.set, ids, creates, &mut draft);
        live.keep_out_unasked(&loader.loaded.set, creates, &mut draft, 0).await?;
        Ok(Side { loader, operations: draft.operations().to_vec() })
    }

    fn compare_one(&self, shadow: &Shadow, id: EntityId, is: &Side<'_>, shown: &Side<'_>, would: &mut WhatIf) {
        fn of<'s>(side: &'s Side<'_>, id: EntityId) -> Option<&'s Entity> {
            let set = &side.loader.loaded.set;
            Some(&set.entity(set.find_entity(id)?).entity)
        }
        let (Some(stands), now) = (of(is, id), of(shown, id)) else { return };
        let model = self.core.model.entity(stands.entity);
        if stands.merged_into.is_some() && now.is_none_or(|now| now.merged_into == stands.merged_into) {
            return;
        }
        would.entities += 1;
        let proposed = now.map(|now| shadow.tenant.core.model.entity(now.entity));
        let mut golden = now.zip(proposed).map(|(now, proposed)| units(now, proposed, proposed)).unwrap_or_default();
        let mut differs = |unit: Text, is: Option<&GoldenCell>, would_be: Option<&GoldenCell>| {
            let shown = |cell: &GoldenCell| (shown_field(cell).clone(), status(cell).into());
            let (is, would_be) = (is.map(shown), would_be.map(shown));
            if is == would_be {
                return;
            }
            let whole: Text = unit.split_once('[').map_or(&*unit, |(whole, _)| whole).into();
            let changed = would.golden.entry((model.name.clone(), whole)).or_default();
            changed.add(|| WouldBe { entity: id, unit, is, would_be });
        };
        for (name, cell) in units(stands, model, proposed.unwrap_or(model)) {
            differs(name.clone(), Some(cell), golden.remove(&name));
        }
        for (name, cell) in golden {
            differs(name, None, Some(cell));
        }
        let standing = |entity: &Entity| -> BTreeMap<_, Discrepancy> {
            let open = entity.discrepancies.values().filter(|one| one.state != DiscrepancyState::Resolved);
            open.map(|one| ((one.unit.clone(), one.link.clone(), one.kind), Discrepancy::clone(one))).collect()
        };
        let (were, mut are) = (standing(stands), now.map(standing).unwrap_or_default());
        for (key, one) in were {
            let would_be = are.remove(&key);
            if would_be.as_ref().is_some_and(|would_be| would_be.state == one.state) {
                continue;
            }
            let otherwise = would.discrepancies.entry((model.name.clone(), one.kind)).or_default();
            let changed = match would_be.map(|would_be| would_be.state) {
                None => &mut otherwise.resolved,
                Some(DiscrepancyState::Waiting) => &mut otherwise.asked,
                Some(_) => &mut otherwise.freed,
            };
            changed.add(|| (id, one.unit));
        }
        for one in are.into_values() {
            let otherwise = would.discrepancies.entry((model.name.clone(), one.kind)).or_default();
            otherwise.opened.add(|| (id, one.unit));
        }
    }
}

/// The golden cells of an entity, by the names of the proposal's units: an attribute that it renames is the same one.
fn units<'e>(entity: &'e Entity, of: &CompiledEntity, proposed: &CompiledEntity) -> BTreeMap<Text, &'e GoldenCell> {
    let named = |key: &UnitKey| {
        let name = of.unit_name(key);
        let (whole, element) = match name.split_once('[') {
            Some((whole, _)) => (Text::new(whole), Some(name[whole.len()..].to_owned())),
            None => (name.clone(), None),
        };
        let known = *whole == *EXISTS || proposed.unit_index(&whole).is_some();
        let renamed = || {
            let was =
                |attribute: &&crate::model::AttributeModel| attribute.was.iter().any(|was| *was.as_str() == *whole);
            proposed.attributes.iter().find(was).map(|attribute| Text::new(attribute.id.as_str()))
        };
        let now = if known { whole } else { renamed().unwrap_or(whole) };
        match element {
            Some(element) => format!("{now}{element}").into(),
            None => now,
        }
    };
    entity.golden.iter().map(|(key, cell)| (named(&key), cell)).collect()
}

/// What people are shown of a cell.
fn shown_field(cell: &GoldenCell) -> &Field {
    match &cell.status {
        Status::Provisional(provisional) => &provisional.shown,
        Status::Settled | Status::Held(_) | Status::Parked { .. } => &cell.field,
    }
}

/// How a cell stands, if not simply so.
fn status(cell: &GoldenCell) -> String {
    match &cell.status {
        Status::Settled => String::new(),
        Status::Held(held) => format!("{} is held by {}", held.proposed, held.rule),
        Status::Parked { .. } => "parked".to_owned(),
        Status::Provisional(_) => "provisional".to_owned(),
    }
}

/// Compares what is owed with what would be.
fn compare_writes(is: &[Operation], would_be: &[Operation], would: &mut WhatIf) {
    type Place<'o> = (EntityId, &'o Target, &'o Text);
    fn places(operations: &[Operation]) -> BTreeMap<Place<'_>, &Operation> {
        operations.iter().map(|operation| ((operation.entity, &operation.target, &operation.unit), operation)).collect()
    }
    let (is, would_be) = (places(is), places(would_be));
    let all: BTreeSet<&Place<'_>> = is.keys().chain(would_be.keys()).collect();
    for place in all {
        let (is, would_be) = (is.get(place).copied(), would_be.get(place).copied());
        let intent = |operation: Option<&Operation>| operation.map(|operation| operation.intent.clone());
        if intent(is) == intent(would_be) {
            continue;
        }
        let unit: Text = place.2.split_once('[').map_or(&**place.2, |(whole, _)| whole).into();
        let changed = would.writes.entry((place.1.connection().clone(), unit)).or_default();
        changed.add(|| WouldWrite { is: is.cloned(), would_be: would_be.cloned() });
    }
}
