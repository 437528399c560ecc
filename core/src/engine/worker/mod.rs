//! Workers: one of many processes on one store, which takes in, reads, and carries out what is its share of the work.
//!
//! Which entity an input concerns is known only once its record is linked. So inputs are heard by record, and entities are looked at
//! by what the journal tells of them; why it is right that workers may meet all the same is told in
//! `docs/decisions/0016-workers.md`.

mod tasks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::{BoxFuture, Either, join_all, pending, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};

use crate::engine::tenant::feed::JournalEvent;
use crate::engine::tenant::{Allowed, News, is_about_entity};
use crate::engine::{Accordant, TakenIn, Tenant};
use crate::error::Error;
use crate::id::TenantId;
use crate::plan::PlanHash;
use crate::queue::{Consumer, Delivered, Message, Queue, Share, Topic};
use crate::store::StoreFault;
use tasks::Tasks;

/// The group that workers form.
const GROUP: &str = "workers";

/// How many messages one turn hears of each topic.
const AT_ONCE: usize = 256;

/// How long a worker rests when nothing is there to be heard.
const BEAT: TimeDelta = TimeDelta::milliseconds(100);

/// The longest pause after failures in a row.
const LONGEST_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// What a worker came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Worked {
    /// Messages that were heard.
    pub heard: usize,
    /// What they and what was read came to.
    pub taken: TakenIn,
    /// Polls and scans that came to their end.
    pub read: usize,
    /// Operations that took effect.
    pub done: usize,
    /// Operations that systems refused: each is a case.
    pub refused: usize,
    /// Journal entries that were published.
    pub published: usize,
    /// Calls to systems that failed, and are made again later.
    pub failed_calls: usize,
    /// How often nothing could be matched of an entity type, because its model cannot be read.
    pub unmatched: usize,
    /// Turns that a database or broker cut short, and that were taken again.
    pub failed_turns: usize,
    /// Messages that no version of ours can read, put aside whole on [`Topic::Unreadable`].
    pub unreadable: usize,
}

/// One of many processes on one store.
///
/// Every worker of a queue serves the same tenants under the same configuration. Give the [`Accordant`] a
/// [`lease`](crate::Builder::lease): without it, workers probe what others are still sending.
pub struct Worker {
    accordant: Accordant,
    queue: Arc<dyn Queue>,
    inputs: Box<dyn Consumer>,
    journal: Box<dyn Consumer>,
    tenants: BTreeMap<TenantId, Desk>,
    worked: Worked,
}

/// What a worker has of one tenant.
struct Desk {
    tenant: Tenant,
    /// The entities of which it has looked at everything that is owed. Of others that it comes to have, the worker before it
    /// may have acknowledged what it heard, and be gone before it carried it out.
    looked: Share,
    /// Whether it has the tenant itself, and has looked at what people approved.
    owns: bool,
    allowed: Allowed,
    /// Plans that are to be applied, and were not come to yet.
    plans: BTreeSet<PlanHash>,
    /// Sinks that are being told.
    telling: FuturesUnordered<BoxFuture<'static, ()>>,
    tasks: Tasks,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("tenants", &self.tenants.keys())
            .field("worked", &self.worked)
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// Joins the workers of a queue. It polls, scans, reads and writes for these tenants, and takes in what it hears of any.
    ///
    /// # Errors
    ///
    /// If the broker cannot be reached.
    pub async fn join(accordant: &Accordant, queue: impl Queue, tenants: &[&str]) -> Result<Self, Error> {
        let queue: Arc<dyn Queue> = Arc::new(queue);
        let join = async |topic| queue.join(topic, GROUP).await.map_err(Error::queue("join the workers"));
        let (inputs, journal) = (join(Topic::Inputs).await?, join(Topic::Journal).await?);
        let mut worker = Self {
            accordant: accordant.clone(),
            queue,
            inputs,
            journal,
            tenants: BTreeMap::new(),
            worked: Worked::default(),
        };
        for tenant in tenants {
            worker.desk(&TenantId::new(tenant));
        }
        Ok(worker)
    }

    /// What it came to until now.
    #[must_use]
    pub const fn worked(&self) -> &Worked {
        &self.worked
    }

    /// The partitions of inputs, and of entities, that it has now.
    #[must_use]
    pub fn share(&self) -> (Share, Share) {
        (self.inputs.share(), self.journal.share())
    }

    /// Takes one turn: hears what there is, does what is due, publishes what was journaled. Says how long there is nothing to do.
    ///
    /// A turn that fails loses nothing: what it had heard and not made durable is heard again.
    ///
    /// # Errors
    ///
    /// If the store or the queue fails ([`Error::may_pass`]: take another turn), or the model is not accepted.
    pub async fn turn(&mut self) -> Result<TimeDelta, Error> {
        let turn = self.turn_once().await;
        if turn.is_err() {
            // What cannot be rewound now comes again by itself, once the member is held to be dead.
            for consumer in [&mut self.inputs, &mut self.journal] {
                drop(consumer.rewind().await);
            }
            self.worked.failed_turns += 1;
        }
        turn
    }

    async fn turn_once(&mut self) -> Result<TimeDelta, Error> {
        let heard = self.hear_inputs().await? + self.hear_journal().await?;
        let (records, entities) = self.share();
        let mut rest = BEAT;
        for desk in self.tenants.values_mut() {
            rest = rest.min(desk.work(&*self.queue, &records, &entities, &mut self.worked).await?);
        }
        Ok(if heard > 0 { TimeDelta::zero() } else { rest })
    }

