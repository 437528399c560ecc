//! Tombstones: what is kept of a record that is gone from its system, until it has served its time and nobody needs it. From then on
//! the record was never seen.
//!
//! Since when a record is known to be gone stands in a row of its own, which the daily look through what records say puts there: no
//! stamp of a system is an instant of our clock. What goes is the row of what the record said, and its link, in one commit that the
//! journal tells of without a value. An entity that lives keeps every link: they say what was lost where.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::discrepancy::DiscrepancyState;
use crate::engine::Tenant;
use crate::engine::case::{CaseKind, CaseRow};
use crate::engine::hydrate::{Loader, look_at_representation, parse};
use crate::engine::persist::{Changes, LinkRow, PART, link_key, record_key, record_of_key, representation_key};
use crate::engine::tenant::apply::outbox::OutboxRow;
use crate::engine::tenant::merge::{MERGES, merged_pair};
use crate::engine::tenant::work::work_key;
use crate::entity::{Entity, HUB_OBJECT, Link};
use crate::error::Error;
use crate::fact::Fact;
use crate::golden::{GoldenLife, Status};
use crate::id::{EntityId, RecordRef};
use crate::plan::{Operation, Plan, Target};
use crate::representation::{Life, Representation};
use crate::stamp::Stamp;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::working_set::RecordIndex;

/// The journal's kind for what was kept of a record that is gone: the record, and since when that was known.
pub(crate) const TOMBSTONE_EXPIRED: &str = "tombstone_expired";

/// What the keys of the rows begin with.
const PREFIX: &str = "\u{1f}tombstone";

/// Since when a record is known to be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Tombstone {
    /// In milliseconds since the epoch.
    since: i64,
    /// The death that is meant: who came back and is gone again is gone since then.
    death: Stamp,
}

/// The row that says since when a record is known to be gone.
pub(super) fn tombstone_key(record: &RecordRef) -> RowKey {
    RowKey::new(Table::Index, Text::of_parts(&[PREFIX, PART, &record_key(record)]))
}

/// The death of a record that is gone, and by which no other is resolved.
fn death_of(representation: &Representation) -> Option<Stamp> {
    let existence = representation.existence();
    let gone = matches!(existence.life(), Life::Dead(_)) && representation.latest_merge().is_none();
    existence.last().filter(|_| gone)
}

/// What people, plans and writes under way are about: nothing of it goes.
#[derive(Debug, Default)]
struct Needed {
    records: BTreeSet<RecordRef>,
    entities: BTreeSet<EntityId>,
}

impl Needed {
    fn add(&mut self, operation: &Operation) {
        self.entities.insert(operation.entity);
        if let Target::Record(record) = &operation.target {
            self.records.insert(record.clone());
        }
    }

    fn needs(&self, entity: &Entity) -> bool {
        let linked = entity.links.iter().any(|link| self.records.contains(&*link.record));
        linked || self.entities.contains(&entity.id)
    }
}

/// Whether nothing stands about an entity that its records' tombstones are needed for: it is retired, and nobody is to do anything.
fn is_over(entity: &Entity) -> bool {
    let link =
        |link: &Link| !link.to_restore && link.divergences.iter().next().is_none() && link.sent.iter().next().is_none();
    entity.life == GoldenLife::Retired
        && entity.merged_into.is_none()
        && entity.out_of_scope.is_empty()
        && entity.creates_sent.is_empty()
        && entity.decisions.iter().next().is_none()
        && entity.proposals.iter().next().is_none()
        && entity.discrepancies.values().all(|standing| standing.state == DiscrepancyState::Resolved)
        && entity.golden.iter().all(|(_, cell)| cell.status == Status::Settled)
        && entity.links.iter().filter(|link| link.object != HUB_OBJECT).all(link)
}

