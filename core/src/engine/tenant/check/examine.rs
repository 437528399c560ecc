//! Examinations: every entity of a type is looked at as it is held, page by page. What is wrong with one is a case, which goes when it is
//! right again; what all of them come to is counted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::outdated::outdated_key;
use crate::engine::persist::{Changes, entity_key};
use crate::engine::tenant::check::Checked;
use crate::engine::tenant::check::page::EntityPage;
use crate::engine::tenant::check::pass::{
    Examiners, PASSES, PassRow, Passed, Running, Turn, groups, pass_key, passed_type, turn,
};
use crate::engine::tenant::check::violations::{cases_of, found, put_case};
use crate::error::Error;
use crate::id::EntityType;
use crate::model::CompiledEntity;
use crate::store::{RowKey, Table};

/// How many rows of entities one page looks at.
const PAGE: usize = 200;

/// How many pages one call looks at, of each type.
const PAGES: usize = 10;

/// The kind of the journal's entries for passes that came to another result than the last.
const EXAMINED: &str = "examined";

/// A type, what is examined of it, and what is kept of its passes, with the revision of that.
type Examined<'c> = (&'c CompiledEntity, &'c Examiners<'c>, Option<u64>, PassRow);

impl Tenant {
    /// Goes on with whatever is due of entities ([`Checks::check`](crate::engine::Checks::check)) and totals, some thousand
    /// entities of each type.
    pub(crate) async fn examine(&self) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        self.forget_types().await?;
        for group in groups(&self.core) {
            checked += self.examine_group(&group).await?;
        }
        Ok(checked)
    }

    /// The same; says whether there is more to do at once.
    pub(crate) async fn examine_on(&self) -> Result<bool, Error> {
        let next = self.examine().await?.next;
        Ok(next.is_some_and(|next| next.timestamp_millis() <= self.now()))
    }

    /// Types that are gone through together.
    async fn examine_group(&self, types: &[&CompiledEntity]) -> Result<Checked, Error> {
        let of = |model: &&CompiledEntity| Examiners::of(&self.core, &model.name);
        let examiners: Vec<Examiners<'_>> = types.iter().map(of).collect();
        let every = types.iter().map(|model| self.examined_every(&model.name)).min().unwrap_or(i64::MAX);
        let mut checked = Checked::default();
        for _ in 0..PAGES {
            let mut group: Vec<Examined<'_>> = Vec::new();
            for (model, examiners) in types.iter().copied().zip(&examiners) {
                let (revision, row) = self.pass_row(&model.name).await?;
                if !examiners.is_empty() || row.is_some() {
                    group.push((model, examiners, revision, row.unwrap_or_default()));
                }
            }
            if group.is_empty() {
                return Ok(checked);
            }
            let now = self.now();
            match turn(group.iter().map(|(_, examiners, _, row)| (*examiners, row)), every, now) {
                Turn::Due(at) => {
                    checked.next = DateTime::from_timestamp_millis(at);
                    return Ok(checked);
                }
                Turn::Begin => self.begin_passes(&group, now).await?,
                Turn::GoOn => {
                    let Some(pages) = self.examine_pages(group, now).await? else { break };
                    checked += pages;
                }
            }
        }
        checked.next = DateTime::from_timestamp_millis(self.now());
        Ok(checked)
    }

    /// How often a type is gone through, in milliseconds.
    fn examined_every(&self, of: &EntityType) -> i64 {
        let priority = self.core.checks.priorities.get(of).copied().unwrap_or_default();
        self.core.checks.cadence.of(priority).num_milliseconds()
    }

    /// Begins to go through types, at one instant. Whoever is faster has begun.
    async fn begin_passes(&self, group: &[Examined<'_>], now: i64) -> Result<(), Error> {
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        for (model, examiners, revision, row) in group {
            changes.commit.expect.push((pass_key(&model.name), *revision));
            let row = PassRow { running: Some(examiners.begin(now)), last: row.last.clone() };
            changes.put(pass_key(&model.name), &row);
        }
        self.commit("begin to examine entities", changes.commit).await.map(drop)
    }

    /// Looks at the next entities of each type whose pass is under way. `None`: others changed what it rests on, and it is looked at anew.
    async fn examine_pages(&self, group: Vec<Examined<'_>>, now: i64) -> Result<Option<Checked>, Error> {
        let mut checked = Checked::default();
        for (model, examiners, revision, row) in group {
            let PassRow { running: Some(running), last } = row else { continue };
            let pass = (revision, last, running);
            let Some(page) = self.examine_page(model, examiners, pass, now).await? else { return Ok(None) };
            checked.examined += page.examined;
            checked.violating += page.violating;
            checked.panicked.extend(page.panicked);
        }
        Ok(Some(checked))
    }

    /// Looks at the next entities of a type.
    async fn examine_page(
        &self,
        model: &CompiledEntity,
        examiners: &Examiners<'_>,
        (revision, last, mut running): (Option<u64>, Option<Passed>, Running),
        now: i64,
    ) -> Result<Option<Checked>, Error> {
        let rows = self.core.store.scan(&self.id, Table::Entity, "", running.after.as_deref(), PAGE).await;
        let rows = rows.map_err(Error::store("go through entities"))?;
        let ended = rows.len() < PAGE;
        let held = self.entity_page(model, &rows).await?;
        let mut checked = Checked::default();
        let wrong = found(model, examiners, &held, &mut running.passed, now, &mut checked);
        let cases = cases_of(model, wrong, &mut running.passed, now);

        let from = running.after.take();
        let until = rows.last().map(|row| row.key.clone()).filter(|_| !ended);
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        changes.commit.expect.push((pass_key(&model.name), revision));
        let mut standing = BTreeMap::new();
        for row in self.standing_cases(&model.name, from.as_deref(), until.as_deref()).await? {
            standing.insert(RowKey::new(Table::Case, row.key.clone()), row);
        }
        for (key, (entity, case)) in &cases {
            // Nobody who is erased meanwhile is told of.
            let revision = held.revisions.get(entity).copied().flatten();
            changes.commit.expect.push((entity_key(*entity), revision));
            put_case(&mut changes, key, case, standing.remove(key))?;
        }
        for (key, row) in standing {
            changes.commit.expect.push((key.clone(), Some(row.revision)));
            changes.delete(key);
        }
        if !examiners.checks.is_empty() {
            self.bring_up_to_date(&held, running.passed.began, &mut changes).await?;
        }
        let became = if ended {
            self.note_totals(&model.name, &running.passed, &mut changes).await?;
            self.forget_totals(&mut changes).await?;
            let news =
                |last: &Passed| (&last.counts, &last.tallies) != (&running.passed.counts, &running.passed.tallies);
            if last.as_ref().is_none_or(news) {
                changes.journal(EXAMINED, model.name.as_str(), &running.passed);
            }
            PassRow { running: None, last: Some(running.passed) }
        } else {
            PassRow { running: Some(Running { after: until, ..running }), last }
        };
        if ended && examiners.is_empty() {
            changes.delete(pass_key(&model.name));
        } else {
            changes.put(pass_key(&model.name), &became);
        }
        // Two cases of one entity rest on one row of it, and two totals of one type on one pass.
        let mut expected = BTreeSet::new();
        changes.commit.expect.retain(|(key, _)| expected.insert(key.clone()));
        let took_effect = self.commit("note what was examined", changes.commit).await?;
        Ok(took_effect.then_some(checked))
    }

    /// Entities of which nothing counted that checks had found before: a pass that began since has looked at them.
    async fn bring_up_to_date(&self, held: &EntityPage, began: i64, changes: &mut Changes<'_>) -> Result<(), Error> {
        let keys: Vec<RowKey> = held.views.iter().map(|view| outdated_key(view.id)).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load what counts no longer"))?;
        for (key, row) in keys.into_iter().zip(rows) {
            let Some(row) = row else { continue };
            let since: i64 = parse(Table::Meta, &row)?;
            if since < began {
                changes.commit.expect.push((key.clone(), Some(row.revision)));
                changes.delete(key);
            }
        }
        Ok(())
    }

    /// Of types that the model no longer has, nothing stands that checks found.
    async fn forget_types(&self) -> Result<(), Error> {
        for row in self.all_rows(Table::Meta, PASSES, "look for what was examined").await? {
            let Some(of) = passed_type(&row.key).filter(|of| self.core.model.entity_index(of.as_str()).is_none())
            else {
                continue;
            };
            for page in self.standing_cases(&of, None, None).await?.chunks(PAGE) {
                let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
                for case in page {
                    let key = RowKey::new(Table::Case, case.key.clone());
                    changes.commit.expect.push((key.clone(), Some(case.revision)));
                    changes.delete(key);
                }
                // Whoever was faster leaves the rest to the next look.
                if !self.commit("forget what was examined", changes.commit).await? {
                    return Ok(());
                }
            }
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            changes.commit.expect.push((pass_key(&of), Some(row.revision)));
            changes.delete(pass_key(&of));
            self.commit("forget what was examined", changes.commit).await?;
        }
        Ok(())
    }
}
