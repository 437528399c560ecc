//! Recovery: what was sent and not answered is looked at, and only then planned again.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::connector::{CreateSafety, Item, Outcome, ReadAnswer, RecordKey, WriteReceipt};
use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::{Changes, json};
use crate::engine::tenant::apply::outbox::{OutboxRow, create_key, outbox_connection};
use crate::engine::tenant::apply::{Applied, FailedCall};
use crate::engine::tenant::approval::spend;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::pages::Pages;
use crate::error::Error;
use crate::fact::Fact;
use crate::fingerprint::Digest;
use crate::id::{ConnectionName, RecordRef};
use crate::plan::{Intent, Target};
use crate::queue::Share;
use crate::stamp::Domain;
use crate::store::{Commit, Row, RowKey, Table};
use crate::text::Text;

impl Tenant {
    /// Settles what earlier runs left without a receipt: each is probed, and only then planned again. What another
    /// application in this process is working on is left to it.
    ///
    /// # Errors
    ///
    /// If the store fails. A system that cannot be read, or is no longer connected, leaves its operations as they are.
    pub async fn recover(&self) -> Result<Applied, Error> {
        self.recover_where(&|_| true).await
    }

    /// As [`Tenant::recover`], for the writes of a share, without those into connections that are left alone for now.
    pub(crate) async fn recover_but(
        &self,
        share: &Share,
        left_alone: &BTreeSet<ConnectionName>,
    ) -> Result<Applied, Error> {
        let called = |row: &str| outbox_connection(row).is_none_or(|connection| !left_alone.contains(&connection));
        self.recover_where(&|row| share.has(&self.id, row) && called(row)).await
    }

    /// As [`Tenant::recover`], in some connections: no other is called.
    pub(crate) async fn recover_in(&self, connections: &BTreeSet<ConnectionName>) -> Result<Applied, Error> {
        let gone = |connection: &ConnectionName| !self.core.connections.contains_key(connection);
        let wanted = |connection: ConnectionName| connections.contains(&connection) || gone(&connection);
        self.recover_where(&|row| outbox_connection(row).is_none_or(wanted)).await
    }

