//! The list of what waits to be read, looked through as a whole: whose turn it is, what has waited for too long, and whether there
//! is room for more.

use std::collections::BTreeSet;

use crate::check::{MostUrgent, Priority};
use crate::connector::{Item, Retry};
use crate::decode::Batch;
use crate::engine::Tenant;
use crate::engine::intake::{Input, TakenIn, sort};
use crate::engine::persist::{Changes, connection_prefix, record_of_key, row_name};
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::step::{READ_AT_ONCE, Stepped, UnderWay};
use crate::engine::tenant::work::{Waits, WorkRow, parse_work, pause, work_key};
use crate::error::Error;
use crate::id::{ConnectionName, RecordRef};
use crate::queue::Share;
use crate::store::{Row, RowKey, Table};

/// The journal's kind for a hint that waited for too long: the record, its priority, and since when it waited.
const INPUT_EXPIRED: &str = "input_expired";

/// How many records one look lets expire.
const EXPIRE_AT_ONCE: usize = 500;

/// A record that waits.
pub(super) struct Due {
    pub(super) record: RecordRef,
    pub(super) revision: u64,
    pub(super) row: WorkRow,
}

/// What a look at the list of a connection came to.
#[derive(Default)]
pub(super) struct Looked {
    /// The records whose turn it is, the most urgent first, up to a bound.
    pub(super) due: Vec<Due>,
    /// Whether it is the turn of more.
    pub(super) more: bool,
    /// How many were dropped because they had waited for too long.
    pub(super) expired: usize,
}

impl Tenant {
    /// Looks through what waits of a connection. For those whose turn it is not, the step notes when it is.
    ///
    /// It reads every row of the list: whose turn it is cannot be told from some. The list is bounded.
    pub(super) async fn look_through(
        &self,
        name: &ConnectionName,
        share: &Share,
        under_way: &mut UnderWay,
        stepped: &mut Stepped,
    ) -> Result<Looked, Error> {
        let now = self.now();
        let priorities = self.priorities(name);
        let prefix = connection_prefix(name);
        let (mut turn, mut over, mut waiting) = (MostUrgent::of(READ_AT_ONCE), Vec::new(), 0_u64);
        let mut pages = Pages::of(self, Table::Work, &prefix, "list records to read");
        while let Some(rows) = pages.page().await? {
            waiting += self.read_by_model(&rows);
            for found in rows.into_iter().filter(|row| share.has(&self.id, &row.key)) {
                let row = parse_work(&found)?;
                let Some(record) = record_of_key(&found.key) else { continue };
                if let Some(lease) = row.lease.as_ref().filter(|lease| lease.lasts(now)) {
                    stepped.not_later_than(lease.until);
                    continue;
                }
                let Some((entity, _)) = self.core.place(&record) else {
                    // Today's model does not know its object type: it waits for one that does.
                    continue;
                };
                let priority = priorities.get(usize::from(entity)).copied().unwrap_or_default();
                if row.told && row.lease.is_none() && self.may_drop(&record, priority, row.since, now) {
                    over.push((Due { record, revision: found.revision, row }, priority));
                    continue;
                }
                match &row.waits {
                    Some(Waits::Until { at, .. }) if *at > now => stepped.not_later_than(*at),
                    Some(Waits::ForCreate) if self.is_creating(&record, under_way).await? => {
                        stepped.not_later_than(now.saturating_add(pause(Retry::Backoff, 0)));
                    }
                    _ => {
                        let urgency = self.core.inputs.urgency(priority, row.ready_since(), now);
                        turn.add(found.key, urgency, Due { record, revision: found.revision, row });
                    }
                }
            }
        }
        self.core.backlogs.counted(&self.id, name, waiting, now);
        if over.len() > EXPIRE_AT_ONCE {
            over.truncate(EXPIRE_AT_ONCE);
            stepped.at_once();
        }
        let expired = self.drop_over(name, over).await?;
        Ok(Looked { more: turn.left_some(), due: turn.into_order(), expired })
    }

    /// Of which priority what waits of a connection is, by entity type.
    fn priorities(&self, name: &ConnectionName) -> Vec<Priority> {
        let said = |of| self.core.inputs.priority_said(name, of);
        let of = |of| said(of).or_else(|| self.core.checks.priorities.get(of).copied()).unwrap_or_default();
        self.core.model.entities.iter().map(|entity| of(&entity.name)).collect()
    }

    /// Whether a hint has waited for too long, and what it hinted at is read by a pulse all the same.
    fn may_drop(&self, record: &RecordRef, priority: Priority, since: i64, now: i64) -> bool {
        let connection = self.core.connections.get(&record.connection);
        self.core.inputs.is_over(priority, since, now)
            && connection.is_some_and(|connection| connection.scan_makes_up_for_hints(&record.object))
            && self.core.pulse_every(&record.connection).is_some()
    }

