//! The process: the engine's handle, its futures and workers, and its death.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use accordant::{Accordant, Builder, Error, MemoryStore, SeededEntropy, Tenant};

use crate::agenda::{Event, TaskId};
use crate::image::Image;
use crate::job::{Job, work};
use crate::oracle::Place;
use crate::remote::Remote;
use crate::scene::{Request, Scene, SceneClock};
use crate::seal::Keys;
use crate::server::surfaces;
use crate::signer::{self, Signer};
use crate::silent::Silent;

/// What a task does.
pub type Work = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

struct Task {
    id: TaskId,
    job: Option<Job>,
    work: Work,
}

/// The process that the engine runs in.
pub struct Process {
    scene: Arc<Scene>,
    seed: u64,
    /// The tenant; none while the process is down.
    pub tenant: Option<Tenant>,
    /// Another tenant of the same process.
    pub neighbour: Option<Tenant>,
    tasks: Vec<Option<Task>>,
    turns: u64,
    queue: VecDeque<Job>,
    /// The jobs that run now, one per worker.
    workers: Vec<Option<TaskId>>,
    crashes: u64,
    /// The task that heals the world, while it does.
    pub healing: Option<TaskId>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("queue", &self.queue).field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl Process {
    /// A process with so many workers, started on what the store holds.
    ///
    /// # Errors
    ///
    /// If the model cannot be built.
    pub fn begin(scene: &Arc<Scene>, seed: u64, workers: usize) -> Result<Self, Error> {
        let mut process = Self {
            scene: Arc::clone(scene),
            seed,
            tenant: None,
            neighbour: None,
            tasks: Vec::new(),
            turns: 0,
            queue: VecDeque::new(),
            workers: vec![None; workers],
            crashes: 0,
            healing: None,
        };
        process.start()?;
        Ok(process)
    }

    /// Starts the process on what the store holds.
    fn start(&mut self) -> Result<(), Error> {
        let mut builder = self.configured()?.store(Image(Arc::clone(&self.scene)));
        if self.scene.lock().design.house.sealed {
            builder = builder.sealed(Keys(Arc::clone(&self.scene)));
        }
        let accordant = builder.build()?;
        self.neighbour = Some(accordant.tenant("globex"));
        self.tenant = Some(accordant.tenant("acme"));
        Ok(())
    }

    /// The same configuration over an empty store: what is in force, as a proposal.
    ///
    /// # Errors
    ///
    /// If the model cannot be built.
    pub fn proposal(&self) -> Result<Accordant, Error> {
        self.configured()?.store(MemoryStore::new()).build()
    }

    /// The same configuration over a copy of the sealed store, with the keys of now, and chance of its own: by the same once more it would
    /// make the keys anew that were destroyed.
    ///
    /// # Errors
    ///
    /// If the model cannot be built.
    pub fn restored(&self, copy: MemoryStore) -> Result<Accordant, Error> {
        let entropy = SeededEntropy::new(!self.seed);
        self.configured()?.entropy(entropy).sealed(self.scene.keys.clone()).store(copy).build()
    }

    fn configured(&self) -> Result<Builder, Error> {
        let scene = &self.scene;
        let (models, (limits, house, attributes), systems, silent) = {
            let inner = scene.lock();
            let habit = &inner.servers[0].design;
            let unheard = |name: &str| !inner.servers.iter().any(|server| server.design.name == name);
            let silent = inner.design.dialect.beside().into_iter().filter(|(name, _)| unheard(name));
            let silent: Vec<Silent> = silent
                .map(|(name, objects)| {
                    let surfaces = objects.iter().flat_map(|object| surfaces::of(object, habit)).collect();
                    Silent::new(name, surfaces)
                })
                .collect();
            let house = inner.design.house.clone();
            let rules = (inner.design.limits(), house, inner.design.attributes.len());
            (inner.design.dialect.models(&inner.design), rules, inner.servers.len(), silent)
        };
        let mut builder = Accordant::builder()
            .clock(SceneClock(Arc::clone(scene)))
            .entropy(SeededEntropy::new(self.seed.wrapping_add(self.crashes << 48)))
            .max_bytes(65_536)
            .limits(limits);
        for model in models {
            builder = builder.entity_model(model);
        }
        if house.forgets {
            builder = builder.retention(signer::retention()).checkpoint_keys(Signer(self.seed));
        }
        builder = house.rule(builder, attributes);
        for system in 0..systems {
            builder = builder.connect(Remote::new(scene, system));
        }
        for silent in silent {
            builder = builder.connect(silent);
        }
        Ok(builder)
    }

    /// Starts again after a crash, and accepts whatever the model is by now.
    pub fn restart(&mut self) {
        if let Err(error) = self.start() {
            self.scene.lock().oracle.accuse(format!("it cannot start again: {error}"));
        }
        self.queue.push_front(Job::Accept);
        self.dispatch();
    }

    /// Queues a job.
    pub fn queue(&mut self, job: Job) {
        self.queue.push_back(job);
        self.dispatch();
    }

    /// Gives idle workers their next jobs.
    fn dispatch(&mut self) {
        let Some(tenant) = self.tenant.clone() else { return };
        for worker in 0..self.workers.len() {
            if self.workers[worker].is_some() {
                continue;
            }
            let Some(job) = self.queue.pop_front() else { return };
            let id = self.spawn(Some(job), Box::pin(work(tenant.clone(), Arc::clone(&self.scene), job)));
            // A job that is done at once has given its worker the next one already.
            if self.tasks.get(id.slot).and_then(Option::as_ref).is_some_and(|task| task.id == id) {
                self.workers[worker] = Some(id);
            }
        }
    }

    /// A webhook reaches our door.
    pub fn deliver(&mut self, delivery: usize) {
        match self.tenant.clone() {
            Some(tenant) => {
                let job = Job::Receive(delivery);
                self.spawn(Some(job), Box::pin(work(tenant, Arc::clone(&self.scene), job)));
            }
            None => self.repeat(delivery),
        }
    }

    /// A webhook that was not acknowledged is sent again.
    fn repeat(&self, delivery: usize) {
        let mut inner = self.scene.lock();
        let notice = &mut inner.deliveries[delivery];
        notice.attempts += 1;
        if notice.genuine {
            let delay = i64::from(notice.attempts.min(30)) * 60_000;
            inner.soon(delay, Event::Deliver(delivery));
        }
    }

    /// A write reaches its system, whoever still waits for it.
    pub fn arrive(&self, ticket: usize) {
        let mut inner = self.scene.lock();
        let Some(request) = inner.wire.get_mut(&ticket) else { return };
        let (system, writes, heard) =
            (request.system, std::mem::take(&mut request.writes), (!request.lost).then_some(request.task));
        // What arrives after all may have been repeated since.
        let late = request.given_up;
        if late {
            let effect = inner.updated(system, &writes);
            inner.unheard(&effect);
            let now = inner.now;
            inner.oracle.arrives_late(&effect, now);
        }
        let receipts = inner.carry_out(system, &writes, heard);
        let effect = inner.took_effect(system, &writes, &receipts, !late);
        let back = inner.weather.rng().between(5, 200);
        let at = inner.now + back;
        let Some(request) = inner.wire.get_mut(&ticket) else { return };
        request.effect = effect;
        let (lost, task) = (request.lost, request.task);
        let unheard = if lost || late { request.give_up() } else { Vec::new() };
        request.reply = (!lost).then_some((at, receipts));
        inner.unheard(&unheard);
        if lost {
            inner.wire.remove(&ticket);
            inner.say(|| "  and nobody hears the answer".to_owned());
            return;
        }
        inner.agenda.enter(at, Event::Wake(task));
    }

    /// Begins a task.
    pub fn spawn(&mut self, job: Option<Job>, work: Work) -> TaskId {
        let free = self.tasks.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.tasks.len());
        self.turns += 1;
        let id = TaskId { slot, turn: self.turns };
        let task = Some(Task { id, job, work });
        match free {
            Some(slot) => self.tasks[slot] = task,
            None => self.tasks.push(task),
        }
        self.poll(id);
        id
    }

