//! Steps: what is due is done, and the caller is told when to come back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::connector::{ConnectorError, ConnectorErrorKind, Retry};
use crate::engine::Tenant;
use crate::engine::persist::{self, row_name};
use crate::engine::tenant::FailedCall;
use crate::engine::tenant::direct::Answered;
use crate::engine::tenant::matching::Unmatched;
use crate::engine::tenant::waiting::{Due, Looked};
use crate::engine::tenant::work::{Waits, WorkRow, parse_work, pause, work_key};
use crate::error::Error;
use crate::id::{ConnectionName, ObjectType, RecordRef};
use crate::queue::Share;
use crate::store::{Commit, RowKey};
use crate::telemetry::in_span;

/// What a step came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Stepped {
    /// When there is more to do.
    pub next: Next,
    /// What could not be read. It stays on the list, and is read again when it is due.
    pub unread: Vec<Unread>,
    /// How many hints had waited for too long and were dropped ([`Inputs::expires`](crate::engine::Inputs::expires)).
    pub expired: usize,
    /// The entity types of which nothing could be matched: their records wait, and are asked about once a model can be read.
    pub unmatched: Vec<Unmatched>,
}

/// When there is more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Next {
    /// At once: take another step.
    Now,
    /// Not before this instant, unless something comes in.
    At(DateTime<Utc>),
    /// Nothing, until something comes in or is decided.
    #[default]
    WhenTold,
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// The connection.
    pub connection: ConnectionName,
    /// The record; none if nothing could be read from the connection.
    pub record: Option<RecordRef>,
    /// Why not.
    pub error: ConnectorError,
}

impl Stepped {
    /// Whether there is more to do at once.
    #[must_use]
    pub const fn more(&self) -> bool {
        matches!(self.next, Next::Now)
    }

    pub(super) fn at_once(&mut self) {
        self.next = Next::Now;
    }

    /// There is something to do at this instant, in milliseconds since the epoch.
    pub(super) fn not_later_than(&mut self, at: i64) {
        let at = DateTime::from_timestamp_millis(at).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.next = self.next.min(Next::At(at));
    }
}

/// How many records one read asks for.
pub(super) const READ_AT_ONCE: usize = 100;

/// The object types in which creates are under way, looked up when the first record waits for one.
pub(super) type UnderWay = Option<BTreeSet<(ConnectionName, ObjectType)>>;

impl Tenant {
    /// Does what is due, within a bound: settles writes of unknown outcome, reads records that hints point at, ends
    /// decisions whose date has come, once a day forgets what has served its time ([`Retention`](crate::engine::Retention)), and puts
    /// records before matchers ([`Tenant::match_records`]). Says when to come back, and what could not be read.
    ///
    /// After an erasure it learns the models of matchers anew, on the calling task and in memory, as [`Tenant::train_matcher`] does: on a
    /// runtime of one thread nothing else runs meanwhile.
    ///
    /// Loop, sleep and shutdown are the caller's: `while acme.step().await?.more() {}`, then sleep until
    /// [`Stepped::next`], or until something comes in.
    ///
    /// # Errors
    ///
    /// If the store fails. A system that fails, a record or a matcher's model that cannot be read, is an outcome: the others are read.
    pub async fn step(&self) -> Result<Stepped, Error> {
        self.step_of(&Share::whole()).await
    }

    /// As [`Tenant::step`], for a share of the work: the writes and records whose keys are in it, and what is the tenant's own if
    /// its name is.
    pub(crate) async fn step_of(&self, share: &Share) -> Result<Stepped, Error> {
        Ok(self.step_but(share, &BTreeSet::new()).await?.0)
    }

    /// As [`Tenant::step_of`], without calls to connections that are left alone for now. Says too which did not answer.
    pub(crate) async fn step_but(
        &self,
        share: &Share,
        left_alone: &BTreeSet<ConnectionName>,
    ) -> Result<(Stepped, Vec<FailedCall>), Error> {
        in_span!("step", { tenant = self.id }, self.do_due(share, left_alone))
    }

