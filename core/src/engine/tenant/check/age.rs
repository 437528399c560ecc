//! How old verifications are: of one entity, and of all, by priority.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::check::{Dimension, Priority};
use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::outdated::outdated_key;
use crate::engine::persist::{PART, connection_prefix, record_of_key};
use crate::engine::tenant::PAGE;
use crate::engine::tenant::check::Pulsed;
use crate::engine::tenant::check::ledger::LedgerRow;
use crate::engine::tenant::check::pass::{PassRow, Passed, Running};
use crate::engine::tenant::check::violations::case_prefix;
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::schema::SchemaRow;
use crate::entity::Entity;
use crate::error::Error;
use crate::golden::GoldenLife;
use crate::id::{ConnectionName, EntityId, EntityType, ObjectType, RecordRef};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// What was last verified of a record in one dimension, by a check of the entity, or by totals that the entity is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The record, and with it the system; `None`: the entity, by a check of what is held, or its type, by totals.
    pub record: Option<RecordRef>,
    /// That check, or those totals, by name; `None`: a read of the record, a pulse, or a look at how its system describes itself.
    pub check: Option<Text>,
    /// What was verified.
    pub dimension: Dimension,
    /// When; `None`: never since it is known. Of a check of entities, when going through them began: `None` until it has come by since
    /// the entity is known, came back, was taken apart from another, or somebody closed what a check found wrong with it. Of totals the same.
    pub at: Option<DateTime<Utc>>,
    /// What was found; `None`: nothing was verified, or a pulse did, and what it found stands with the entity's discrepancies; or a check
    /// found more wrong than it makes cases of.
    pub found: Option<Finding>,
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// All was as it should be.
    AsHeld,
    /// The record was gone.
    Gone,
    /// It had changed, and no surface had told.
    Missed,
    /// So many discrepancies stood.
    Disagrees(u32),
    /// So many attributes of the record's object type stand still, because the system describes itself otherwise.
    StandStill(u32),
    /// The totals do not agree.
    Differ,
    /// A check found something wrong with the entity, or panicked over it: the case says which.
    Violates,
}

/// How old the verifications of one priority are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ages {
    /// How many records there are.
    pub records: u64,
    /// How many were never verified since they are known: their age is counted from when they became known, and is not known of
    /// those that no round of checks has come by yet.
    pub never: u64,
    /// How many are older than the interval of their priority.
    pub overdue: u64,
    /// Half are at most so old.
    pub median: TimeDelta,
    /// 99 of a hundred are at most so old.
    pub p99: TimeDelta,
    /// The oldest.
    pub oldest: TimeDelta,
}

