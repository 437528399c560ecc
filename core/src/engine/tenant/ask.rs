//! Asking: finding entities, inspecting and explaining them.
//!
//! Nothing here changes anything. Whoever asks sees one consistent state per entity, not across entities. The id of an
//! entity that was merged is an alias: asked for, it answers with the survivor.

mod lists;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::discrepancy::DiscrepancyState;
use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::identity_index::Holders;
use crate::engine::persist::{LinkRow, entity_key, identity_row, link_key};
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::unknown_attribute;
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::error::{Error, Known};
use crate::explain::Explanation;
use crate::golden::Status;
use crate::id::{EntityId, EntityType, Id, RecordRef};
use crate::model::{Attribute, Canonical, CompiledEntity, EXISTS, Read, UnitKey, UnitShape};
use crate::representation::Representation;
use crate::sight::Ground;
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::value::{Field, Leaf, Value, split_member};
use crate::view::{EntityView, View};
use crate::working_set::{IdentityKey, identity_key};

pub use lists::{DiscrepancyFilter, UnlinkedRecord};

/// An entity's row, read only as far as its type.
#[derive(Deserialize)]
struct TypeOnly {
    #[serde(rename = "type")]
    entity_type: EntityType,
    /// An alias is no entity of its own.
    #[serde(default)]
    merged_into: Option<EntityId>,
}

impl Tenant {
    /// The entities that have a value, by id.
    ///
    /// The text may be spelled as any mapped system would spell it: it is read as each of them reads its own, and
    /// normalised. Identity attributes are found through an index of what linked records say now. Any other attribute is
    /// compared with golden values by going through **all** entities of the tenant: slow, and meant for people, not for
    /// services. A collection matches if an element does.
    ///
    /// # Errors
    ///
    /// [`Error::Value`] if the text is no value of the attribute's type, or the handle's type is another one;
    /// [`Error::UnknownAttribute`].
    pub async fn find<E: Canonical, T: Value>(
        &self,
        attribute: Attribute<E, T>,
        value: &str,
    ) -> Result<Vec<Id<E>>, Error> {
        let model = self.entity_model(E::ENTITY)?;
        typed_index(model, attribute)?;
        let found = self.find_erased(E::ENTITY, attribute.id(), value).await?;
        Ok(found.into_iter().map(Id::new).collect())
    }

    /// As [`Tenant::find`], for types that the compiler does not know.
    ///
    /// # Errors
    ///
    /// As [`Tenant::find`], and [`Error::UnknownEntityType`].
    pub async fn find_erased(&self, entity_type: &str, attribute: &str, value: &str) -> Result<Vec<EntityId>, Error> {
        let model = self.entity_model(entity_type)?;
        let index = model.attribute_index(attribute).ok_or_else(|| unknown_attribute(model, attribute))?;
        let declared = &model.attributes[usize::from(index)];
        let spellings = spellings(model, index, value);
        if spellings.is_empty() {
            let reason = "the text is no value of its type";
            return Err(Error::Value { attribute: declared.id.as_str().into(), reason });
        }
        // An attribute that only the hub holds is in no index: records of systems fill it.
        let found = if declared.identity && !declared.mappings.is_empty() {
            let keys: BTreeSet<IdentityKey> =
                spellings.iter().map(|spelling| identity_key(model, index, spelling)).collect();
            self.find_by_keys(&keys).await?
        } else {
            let fields: Vec<Field> = spellings.into_iter().map(Field::Value).collect();
            self.find_by_golden(model, declared.id.as_str(), &fields).await?
        };
        Ok(found.into_iter().collect())
    }

    pub(super) async fn find_by_keys(&self, keys: &BTreeSet<IdentityKey>) -> Result<BTreeSet<EntityId>, Error> {
        // Under a seal, these names would find nothing.
        self.suppression().await?;
        let rows: Vec<RowKey> = keys.iter().map(identity_row).collect();
        let rows = self.core.store.load(&self.id, &rows).await.map_err(Error::store("look up an identity value"))?;
        let mut found = BTreeSet::new();
        for row in rows.iter().flatten() {
            let holders: Holders = parse(Table::Index, row)?;
            found.extend(holders.holders.into_values());
        }
        Ok(found)
    }

    /// Compares golden values of every entity of a type.
    async fn find_by_golden(
        &self,
        model: &CompiledEntity,
        attribute: &str,
        fields: &[Field],
    ) -> Result<BTreeSet<EntityId>, Error> {
        let mut found = BTreeSet::new();
        let mut rows = Pages::new(self, Table::Entity, "go through entities");
        while let Some(row) = rows.next().await? {
            let stored: StoredEntity = parse(Table::Entity, &row)?;
            if stored.entity_type != model.name {
                continue;
            }
            let Some(entity) = Entity::from_stored(stored, &self.core.model) else { continue };
            if entity.merged_into.is_none() && holds(model, &entity, attribute, fields) {
                found.insert(entity.id);
            }
        }
        Ok(found)
    }

