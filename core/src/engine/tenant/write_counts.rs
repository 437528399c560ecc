//! How many writes of an attribute began lately, and whether there is room for more.
//!
//! As with deletes, the limit is cumulative: a thousand plans with one write each meet it as one plan with a thousand does.
//! Unlike deletes, writes are every day's work, so that the count begins anew after a day.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::MOST_ATTEMPTS;
use crate::engine::tenant::apply::outbox::OutboxRow;
use crate::error::Error;
use crate::id::{Actor, EntityId};
use crate::plan::{Limits, Operation, Parked, PlanHash, Target, WritePlace, Writes};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// The journal's kind for writes that took effect and count.
pub(crate) const WRITES_COUNTED: &str = "writes_counted";

/// The journal's kind for writes that a person confirmed beyond the limit.
pub(crate) const WRITES_CONFIRMED: &str = "writes_confirmed";

const COUNTS: &str = "writes\u{1f}";

/// What the rows of counts begin with.
pub(crate) const fn count_prefix() -> &'static str {
    COUNTS
}

/// The writes of one attribute into one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WriteCount {
    /// Since when they count, in milliseconds since the epoch.
    since: i64,
    /// Those that took effect since then.
    done: usize,
    /// How many a person confirmed beyond the limit then.
    confirmed: usize,
}

impl WriteCount {
    /// The count as it stands now: after a day it begins anew.
    fn at(self, now: i64) -> Self {
        let over = now.saturating_sub(self.since) >= Limits::WRITES_WITHIN.num_milliseconds();
        if over { Self { since: now, done: 0, confirmed: 0 } } else { self }
    }

    /// So many more took effect at an instant.
    pub(crate) fn and(self, more: usize, now: i64) -> Self {
        let count = self.at(now);
        Self { done: count.done + more, ..count }
    }

    /// So many beyond the limit were confirmed at an instant: the count begins anew.
    pub(crate) const fn confirmed(confirmed: usize, now: i64) -> Self {
        Self { since: now, done: 0, confirmed }
    }
}

pub(crate) fn count_key(WritePlace { connection, entity_type, unit, .. }: &WritePlace) -> RowKey {
    RowKey::new(Table::Meta, format!("{COUNTS}{connection}\u{1f}{entity_type}\u{1f}{unit}"))
}

/// The entity, record or place, and unit that an operation writes.
type WrittenUnit = (EntityId, Target, Text);

fn unit_of(operation: &Operation) -> WrittenUnit {
    (operation.entity, operation.target.clone(), operation.unit.clone())
}

impl Tenant {
    /// Confirms, by the hash of a plan, the writes that the limit on writes keeps out of it. From here on the limit counts
    /// anew, and these do not count. The next plan has them among its operations, which need an approval like any other.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlan`], or a store that failed.
    pub async fn confirm_writes(&self, hash: PlanHash, by: &Actor) -> Result<(), Error> {
        let plan = self.stored_plan(hash).await?;
        let mut confirmed: BTreeMap<WritePlace, usize> = BTreeMap::new();
        for parked in plan.parked.iter().filter(|parked| parked.limited) {
            if let Some(place) = WritePlace::of(&parked.operation) {
                *confirmed.entry(place).or_default() += 1;
            }
        }
        if confirmed.is_empty() {
            return Ok(());
        }
        let keys: Vec<RowKey> = confirmed.keys().map(count_key).collect();
        let mut contended = Text::default();
        for _ in 0..MOST_ATTEMPTS {
            // What is counted meanwhile is not lost: the rows must be as they were.
            let mut loader = Loader::new(&self.core, &self.id);
            loader.rows(&keys).await?;
            let since = self.now();
            let mut changes = Changes::new(&self.core, since, by);
            changes.commit.expect.extend(loader.loaded.revisions);
            for (place, confirmed) in &confirmed {
                changes.put(count_key(place), &WriteCount::confirmed(*confirmed, since));
            }
            let of: Vec<_> = confirmed.iter().collect();
            changes.journal(WRITES_CONFIRMED, &hash.to_string(), &(hash, of));
            match self.commit_or_lost("confirm writes", changes.commit).await? {
                None => return Ok(()),
                Some(lost) => contended = lost,
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key: contended })
    }