impl Tenant {
    /// How old verifications are, by priority, over the connections that are verified. It goes through all their records: for a
    /// report, not for a probe.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn verification_age(&self) -> Result<BTreeMap<Priority, Ages>, Error> {
        let now = self.now();
        let mut counted: BTreeMap<Priority, (Vec<i64>, u64)> = BTreeMap::new();
        for name in self.core.checks.budgets.keys() {
            let pulsed = self.pulsed_from(name).await?;
            let prefix = connection_prefix(name);
            let mut pages = Pages::of(self, Table::Link, &prefix, "list records");
            while let Some(links) = pages.page().await? {
                let records: Vec<RecordRef> = links.iter().filter_map(|row| record_of_key(&row.key)).collect();
                for (record, (_, row)) in records.iter().zip(self.ledger_rows(&records).await?) {
                    let Some(priority) = self.priority_of(name, &record.object) else { continue };
                    let (ages, never) = counted.entry(priority).or_default();
                    let verified = row.and_then(|row| last_verified(row, pulsed.of(&record.object)));
                    *never += u64::from(verified.is_none());
                    let since = verified.or(row.map(|row| row.known)).unwrap_or(now);
                    ages.push(now.saturating_sub(since).max(0));
                }
            }
        }
        let ages = |(priority, (mut ages, never)): (Priority, (Vec<i64>, u64))| {
            ages.sort_unstable();
            let at = |percent: usize| {
                let place = (ages.len().saturating_sub(1) * percent).div_ceil(100);
                TimeDelta::milliseconds(ages.get(place).copied().unwrap_or(0))
            };
            let interval = self.core.checks.cadence.of(priority).num_milliseconds();
            let overdue = ages.iter().filter(|age| **age > interval).count() as u64;
            let of = Ages { records: ages.len() as u64, never, overdue, median: at(50), p99: at(99), oldest: at(100) };
            (priority, of)
        };
        Ok(counted.into_iter().map(ages).collect())
    }

    /// When each record of an entity was last verified and what was found, per dimension: presence, agreement and freshness. Of
    /// connections without a budget, what pulses verified. Where its system describes itself, when that was last compared with the
    /// mappings, too. Then what checks of entities found, and totals over its type, which look at no entity that was retired.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEntity`]; or a store that cannot be read.
    pub async fn verified(&self, entity: EntityId) -> Result<Vec<Verification>, Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        let unknown = || Error::UnknownEntity { expected: "entity".into(), id: entity };
        let index = loader.standing(entity).await?.ok_or_else(unknown)?;
        let Entity { id, entity: of, links, life, .. } = &*loader.loaded.set.entity(index).entity;
        let records: Vec<RecordRef> = links.iter().map(|link| RecordRef::clone(&link.record)).collect();
        let known = self.known_of(&records).await?;
        let mut schemas: BTreeMap<ConnectionName, SchemaRow> = BTreeMap::new();
        let mut verifications = Vec::new();
        for (record, (row, at)) in records.into_iter().zip(known) {
            if !self.core.connections.contains_key(&record.connection) {
                continue;
            }
            let found = row.filter(|row| row.verified.is_some() && row.verified == at).map(|row| row.found);
            let finding = |wrong: Option<Finding>| Some(wrong.unwrap_or(Finding::AsHeld));
            let name = record.connection.clone();
            let described = self.core.connections.get(&name).is_some_and(|bound| bound.connector.describes());
            if described && !schemas.contains_key(&name) {
                schemas.insert(name.clone(), self.schema_row(&name).await?.1);
            }
            let schema = schemas.get(&name).map(|row| row.last_look(&record.object));
            let of = |dimension, found| Verification {
                record: Some(record.clone()),
                check: None,
                dimension,
                at: at.and_then(DateTime::from_timestamp_millis),
                found,
            };
            let presence = found.and_then(|found| finding(found.gone.then_some(Finding::Gone)));
            let disagrees = |units: u32| (units > 0).then_some(Finding::Disagrees(units));
            let agreement = found.and_then(|found| finding(disagrees(found.disagrees)));
            let freshness = found.and_then(|found| finding(found.missed.then_some(Finding::Missed)));
            verifications.push(of(Dimension::Presence, presence));
            verifications.push(of(Dimension::Agreement, agreement));
            verifications.push(of(Dimension::Freshness, freshness));
            verifications.extend(schema.map(|(at, stopped)| Verification {
                at: at.and_then(DateTime::from_timestamp_millis),
                found: at.map(|_| if stopped > 0 { Finding::StandStill(stopped) } else { Finding::AsHeld }),
                ..of(Dimension::Schema, None)
            }));
        }
        if *life == GoldenLife::Live {
            let of = &self.core.model.entity(*of).name;
            verifications.extend(self.examined(*id, of).await?);
            verifications.extend(self.totalled(*id, of).await?);
        }
        Ok(verifications)
    }

    /// When each of these records was last verified, as [`Tenant::verified`] has it of an entity's; `None`: never since it is known, or its
    /// connection is no longer there. A page of records is read at once.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn last_verified(&self, records: &[RecordRef]) -> Result<Vec<Option<DateTime<Utc>>>, Error> {
        let known = self.known_of(records).await?;
        Ok(known.into_iter().map(|(_, at)| at.and_then(DateTime::from_timestamp_millis)).collect())
    }

    /// What checks know of each record, and when it was last verified by one or by a pulse.
    async fn known_of(&self, records: &[RecordRef]) -> Result<Vec<(Option<LedgerRow>, Option<i64>)>, Error> {
        let mut pulsed: BTreeMap<ConnectionName, Pulsed<'_>> = BTreeMap::new();
        let mut known = Vec::with_capacity(records.len());
        for page in records.chunks(PAGE) {
            for (record, (_, row)) in page.iter().zip(self.ledger_rows(page).await?) {
                if !self.core.connections.contains_key(&record.connection) {
                    known.push((row, None));
                    continue;
                }
                let floor = match pulsed.get(&record.connection) {
                    Some(pulsed) => pulsed.of(&record.object),
                    None => {
                        let of = self.pulsed_from(&record.connection).await?;
                        pulsed.insert(record.connection.clone(), of);
                        of.of(&record.object)
                    }
                };
                let at = match row {
                    Some(row) => last_verified(row, floor),
                    // Where no round of checks comes by, only pulses verify.
                    None => floor.filter(|_| !self.core.checks.budgets.contains_key(&record.connection)),
                };
                known.push((row, at));
            }
        }
        Ok(known)
    }

    /// When checks last examined an entity that exists, and what they found.
    async fn examined(&self, id: EntityId, of: &EntityType) -> Result<Vec<Verification>, Error> {
        let Some(PassRow { running, last }) = self.pass_row(of).await?.1 else { return Ok(Vec::new()) };
        let name = id.text();
        let since = self.outdated_since(id).await?;
        let counts = |passed: &&Passed| since.is_none_or(|since| since < passed.began);
        // The pass under way has come by it, or the last one did if it was known by then.
        let behind = |running: &&Running| running.after.as_ref().is_some_and(|after| name <= *after);
        let known = |last: &&Passed| id.known_from() <= last.began;
        let running_by = running.as_ref().filter(behind).map(|running| &running.passed).filter(counts);
        let last_by = last.as_ref().filter(known).filter(counts);
        let all = running.as_ref().map(|running| &running.passed).or(last.as_ref());
        let mut verifications = Vec::new();
        for (check, counted) in all.into_iter().flat_map(|passed| &passed.counts) {
            let key = RowKey::new(Table::Case, Text::of_parts(&[&case_prefix(of), &name, PART, check]));
            let violates = self.row(&key, "load what a check found").await?.is_some();
            // What is declared since the last pass began was not asked by it.
            let by = [running_by, last_by].into_iter().flatten().find(|passed| passed.counts.contains_key(check));
            let all_listed =
                by.and_then(|by| by.counts.get(check)).is_some_and(|of| of.violating + of.panicked == of.listed);
            let found = match violates {
                true => Some(Finding::Violates),
                false => all_listed.then_some(Finding::AsHeld),
            };
            let at = by.and_then(|by| DateTime::from_timestamp_millis(by.began));
            let dimension = counted.dimension.clone();
            verifications.push(Verification { record: None, check: Some(check.clone()), dimension, at, found });
        }
        Ok(verifications)
    }

    /// When totals over the type of an entity that exists were last compared, and whether they agreed.
    async fn totalled(&self, id: EntityId, of: &EntityType) -> Result<Vec<Verification>, Error> {
        let mut verifications = Vec::new();
        let aggregates = self.core.checks.aggregates.iter();
        for aggregate in aggregates.filter(|one| [&one.left, &one.right].iter().any(|total| total.entity_type == *of)) {
            // What was counted before it was known did not count it.
            let last = self.totalled_row(aggregate).await?.1.filter(|last| id.known_from() <= last.at);
            verifications.push(Verification {
                record: None,
                check: Some(aggregate.name.clone()),
                dimension: Dimension::Aggregate,
                at: last.as_ref().and_then(|last| DateTime::from_timestamp_millis(last.at)),
                found: last.map(|last| if last.differ { Finding::Differ } else { Finding::AsHeld }),
            });
        }
        Ok(verifications)
    }

    /// Since when nothing counts that checks had found of an entity before.
    async fn outdated_since(&self, id: EntityId) -> Result<Option<i64>, Error> {
        let row = self.row(&outdated_key(id), "load what counts no longer").await?;
        row.map(|row| parse(Table::Meta, &row)).transpose()
    }

    /// The priority of the records of an object type; `None`: the model does not know it.
    pub(super) fn priority_of(&self, name: &ConnectionName, object: &ObjectType) -> Option<Priority> {
        let (entity, ..) = self.core.connections.get(name)?.objects.get(object)?;
        let entity_type = &self.core.model.entity(*entity).name;
        Some(self.core.checks.priorities.get(entity_type).copied().unwrap_or_default())
    }
}

/// When a record was last verified: by a read of it, or by a pulse that began after it was known.
fn last_verified(row: LedgerRow, floor: Option<i64>) -> Option<i64> {
    let by_pulse = floor.filter(|floor| row.verified.is_some() || row.known <= *floor);
    row.verified.max(by_pulse)
}
