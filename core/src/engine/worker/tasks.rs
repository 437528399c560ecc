//! What a worker does of one tenant beside what it hears: polls, reads that are due, publication, and what waits.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use futures::future::poll_immediate;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};

use super::{BEAT, Desk, Worked};
use crate::engine::tenant::run::{Agenda, Read, Task, next_read};
use crate::engine::tenant::{Allowed, News, Next, Scanned};
use crate::engine::{Accordant, TakenIn, Tenant};
use crate::error::Error;
use crate::id::{ConnectionName, TenantId};
use crate::queue::{Queue, Share};

/// How many plans one turn applies: others are heard in between.
const PLANS_AT_ONCE: usize = 8;

/// How many pages one turn publishes.
const PAGES_AT_ONCE: usize = 4;

/// How many steps one turn takes.
const STEPS_AT_ONCE: usize = 8;

/// How many pages of a connection that is read anew one turn reads.
const SCANNED_AT_ONCE: usize = 4;

/// A connection that is being read anew.
#[derive(Debug, Clone, Copy)]
struct Pulsing {
    /// Since when, in milliseconds since the epoch.
    since: i64,
    /// How far that has come.
    scanned: Scanned,
}

/// How far a pulse has come.
enum Pulsed {
    /// It was not due.
    NotDue,
    /// There are more pages of it.
    More,
    /// To its end.
    Ended(TakenIn),
}

/// When what is due.
pub(super) struct Tasks {
    agenda: Agenda,
    /// The connections that are being read anew, a few pages at each turn.
    pulsing: BTreeMap<ConnectionName, Pulsing>,
    /// Whether it is known when connections are read anew.
    counted: bool,
    /// The next step, in milliseconds since the epoch.
    step: i64,
}

impl Tasks {
    fn new(tenant: &Tenant) -> Self {
        Self {
            agenda: Agenda::of(&tenant.core, tenant.now()).checking(&tenant.core, tenant.now()),
            pulsing: BTreeMap::new(),
            counted: false,
            step: tenant.now(),
        }
    }

    /// Reads a connection anew, if that is due, or goes on with it for some pages.
    async fn pulse_on(&mut self, tenant: &Tenant, connection: &ConnectionName) -> Result<Pulsed, Error> {
        let pulsing = match self.pulsing.get(connection) {
            Some(pulsing) => *pulsing,
            // Another worker may have seen to it meanwhile.
            None if !tenant.is_pulse_due(connection).await? => return Ok(Pulsed::NotDue),
            None => Pulsing { since: tenant.now(), scanned: Scanned::default() },
        };
        // Whatever fails now goes on from there.
        self.pulsing.insert(connection.clone(), pulsing);
        tenant.require_running(connection).await?;
        let Pulsing { since, mut scanned } = pulsing;
        let pages = tenant.scan_pages(connection, Some(since), SCANNED_AT_ONCE).await?;
        scanned += Scanned { more: false, ..pages };
        if pages.more {
            self.pulsing.insert(connection.clone(), Pulsing { since, scanned });
            return Ok(Pulsed::More);
        }
        tenant.note_pulse(connection, since, scanned).await?;
        self.pulsing.remove(connection);
        Ok(Pulsed::Ended(scanned.taken))
    }

    /// Something came in: there may be something to read.
    pub(super) const fn step_now(&mut self) {
        self.step = i64::MIN;
    }
}

impl Desk {
    pub(super) fn new(accordant: &Accordant, tenant: &TenantId) -> Self {
        let tenant = accordant.tenant(tenant.as_str());
        let (looked, tasks) = (Share::of(1, []), Tasks::new(&tenant));
        let (allowed, plans) = (Allowed::default(), BTreeSet::new());
        Self { tasks, looked, owns: false, allowed, plans, telling: FuturesUnordered::new(), tenant }
    }

