//! How many records were archived since somebody last confirmed so many, and whether there is room for more.
//!
//! Limits are cumulative: a thousand plans with one delete each meet them as one plan with a thousand does.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::hydrate::{Loader, look_at_representation, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::MOST_ATTEMPTS;
use crate::engine::tenant::apply::outbox::{OutboxRow, write_prefix};
use crate::engine::{Tenant, persist};
use crate::error::Error;
use crate::id::{Actor, ConnectionName, ObjectType, RecordRef};
use crate::plan::{ArchivesByPlace, Deletes, Operation, PlanHash, archives};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// How many links are looked at at a time.
const PAGE: usize = 500;

/// What the limits are measured against, by place.
pub(crate) type DeletesByPlace = BTreeMap<(ConnectionName, ObjectType), Deletes>;

/// The deletes of one connection's object type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeleteCount {
    /// Carried out since the last confirmation.
    pub(crate) done: usize,
    /// How many were confirmed then.
    pub(crate) confirmed: usize,
}

const COUNTS: &str = "deletes\u{1f}";

/// Whether a row among the approvals counts deletes: it is no approval.
pub(crate) fn is_count(key: &str) -> bool {
    key.starts_with(COUNTS)
}

pub(crate) fn delete_count_key(connection: &ConnectionName, object: &ObjectType) -> RowKey {
    RowKey::new(Table::Approval, format!("{COUNTS}{connection}\u{1f}{object}"))
}

impl Tenant {
    /// Confirms, by the hash of a plan, the deletes that a limit keeps out of it. From here on the limits count anew, and
    /// these do not count. The next plan has the deletes among its operations, which need an approval like any other.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlan`], or a store that failed.
    pub async fn confirm_deletes(&self, hash: PlanHash, by: &Actor) -> Result<(), Error> {
        let plan = self.stored_plan(hash).await?;
        let mut counts: BTreeMap<RowKey, DeleteCount> = BTreeMap::new();
        for ((connection, object), records) in archives(plan.parked.iter().map(|parked| &parked.operation)) {
            // Those under way were within the limits when they were sent, and will be counted as carried out.
            let under_way = self.archives_under_way(&connection, &object, &records).await?;
            let count = DeleteCount { done: 0, confirmed: records.len().saturating_add(under_way) };
            counts.insert(delete_count_key(&connection, &object), count);
        }
        if counts.is_empty() {
            return Ok(());
        }
        let mut contended = Text::default();
        let keys: Vec<RowKey> = counts.keys().cloned().collect();
        for _ in 0..MOST_ATTEMPTS {
            // What is counted meanwhile is not lost: the row must be as it was.
            let mut loader = Loader::new(&self.core, &self.id);
            loader.rows(&keys).await?;
            let mut changes = Changes::new(&self.core, self.now(), by);
            changes.commit.expect.extend(loader.loaded.revisions);
            for (key, count) in &counts {
                changes.put(key.clone(), count);
            }
            let confirmed: Vec<_> = counts.iter().map(|(key, count)| (&key.key, count.confirmed)).collect();
            changes.journal("deletes_confirmed", &hash.to_string(), &(hash, confirmed));
            match self.commit_or_lost("confirm deletes", changes.commit).await? {
                None => return Ok(()),
                Some(lost) => contended = lost,
            }
        }
        Err(Error::Contended { attempts: MOST_ATTEMPTS, key: contended })
    }

    /// What the limits are measured against where these records are to be archived. Planning and applying measure alike:
    /// whatever keeps a delete from running kept it out of its plan, where a person sees and confirms it.
    pub(crate) async fn deletes_of(&self, archives: &ArchivesByPlace) -> Result<DeletesByPlace, Error> {
        let mut deletes = DeletesByPlace::new();
        for ((connection, object), planned) in archives {
            let DeleteCount { done, confirmed } =
                self.delete_count(&mut Loader::new(&self.core, &self.id), connection, object).await?;
            let records = self.living_links(connection, object).await?.saturating_add(done);
            let done = done.saturating_add(self.archives_under_way(connection, object, planned).await?);
            deletes.insert((connection.clone(), object.clone()), Deletes { records, done, confirmed });
        }
        Ok(deletes)
    }

    /// How many linked records of a place are alive. Reads every one of them, a page at a time: asked for only where records
    /// are to be deleted.
    async fn living_links(&self, connection: &ConnectionName, object: &ObjectType) -> Result<usize, Error> {
        let prefix = format!("{}{object}\u{1f}", persist::connection_prefix(connection));
        let mut after: Option<Text> = None;
        let mut living = 0;
        loop {
            let page = self.core.store.scan(&self.id, Table::Link, &prefix, after.as_deref(), PAGE).await;
            let page = page.map_err(Error::store("count links"))?;
            let Some(last) = page.last() else { return Ok(living) };
            after = Some(last.key.clone());
            let keys: Vec<RowKey> =
                page.iter().map(|link| RowKey::new(Table::Representation, link.key.clone())).collect();
            let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("count living records"))?;
            for (link, row) in page.iter().zip(rows) {
                let (Some(record), Some(row)) = (persist::record_of_key(&link.key), row) else { continue };
                let Some(place) = self.core.place(&record) else { continue };
                living += usize::from(look_at_representation(&self.core, &self.id, &row, place)?.speaks());
            }
        }
    }

    /// The count of one place; whoever loaded it commits only if it is still so.
    pub(crate) async fn delete_count(
        &self,
        loader: &mut Loader<'_>,
        connection: &ConnectionName,
        object: &ObjectType,
    ) -> Result<DeleteCount, Error> {
        let row = loader.rows(&[delete_count_key(connection, object)]).await?.into_iter().next().flatten();
        Ok(row.map(|row| parse(Table::Approval, &row)).transpose()?.unwrap_or_default())
    }

    /// Room for one more archive, or why a limit leaves none: with those carried out, those under way count too. The count
    /// is put back as it was, so that of two archives that both find room, one finds out about the other.
    pub(crate) async fn room_for(
        &self,
        loader: &mut Loader<'_>,
        operation: &Operation,
        records: usize,
    ) -> Result<Result<(RowKey, DeleteCount), Text>, Error> {
        let (connection, object) = (operation.target.connection(), operation.target.object());
        let count = self.delete_count(loader, connection, object).await?;
        let own = archives([operation]).into_values().flatten().collect();
        let under_way = self.archives_under_way(connection, object, &own).await?;
        let deletes = Deletes { records, done: count.done.saturating_add(under_way), confirmed: count.confirmed };
        Ok(match self.core.limits.exceeded(deletes, 1) {
            Some(why) => Err(why),
            None => Ok((delete_count_key(connection, object), count)),
        })
    }

    /// How many archives are intended in a place and not settled, besides those of records that are counted anyhow.
    async fn archives_under_way(
        &self,
        connection: &ConnectionName,
        object: &ObjectType,
        besides: &BTreeSet<RecordRef>,
    ) -> Result<usize, Error> {
        let prefix = format!("{}{connection}\u{1f}{object}\u{1f}", write_prefix());
        let mut count = 0;
        for row in self.all_rows(Table::Outbox, &prefix, "list archives under way").await? {
            let row: OutboxRow = parse(Table::Outbox, &row)?;
            count += archives(&row.operations).values().flatten().filter(|record| !besides.contains(*record)).count();
        }
        Ok(count)
    }
}
