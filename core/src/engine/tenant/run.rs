//! The long-lived task: takes in what is due, reads what hints ask for, and carries out what is allowed, until it is told
//! to stop. Sleep and shutdown are the caller's: the core owns no timer.

mod agenda;
mod allowed;
mod lanes;
mod reads;
mod silence;

use std::collections::{BTreeMap, VecDeque};
use std::pin::{Pin, pin};

use chrono::TimeDelta;
use futures::future::{Either, Fuse, FutureExt as _, select};

use crate::connector::Retry;
use crate::engine::tenant::{Applied, FailedCall, Next, Unmatched};
use crate::engine::{TakenIn, Tenant};
use crate::error::Error;
use crate::id::ConnectionName;
use crate::plan::PlanHash;
pub(crate) use agenda::{Agenda, Task};
pub(crate) use allowed::{Allowed, News, is_about_entity};
use lanes::{Ended, Lanes};
pub(crate) use reads::{Read, next_read};
use silence::Silence;

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ran {
    /// Polls, pulses, rounds of checks and looks at a schema that came to their end.
    pub read: usize,
    /// What was taken in, also by those that a failure cut short.
    pub taken: TakenIn,
    /// Operations that took effect.
    pub done: usize,
    /// Operations that systems refused: each is a case.
    pub refused: usize,
    /// The last failure of each connection that has not answered since.
    pub failed: BTreeMap<ConnectionName, FailedCall>,
    /// The entity types of which the last step could match nothing.
    pub unmatched: Vec<Unmatched>,
}

/// How long what comes in is gathered, so that a system is asked for all of it by one request: who tells of fifty records a second
/// does not have to answer for each. Steps begin so long behind one another, and news ends a sleep so long behind the turn before.
const GATHERED: TimeDelta = TimeDelta::milliseconds(60);

/// When to stop, asked between any two pieces of work.
struct Shutdown<'a, F: Future<Output = ()>> {
    signal: Pin<&'a mut Fuse<F>>,
    came: bool,
}

impl<F: Future<Output = ()> + Send> Shutdown<'_, F> {
    async fn came(&mut self) -> bool {
        self.came = self.came || futures::future::poll_immediate(&mut self.signal).await.is_some();
        self.came
    }

    /// Runs work that may be dropped at any point; `None`: it was, because it is time to stop.
    async fn or<T>(&mut self, work: impl Future<Output = T> + Send) -> Option<T> {
        if self.came {
            return None;
        }
        // The signal is heard first: what waits for nothing would otherwise never let it be heard.
        match select(&mut self.signal, pin!(work)).await {
            Either::Right((done, _)) => Some(done),
            Either::Left(((), _)) => {
                self.came = true;
                None
            }
        }
    }
}