    /// Takes hints off the list that waited for too long, and journals it. One that was hinted at anew meanwhile stays.
    async fn drop_over(&self, name: &ConnectionName, mut over: Vec<(Due, Priority)>) -> Result<usize, Error> {
        while !over.is_empty() {
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            for (Due { record, revision, row }, priority) in &over {
                let key = work_key(record);
                changes.commit.expect.push((key.clone(), Some(*revision)));
                changes.delete(key);
                changes.journal(INPUT_EXPIRED, &record.to_string(), &(record, priority, row.since));
            }
            let Some(lost) = self.commit_or_lost("drop what waited for too long", changes.commit).await? else {
                let hints = over.len() as u64;
                self.core.backlogs.expired(&self.id, name, hints);
                self.connection(name.as_str())?.1.instruments.expired(hints);
                return Ok(over.len());
            };
            let before = over.len();
            over.retain(|(due, _)| row_name(&work_key(&due.record)) != lost);
            if over.len() == before {
                // It was lost by what this process rests on: the next step looks anew.
                break;
            }
        }
        Ok(0)
    }

    /// How many records of a connection wait to be read, as far as this process knows, and how many may.
    pub(super) async fn backlog(&self, name: &ConnectionName) -> Result<(u64, u64), Error> {
        let (now, most) = (self.now(), self.core.inputs.most_of(name));
        if let Some(waiting) = self.core.backlogs.waiting(&self.id, name, now) {
            return Ok((waiting, most));
        }
        let waiting = self.count_waiting(name, most).await?;
        self.core.backlogs.counted(&self.id, name, waiting, now);
        Ok((waiting, most))
    }

    /// How many records of a connection wait to be read: counted, up to about so many.
    pub(super) async fn count_waiting(&self, name: &ConnectionName, most: u64) -> Result<u64, Error> {
        let prefix = connection_prefix(name);
        let mut pages = Pages::of(self, Table::Work, &prefix, "count what waits");
        let mut count = 0_u64;
        while count < most
            && let Some(rows) = pages.page().await?
        {
            count += self.read_by_model(&rows);
        }
        Ok(count)
    }

    /// How many of these rows are of object types that today's model knows. The others wait for one that does, and take nobody's room.
    fn read_by_model(&self, rows: &[Row]) -> u64 {
        let known = |row: &&Row| record_of_key(&row.key).is_some_and(|record| self.core.place(&record).is_some());
        rows.iter().filter(known).count() as u64
    }

    /// Refuses to ask a surface that can only hint for more, if as many records wait as may.
    ///
    /// # Errors
    ///
    /// [`Error::Full`].
    pub(super) async fn require_any_room(&self, name: &ConnectionName) -> Result<(), Error> {
        let (waiting, most) = self.backlog(name).await?;
        if waiting < most { Ok(()) } else { Err(Error::Full { connection: name.clone(), waiting, most }) }
    }

    /// Whether as many records wait as may: what is pushed then is refused, by whichever process it comes to.
    pub(super) async fn is_full(&self, name: &ConnectionName) -> Result<bool, Error> {
        let (waiting, most) = self.backlog(name).await?;
        Ok(waiting >= most)
    }

    /// Takes in what a surface told, where there is room for what of it is to be read.
    pub(super) async fn take_told(&self, name: &ConnectionName, items: &[Item], read: u64) -> Result<TakenIn, Error> {
        self.require_room(name, items, read).await?;
        self.take_items(name, items, read).await
    }

    /// Refuses what a surface told if as many records wait as may, and it asks to read others. What says all itself, and what is
    /// on the list already, needs no room.
    ///
    /// # Errors
    ///
    /// [`Error::Full`].
    pub(super) async fn require_room(&self, name: &ConnectionName, items: &[Item], read: u64) -> Result<(), Error> {
        let (waiting, most) = self.backlog(name).await?;
        if waiting < most || !self.asks_for_more(name, items, read).await? {
            return Ok(());
        }
        self.core.backlogs.refuse(&self.id, name);
        self.connection(name.as_str())?.1.instruments.refused();
        Err(Error::Full { connection: name.clone(), waiting, most })
    }

    /// Whether items ask to read records that are not on the list.
    async fn asks_for_more(&self, name: &ConnectionName, items: &[Item], read: u64) -> Result<bool, Error> {
        let (_, connection) = self.connection(name.as_str())?;
        let inputs = sort(name, connection, &self.core.model, items, read, &mut Batch::new());
        let hinted = inputs.iter().filter_map(|input| match input {
            Input::Hint { record, .. } => Some(record),
            _ => None,
        });
        let keys: Vec<RowKey> = hinted.collect::<BTreeSet<_>>().into_iter().map(work_key).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("look for what waits"))?;
        Ok(rows.iter().any(Option::is_none))
    }
}