    /// What the limit is measured against where these operations write. Those under way count as done, but for what is about
    /// to be planned again: that is counted with the plan.
    pub(crate) async fn writes_of<'o>(
        &self,
        operations: impl IntoIterator<Item = &'o Operation> + Send,
    ) -> Result<BTreeMap<WritePlace, Writes>, Error> {
        let mut writes = BTreeMap::new();
        if self.core.limits.writes.is_none() {
            return Ok(writes);
        }
        let (mut places, mut units) = (BTreeSet::new(), BTreeSet::new());
        for operation in operations {
            places.extend(WritePlace::of(operation));
            units.insert(unit_of(operation));
        }
        if places.is_empty() {
            return Ok(writes);
        }
        let under_way = self.writes_under_way(&units).await?;
        for place in places {
            let count = self.write_count(&mut Loader::new(&self.core, &self.id), &place).await?.at(self.now());
            let done = count.done + under_way.get(&place).copied().unwrap_or_default();
            writes.insert(place, Writes { done, confirmed: count.confirmed });
        }
        Ok(writes)
    }

    /// Takes those operations off `operations` for which the limit leaves no room. The counts are put back as they were,
    /// so that of two writes that both find room, one finds out about the other.
    pub(crate) async fn keep_to_write_limit(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        operations: &mut Vec<Operation>,
    ) -> Result<Vec<Parked>, Error> {
        if self.core.limits.writes.is_none() {
            return Ok(Vec::new());
        }
        let mut counts: BTreeMap<WritePlace, WriteCount> = BTreeMap::new();
        for place in operations.iter().filter_map(WritePlace::of).collect::<BTreeSet<_>>() {
            let count = self.write_count(loader, &place).await?;
            counts.insert(place, count);
        }
        // After the counts: a write that begins in between changes their rows, and this one finds out.
        let units = operations.iter().map(unit_of).collect();
        let under_way = self.writes_under_way(&units).await?;
        let mut held = Vec::new();
        for (place, stored) in counts {
            let count = stored.at(changes.as_of());
            let done = count.done + under_way.get(&place).copied().unwrap_or_default();
            let here = |operation: &Operation| WritePlace::of(operation).as_ref() == Some(&place);
            let planned = operations.iter().filter(|operation| here(operation)).count();
            let writes = Writes { done, confirmed: count.confirmed };
            match self.core.limits.writes_exceeded(&place, writes, planned) {
                None => changes.put(count_key(&place), &stored),
                Some(why) => {
                    held.extend(
                        operations.extract_if(.., |operation| here(operation)).map(|o| Parked::limited(o, why.clone())),
                    );
                }
            }
        }
        Ok(held)
    }

    /// Counts operations that took effect.
    pub(crate) async fn count_writes(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        operations: &[Operation],
    ) -> Result<(), Error> {
        if self.core.limits.writes.is_none() {
            return Ok(());
        }
        let mut done: BTreeMap<WritePlace, usize> = BTreeMap::new();
        for place in operations.iter().filter_map(WritePlace::of) {
            *done.entry(place).or_default() += 1;
        }
        let as_of = changes.as_of();
        for (place, more) in &done {
            let count = self.write_count(loader, place).await?;
            let more = if planted!(WriteLimitNotCumulative) { 0 } else { *more };
            changes.put(count_key(place), &count.and(more, as_of));
        }
        if !done.is_empty() {
            // About no entity: what is erased of one takes nothing from the count.
            changes.journal(WRITES_COUNTED, "writes", &done.iter().collect::<Vec<_>>());
        }
        Ok(())
    }

    /// The count of one place; whoever loaded it commits only if it is still so.
    async fn write_count(&self, loader: &mut Loader<'_>, place: &WritePlace) -> Result<WriteCount, Error> {
        let row = loader.rows(&[count_key(place)]).await?.into_iter().next().flatten();
        Ok(row.map(|row| parse(Table::Meta, &row)).transpose()?.unwrap_or_default())
    }

    /// How many writes are intended and not settled, by place, besides those of units that are counted anyhow.
    async fn writes_under_way(&self, besides: &BTreeSet<WrittenUnit>) -> Result<BTreeMap<WritePlace, usize>, Error> {
        let mut under_way: BTreeMap<WritePlace, usize> = BTreeMap::new();
        for row in self.all_rows(Table::Outbox, "", "list writes under way").await? {
            let row: OutboxRow = parse(Table::Outbox, &row)?;
            let others = row.operations.iter().filter(|operation| !besides.contains(&unit_of(operation)));
            for place in others.filter_map(WritePlace::of) {
                *under_way.entry(place).or_default() += 1;
            }
        }
        Ok(under_way)
    }
}
