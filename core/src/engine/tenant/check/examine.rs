//! Examinations: every entity of a type is looked at as it is held, page by page. What is wrong with one is a case, which goes when it is
//! right again; what all of them come to is counted.

mod held;
mod totals;
mod violations;

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;

use crate::engine::Tenant;
use crate::engine::persist::{Changes, entity_key};
use crate::engine::tenant::check::Checked;
use crate::engine::tenant::check::pass::{Examiners, PassRow, Passed, Running, pass_key};
use crate::error::Error;
use crate::id::EntityType;
use crate::model::CompiledEntity;
use crate::store::{RowKey, Table};
pub(super) use violations::case_prefix;
use violations::{cases_of, found, put_case};

/// How many rows of entities one page looks at.
const PAGE: usize = 200;

/// How many pages one call looks at, of each type.
const PAGES: usize = 10;

/// The kind of the journal's entries for passes that came to another result than the last.
const EXAMINED: &str = "examined";

impl Tenant {
    /// Goes on with whatever is due of entities ([`Checks::check`](crate::engine::Checks::check)) and totals, some thousand
    /// entities of each type.
    pub(crate) async fn examine(&self) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        for model in &self.core.model.entities {
            checked += self.examine_type(model).await?;
        }
        Ok(checked)
    }

    /// The same; says whether there is more to do at once.
    pub(crate) async fn examine_on(&self) -> Result<bool, Error> {
        let next = self.examine().await?.next;
        Ok(next.is_some_and(|next| next.timestamp_millis() <= self.now()))
    }

    async fn examine_type(&self, model: &CompiledEntity) -> Result<Checked, Error> {
        let examiners = Examiners::of(&self.core, &model.name);
        let mut checked = Checked::default();
        for _ in 0..PAGES {
            let (revision, row) = self.pass_row(&model.name).await?;
            if examiners.is_empty() && row.is_none() {
                return Ok(checked);
            }
            let now = self.now();
            let row = row.unwrap_or_default();
            let running = match &row.running {
                Some(running) if running.passed.by == examiners.by => running.clone(),
                Some(_) => examiners.begin(now),
                None => match self.next_pass(&model.name, &examiners, &row) {
                    Some(due) if due > now => {
                        checked.next = DateTime::from_timestamp_millis(due);
                        return Ok(checked);
                    }
                    _ => examiners.begin(now),
                },
            };
            let pass = (revision, row, running);
            let Some(page) = self.examine_page(model, &examiners, pass, now).await? else { break };
            checked.examined += page.examined;
            checked.violating += page.violating;
        }
        checked.next = DateTime::from_timestamp_millis(self.now());
        Ok(checked)
    }

    /// When a type is due to be gone through; `None`: now.
    fn next_pass(&self, of: &EntityType, examiners: &Examiners<'_>, row: &PassRow) -> Option<i64> {
        let last = row.last.as_ref().filter(|last| last.by == examiners.by)?;
        let priority = self.core.checks.priorities.get(of).copied().unwrap_or_default();
        Some(last.began.saturating_add(self.core.checks.cadence.of(priority).num_milliseconds()))
    }

    /// Looks at the next entities. `None`: others changed what it rests on, and it is looked at anew.
    async fn examine_page(
        &self,
        model: &CompiledEntity,
        examiners: &Examiners<'_>,
        (revision, row, mut running): (Option<u64>, PassRow, Running),
        now: i64,
    ) -> Result<Option<Checked>, Error> {
        let rows = self.core.store.scan(&self.id, Table::Entity, "", running.after.as_deref(), PAGE).await;
        let rows = rows.map_err(Error::store("go through entities"))?;
        let ended = rows.len() < PAGE;
        let held = self.held_views(model, &rows).await?;
        let mut checked = Checked::default();
        let wrong = found(examiners, &held, &mut running.passed, now, &mut checked);
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
        // Two cases of one entity rest on one row of it.
        let mut expected = BTreeSet::new();
        changes.commit.expect.retain(|(key, _)| expected.insert(key.clone()));

        let became = if ended {
            self.note_totals(&model.name, &running.passed, &mut changes).await?;
            let news =
                |last: &Passed| (&last.counts, &last.tallies) != (&running.passed.counts, &running.passed.tallies);
            if row.last.as_ref().is_none_or(news) {
                changes.journal(EXAMINED, model.name.as_str(), &running.passed);
            }
            PassRow { running: None, last: Some(running.passed) }
        } else {
            PassRow { running: Some(Running { after: until, ..running }), ..row }
        };
        if ended && examiners.is_empty() {
            changes.delete(pass_key(&model.name));
        } else {
            changes.put(pass_key(&model.name), &became);
        }
        let took_effect = self.commit("note what was examined", changes.commit).await?;
        Ok(took_effect.then_some(checked))
    }
}
