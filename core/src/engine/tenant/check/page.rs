//! A page of entities as they are held, side by side, and where their references lead.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Reaches, Reference};
use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::persist::entity_key;
use crate::entity::Entity;
use crate::error::Error;
use crate::id::{EntityId, EntityType};
use crate::model::{CompiledEntity, UnitKey};
use crate::store::Row;
use crate::text::Text;
use crate::view::EntityView;

/// The entities of a page, as they are held.
pub(super) struct EntityPage {
    pub(super) views: Vec<EntityView>,
    /// By the place of the view.
    pub(super) references: Vec<Vec<Reference>>,
    pub(super) revisions: BTreeMap<EntityId, Option<u64>>,
}

impl Tenant {
    /// The entities of a type among these rows, side by side.
    pub(super) async fn entity_page(&self, model: &CompiledEntity, rows: &[Row]) -> Result<EntityPage, Error> {
        let ids: Vec<EntityId> = rows.iter().filter_map(|row| row.key.parse().ok()).collect();
        let mut loader = Loader::new(&self.core, &self.id);
        let mine: Vec<EntityId> = {
            let stored = self.stored_entities(&ids).await?;
            let of = |entity: &Entity| self.core.model.entity(entity.entity).name == model.name;
            let mine = stored.into_iter().flatten().filter(|entity| entity.merged_into.is_none() && of(entity));
            mine.map(|entity| entity.id).collect()
        };
        loader.entities(&mine).await?;
        loader.references().await?;
        let now = self.now();
        let set = &loader.loaded.set;
        let views: Vec<EntityView> = self.with_frame(|frame| {
            let places = mine.iter().filter_map(|id| set.find_entity(*id));
            let view = |place| set.with_ground(frame, place, now, EntityView::of);
            places.map(view).collect()
        });
        let revision =
            |view: &EntityView| (view.id, loader.loaded.revisions.get(&entity_key(view.id)).copied().flatten());
        let revisions = views.iter().map(revision).collect();
        let named: Vec<Vec<(Text, EntityId, EntityType)>> = views.iter().map(|view| names(model, view)).collect();
        let targets: BTreeSet<EntityId> = named.iter().flatten().map(|(_, id, _)| *id).collect();
        let reached = self.reached(targets).await?;
        let leads = |(unit, to, of): (Text, EntityId, EntityType)| {
            let reaches = reached.get(&to).cloned().unwrap_or(Reaches::Nothing);
            Reference::new(unit, to, of, reaches)
        };
        let references = named.into_iter().map(|of| of.into_iter().map(leads).collect()).collect();
        Ok(EntityPage { views, references, revisions })
    }

    /// What is where these ids lead, merges followed; what leads nowhere is not among them.
    async fn reached(&self, ids: BTreeSet<EntityId>) -> Result<BTreeMap<EntityId, Reaches>, Error> {
        let mut reached = BTreeMap::new();
        // By what is asked for, where that is by now. A store that leads in a circle is not followed for ever.
        let mut open: Vec<(EntityId, EntityId)> = ids.into_iter().map(|id| (id, id)).collect();
        let mut seen: BTreeSet<(EntityId, EntityId)> = open.iter().copied().collect();
        while !open.is_empty() {
            let at: Vec<EntityId> = open.iter().map(|(_, at)| *at).collect();
            let found = self.stored_entities(&at).await?;
            let mut aliases = Vec::new();
            for ((asked, _), entity) in open.into_iter().zip(found) {
                let Some(entity) = entity else { continue };
                match entity.merged_into {
                    Some(into) if seen.insert((asked, into)) => aliases.push((asked, into)),
                    Some(_) => {}
                    None => {
                        let of = self.core.model.entity(entity.entity).name.clone();
                        reached.insert(asked, Reaches::Entity(of, entity.life));
                    }
                }
            }
            open = aliases;
        }
        Ok(reached)
    }
}

/// The entities that golden names, of which type they are to be, and by which unit.
fn names(model: &CompiledEntity, view: &EntityView) -> Vec<(Text, EntityId, EntityType)> {
    let mut named = Vec::new();
    for unit in &view.units {
        let Some(key) = model.unit_key(&unit.name) else { continue };
        let of = key.index().and_then(|index| model.units.get(usize::from(index)));
        let Some(expected) = of.and_then(|unit| unit.reference.as_ref()) else { continue };
        let text = match &key {
            // Of a set, each value is a unit: it is named by the value.
            UnitKey::Element(_, element) => unit.golden.is_value().then(|| element.as_str()),
            UnitKey::Whole(_) | UnitKey::Exists => unit.golden.as_value(),
        };
        named.extend(text.and_then(|text| text.parse().ok()).map(|id| (unit.name.clone(), id, expected.clone())));
    }
    named
}