    /// Lets a task go on.
    pub fn poll(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(id.slot).and_then(Option::as_mut).filter(|task| task.id == id) else {
            return;
        };
        {
            let mut inner = self.scene.lock();
            inner.current = id;
            inner.permissions.seen(id);
        }
        let mut context = Context::from_waker(Waker::noop());
        let polled = task.work.as_mut().poll(&mut context);
        let crashed = self.scene.lock().crashed;
        if crashed {
            self.crash();
            return;
        }
        let Poll::Ready(result) = polled else { return };
        let job = task.job;
        self.tasks[id.slot] = None;
        if self.healing == Some(id) {
            self.healing = None;
        }
        for worker in &mut self.workers {
            if *worker == Some(id) {
                *worker = None;
            }
        }
        self.finished(id, job, result);
        self.dispatch();
    }

    fn finished(&mut self, id: TaskId, job: Option<Job>, result: Result<(), Error>) {
        let failed = result.is_err();
        {
            let mut inner = self.scene.lock();
            let unkept = inner.unkept.lost(id);
            if matches!(result, Err(Error::Store { .. })) {
                inner.unheard(&unkept);
            }
        }
        if let Err(error) = result {
            let mut inner = self.scene.lock();
            let erased = matches!(error, Error::UnknownEntity { .. } | Error::UnknownPlan(_));
            let expected = matches!(error, Error::Connector { .. } | Error::Store { .. } | Error::ModelChanged { .. })
                || (erased && inner.oracle.has_erased());
            let chaos = inner.weather.chaos || job.is_some();
            inner.say(|| format!("{job:?} ends: {}", because(&error)));
            if !expected || !chaos {
                inner.oracle.accuse(format!("{job:?} fails: {}", because(&error)));
            }
            inner.oracle.troubles += usize::from(matches!(error, Error::Store { .. }));
            if matches!(error, Error::ModelChanged { .. }) && !self.queue.contains(&Job::Accept) {
                self.queue.push_front(Job::Accept);
            }
        }
        if let Some(Job::Receive(delivery)) = job {
            if failed {
                self.repeat(delivery);
            } else {
                let mut inner = self.scene.lock();
                if !inner.deliveries[delivery].genuine {
                    inner.oracle.accuse("a forged webhook was taken in".to_owned());
                }
            }
        }
    }

    /// The process is dead: its futures are gone, what it was told and did not acknowledge comes again.
    pub fn crash(&mut self) {
        self.crashes += 1;
        self.tenant = None;
        self.neighbour = None;
        self.workers.iter_mut().for_each(|worker| *worker = None);
        self.queue.clear();
        let tasks = std::mem::take(&mut self.tasks);
        for task in tasks.into_iter().flatten() {
            if let Some(Job::Receive(delivery)) = task.job {
                self.repeat(delivery);
            }
        }
        let mut inner = self.scene.lock();
        inner.crashed = false;
        inner.office.all_end();
        inner.oracle.troubles += 1;
        let on_the_wire: Vec<Place> = inner.wire.values_mut().flat_map(Request::give_up).collect();
        let unkept = inner.unkept.all_lost();
        inner.unheard(&[on_the_wire, unkept].concat());
        let inner = &mut *inner;
        inner.approvals.reopen(&inner.design);
        let down = inner.weather.rng().between(1_000, 120_000);
        inner.soon(down, Event::Restart);
        inner.trace.mix(&[9]);
    }
}

/// An error with its causes.
fn because(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