impl Tenant {
    /// Notes of a page of what records say which of them are gone, and lets go what has been for long enough.
    pub(super) async fn purge_tombstones(&self, rows: Vec<Row>, now: i64) -> Result<(), Error> {
        let Some(kept) = self.core.retention.tombstones else { return Ok(()) };
        match self.require_model().await {
            // Whoever accepts the model looks again.
            Err(Error::ModelChanged { .. }) => return Ok(()),
            other => other?,
        }
        let oldest = now.saturating_sub(kept.num_milliseconds());
        let mut deaths = Vec::new();
        for row in &rows {
            let Some(record) = record_of_key(&row.key) else { continue };
            let Some(place) = self.core.place(&record).filter(|(_, object)| *object != HUB_OBJECT) else { continue };
            let death = death_of(&*look_at_representation(&self.core, &self.id, row, place)?);
            deaths.push((record, death));
        }
        let keys: Vec<RowKey> = deaths.iter().map(|(record, _)| tombstone_key(record)).collect();
        let known = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load tombstones"))?;
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        let mut over = Vec::new();
        for (((record, death), key), row) in deaths.into_iter().zip(keys).zip(known) {
            let stone = row.as_ref().map(|row| parse::<Tombstone>(Table::Index, row)).transpose()?;
            let Some(death) = death else {
                if let Some(row) = row {
                    changes.commit.expect.push((key.clone(), Some(row.revision)));
                    changes.delete(key);
                }
                continue;
            };
            match stone.filter(|stone| stone.death == death) {
                Some(stone) if stone.since <= oldest => over.push(record),
                Some(_) => {}
                None => {
                    changes.commit.expect.push((key.clone(), row.map(|row| row.revision)));
                    changes.put(key, &Tombstone { since: now, death });
                }
            }
        }
        if !(changes.commit.put.is_empty() && changes.commit.delete.is_empty()) {
            // Whoever was faster noted the same.
            self.commit("note which records are gone", changes.commit).await?;
        }
        self.let_go(over, oldest).await
    }