    /// Does what is due of this worker's share. Says how long nothing is.
    pub(super) async fn work(
        &mut self,
        queue: &dyn Queue,
        records: &Share,
        entities: &Share,
        worked: &mut Worked,
    ) -> Result<TimeDelta, Error> {
        let tenant = self.tenant.clone();
        let mut rest = BEAT;
        self.take_up(entities).await?;
        if records.has(tenant.id(), "") {
            if self.own(queue, worked).await? {
                rest = TimeDelta::zero();
            }
        } else if std::mem::take(&mut self.owns) {
            // Whoever steps it holds them now.
            tenant.forget_match_indexes();
        }
        if !std::mem::replace(&mut self.tasks.counted, true) {
            self.tasks.agenda.pulse_by(&tenant.core, tenant.pulses_due().await?);
        }
        // Before the first poll: it would hide for how long nothing was heard.
        for connection in self.tasks.agenda.due_to_listen(tenant.now(), |name| records.has(tenant.id(), name.as_str()))
        {
            match tenant.listen_to(&connection).await {
                Ok(true) => self.tasks.agenda.pulse_now(connection, tenant.now()),
                Ok(false) | Err(Error::Contended { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut had = BTreeSet::new();
        while let Some((connection, task)) = self.tasks.agenda.due_besides(tenant.now(), &had) {
            // Whoever has the partition of its name reads it; the others look again at its next turn.
            let mine = records.has(tenant.id(), connection.as_str());
            let read: Option<Read> = match task {
                // Of what it does here itself, whoever verifies the connection is to know.
                Task::Check if !mine => {
                    tenant.count_live(&connection).await?;
                    None
                }
                _ if !mine => {
                    self.tasks.pulsing.remove(&connection);
                    None
                }
                Task::Poll | Task::Schema | Task::Check => Some(tenant.read_for(&connection, task).await),
                // A few pages at a time.
                Task::Pulse => match self.tasks.pulse_on(&tenant, &connection).await {
                    Ok(Pulsed::More) => {
                        // Others are heard in between.
                        rest = TimeDelta::zero();
                        self.tasks.step_now();
                        had.insert((connection, task));
                        continue;
                    }
                    Ok(Pulsed::NotDue) => Some(Ok(None).into()),
                    Ok(Pulsed::Ended(taken)) => Some(Ok(Some(taken)).into()),
                    Err(error) => Some(Err(error).into()),
                },
            };
            let Read { taken, ended } = read.unwrap_or_else(|| Ok(None).into());
            if let Some(taken) = taken {
                // Also of what a failure cut short, hints may be due.
                worked.taken += taken;
                self.tasks.step_now();
            }
            worked.read += usize::from(ended.is_ok() && taken.is_some());
            worked.failed_calls += usize::from(matches!(ended, Err(Error::Connector { .. })));
            self.tasks.agenda.done(&connection, task, tenant.now(), next_read(ended)?);
        }
        self.alert().await?;
        // By whoever has the tenant itself.
        if self.owns && self.tasks.agenda.examines(tenant.now()) && tenant.examine_on().await? {
            self.tasks.agenda.examine_now(tenant.now());
            rest = TimeDelta::zero();
        }
        if self.tasks.agenda.retries(tenant.now()) {
            self.plans.append(&mut self.allowed.retried());
            for connection in tenant.overdue_pulses().await? {
                self.tasks.agenda.pulse_now(connection, tenant.now());
            }
        }
        self.apply(worked).await?;
        if !self.plans.is_empty() {
            rest = TimeDelta::zero();
        }
        if self.tasks.step <= tenant.now() {
            self.step(records, worked).await?;
        }
        Ok(rest)
    }

    /// Looks whether somebody is to be told of anything, of the calls that this process makes. Sinks are told beside the turns, and while
    /// nothing is due: one that takes its time holds up nobody's work.
    async fn alert(&mut self) -> Result<(), Error> {
        if self.tasks.agenda.alerts(self.tenant.now()) {
            let (tenant, look) = (self.tenant.clone(), self.tenant.look_for_alerts().await?);
            self.telling.push(async move { drop(tenant.tell_alerts(&look).await) }.boxed());
        }
        while let Some(Some(())) = poll_immediate(self.telling.next()).await {}
        Ok(())
    }

    /// What the one worker does that has the tenant itself: publishes its journal, and hears what concerns all of it. Says whether
    /// there is more at once.
    async fn own(&mut self, queue: &dyn Queue, worked: &mut Worked) -> Result<bool, Error> {
        let mut news = News::default();
        if !self.owns {
            // What whoever had the tenant before had heard of, and put off.
            news.approved = self.tenant.approved_plans().await?;
        }
        let mut more = false;
        for _ in 0..PAGES_AT_ONCE {
            let fed = self.tenant.publish_page(queue).await?;
            worked.published += fed.entries;
            // Entities are looked at by whoever hears of them.
            news.approved.extend(fed.news.approved);
            news.everything |= fed.news.everything;
            more = fed.more;
            if !more {
                break;
            }
        }
        self.plan(news).await?;
        self.owns = true;
        Ok(more)
    }

    /// Looks once at all that is owed of the entities that it came to have.
    async fn take_up(&mut self, entities: &Share) -> Result<(), Error> {
        let gained = entities.gained_since(&self.looked);
        if !gained.mine().is_empty() {
            self.plan(News { gained: Some(gained), ..News::default() }).await?;
        }
        // Those that it lost are looked at again when they come back.
        self.looked.clone_from(entities);
        Ok(())
    }

    /// Plans what news make possible, as far as it is allowed.
    pub(super) async fn plan(&mut self, news: News) -> Result<(), Error> {
        self.plans.extend(self.allowed.of_news(&self.tenant, news).await?);
        Ok(())
    }

    /// Applies plans that were not come to yet, a few at a time.
    async fn apply(&mut self, worked: &mut Worked) -> Result<(), Error> {
        for _ in 0..PLANS_AT_ONCE {
            let Some(hash) = self.plans.first().copied() else { return Ok(()) };
            match self.tenant.apply(hash).await {
                Ok(applied) => {
                    worked.done += applied.done;
                    worked.refused += applied.refused.len();
                    worked.failed_calls += applied.failed.len();
                    self.allowed.applied(hash, &applied);
                    self.tasks.step_now();
                }
                // It ran out: it is found again if anything is owed.
                Err(Error::UnknownPlan(_) | Error::PlanExpired { .. }) => {}
                // Others have it. Whether they were done with it is seen when it is tried again.
                Err(Error::Contended { .. }) => self.allowed.wait(hash),
                Err(error) => return Err(error),
            }
            self.plans.remove(&hash);
        }
        Ok(())
    }

    /// Settles, reads and ends what is due.
    async fn step(&mut self, records: &Share, worked: &mut Worked) -> Result<(), Error> {
        let now = self.tenant.now();
        let mut next = Next::Now;
        for _ in 0..STEPS_AT_ONCE {
            let stepped = self.tenant.step_of(records).await?;
            worked.failed_calls += stepped.unread.len();
            worked.unmatched += stepped.unmatched.len();
            next = stepped.next;
            if !stepped.more() {
                break;
            }
        }
        let idle = now.saturating_add(self.tenant.core.schedule.idle.num_milliseconds().max(1));
        self.tasks.step = match next {
            Next::Now => now,
            Next::At(at) => at.timestamp_millis().clamp(now, idle),
            Next::WhenTold => idle,
        };
        Ok(())
    }
}