impl Tenant {
    /// Runs until `shutdown` is ready: polls connections, and reads each anew from end to end every so often
    /// ([`Tenant::pulse`]), as the [`Schedule`](crate::engine::Schedule) says, and as soon as it can after nobody listened for
    /// longer than what a surface tells can be recovered ([`Tenant::listen`]); verifies what is due ([`Tenant::check`], [`Tenant::check_schema`]); reads
    /// what hints ask for, settles writes of unknown outcome, and carries out what is allowed: what people approved, here or
    /// in another process, and what standing approvals cover in connections that act. Everything else waits for a person.
    ///
    /// `sleep` gives a future that is ready after so long. No sleep is longer than
    /// [`Schedule::idle`](crate::engine::Schedule::idle), and what this process receives or people approve here ends it, at most
    /// every 60 ms; what comes in elsewhere is found when it is over. When `shutdown` is ready, a read is dropped where it stands, which loses nothing, and a call that writes is waited for, so that no write
    /// is left without a receipt.
    ///
    /// A system that fails is tried again later, less and less often, and holds up no other; nor does one that is slow: each
    /// connection is read, and written, beside the others. It runs on any executor: sleep by its timer, and stop by its signals.
    ///
    /// ```
    /// use accordant::chrono::TimeDelta;
    /// # use accordant::{Accordant, Canonical, Email, testing::FakeSystem};
    /// # #[derive(Canonical)]
    /// # #[canonical(entity = "customer", system(crm, object = "contacts"), system(shop, object = "customers"))]
    /// # struct Customer {
    /// #     #[canonical(identity, at(crm = "email", shop = "email"))]
    /// #     email: Email,
    /// # }
    /// # let clock = std::sync::Arc::new(accordant::ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    /// # let models = [<Customer as Canonical>::model()];
    /// # let accordant = Accordant::builder()
    /// #     .connect(FakeSystem::new("crm", &models, &clock))
    /// #     .connect(FakeSystem::new("shop", &models, &clock))
    /// #     .entity::<Customer>()
    /// #     .build()?;
    /// # fn timer(_: TimeDelta) -> std::future::Ready<()> { std::future::ready(()) }
    /// # fn signal() -> std::future::Ready<()> { std::future::ready(()) }
    /// # futures::executor::block_on(async {
    /// let acme = accordant.tenant("acme");
    /// let ran = acme.run(|delay: TimeDelta| timer(delay), signal()).await?;
    /// println!("{} writes", ran.done);
    /// # Ok::<(), accordant::Error>(())
    /// # })?;
    /// # Ok::<(), accordant::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the store fails, or the model is not accepted. Nothing is lost: run again.
    pub async fn run<S>(
        &self,
        mut sleep: impl FnMut(TimeDelta) -> S + Send,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<Ran, Error>
    where
        S: Future<Output = ()> + Send,
    {
        let mut signal = pin!(shutdown.fuse());
        let mut shutdown = Shutdown { signal: signal.as_mut(), came: false };
        let mut running = Running::new(self);
        running.agenda.pulse_by(&self.core, self.pulses_due().await?);
        let mut lanes = Lanes::new(self);
        let mut failed = None;
        while failed.is_none() && !shutdown.came().await {
            // What comes in from here on is not slept through.
            let (heard, turned) = (self.core.bells.rung(&self.id), self.now());
            match running.turn(&mut lanes, &mut shutdown).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => failed = Some(error),
            }
            let delay = running.rest(&lanes);
            if failed.is_some() || shutdown.came().await {
                break;
            }
            let rested = {
                let slept = pin!(sleep(delay));
                let rung = pin!(async {
                    self.core.bells.since(&self.id, heard).await;
                    let gathered = turned.saturating_add(GATHERED.num_milliseconds()).saturating_sub(self.now());
                    if gathered > 0 {
                        sleep(TimeDelta::milliseconds(gathered).min(GATHERED)).await;
                    }
                });
                let (slept, next) = (pin!(select(rung, slept)), pin!(lanes.next()));
                shutdown.or(select(slept, next)).await.map(|either| match either {
                    Either::Left(_) => None,
                    Either::Right((ended, _)) => Some(ended),
                })
            };
            match rested {
                None => break,
                Some(None) => {}
                Some(Some(ended)) => failed = running.note(ended).err(),
            }
        }
        // A call that writes is waited for, whatever ended the run: no write is left without its receipt.
        while let Some(ended) = lanes.wind_up().await {
            if let Err(error) = running.note(ended) {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(running.ran), Err)
    }
}

/// A run, and what it knows.
struct Running<'t> {
    tenant: &'t Tenant,
    ran: Ran,
    agenda: Agenda,
    allowed: Allowed,
    silence: Silence,
    /// Plans to be applied, in the order in which they were found.
    plans: VecDeque<PlanHash>,
    /// When there is more to step for.
    next: Next,
    /// When steps began last.
    stepped_at: i64,
    /// Whether the last turn took steps, or found some under way: otherwise they are taken when it is time.
    steps: bool,
}

impl<'t> Running<'t> {
    fn new(tenant: &'t Tenant) -> Self {
        let agenda = Agenda::of(&tenant.core, tenant.now()).checking(&tenant.core, tenant.now());
        let (ran, allowed, silence) = (Ran::default(), Allowed::default(), Silence::default());
        let (next, stepped_at, steps) = (Next::WhenTold, i64::MIN, false);
        Self { tenant, ran, agenda, allowed, silence, plans: VecDeque::new(), next, stepped_at, steps }
    }

