//! Linking what a matcher is sure of: two entities are merged, or a record of nobody is linked, in one commit with why.

use crate::engine::Tenant;
use crate::engine::hydrate::Loader;
use crate::engine::match_index::Held;
use crate::engine::persist::{Changes, representation_key};
use crate::engine::tenant::apply::write_row;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::linking::Links;
use crate::engine::tenant::matching::filing::{match_case, told_of};
use crate::engine::tenant::matching::model::model_row;
use crate::engine::tenant::merge::MovedBy;
use crate::entity::Evidence;
use crate::error::Error;
use crate::id::EntityId;
use crate::matching::Pair;
use crate::text::Text;
use crate::working_set::{EntityIndex, RecordIndex, WorkingSet, identity_values};

/// The journal's kind for records that were found to be one entity: why.
pub(crate) const MATCHED: &str = "matched";

/// What a pair was compared by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    version: u32,
    /// The revision of the model's row.
    model: u64,
    /// The revisions of the rows of the two.
    records: [Option<u64>; 2],
}

impl Compared {
    pub(super) fn of(pair: &Pair, held: &Held) -> Self {
        let records = [&pair.one, &pair.other].map(|record| held.revision_of(record));
        Self { version: held.version, model: held.revision, records }
    }
}

/// What became of a pair that a matcher is sure of.
pub(super) enum Joined {
    /// The two are one by now.
    Done,
    /// A write is under way, or it may be the record that is being created: not yet.
    NotYet,
    /// Keys or people say otherwise, or nothing.
    No,
    /// One of the two is not as it was compared.
    Changed,
    /// The model is another by now.
    Outdated,
}

impl Tenant {
    /// Links two records that a matcher is sure of, in one commit with why: as they were compared, and not as they are by now.
    pub(super) async fn join_pair(&self, of: u16, pair: &Pair, compared: Compared) -> Result<Joined, Error> {
        let Compared { version, model, records } = compared;
        let model_row = model_row(&self.core.model.entity(of).name);
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            let row = loader.rows(std::slice::from_ref(&model_row)).await?.into_iter().next().flatten();
            if row.map(|row| row.revision) != Some(model) {
                return Ok(Joined::Outdated);
            }
            loader.records(&[pair.one.clone(), pair.other.clone()]).await?;
            let loaded = |record| loader.loaded.revisions.get(&representation_key(record)).copied().flatten();
            if records.contains(&None) || records != [loaded(&pair.one), loaded(&pair.other)] {
                return Ok(Joined::Changed);
            }
            loader.references().await?;
            let set = &loader.loaded.set;
            let (Some(one), Some(other)) = (set.find_record(&pair.one), set.find_record(&pair.other)) else {
                return Ok(Joined::No);
            };
            loader.identities_of(&[one, other]).await?;
            let set = &loader.loaded.set;
            let lost = match (set.record(one).entity, set.record(other).entity) {
                (Some(one), Some(other)) if one == other => return Ok(Joined::Done),
                (Some(one), Some(other)) => {
                    let (into, from) = older(set, one, other);
                    if self.require_mergeable(set, into, from).is_err() || keys_ask(&loader, into, from) {
                        return Ok(Joined::No);
                    }
                    match self.require_settled(&mut loader, &[into, from]).await {
                        Err(Error::WriteUnderWay { .. }) => return Ok(Joined::NotYet),
                        settled => settled?,
                    }
                    let survivor = loader.loaded.set.entity(into).entity.id;
                    let changes = self.matched(pair, version, survivor);
                    let records = [pair.one.clone(), pair.other.clone()];
                    let evidence = MovedBy::Matcher { records, probability: pair.probability, model: version };
                    Ok(self.merge_loaded(&mut loader, changes, (into, from), &evidence).await?)
                }
                (Some(entity), None) => self.link_matched(&mut loader, (entity, other), pair, version).await?,
                (None, Some(entity)) => self.link_matched(&mut loader, (entity, one), pair, version).await?,
                (None, None) => Err(Joined::No),
            };
            let lost = match lost {
                Ok(lost) => lost,
                Err(joined) => return Ok(joined),
            };
            if attempts.won(lost)? {
                return Ok(Joined::Done);
            }
        }
    }

    /// Links a record of nobody to an entity. The row by which the race was lost, if it was; or why it is not linked.
    async fn link_matched(
        &self,
        loader: &mut Loader<'_>,
        (entity, record): (EntityIndex, RecordIndex),
        pair: &Pair,
        model: u32,
    ) -> Result<Result<Option<Text>, Joined>, Error> {
        let set = &loader.loaded.set;
        let reference = (*set.record(record).record).clone();
        let of = &set.entity(entity).entity;
        let (id, state) = (of.id, set.record(record));
        let keys = identity_values(self.core.model.entity(state.entity_type), state.object, &state.representation);
        let led = keys.iter().filter_map(|key| loader.loaded.identity_rows.get(key)).any(|row| !row.holders.is_empty());
        // What its keys lead to is asked already.
        if led || of.merged_into.is_some() || of.held_apart.contains_key(&reference) {
            return Ok(Err(Joined::No));
        }
        let place = (reference.connection.clone(), reference.object.clone());
        let written = loader.rows(&[write_row(&reference)]).await?.into_iter().flatten().next().is_some();
        if written || self.creates_under_way().await?.contains(&place) {
            return Ok(Err(Joined::NotYet));
        }
        let mut changes = self.matched(pair, model, id);
        let (as_of, mut links) = (changes.as_of(), Links::default());
        let evidence = Evidence::Matched { from: None, probability: pair.probability, model };
        links.link(loader, entity, record, as_of, evidence);
        self.follow_links(loader, &mut changes, &mut links).await?;
        self.with_frame(|frame| {
            loader.loaded.set.settle(frame, as_of, &mut links.facts);
            changes.add_set(frame, &loader.loaded, &links.facts)
        })?;
        Ok(Ok(self.commit_or_lost("store a match", changes.commit).await?))
    }

    /// Changes that begin with why two records are one entity.
    fn matched(&self, pair: &Pair, model: u32, entity: EntityId) -> Changes<'_> {
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.journal(MATCHED, &entity.to_string(), &(&pair.one, &pair.other, told_of(pair, model)));
        changes.delete(match_case(&pair.one, &pair.other));
        changes
    }
}

/// Whether two entities hold one identity value: whether they are one is asked already.
pub(super) fn keys_ask(loader: &Loader<'_>, one: EntityIndex, other: EntityIndex) -> bool {
    let id = |index| loader.loaded.set.entity(index).entity.id;
    let both = [id(one), id(other)];
    loader.loaded.identity_rows.values().any(|row| both.iter().all(|id| row.entities().contains(id)))
}

/// Two entities, the one first whose first record was confirmed first.
pub(super) fn older(set: &WorkingSet, one: EntityIndex, other: EntityIndex) -> (EntityIndex, EntityIndex) {
    let age = |index: EntityIndex| {
        let entity = &set.entity(index).entity;
        (entity.links.iter().map(|link| link.order).min(), entity.id)
    };
    if age(one) <= age(other) { (one, other) } else { (other, one) }
}
