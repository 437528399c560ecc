//! Answering a match: what a person says of two records stands, whatever a model says later.

use std::sync::Arc;

use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::apply::write_row;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::linking::Links;
use crate::engine::tenant::matching::join::older;
use crate::engine::tenant::merge::MovedBy;
use crate::entity::{Evidence, HeldApart};
use crate::error::Error;
use crate::fact::{EntityFact, Fact};
use crate::id::Actor;
use crate::matching::Match;
use crate::role::Role;
use crate::store::{RowKey, Table};
use crate::text::Text;
use crate::working_set::{EntityIndex, RecordIndex};

/// The journal's kind for the answer to a match.
pub(crate) const ANSWERED: &str = "match_answered";

/// What its payload tells: the case, whether the two are one, why, and what the model had said.
pub(crate) type AnswerTold = (Text, bool, String, Option<Match>);

impl Tenant {
    /// Says of an open match whether the two are one entity. It closes the case, and stands whatever a model says later: two that are one
    /// are merged, or the record is linked; two that are none are held apart, until [`Tenant::allow_merge`] or [`Tenant::link`] takes
    /// that back. Of two that a match linked and that is doubted by now ([`Match::doubted`]), those that are one stay together by the word
    /// of who said so; those that are none are taken apart: the merge that brought the one is taken back ([`Tenant::unmerge`]), or the
    /// record is unlinked ([`Tenant::unlink`]); whoever else of the entity speaks against it is asked about again. Journaled with who said so,
    /// when, why, and what the model had said.
    ///
    /// `reason` and comments on the case are told in the histories of both, and kept with the first of the two: they go when that one is
    /// erased, and stay when the other is. Write a reference, and no name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownCase`] for a name that is no match; [`Error::CaseClosed`] if it is open no longer, or the two are one or held apart
    /// by now; [`Error::WriteUnderWay`] while a write of either has no receipt; or a store that failed.
    pub async fn answer_match(&self, key: &str, same: bool, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "answer matches").await?;
        self.refuse_cards("reason", [reason])?;
        if CaseKind::of_key(key) != Some(CaseKind::Match) {
            return Err(Error::UnknownCase { key: key.into() });
        }
        let row_key = RowKey::new(Table::Case, key);
        let closed = |how: &str| Error::CaseClosed { key: key.into(), how: how.into() };
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            let row = loader.rows(std::slice::from_ref(&row_key)).await?.into_iter().next().flatten();
            let row = row.ok_or_else(|| closed("nothing speaks for it any more, or it was answered"))?;
            let case: CaseRow = parse(Table::Case, &row)?;
            let [one, other] = &case.records[..] else { return Err(Error::UnknownCase { key: key.into() }) };
            loader.records(&case.records).await?;
            loader.references().await?;
            let set = &loader.loaded.set;
            let found = set.find_record(one).zip(set.find_record(other));
            let asked = (one, other);
            let (one, other) = found.ok_or_else(|| closed("a record is known no longer"))?;
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.delete(row_key.clone());
            let told: (&str, bool, &str, Option<&Match>) = (key, same, reason, case.matched.as_deref());
            changes.journal(ANSWERED, &case.subject(key), &told);
            changes.also_about(case.others());
            self.note_example(&mut changes, asked, same);
            let lost = match (set.record(one).entity, set.record(other).entity) {
                (Some(first), Some(second)) if first == second => {
                    let doubted = case.matched.as_ref().and_then(|matched| matched.doubted.as_ref());
                    let apart = doubted.ok_or_else(|| closed("the two are one by now"))?;
                    let records = if apart == asked.0 { [asked.0, asked.1] } else { [asked.1, asked.0] };
                    let lost = match same {
                        true => Some(self.assert_match(&mut loader, changes, first, records).await?),
                        false => self.part_match(&mut loader, changes, first, (records, reason)).await?,
                    };
                    lost.ok_or_else(|| closed("no match holds the two together any more"))?
                }
                (Some(first), Some(second)) if same => {
                    let pair = older(set, first, second);
                    match self.require_mergeable(set, pair.0, pair.1) {
                        Err(Error::HeldApart { .. }) => return Err(closed("a person holds the two apart by now")),
                        mergeable => mergeable?,
                    }
                    let records = [(*set.record(one).record).clone(), (*set.record(other).record).clone()];
                    self.require_settled(&mut loader, &[first, second]).await?;
                    let answer = MovedBy::Answer { by: by.clone(), records };
                    self.merge_loaded(&mut loader, changes, pair, &answer).await?
                }
                (Some(first), Some(second)) => self.hold_entities_apart(&mut loader, changes, first, second).await?,
                (Some(entity), None) => {
                    self.answer_record(&mut loader, changes, (entity, other), same, (by, reason)).await?
                }
                (None, Some(entity)) => {
                    self.answer_record(&mut loader, changes, (entity, one), same, (by, reason)).await?
                }
                (None, None) => return Err(closed("neither belongs to an entity any more")),
            };
            if attempts.won(lost)? {
                return Ok(());
            }
        }
    }

    async fn hold_entities_apart(
        &self,
        loader: &mut Loader<'_>,
        changes: Changes<'_>,
        one: EntityIndex,
        other: EntityIndex,
    ) -> Result<Option<Text>, Error> {
        let set = &mut loader.loaded.set;
        let mut facts: Vec<EntityFact> = Vec::new();
        for (index, other) in [(one, other), (other, one)] {
            let other = set.entity(other).entity.id;
            if !set.entity(index).entity.cannot_link.contains(&other) {
                set.record_fact(index, Fact::CannotLink { other, holds: true }, &mut facts);
            }
        }
        self.store_pair(loader, changes, facts, one).await
    }

    /// Links a record of nobody to an entity, or holds it apart from it.
    async fn answer_record(
        &self,
        loader: &mut Loader<'_>,
        mut changes: Changes<'_>,
        (entity, record): (EntityIndex, RecordIndex),
        same: bool,
        (by, reason): (&Actor, &str),
    ) -> Result<Option<Text>, Error> {
        let as_of = changes.as_of();
        let mut links = Links::default();
        let state = loader.loaded.set.record(record);
        let (reference, object) = (Arc::clone(&state.record), state.object);
        let model = self.core.model.entity(loader.loaded.set.entity(entity).entity.entity);
        if same {
            let write = loader.rows(&[write_row(&reference)]).await?;
            if write.into_iter().flatten().next().is_some() {
                let entity = loader.loaded.set.entity(entity).entity.id;
                return Err(Error::WriteUnderWay { entity, place: reference.to_string().into() });
            }
            links.link(loader, entity, record, as_of, Evidence::Asserted { by: by.clone() });
        } else if let Some(object) = model.objects.get(usize::from(object)) {
            let held =
                HeldApart { object: object.declared.key.clone(), by: by.clone(), at: as_of, reason: reason.to_owned() };
            let held = Fact::HeldApart { record: reference, held: Some(Box::new(held)) };
            loader.loaded.set.record_fact(entity, held, &mut links.facts);
        }
        self.follow_links(loader, &mut changes, &mut links).await?;
        self.with_frame(|frame| {
            loader.loaded.set.settle(frame, as_of, &mut links.facts);
            changes.add_set(frame, &loader.loaded, &links.facts)
        })?;
        self.commit_or_lost("store the answer to a match", changes.commit).await
    }
}
