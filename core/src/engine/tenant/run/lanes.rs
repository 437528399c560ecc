//! What a run has under way at once. One connection is polled once at a time, read anew once at a time, and written by one
//! application at a time; what hints ask for is read beside. A system that is slow, or hangs, so holds up what it takes part in, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};

use crate::engine::Tenant;
use crate::engine::tenant::run::{Read, Task};
use crate::engine::tenant::{Applied, FailedCall, Next, Unmatched, connections_of};
use crate::error::Error;
use crate::id::ConnectionName;
use crate::plan::PlanHash;
use crate::queue::Share;

/// How many steps are taken before what they found is looked at.
const STEPS_AT_ONCE: usize = 100;

/// What came to its end.
pub(super) enum Ended {
    /// A task of a connection.
    Read(ConnectionName, Task, Read),
    /// A look whether somebody is to be told of anything.
    Alerted(Result<(), Error>),
    /// A stretch of an examination of entities; whether there is more at once.
    Examined(Result<bool, Error>),
    /// Steps: when there are more, which connections did not answer them, and what could not be matched.
    Stepped(Result<(Next, Vec<FailedCall>, Vec<Unmatched>), Error>),
    /// An application of a plan.
    Applied(PlanHash, Result<Applied, Error>),
}

/// What a run has under way.
pub(super) struct Lanes<'t> {
    tenant: &'t Tenant,
    /// May be dropped at any point: nothing is lost.
    reads: FuturesUnordered<BoxFuture<'t, Ended>>,
    /// A call that writes is waited for.
    writes: FuturesUnordered<BoxFuture<'t, Ended>>,
    reading: BTreeSet<(ConnectionName, Task)>,
    stepping: bool,
    examining: bool,
    writing: BTreeMap<PlanHash, BTreeSet<ConnectionName>>,
    /// Tells applications to begin no further call.
    stop: Arc<AtomicBool>,
}

impl<'t> Lanes<'t> {
    pub(super) fn new(tenant: &'t Tenant) -> Self {
        Self {
            tenant,
            reads: FuturesUnordered::new(),
            writes: FuturesUnordered::new(),
            reading: BTreeSet::new(),
            stepping: false,
            examining: false,
            writing: BTreeMap::new(),
            stop: Arc::default(),
        }
    }

    /// The connections that are being polled or scanned. To be scanned may take hours, and what changes meanwhile is polled.
    pub(super) const fn reading(&self) -> &BTreeSet<(ConnectionName, Task)> {
        &self.reading
    }

    /// Begins to read a connection.
    pub(super) fn read(&mut self, connection: ConnectionName, task: Task) {
        self.reading.insert((connection.clone(), task));
        let tenant = self.tenant;
        let work = async move {
            let read = tenant.read_for(&connection, task).await;
            Ended::Read(connection, task, read)
        };
        self.reads.push(work.boxed());
    }

    /// Begins to look whether somebody is to be told of anything.
    pub(super) fn alert(&mut self) {
        let tenant = self.tenant;
        self.reads.push(async move { Ended::Alerted(tenant.raise_alerts().await.map(drop)) }.boxed());
    }

    /// Goes on with examining entities, unless that is under way.
    pub(super) fn examine(&mut self) {
        if std::mem::replace(&mut self.examining, true) {
            return;
        }
        let tenant = self.tenant;
        self.reads.push(async move { Ended::Examined(tenant.examine_on().await) }.boxed());
    }

    /// Begins to take steps. `false`: steps are being taken.
    pub(super) fn step(&mut self, left_alone: BTreeSet<ConnectionName>) -> bool {
        if std::mem::replace(&mut self.stepping, true) {
            return false;
        }
        let tenant = self.tenant;
        let work = async move {
            let mut left_alone = left_alone;
            let (mut failed, mut unmatched) = (Vec::new(), Vec::new());
            for _ in 0..STEPS_AT_ONCE {
                let (stepped, silent) = match tenant.step_but(&Share::whole(), &left_alone).await {
                    Ok(stepped) => stepped,
                    Err(error) => return Ended::Stepped(Err(error)),
                };
                left_alone.extend(silent.iter().map(|call| call.connection.clone()));
                failed.extend(silent);
                unmatched = stepped.unmatched.clone();
                if !stepped.more() {
                    return Ended::Stepped(Ok((stepped.next, failed, unmatched)));
                }
            }
            Ended::Stepped(Ok((Next::Now, failed, unmatched)))
        };
        self.reads.push(work.boxed());
        true
    }

    /// Begins to apply a plan. `false`: another application writes into one of its connections, or this very one is under way.
    pub(super) async fn apply(&mut self, hash: PlanHash) -> Result<bool, Error> {
        let plan = match self.tenant.stored_plan(hash).await {
            Ok(plan) => plan,
            // It ran out: what is owed is planned anew.
            Err(Error::UnknownPlan(_)) => return Ok(true),
            Err(error) => return Err(error),
        };
        let connections = connections_of(&plan);
        let busy = |writing: &BTreeSet<ConnectionName>| !writing.is_disjoint(&connections);
        if self.writing.contains_key(&hash) || self.writing.values().any(busy) {
            return Ok(false);
        }
        self.writing.insert(hash, connections);
        let (tenant, stop) = (self.tenant, Arc::clone(&self.stop));
        let work = async move {
            // What was left without a receipt is seen to by steps, which leave alone who does not answer.
            let go_on = |_| !stop.load(Ordering::Relaxed);
            Ended::Applied(hash, tenant.apply_plan(&plan, Applied::default(), go_on).await)
        };
        self.writes.push(work.boxed());
        Ok(true)
    }

    /// The next to end; never, if nothing is under way.
    pub(super) async fn next(&mut self) -> Ended {
        loop {
            let ended = match (self.reads.is_empty(), self.writes.is_empty()) {
                (true, true) => std::future::pending().await,
                (false, true) => self.reads.next().await,
                (true, false) => self.writes.next().await,
                (false, false) => futures::future::select(self.reads.next(), self.writes.next()).await.factor_first().0,
            };
            if let Some(ended) = ended {
                self.note(&ended);
                return ended;
            }
        }
    }

    /// Whether anything ended, without waiting for it.
    pub(super) async fn ready(&mut self) -> Option<Ended> {
        futures::future::poll_immediate(self.next()).await
    }

    /// Begins no further call, and waits for those that write. Reads are dropped.
    pub(super) async fn wind_up(&mut self) -> Option<Ended> {
        self.stop.store(true, Ordering::Relaxed);
        self.reads.clear();
        self.writes.next().await
    }

    fn note(&mut self, ended: &Ended) {
        match ended {
            Ended::Alerted(_) => {}
            Ended::Examined(_) => self.examining = false,
            Ended::Read(connection, task, _) => drop(self.reading.remove(&(connection.clone(), *task))),
            Ended::Stepped(_) => self.stepping = false,
            Ended::Applied(hash, _) => drop(self.writing.remove(hash)),
        }
    }
}