    /// As [`Tenant::recover`], for the writes under some rows.
    async fn recover_where(&self, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Applied, Error> {
        let mut applied = Applied::default();
        if planted!(OutboxForgotten) {
            return Ok(applied);
        }
        let mut rows = Pages::new(self, Table::Outbox, "list unsettled writes");
        while let Some(row) = rows.next().await? {
            if wanted(&row.key) {
                self.recover_row(row, &mut applied).await?;
            }
        }
        Ok(applied)
    }

    async fn recover_row(&self, listed: Row, applied: &mut Applied) -> Result<(), Error> {
        let key = RowKey::new(Table::Outbox, listed.key);
        let Some(_claim) = self.claim(&key) else { return Ok(()) };
        // Whoever had it when it was listed may have settled it since.
        let row = self.row(&key, "load an unsettled write").await?;
        let Some(row) = row else { return Ok(()) };
        let intent: OutboxRow = parse(Table::Outbox, &row)?;
        let Some(intent) = self.take_over(key, row.revision, intent, applied).await? else { return Ok(()) };
        self.probe(&intent, applied).await
    }

    /// Takes an unsettled write in hand, where many processes work on one store; `None`: another has it.
    async fn take_over(
        &self,
        key: RowKey,
        revision: u64,
        intent: OutboxRow,
        applied: &mut Applied,
    ) -> Result<Option<OutboxRow>, Error> {
        let now = self.now();
        if let Some(lease) = intent.lease.as_ref().filter(|lease| lease.lasts(now)) {
            applied.unknown += intent.operations.len();
            applied.put_off(now, TimeDelta::milliseconds(lease.until.saturating_sub(now)));
            return Ok(None);
        }
        let lease = self.lease().await?;
        if lease.is_none() && intent.lease.is_none() {
            return Ok(Some(intent));
        }
        let mut commit = Commit { expect: vec![(key.clone(), Some(revision))], ..Commit::default() };
        if let Some(former) = &intent.lease {
            former.end(&mut commit);
        }
        let intent = OutboxRow { lease, ..intent };
        commit.put.push((key, json(&intent)));
        Ok(self.commit("take over a write", commit).await?.then_some(intent))
    }

    /// Looks whether a write took effect.
    async fn probe(&self, intent: &OutboxRow, applied: &mut Applied) -> Result<(), Error> {
        let Some(first) = intent.operations.first() else { return Ok(()) };
        let Ok((name, bound)) = self.connection(first.target.connection().as_str()) else {
            // It cannot be asked; connected again, it is. Everything else goes on.
            applied.unknown += intent.operations.len();
            return Ok(());
        };
        if self.is_paused(&name).await? {
            // It is not asked while it is paused; the intent stays, and nothing else is sent to the record.
            applied.unknown += intent.operations.len();
            return Ok(());
        }
        if planted!(BlindCreate) && matches!(first.target, Target::New { .. }) {
            return self.forget(intent, applied).await;
        }
        let key = match &first.target {
            Target::New { object, .. } => {
                RecordKey { object: object.clone(), id: create_key(first), by_create_key: true }
            }
            Target::Record(record) => {
                RecordKey { object: record.object.clone(), id: record.id.clone(), by_create_key: false }
            }
        };
        // By when the look began: what was drained by the time of its answer may have arrived in between.
        let drained = self.drained(intent, bound.connector.create_safety());
        self.note_live(first.target.connection(), 1);
        let answer = match bound.connector.read_records(std::slice::from_ref(&key)).await {
            Ok(answers) => answers.into_iter().next(),
            Err(cause) => Some(ReadAnswer::Failed(cause)),
        };
        match (answer, &first.target) {
            (Some(ReadAnswer::Found(item)), Target::New { .. }) => {
                self.settle_found(intent, found(Some(item)), applied).await
            }
            // Taken in as an ordinary read; whether the write is still owed is then planning's to say.
            (Some(ReadAnswer::Found(item)), Target::Record(record)) => {
                self.settle_probe(intent, record, item, applied).await
            }
            (Some(ReadAnswer::Gone), Target::Record(_)) if first.intent == Intent::Archive => {
                self.settle_found(intent, found(None), applied).await
            }
            (Some(ReadAnswer::Gone), Target::New { .. }) if !drained => {
                applied.unknown += intent.operations.len();
                Ok(())
            }
            (Some(ReadAnswer::Gone), _) => self.forget(intent, applied).await,
            (Some(ReadAnswer::Failed(cause)), _) => {
                applied.unknown += intent.operations.len();
                applied.failed.push(FailedCall { connection: name, doing: "look for a write", cause });
                Ok(())
            }
            (None, _) => {
                applied.unknown += intent.operations.len();
                Ok(())
            }
        }
    }

    /// Whether no old request of a create can still be under way now.
    fn drained(&self, intent: &OutboxRow, safety: CreateSafety) -> bool {
        match safety {
            _ if planted!(NotDrained) => true,
            CreateSafety::DrainThenConsistentLookup { drain_seconds } => {
                self.now() >= intent.at.saturating_add(i64::from(drain_seconds) * 1000)
            }
            CreateSafety::RemoteKey | CreateSafety::DetectAndMerge => true,
        }
    }

    /// A probe found the record: it is taken in as a read. If it holds what was sent, the write is confirmed.
    async fn settle_probe(
        &self,
        intent: &OutboxRow,
        record: &RecordRef,
        item: Item,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        let read = self.read_number().await?;
        self.take_items(&record.connection, std::slice::from_ref(&item), read).await?;
        let mut loader = Loader::new(&self.core, &self.id);
        loader.entities(&[intent.operations[0].entity]).await?;
        loader.references().await?;
        if intent.operations.iter().all(|operation| self.holds(&loader, operation)) {
            return self.settle_found(intent, found(None), applied).await;
        }
        let shown = loader.loaded.set.find_record(record);
        let shown = shown.and_then(|at| loader.loaded.set.record(at).representation.existence().last());
        // Only a version that is still the one that was read proves that nothing was written since.
        let untouched = self.core.domain(record) != Domain::ReadOrder
            && shown.is_some_and(|stamp| Some(stamp.token) == intent.read);
        if untouched { self.forget(intent, applied).await } else { self.leave_unsure(intent, applied).await }
    }

    /// A probe found the record changed since, and not as it was sent: the write may have taken effect and been taken back by
    /// somebody, who is not overwritten unasked. It counts as done, its approvals are spent, and nothing but a person's
    /// approval sends it again.
    async fn leave_unsure(&self, intent: &OutboxRow, applied: &mut Applied) -> Result<(), Error> {
        let Some(key) = intent.key() else { return Ok(()) };
        let keys: Vec<Digest> = intent.operations.iter().map(|operation| operation.key).collect();
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            if !self.is_own(&mut loader, intent).await? {
                break;
            }
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            changes.delete(key.clone());
            self.count_done(&mut loader, &mut changes, &intent.operations).await?;
            self.count_standing(&mut loader, &mut changes, intent).await?;
            self.remember_refusals(&mut loader, &mut changes, &intent.operations).await?;
            spend(&mut changes, &intent.operations);
            Self::read_again(&mut changes, &intent.operations[0].target);
            changes.journal("unsure", &intent.operations[0].entity.to_string(), &keys);
            changes.commit.expect.extend(loader.loaded.revisions);
            if attempts.commit(self, "end an intent that somebody changed again", changes.commit).await? {
                break;
            }
        }
        applied.deferred += intent.operations.len();
        Ok(())
    }