    async fn do_due(
        &self,
        share: &Share,
        left_alone: &BTreeSet<ConnectionName>,
    ) -> Result<(Stepped, Vec<FailedCall>), Error> {
        let recovered = self.recover_but(share, left_alone).await?;
        let mut stepped = self.read_hinted_of(share, left_alone).await?;
        let mut failed = recovered.failed;
        failed.extend(stepped.unread.iter().filter(|unread| unread.record.is_none()).map(|unread| FailedCall {
            connection: unread.connection.clone(),
            doing: "read records",
            cause: unread.error.clone(),
        }));
        if recovered.unknown > 0 {
            stepped.not_later_than(self.now().saturating_add(pause(Retry::Backoff, 0)));
        }
        if let Some(at) = recovered.retry_at {
            stepped.not_later_than(at.timestamp_millis());
        }
        if !share.has(&self.id, "") {
            return Ok((stepped, failed));
        }
        let ended = self.end_by_date().await?;
        ended.next.into_iter().for_each(|at| stepped.not_later_than(at));
        if ended.more {
            stepped.at_once();
        }
        self.finish_erasures().await?;
        if self.purge().await? {
            stepped.at_once();
        }
        let matched = self.match_records().await?;
        stepped.next = stepped.next.min(matched.next);
        stepped.unmatched = matched.unmatched;
        // Last: who cannot delete what nobody reads any more does all else.
        self.finish_compaction().await?;
        Ok((stepped, failed))
    }

    /// Reads the records that hints and ties point at and whose turn it is, up to a bound per connection.
    ///
    /// # Errors
    ///
    /// As [`Tenant::step`].
    pub async fn read_hinted(&self) -> Result<Stepped, Error> {
        self.read_hinted_of(&Share::whole(), &BTreeSet::new()).await
    }