    /// The entity that a record belongs to, if it is linked.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn entity_of(&self, record: &RecordRef) -> Result<Option<EntityId>, Error> {
        let row = self.row(&link_key(record), "look for a link").await?;
        let link: Option<LinkRow> = row.map(|row| parse(Table::Link, &row)).transpose()?;
        Ok(link.map(|link| link.entity))
    }

    /// Up to `limit` entities of a type behind `after`, in the order of ids: that of first sight. Fewer than `limit`:
    /// there are no more.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntityType`]; or a store that cannot be read.
    pub async fn entities(
        &self,
        entity_type: &str,
        after: Option<EntityId>,
        limit: usize,
    ) -> Result<Vec<EntityId>, Error> {
        let model = self.entity_model(entity_type)?;
        let mut found = Vec::new();
        let after = after.map(|id| Text::from(id.to_string()));
        let mut rows = Pages::new(self, Table::Entity, "list entities").after(after);
        while found.len() < limit
            && let Some(row) = rows.next().await?
        {
            let stored: TypeOnly = parse(Table::Entity, &row)?;
            if stored.entity_type == model.name
                && stored.merged_into.is_none()
                && let Ok(id) = row.key.parse()
            {
                found.push(id);
            }
        }
        Ok(found)
    }

    /// One entity side by side, with its golden record as the struct.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if there is no such entity, or it is of another type.
    pub async fn inspect<E: Canonical>(&self, id: Id<E>) -> Result<View<E>, Error> {
        self.look(id.erase(), Some(E::ENTITY), |ground, entity, representations| {
            let View { golden, entity } = View::of(ground, entity, representations);
            Ok(View { golden, entity: self.offered(entity) })
        })
        .await
    }

    /// One entity side by side, whatever its type.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`] if there is no such entity.
    pub async fn inspect_erased(&self, id: EntityId) -> Result<EntityView, Error> {
        let view =
            self.look(id, None, |ground, entity, representations| Ok(EntityView::of(ground, entity, representations)));
        Ok(self.offered(view.await?))
    }

    /// Whether the entity exists, as golden and every record have it, and why; which records are missing or doubled.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`].
    pub async fn explain_existence<E: Canonical>(&self, id: Id<E>) -> Result<Explanation, Error> {
        self.explain_as(id.erase(), Some(E::ENTITY), EXISTS).await
    }

    /// Why an attribute's golden value is what it is, and where a write is owed. Of a member of a group, the group's; of
    /// a collection, every element's.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`], [`Error::UnknownAttribute`].
    pub async fn explain<E: Canonical, T: Value>(
        &self,
        id: Id<E>,
        attribute: Attribute<E, T>,
    ) -> Result<Explanation, Error> {
        self.explain_as(id.erase(), Some(E::ENTITY), attribute.id()).await
    }

    /// As [`Tenant::explain`], by the name of a unit: `email`, `address`, `lines[SKU-1]`, `$exists`.
    ///
    /// # Errors
    ///
    /// As [`Tenant::explain`].
    pub async fn explain_erased(&self, id: EntityId, unit: &str) -> Result<Explanation, Error> {
        self.explain_as(id, None, unit).await
    }

    async fn explain_as(&self, id: EntityId, expected: Option<&'static str>, unit: &str) -> Result<Explanation, Error> {
        self.look(id, expected, |ground, entity, representations| explained(ground, entity, representations, unit))
            .await
    }

    /// Loads an entity with all that its view rests on, and looks at it.
    async fn look<R>(
        &self,
        id: EntityId,
        expected: Option<&'static str>,
        work: impl FnOnce(&Ground<'_>, &Entity, &[Option<&Representation>]) -> Result<R, Error> + Send,
    ) -> Result<R, Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        let standing = loader.standing(id).await?;
        loader.references().await?;
        let set = &loader.loaded.set;
        let unknown = || Error::UnknownEntity { expected: expected.unwrap_or("entity").into(), id };
        let index = standing.ok_or_else(unknown)?;
        let name = &self.core.model.entity(set.entity(index).entity.entity).name;
        if expected.is_some_and(|expected| expected != name.as_str()) {
            return Err(unknown());
        }
        let as_of = self.now();
        self.with_frame(|frame| set.with_ground(frame, index, as_of, work))
    }

    /// The type of an entity, if there is one of this id.
    pub(super) async fn entity_type_of(&self, id: EntityId) -> Result<Option<EntityType>, Error> {
        let row = self.row(&entity_key(id), "load an entity").await?;
        Ok(row.map(|row| parse::<TypeOnly>(Table::Entity, &row)).transpose()?.map(|row| row.entity_type))
    }

    pub(super) fn entity_model(&self, name: &str) -> Result<&CompiledEntity, Error> {
        let index = self.core.model.entity_index(name).ok_or_else(|| {
            let known = Known::beside(name, self.core.model.entities.iter().map(|entity| entity.name.as_str()));
            Error::UnknownEntityType { name: name.into(), known }
        })?;
        Ok(self.core.model.entity(index))
    }
}

