//! How many records were archived since somebody last confirmed so many, and whether there is room for more.
//!
//! Limits are cumulative: a thousand plans with one delete each meet them as one plan with a thousand does.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::MOST_ATTEMPTS;
use crate::engine::tenant::apply::outbox::{OutboxRow, write_prefix};
use crate::engine::{Tenant, persist};
use crate::error::Error;
use crate::id::{Actor, ConnectionName, ObjectType};
use crate::plan::{Deletes, Intent, Operation, PlanHash};
use crate::representation::Representation;
use crate::representation::stored::StoredRepresentation;
use crate::store::{RowKey, Table};
use crate::text::Text;

/// How many links are looked at at a time.
const PAGE: usize = 500;

/// The native object types of connections.
pub(crate) type Places = BTreeSet<(ConnectionName, ObjectType)>;

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

pub(crate) fn delete_count_key(connection: &ConnectionName, object: &ObjectType) -> RowKey {
    RowKey::new(Table::Approval, format!("deletes\u{1f}{connection}\u{1f}{object}"))
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
        for parked in plan.parked.iter().filter(|parked| parked.operation.intent == Intent::Archive) {
            let target = &parked.operation.target;
            counts.entry(delete_count_key(target.connection(), target.object())).or_default().confirmed += 1;
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

    /// What the limits are measured against in these places.
    pub(crate) async fn deletes_of(&self, places: &Places) -> Result<DeletesByPlace, Error> {
        let mut deletes = DeletesByPlace::new();
        for (connection, object) in places {
            let DeleteCount { done, confirmed } =
                self.delete_count(&mut Loader::new(&self.core, &self.id), connection, object).await?;
            let records = self.living_links(connection, object).await?.saturating_add(done);
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
                let Some((entity, of)) = self.core.place(&record) else { continue };
                let stored: StoredRepresentation = parse(Table::Representation, &row)?;
                living += usize::from(Representation::from_stored(stored, self.core.slot_names(entity, of)).speaks());
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
        let under_way = self.archives_under_way(connection, object).await?;
        let deletes = Deletes { records, done: count.done, confirmed: count.confirmed };
        Ok(match self.core.limits.exceeded(deletes, under_way + 1) {
            Some(why) => Err(why),
            None => Ok((delete_count_key(connection, object), count)),
        })
    }

    /// How many archives are intended in a place and not settled.
    pub(crate) async fn archives_under_way(
        &self,
        connection: &ConnectionName,
        object: &ObjectType,
    ) -> Result<usize, Error> {
        let prefix = format!("{}{connection}\u{1f}{object}\u{1f}", write_prefix());
        let mut count = 0;
        for row in self.all_rows(Table::Outbox, &prefix, "list archives under way").await? {
            let row: OutboxRow = parse(Table::Outbox, &row)?;
            count += row.operations.iter().filter(|operation| operation.intent == Intent::Archive).count();
        }
        Ok(count)
    }
}
