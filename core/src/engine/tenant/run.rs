//! The long-lived task: takes in what is due, reads what hints ask for, and carries out what is allowed, until it is told
//! to stop. Sleep and shutdown are the caller's: the core owns no timer.

mod agenda;
mod allowed;

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use futures::future::{Either, Fuse, FutureExt as _, select};

use crate::connector::Retry;
use crate::engine::tenant::{Applied, FailedCall, Next};
use crate::engine::{TakenIn, Tenant};
use crate::error::Error;
use crate::id::ConnectionName;
use crate::plan::PlanHash;
pub(crate) use agenda::{Agenda, Task};
pub(crate) use allowed::{Allowed, News};

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ran {
    /// Polls and scans that came to their end.
    pub read: usize,
    /// What they took in.
    pub taken: TakenIn,
    /// Operations that took effect.
    pub done: usize,
    /// Operations that systems refused: each is a case.
    pub refused: usize,
    /// The last failure of each connection that has not answered since.
    pub failed: BTreeMap<ConnectionName, FailedCall>,
}

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
        match select(pin!(work), &mut self.signal).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(((), _)) => {
                self.came = true;
                None
            }
        }
    }
}

impl Tenant {
    /// Runs until `shutdown` is ready: polls and scans connections as the [`Schedule`](crate::engine::Schedule) says, reads
    /// what hints ask for, settles writes of unknown outcome, and carries out what is allowed: what people approved, here or
    /// in another process, and what standing approvals cover in connections that act. Everything else waits for a person.
    ///
    /// `sleep` gives a future that is ready after so long. No sleep is longer than
    /// [`Schedule::idle`](crate::engine::Schedule::idle); whatever comes in by then is found by itself. When `shutdown` is
    /// ready, a read is dropped where it stands, which loses nothing, and a call that writes is waited for, so that no write
    /// is left without a receipt.
    ///
    /// A system that fails is tried again later, and holds up no other. It runs on any executor: sleep by its timer, and stop
    /// by its signals.
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
        let mut ran = Ran::default();
        let mut agenda = Agenda::new(self.core.schedule, self.core.connections.keys(), self.now());
        let mut allowed = Allowed::default();
        while !shutdown.came().await {
            let next = match shutdown.or(self.step_through()).await {
                None => break,
                Some(next) => next?,
            };
            while let Some((connection, task)) = agenda.due(self.now()) {
                if shutdown.came().await {
                    return Ok(ran);
                }
                let work = async {
                    match task {
                        Task::Poll => self.poll(connection.as_str()).await,
                        Task::Scan => self.scan(connection.as_str()).await,
                    }
                };
                let Some(read) = shutdown.or(work).await else { return Ok(ran) };
                let retry = ran.note_read(&connection, read)?;
                agenda.done(&connection, task, self.now(), retry);
            }
            // Reading what came in may make more of it due.
            for hash in allowed.found(self, agenda.retries(self.now())).await? {
                if shutdown.came().await {
                    return Ok(ran);
                }
                match self.apply_unless(&mut shutdown, hash).await {
                    Ok(applied) => {
                        ran.note_applied(&applied);
                        allowed.applied(hash, &applied);
                    }
                    Err(Error::Contended { .. }) => allowed.wait(hash),
                    // It ran out: what is owed is planned anew.
                    Err(Error::UnknownPlan(_) | Error::PlanExpired { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            let mut until = agenda.next(self.now());
            match next {
                Next::Now => until = self.now(),
                Next::At(at) => until = until.min(at.timestamp_millis()),
                Next::WhenTold => {}
            }
            let delay = TimeDelta::milliseconds(until.saturating_sub(self.now()).max(0));
            if shutdown.or(sleep(delay.min(self.core.schedule.idle))).await.is_none() {
                break;
            }
        }
        Ok(ran)
    }

    /// Takes steps until there is nothing to do at once.
    async fn step_through(&self) -> Result<Next, Error> {
        for _ in 0..STEPS_AT_ONCE {
            let stepped = self.step().await?;
            if !stepped.more() {
                return Ok(stepped.next);
            }
        }
        // Polls and writes have their turn too.
        Ok(Next::Now)
    }

    /// Applies a plan; told to stop meanwhile, it ends the call under way and begins no other.
    async fn apply_unless<F: Future<Output = ()> + Send>(
        &self,
        shutdown: &mut Shutdown<'_, F>,
        hash: PlanHash,
    ) -> Result<Applied, Error> {
        let stop = AtomicBool::new(shutdown.came);
        let work = pin!(self.apply_while(hash, |_| !stop.load(Ordering::Relaxed)));
        match select(work, &mut shutdown.signal).await {
            Either::Left((applied, _)) => applied,
            Either::Right(((), work)) => {
                shutdown.came = true;
                stop.store(true, Ordering::Relaxed);
                work.await
            }
        }
    }
}

/// How many steps are taken before polls and writes have their turn.
const STEPS_AT_ONCE: usize = 100;

impl Ran {
    /// Notes how a read ended. Gives what to do about the next one: the ordinary, or this.
    fn note_read(&mut self, connection: &ConnectionName, read: Result<TakenIn, Error>) -> Result<Option<Retry>, Error> {
        match read {
            Ok(taken) => {
                self.read += 1;
                self.taken += taken;
                self.failed.remove(connection);
                Ok(None)
            }
            Err(Error::Connector { connection, doing, source: cause }) => {
                let retry = cause.retry;
                self.failed.insert(connection.clone(), FailedCall { connection, doing, cause });
                Ok(Some(retry))
            }
            // Resumed, it is read at its next turn. Other workers that keep reading it do what we would.
            Err(Error::Paused { .. } | Error::Contended { .. }) => Ok(None),
            Err(error) => Err(error),
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