    /// Lets go what is kept of these records, as far as nobody needs it.
    async fn let_go(&self, records: Vec<RecordRef>, oldest: i64) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let needed = self.needed().await?;
        let keys: Vec<RowKey> = records.iter().map(link_key).collect();
        let links = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load links"))?;
        let mut entities = BTreeSet::new();
        for (record, link) in records.into_iter().zip(links) {
            match link {
                Some(row) => drop(entities.insert(parse::<LinkRow>(Table::Link, &row)?.entity)),
                None if needed.records.contains(&record) => {}
                None => self.let_go_of(None, vec![record], oldest, &needed).await?,
            }
        }
        for id in entities {
            self.let_go_of(Some(id), Vec::new(), oldest, &needed).await?;
        }
        Ok(())
    }

    /// Lets go what is kept of all records of an entity, or of one that belongs to none. It is all or nothing: an entity is not
    /// left with some of those that say that it is no more. Where somebody changed any of it meanwhile, the next look decides.
    async fn let_go_of(
        &self,
        id: Option<EntityId>,
        mut records: Vec<RecordRef>,
        oldest: i64,
        needed: &Needed,
    ) -> Result<(), Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        let entity = match id {
            None => None,
            Some(id) => {
                loader.entities(&[id]).await?;
                let Some(index) = loader.loaded.set.find_entity(id) else { return Ok(()) };
                let entity = &loader.loaded.set.entity(index).entity;
                if !is_over(entity) || needed.needs(entity) {
                    return Ok(());
                }
                let links = entity.links.iter().filter(|link| link.object != HUB_OBJECT);
                records = links.map(|link| (*link.record).clone()).collect();
                Some(index)
            }
        };
        loader.records(&records).await?;
        let linked = |record| loader.loaded.set.find_record(record).and_then(|at| loader.loaded.set.record(at).entity);
        if records.iter().any(|record| linked(record) != entity) {
            // Somebody linked it meanwhile.
            return Ok(());
        }
        let Some(since) = self.tombstones(&mut loader, &records, oldest).await? else { return Ok(()) };
        for index in loader.naming(&records).await? {
            let naming = &loader.loaded.set.entity(index).entity;
            if Some(naming.id) != id && naming.life == GoldenLife::Live {
                // What it refers to is this.
                return Ok(());
            }
        }
        for (record, since) in records.iter().zip(since) {
            changes.journal(TOMBSTONE_EXPIRED, &record.to_string(), &(record, since));
        }
        let mut facts = Vec::new();
        if let Some(index) = entity {
            for record in &records {
                let unlinked = Fact::Unlinked { record: Arc::new(record.clone()) };
                loader.loaded.set.record_fact(index, unlinked, &mut facts);
            }
        }
        let indexes: Vec<RecordIndex> =
            records.iter().filter_map(|record| loader.loaded.set.find_record(record)).collect();
        loader.identities_of(&indexes).await?;
        loader.references().await?;
        let as_of = changes.as_of();
        self.with_frame(|frame| {
            loader.loaded.set.settle(frame, as_of, &mut facts);
            changes.add_set(frame, &loader.loaded, &facts)
        })?;
        for record in &records {
            changes.delete(representation_key(record));
            changes.delete(tombstone_key(record));
        }
        if self.commit("let go what is kept of records that are gone", changes.commit).await? {
            self.settle_who_names(&records, id).await?;
        }
        Ok(())
    }

    /// Settles anew who came to name these records between the look for such and the commit: what they name leads nowhere now. A
    /// process that dies before leaves that to their next settlement.
    async fn settle_who_names(&self, records: &[RecordRef], of: Option<EntityId>) -> Result<(), Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        let naming = loader.naming(records).await?;
        let others: BTreeSet<EntityId> =
            naming.into_iter().map(|index| loader.loaded.set.entity(index).entity.id).collect();
        for other in others.into_iter().filter(|other| Some(*other) != of) {
            self.settle_anew(other).await?;
        }
        Ok(())
    }

    /// Since when each record is known to be gone; `None`: not all are, for long enough, or one is to be read.
    async fn tombstones(
        &self,
        loader: &mut Loader<'_>,
        records: &[RecordRef],
        oldest: i64,
    ) -> Result<Option<Vec<i64>>, Error> {
        let keys: Vec<RowKey> = records.iter().map(tombstone_key).collect();
        let to_read: Vec<RowKey> = records.iter().map(work_key).collect();
        if loader.rows(&to_read).await?.iter().any(Option::is_some) {
            return Ok(None);
        }
        let mut since = Vec::with_capacity(records.len());
        for (record, row) in records.iter().zip(loader.rows(&keys).await?) {
            let stone = row.map(|row| parse::<Tombstone>(Table::Index, &row)).transpose()?;
            let found = loader.loaded.set.find_record(record);
            let death = found.and_then(|index| death_of(&loader.loaded.set.record(index).representation));
            match stone.filter(|stone| Some(stone.death) == death && stone.since <= oldest) {
                Some(stone) => since.push(stone.since),
                None => return Ok(None),
            }
        }
        Ok(Some(since))
    }

    /// What cases, merges that can be taken back, plans and writes under way are about.
    async fn needed(&self) -> Result<Needed, Error> {
        let mut needed = Needed::default();
        for row in self.all_rows(Table::Case, "", "list cases").await? {
            if row.key.starts_with(MERGES) {
                needed.entities.extend(<[EntityId; 2]>::from(merged_pair(&row)?));
            } else if CaseKind::of_key(&row.key).is_some() {
                let case: CaseRow = parse(Table::Case, &row)?;
                needed.records.extend(case.records);
                needed.entities.extend(case.entities);
                case.operation.iter().for_each(|operation| needed.add(operation));
            }
        }
        for row in self.all_rows(Table::Outbox, "", "list writes under way").await? {
            let row: OutboxRow = parse(Table::Outbox, &row)?;
            row.operations.iter().for_each(|operation| needed.add(operation));
        }
        for row in self.all_rows(Table::Plan, "", "list plans").await? {
            let plan: Plan = parse(Table::Plan, &row)?;
            plan.operations.iter().for_each(|operation| needed.add(operation));
        }
        Ok(needed)
    }
}