    /// Begins whatever is due, and hears whatever has ended. `false`: it is time to stop.
    async fn turn<F: Future<Output = ()> + Send>(
        &mut self,
        lanes: &mut Lanes<'t>,
        shutdown: &mut Shutdown<'_, F>,
    ) -> Result<bool, Error> {
        // Before the first poll: it would hide for how long nothing was heard.
        for connection in self.agenda.due_to_listen(self.tenant.now(), |_| true) {
            match self.tenant.listen_to(&connection).await {
                Ok(true) => self.agenda.pulse_now(connection, self.tenant.now()),
                // Others keep moving the same rows: it is noted at its next turn.
                Ok(false) | Err(Error::Contended { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let now = self.tenant.now();
        self.steps = now >= self.stepped_at.saturating_add(GATHERED.num_milliseconds()) || self.next == Next::Now;
        if self.steps && lanes.step(self.silence.left_alone(now)) {
            (self.next, self.stepped_at) = (Next::WhenTold, now);
        }
        let retry = self.agenda.retries(self.tenant.now());
        if retry {
            for connection in self.tenant.overdue_pulses().await? {
                self.agenda.pulse_now(connection, self.tenant.now());
            }
        }
        if self.agenda.alerts(self.tenant.now()) {
            lanes.alert();
        }
        if self.agenda.examines(self.tenant.now()) {
            lanes.examine();
        }
        self.hear(lanes).await?;
        while let Some((connection, task)) = self.agenda.due_besides(self.tenant.now(), lanes.reading()) {
            if shutdown.came().await {
                return Ok(false);
            }
            lanes.read(connection, task);
            self.hear(lanes).await?;
        }
        // Reading what came in may make more of it due.
        let Some(found) = shutdown.or(self.allowed.found(self.tenant, retry)).await else { return Ok(false) };
        for hash in found? {
            if !self.plans.contains(&hash) {
                self.plans.push_back(hash);
            }
        }
        for _ in 0..self.plans.len() {
            if shutdown.came().await {
                return Ok(false);
            }
            let Some(hash) = self.plans.pop_front() else { break };
            if !lanes.apply(hash).await? {
                self.plans.push_back(hash);
            }
            self.hear(lanes).await?;
        }
        Ok(true)
    }

    /// Hears what has ended by now.
    async fn hear(&mut self, lanes: &mut Lanes<'_>) -> Result<(), Error> {
        while let Some(ended) = lanes.ready().await {
            self.note(ended)?;
        }
        Ok(())
    }

    fn note(&mut self, ended: Ended) -> Result<(), Error> {
        let now = self.tenant.now();
        match ended {
            Ended::Read(connection, task, read) => {
                if matches!(read, Read { taken: Some(_), ended: Ok(()) }) {
                    self.silence.answered(&connection);
                }
                let retry = self.ran.note_read(&connection, read)?;
                self.agenda.done(&connection, task, now, retry);
            }
            Ended::Alerted(alerted) => alerted?,
            Ended::Examined(more) => {
                if more? {
                    self.agenda.examine_now(now);
                }
            }
            Ended::Stepped(stepped) => {
                let (next, failed, unmatched) = stepped?;
                self.next = next;
                self.ran.unmatched = unmatched;
                failed.iter().for_each(|call| self.silence.failed(&call.connection, call.cause.retry, now));
            }
            Ended::Applied(hash, applied) => match applied {
                Ok(applied) => {
                    self.ran.note_applied(&applied);
                    self.allowed.applied(hash, &applied);
                }
                // Other workers keep changing the same rows: it is tried again.
                Err(Error::Contended { .. }) => self.allowed.wait(hash),
                // It ran out: what is owed is planned anew.
                Err(Error::UnknownPlan(_) | Error::PlanExpired { .. }) => {}
                Err(error) => return Err(error),
            },
        }
        Ok(())
    }

    /// How long nothing is due.
    fn rest(&self, lanes: &Lanes<'_>) -> TimeDelta {
        let now = self.tenant.now();
        let mut until = self.agenda.next(now, lanes.reading());
        match self.next {
            Next::Now => until = now,
            Next::At(at) => until = until.min(at.timestamp_millis()),
            Next::WhenTold => {}
        }
        if !self.steps {
            until = until.min(self.stepped_at.saturating_add(GATHERED.num_milliseconds()));
        }
        until = until.min(self.silence.next(now).unwrap_or(i64::MAX));
        TimeDelta::milliseconds(until.saturating_sub(now).max(0)).min(self.tenant.core.schedule.idle)
    }
}

impl Ran {
    /// Notes how a read ended. Gives what to do about the next one: the ordinary, or this.
    fn note_read(&mut self, connection: &ConnectionName, Read { taken, ended }: Read) -> Result<Option<Retry>, Error> {
        self.taken += taken.unwrap_or_default();
        match ended {
            // Where nothing was due, whether it answers is not known.
            Ok(()) if taken.is_some() => {
                self.read += 1;
                self.failed.remove(connection);
                Ok(None)
            }
            Err(Error::Connector { connection, doing, source: cause }) => {
                let retry = cause.retry;
                self.failed.insert(connection.clone(), FailedCall { connection, doing, cause });
                Ok(Some(retry))
            }
            ended => next_read(ended),
        }
    }

    fn note_applied(&mut self, applied: &Applied) {
        self.done += applied.done;
        self.refused += applied.refused.len();
        for failed in &applied.failed {
            self.failed.insert(failed.connection.clone(), failed.clone());
        }
    }
}