/// The place of the attribute that a typed handle names, if it is of the handle's type.
pub(super) fn typed_index<E, T: Value>(model: &CompiledEntity, attribute: Attribute<E, T>) -> Result<u16, Error> {
    let index = model.attribute_index(attribute.id()).ok_or_else(|| unknown_attribute(model, attribute.id()))?;
    if model.attributes[usize::from(index)].kind.name == T::KIND.name {
        return Ok(index);
    }
    Err(Error::Value { attribute: attribute.id().into(), reason: "the handle is for values of another type" })
}

/// The canonical texts that a text may mean: as it stands, and as every system that holds the attribute would read it.
pub(super) fn spellings(model: &CompiledEntity, attribute: u16, value: &str) -> BTreeSet<Text> {
    let declared = &model.attributes[usize::from(attribute)];
    let mut spellings: BTreeSet<Text> = (declared.canonical)(value).map(Text::from).into_iter().collect();
    // The canonical text as shown by a view, and what someone copied from a system.
    let texts: Vec<Text> = spellings.iter().cloned().chain(std::iter::once(value.into())).collect();
    for mapping in declared.mappings.iter().filter(|mapping| !mapping.read.is_empty()) {
        for text in &texts {
            let mut canonical = String::new();
            if let Ok(Read::Value) = mapping.codec.read(&[Leaf::Text(text)], &mut canonical) {
                spellings.insert(canonical.into());
            }
        }
    }
    spellings
}

/// Whether golden has one of these values for an attribute.
pub(super) fn holds(model: &CompiledEntity, entity: &Entity, attribute: &str, fields: &[Field]) -> bool {
    let golden = entity.golden.iter().map(|(key, cell)| (key, &cell.field));
    any_has(model, attribute, fields, golden)
}

/// Whether anything that is known of an entity has one of these values for an attribute: golden, what a rule holds, what a
/// system had accepted or lost with, what a decision overwrites, and what waits for a person.
pub(super) fn tells(model: &CompiledEntity, entity: &Entity, attribute: &str, fields: &[Field]) -> bool {
    let held = entity.golden.iter().filter_map(|(key, cell)| match &cell.status {
        Status::Held(held) => Some((key, &held.proposed)),
        Status::Provisional(fallback) => Some((key, &fallback.shown)),
        Status::Settled | Status::Parked { .. } => None,
    });
    let accepted = entity.links.iter().flat_map(|link| link.bases.iter().map(|(key, base)| (key, &base.seen)));
    let overwritten = entity.decisions.iter().flat_map(|(key, decision)| {
        let meanwhile = decision.meanwhile.iter().map(|word| &word.field);
        decision.inputs.iter().map(|(_, said)| said).chain(meanwhile).map(move |said| (key.clone(), said))
    });
    let standing = entity.discrepancies.values().filter(|standing| standing.state == DiscrepancyState::Waiting);
    let disputed = standing.flat_map(|standing| {
        let key = model.unit_key(&standing.unit);
        standing.said.iter().filter_map(move |said| Some((key.clone()?, said)))
    });
    holds(model, entity, attribute, fields)
        || any_has(model, attribute, fields, held.chain(accepted).chain(overwritten).chain(disputed))
}

/// Whether any of these units' values has one of these values for an attribute.
fn any_has<'a>(
    model: &CompiledEntity,
    attribute: &str,
    fields: &[Field],
    mut said: impl Iterator<Item = (UnitKey, &'a Field)>,
) -> bool {
    let Some((index, member)) = model.unit_of(attribute) else { return false };
    let Some(unit) = model.units.get(usize::from(index)) else { return false };
    let Some(equivalence) = unit.equivalences.get(usize::from(member)).or_else(|| unit.equivalences.first()) else {
        return false;
    };
    let same = |value: &Field| fields.iter().any(|field| equivalence.same(value, field));
    match unit.shape {
        UnitShape::One | UnitShape::Group => said.any(|(key, field)| {
            key == UnitKey::Whole(index)
                && split_member(field, unit.members.len(), member).is_some_and(|value| same(&value))
        }),
        UnitShape::Set | UnitShape::List | UnitShape::Keyed => said.any(|(key, field)| {
            if key.index() != Some(index) || !field.is_value() {
                return false;
            }
            match key {
                UnitKey::Element(_, element) => same(&Field::Value(element)),
                UnitKey::Whole(_) | UnitKey::Exists => {
                    let elements = field.as_value().and_then(|text| serde_json::from_str(text).ok());
                    let elements: Vec<Option<Text>> = elements.unwrap_or_default();
                    elements.into_iter().flatten().any(|element| same(&Field::Value(element)))
                }
            }
        }),
    }
}

/// The explanation of a unit by its name.
pub(super) fn explained(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    unit: &str,
) -> Result<Explanation, Error> {
    let key = ground.model.unit_key(unit);
    key.and_then(|key| Explanation::of(ground, entity, representations, &key))
        .ok_or_else(|| unknown_attribute(ground.model, unit))
}