    /// Takes in what was pushed, and acknowledges it once it is durable.
    async fn hear_inputs(&mut self) -> Result<usize, Error> {
        let delivered = self.inputs.next(AT_ONCE).await.map_err(Error::queue("hear what systems said"))?;
        for (tenant, of) in by_tenant(&delivered) {
            let messages: Vec<&Message> = of.iter().map(|delivered| &delivered.message).collect();
            let desk = self.desk(&tenant);
            let heard = desk.tenant.take_messages(&messages).await?;
            desk.tasks.step_now();
            self.worked.taken += heard.taken;
            let unreadable: Vec<Message> = heard.unreadable.iter().map(|place| messages[*place].clone()).collect();
            self.put_aside(unreadable).await?;
        }
        self.inputs.acknowledge(&delivered).await.map_err(Error::queue("acknowledge what systems said"))?;
        self.worked.heard += delivered.len();
        Ok(delivered.len())
    }

    /// Looks at the entities that the journal told of, and carries out what is allowed.
    async fn hear_journal(&mut self) -> Result<usize, Error> {
        let delivered = self.journal.next(AT_ONCE).await.map_err(Error::queue("hear what was journaled"))?;
        for (tenant, of) in by_tenant(&delivered) {
            let mut news = News::default();
            let mut unreadable = Vec::new();
            for delivered in &of {
                match serde_json::from_slice::<JournalEvent>(&delivered.message.body) {
                    // What concerns the tenant as a whole is heard by whoever publishes its journal.
                    Ok(event) if is_about_entity(&event.kind) => news.hear(&event.kind, &event.subject),
                    Ok(_) => {}
                    Err(_) => unreadable.push(delivered.message.clone()),
                }
            }
            self.put_aside(unreadable).await?;
            let desk = self.tenants.entry(tenant.clone()).or_insert_with(|| Desk::new(&self.accordant, &tenant));
            desk.plan(news).await?;
        }
        self.journal.acknowledge(&delivered).await.map_err(Error::queue("acknowledge what was journaled"))?;
        self.worked.heard += delivered.len();
        Ok(delivered.len())
    }

    async fn put_aside(&mut self, unreadable: Vec<Message>) -> Result<(), Error> {
        if unreadable.is_empty() {
            return Ok(());
        }
        self.worked.unreadable += unreadable.len();
        self.queue.publish(Topic::Unreadable, unreadable).await.map_err(Error::queue("put aside what cannot be read"))
    }

    fn desk(&mut self, tenant: &TenantId) -> &mut Desk {
        self.tenants.entry(tenant.clone()).or_insert_with(|| Desk::new(&self.accordant, tenant))
    }

    /// Runs until `shutdown` is ready, and then leaves the queue. `sleep` gives a future that is ready after so long, and `tell` hears
    /// of every failure that passes: a database or a broker that cannot be reached, that is full or takes no writes, is tried again,
    /// after pauses that grow up to half a minute.
    ///
    /// Told to stop, it finishes its turn, so that no write is left without a receipt.
    ///
    /// # Errors
    ///
    /// What does not pass by itself: a model that is not accepted, a store of another format.
    pub async fn run<S>(
        mut self,
        mut sleep: impl FnMut(TimeDelta) -> S + Send,
        shutdown: impl Future<Output = ()> + Send,
        mut tell: impl FnMut(&Error) + Send,
    ) -> Result<Worked, Error>
    where
        S: Future<Output = ()> + Send,
    {
        let mut shutdown = std::pin::pin!(shutdown.fuse());
        let mut failures = 0;
        let ended = loop {
            let rest = match self.turn().await {
                Ok(rest) => {
                    failures = 0;
                    rest
                }
                Err(error) if can_be_waited_for(&error) => {
                    tell(&error);
                    let pause = BEAT * (1 << failures.min(16));
                    failures += 1;
                    pause.min(LONGEST_PAUSE)
                }
                Err(error) => break Err(error),
            };
            let pause = std::pin::pin!(sleep(rest));
            let telling = self.tenants.values_mut().map(|desk| async { while desk.telling.next().await.is_some() {} });
            let told = std::pin::pin!(async { join_all(telling).then(|_| pending::<()>()).await });
            // It is asked first: a rest of no length does not keep it waiting.
            if let Either::Left(_) = select(&mut shutdown, select(pause, told)).await {
                break Ok(());
            }
        };
        // Whoever cannot be told waits for the lease to end.
        for consumer in [self.inputs, self.journal] {
            drop(consumer.leave().await);
        }
        ended.map(|()| self.worked)
    }
}

/// Whether a worker waits for it to pass: somebody may be mending it at this moment.
fn can_be_waited_for(error: &Error) -> bool {
    let fault = match error {
        Error::Store { source, .. } => source.fault(),
        _ => None,
    };
    error.may_pass() || matches!(fault, Some(StoreFault::Full | StoreFault::ReadOnly))
}

fn by_tenant(delivered: &[Delivered]) -> BTreeMap<TenantId, Vec<&Delivered>> {
    let mut by_tenant: BTreeMap<TenantId, Vec<&Delivered>> = BTreeMap::new();
    for one in delivered {
        by_tenant.entry(one.message.tenant.clone()).or_default().push(one);
    }
    by_tenant
}