    /// A probe found no effect: the intent is dropped, and planned again if it is still owed.
    async fn forget(&self, intent: &OutboxRow, applied: &mut Applied) -> Result<(), Error> {
        let keys: Vec<Digest> = intent.operations.iter().map(|operation| operation.key).collect();
        self.remember_create(intent).await?;
        let Some(key) = intent.key() else { return Ok(()) };
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            let own = self.is_own(&mut loader, intent).await?;
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            if own {
                changes.delete(key.clone());
                self.count_late(&mut loader, &mut changes, &intent.operations).await?;
            }
            changes.journal("without_effect", &intent.operations[0].entity.to_string(), &keys);
            Self::read_again(&mut changes, &intent.operations[0].target);
            changes.commit.expect.extend(loader.loaded.revisions);
            if attempts.commit(self, "drop an intent without effect", changes.commit).await? {
                break;
            }
        }
        applied.deferred += intent.operations.len();
        Ok(())
    }
}

impl Tenant {
    /// Remembers what a create sent that is not there yet, before it is dropped: it may arrive late. Where old requests were
    /// waited for there is none that could.
    async fn remember_create(&self, intent: &OutboxRow) -> Result<(), Error> {
        let Some(first) = intent.operations.first() else { return Ok(()) };
        let (Intent::Create(fields), Target::New { connection, object, generation }) = (&first.intent, &first.target)
        else {
            return Ok(());
        };
        let Ok((_, bound)) = self.connection(connection.as_str()) else { return Ok(()) };
        if matches!(bound.connector.create_safety(), CreateSafety::DrainThenConsistentLookup { .. }) {
            return Ok(());
        }
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            loader.entities(&[first.entity]).await?;
            let Some(of) = loader.loaded.set.find_entity(first.entity) else { return Ok(()) };
            let entity = &loader.loaded.set.entity(of).entity;
            let place = (connection.clone(), object.clone());
            // The first to be sent is the one that any other repeats.
            if entity.generation != *generation || entity.creates_sent.contains_key(&place) {
                return Ok(());
            }
            let (connection, object) = place;
            let fact = Fact::CreateSent { connection, object, fields: Some(fields.clone()) };
            let mut facts = Vec::new();
            loader.loaded.set.record_fact(of, fact, &mut facts);
            let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
            self.with_frame(|frame| changes.add_set(frame, &loader.loaded, &facts))?;
            if attempts.commit(self, "remember a create", changes.commit).await? {
                return Ok(());
            }
        }
    }
}

/// The receipt of a write that a probe found to have happened.
fn found(record: Option<Item>) -> WriteReceipt {
    WriteReceipt { outcome: Outcome::Applied { id: Text::default() }, record, token: None }
}