    async fn read_hinted_of(&self, share: &Share, left_alone: &BTreeSet<ConnectionName>) -> Result<Stepped, Error> {
        let mut stepped = Stepped::default();
        let mut under_way = None;
        for name in self.core.connections.keys() {
            let alone = left_alone.contains(name);
            // What waits for a system that is down expires as well.
            if alone && !self.core.inputs.expire() {
                continue;
            }
            let Looked { due, more, expired } = self.look_through(name, share, &mut under_way, &mut stepped).await?;
            stepped.expired += expired;
            if due.is_empty() || alone || self.is_paused(name).await? {
                continue;
            }
            let due = self.take_in_hand(due).await?;
            if due.is_empty() {
                stepped.at_once();
                continue;
            }
            let records: Vec<RecordRef> = due.iter().map(|due| due.record.clone()).collect();
            self.note_live(name, records.len());
            match self.read_each(name, &records).await {
                Ok(answered) => {
                    if more {
                        stepped.at_once();
                    }
                    let read = due.iter().map(|due| due.record.clone());
                    let read = read.filter(|record| !answered.failed.contains_key(record)).collect();
                    self.note_read(name, &read).await?;
                    self.take_off(due, &answered.failed, &mut stepped).await?;
                }
                // Nothing could be read here; other connections may answer.
                Err(Error::Connector { source: error, .. }) => {
                    stepped.not_later_than(self.now().saturating_add(pause(error.retry, 0)));
                    stepped.unread.push(Unread { connection: name.clone(), record: None, error });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(stepped)
    }

    /// Takes records in hand before they are read, where many processes work on one store. Those that another was faster
    /// with are left to it.
    async fn take_in_hand(&self, mut due: Vec<Due>) -> Result<Vec<Due>, Error> {
        while !due.is_empty() {
            let Some(lease) = self.lease().await? else { return Ok(due) };
            let mut commit = Commit::default();
            for Due { record, revision, row } in &due {
                let key = work_key(record);
                commit.expect.push((key.clone(), Some(*revision)));
                if let Some(former) = &row.lease {
                    former.end(&mut commit);
                }
                commit.put.push((key, persist::json(&WorkRow { lease: Some(lease.clone()), ..row.clone() })));
            }
            match self.commit_or_lost("take records in hand", commit).await? {
                None => {
                    for due in &mut due {
                        due.revision += 1;
                        due.row.lease = Some(lease.clone());
                    }
                    return Ok(due);
                }
                Some(lost) => {
                    let before = due.len();
                    due.retain(|due| row_name(&work_key(&due.record)) != lost);
                    if due.len() == before {
                        // It was lost by what this process rests on, which is looked up anew.
                        continue;
                    }
                }
            }
        }
        Ok(due)
    }

    pub(super) async fn is_creating(&self, record: &RecordRef, under_way: &mut UnderWay) -> Result<bool, Error> {
        if under_way.is_none() {
            *under_way = Some(self.creates_under_way().await?);
        }
        let place = (record.connection.clone(), record.object.clone());
        Ok(under_way.as_ref().is_some_and(|under_way| under_way.contains(&place)))
    }

    /// Reads records together; where the question is what is wrong, one by one, so that it fails for one record only.
    pub(super) async fn read_each(&self, name: &ConnectionName, records: &[RecordRef]) -> Result<Answered, Error> {
        let together = self.read_records(name, records).await;
        let asked_wrong = |kind: ConnectorErrorKind| {
            use ConnectorErrorKind::{Contract, Malformed, Unsupported};
            matches!(kind, Malformed | Unsupported | Contract) && records.len() > 1
        };
        if !matches!(&together, Err(Error::Connector { source, .. }) if asked_wrong(source.kind)) {
            return together;
        }
        // They were counted once, for the question that was refused.
        self.note_live(name, records.len());
        let mut answered = Answered::default();
        for record in records {
            match self.read_records(name, std::slice::from_ref(record)).await {
                Ok(one) => answered += one,
                Err(Error::Connector { source, .. }) => drop(answered.failed.insert(record.clone(), source)),
                Err(error) => return Err(error),
            }
        }
        Ok(answered)
    }

    /// Takes records that were read off the list, or keeps them there with what went wrong.
    async fn take_off(
        &self,
        due: Vec<Due>,
        failed: &BTreeMap<RecordRef, ConnectorError>,
        stepped: &mut Stepped,
    ) -> Result<(), Error> {
        stepped.unread.extend(failed.iter().map(|(record, error)| {
            let (connection, record) = (record.connection.clone(), Some(record.clone()));
            Unread { connection, record, error: error.clone() }
        }));
        let keys: Vec<RowKey> = due.iter().map(|due| work_key(&due.record)).collect();
        let mut listed: Vec<Due> = due;
        while !listed.is_empty() {
            let mut commit = Commit::default();
            for Due { record, revision, row } in &listed {
                let key = work_key(record);
                commit.expect.push((key.clone(), Some(*revision)));
                if let Some(lease) = &row.lease {
                    lease.expect(&mut commit);
                }
                match failed.get(record) {
                    None => commit.delete.push(key),
                    Some(error) => {
                        let again = WorkRow::again(Some(row), self.now(), Some(error));
                        commit.put.push((key, persist::json(&again)));
                    }
                }
            }
            if planted!(HintWhileReadingLost) {
                commit.expect.clear();
            }
            let taken: u64 = commit.delete.len() as u64;
            let Some(lost) = self.commit_or_lost("take records off the list", commit).await? else {
                if let Some(Due { record, .. }) = listed.first() {
                    self.core.backlogs.moved(&self.id, &record.connection, 0, taken);
                }
                break;
            };
            // A hint that came while its record was being read keeps it on the list. Where this process lost what it rests on,
            // whoever took over reads them.
            let before = listed.len();
            listed.retain(|due| row_name(&work_key(&due.record)) != lost);
            if listed.len() == before {
                break;
            }
        }
        // What a newer hint kept is read at once; what the read itself could not settle, when it is due.
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("look for newer hints"))?;
        for left in rows.into_iter().flatten() {
            match parse_work(&left)?.waits {
                None => stepped.at_once(),
                Some(Waits::ForCreate) => {
                    stepped.not_later_than(self.now().saturating_add(pause(Retry::Backoff, 0)));
                }
                Some(Waits::Until { at, .. }) => stepped.not_later_than(at),
            }
        }
        Ok(())
    }
}
