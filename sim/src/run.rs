//! One run: the loop over virtual time that drives people, systems, weather and engine.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use accordant::{Accordant, Error, SeededEntropy, Tenant};

use crate::agenda::{Event, TaskId};
use crate::audit::audit;
use crate::fault::{Fault, Hits};
use crate::heal::heal;
use crate::image::Image;
use crate::job::{Job, work};
use crate::people;
use crate::remote::Remote;
use crate::rng::Rng;
use crate::scene::{Scene, SceneClock};
use crate::script::{Does, Options, Step};
use crate::trace::Trace;
use crate::weather::Weather;

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What the oracle found.
    pub violations: Vec<String>,
    /// How often each fault struck.
    pub hits: Hits,
    /// How many events there were.
    pub events: u64,
    /// A hash over everything that happened.
    pub hash: u64,
    /// What happened, if it was asked for.
    pub lines: Vec<String>,
}

/// Runs a script once. A panic is a violation like any other.
#[must_use]
pub fn run(options: &Options, lines: bool) -> Outcome {
    let ran = std::panic::catch_unwind(|| play(options, lines));
    ran.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let violations = vec![format!("it panicked: {}", text.unwrap_or("without a word"))];
        Outcome { violations, ..Outcome::default() }
    })
}

fn play(options: &Options, lines: bool) -> Outcome {
    let mut world = match Run::begin(options, lines) {
        Ok(world) => world,
        Err(error) => {
            return Outcome { violations: vec![format!("it cannot be built: {error}")], ..Outcome::default() };
        }
    };
    let script = options.script(&world.scene.lock().design);
    for steps in script {
        world.round(&steps);
    }
    world.end()
}

/// More events than any run needs.
const MOST_EVENTS: u64 = 30_000;

type Work = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

struct Task {
    id: TaskId,
    job: Option<Job>,
    work: Work,
}

struct Run {
    scene: Arc<Scene>,
    options: Options,
    tenant: Option<Tenant>,
    tasks: Vec<Option<Task>>,
    turns: u64,
    queue: VecDeque<Job>,
    /// The jobs that run now, one per worker.
    workers: Vec<Option<TaskId>>,
    steps: Vec<Step>,
    left: usize,
    events: u64,
    crashes: u64,
    healed: Option<TaskId>,
}

impl Run {
    fn begin(options: &Options, lines: bool) -> Result<Self, Error> {
        let weather = Weather::new(options.faults, options.lasting, Rng::new(options.seed ^ 0x3EA7_4E21));
        let scene = Arc::new(Scene::new(options.design(), weather, Trace::new(lines)));
        let workers = {
            let mut inner = scene.lock();
            inner.restless = [0, 50, 300][inner.weather.rng().below(3)];
            let two = inner.weather.strikes(Fault::TwoWorkers);
            inner.oracle.two_workers = inner.weather.has(Fault::TwoWorkers);
            if inner.design.systems.iter().any(|system| system.skew != 0) {
                inner.weather.hits.count(Fault::ClockSkewed);
            }
            if two { 2 } else { 1 }
        };
        let mut run = Self {
            scene,
            options: options.clone(),
            tenant: None,
            tasks: Vec::new(),
            turns: 0,
            queue: VecDeque::new(),
            workers: vec![None; workers],
            steps: Vec::new(),
            left: 0,
            events: 0,
            crashes: 0,
            healed: None,
        };
        run.start()?;
        Ok(run)
    }

    /// Starts the process on what the store holds.
    fn start(&mut self) -> Result<(), Error> {
        let scene = &self.scene;
        let (model, systems) = {
            let inner = scene.lock();
            (inner.design.model(), inner.servers.len())
        };
        let mut builder = Accordant::builder()
            .store(Image(Arc::clone(scene)))
            .clock(SceneClock(Arc::clone(scene)))
            .entropy(SeededEntropy::new(self.options.seed.wrapping_add(self.crashes << 48)))
            .max_bytes(65_536)
            .entity_model(model);
        for system in 0..systems {
            builder = builder.connect(Remote::new(scene, system));
        }
        self.tenant = Some(builder.build()?.tenant("acme"));
        Ok(())
    }

    /// Chaos, heal, quiet.
    fn round(&mut self, steps: &[Step]) {
        {
            let mut inner = self.scene.lock();
            inner.oracle.round();
            inner.weather.chaos = true;
            let now = inner.now;
            for (place, step) in steps.iter().enumerate() {
                inner.agenda.enter(now + step.after, Event::Step(place));
            }
            if steps.is_empty() {
                inner.weather.chaos = false;
            }
        }
        self.steps = steps.to_vec();
        self.left = steps.len();
        self.drive();
        let Some(tenant) = self.tenant.clone() else { return };
        let work = Box::pin(heal(tenant, Arc::clone(&self.scene), self.options.heal_by));
        self.healed = Some(self.spawn(None, work));
        self.drive();
        if self.healed.is_some() {
            self.scene.lock().oracle.accuse("the heal never ends".to_owned());
        }
    }

    /// Drives until nothing is left to happen.
    fn drive(&mut self) {
        loop {
            let next = self.scene.lock().agenda.take();
            let Some((at, event)) = next else { return };
            self.events += 1;
            if self.events > MOST_EVENTS {
                self.scene.lock().oracle.accuse("it never comes to rest".to_owned());
                return;
            }
            self.scene.advance(at);
            self.scene.lock().trace.mix(&[at, event.kind()]);
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Step(place) => {
                let does = self.steps[place].does;
                self.act(does);
                self.left -= 1;
                if self.left == 0 {
                    self.scene.lock().weather.chaos = false;
                }
            }
            Event::Again(system, place, attribute) => {
                let mut inner = self.scene.lock();
                let word = inner.new_word();
                inner.person_edits(system, place, attribute, word);
            }
            Event::Deliver(delivery) => self.deliver(delivery),
            Event::Wake(id) => self.poll(id),
            Event::Arrive(ticket) => self.arrive(ticket),
            Event::Restart => {
                if let Err(error) = self.start() {
                    self.scene.lock().oracle.accuse(format!("it cannot start again: {error}"));
                }
                self.queue.push_front(Job::Accept);
                self.dispatch();
            }
        }
    }

    fn act(&mut self, does: Does) {
        let job = match does {
            Does::Poll(system) => Job::Poll(system),
            Does::Scan(system) => Job::Scan(system),
            Does::Work => Job::Work,
            Does::Mend(bootstrap) => Job::Mend(bootstrap),
            Does::Decide => Job::Decide,
            Does::Remodel { attribute, system } => {
                self.remodel(attribute, system);
                return;
            }
            _ => {
                people::act(&mut self.scene.lock(), does);
                return;
            }
        };
        self.queue.push_back(job);
        self.dispatch();
    }

    /// The process is stopped, and started with another model.
    fn remodel(&mut self, attribute: usize, system: usize) {
        if self.tenant.is_none() {
            return;
        }
        {
            let mut inner = self.scene.lock();
            let changed = &mut inner.design.attributes[attribute];
            changed.owner = (changed.owner != Some(system)).then_some(system);
            // Nobody enforces anything on those who decide.
            let owner = changed.owner;
            for (at, strength) in changed.strength.iter_mut().enumerate() {
                if *strength == 2 && (owner.is_none() || owner == Some(at)) {
                    *strength = 1;
                }
            }
            let changed = changed.clone();
            inner.oracle.remodelled(attribute, changed);
            inner.weather.hits.count(Fault::ModelChanged);
            inner.say(|| format!("the model changes: {} is owned by {owner:?}", crate::design::ATTRIBUTES[attribute]));
        }
        self.crash();
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
            self.workers[worker] = self.tasks.get(id.slot).and_then(Option::as_ref).map(|_| id);
        }
    }

    fn deliver(&mut self, delivery: usize) {
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
    fn arrive(&mut self, ticket: usize) {
        let mut inner = self.scene.lock();
        let Some(request) = inner.wire.get_mut(&ticket) else { return };
        let (system, writes) = (request.system, std::mem::take(&mut request.writes));
        let receipts = inner.carry_out(system, &writes);
        let back = inner.weather.rng().between(5, 200);
        let at = inner.now + back;
        let Some(request) = inner.wire.get_mut(&ticket) else { return };
        if request.lost {
            inner.wire.remove(&ticket);
            inner.say(|| "  and nobody hears the answer".to_owned());
            return;
        }
        request.reply = Some((at, receipts));
        let task = request.task;
        inner.agenda.enter(at, Event::Wake(task));
    }

    fn spawn(&mut self, job: Option<Job>, work: Work) -> TaskId {
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

    fn poll(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(id.slot).and_then(Option::as_mut).filter(|task| task.id == id) else {
            return;
        };
        self.scene.lock().current = id;
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
        if self.healed == Some(id) {
            self.healed = None;
        }
        for worker in &mut self.workers {
            if *worker == Some(id) {
                *worker = None;
            }
        }
        self.finished(job, result);
        self.dispatch();
    }

    fn finished(&mut self, job: Option<Job>, result: Result<(), Error>) {
        let failed = result.is_err();
        if let Err(error) = result {
            let mut inner = self.scene.lock();
            let expected = matches!(error, Error::Connector { .. } | Error::Store { .. } | Error::ModelChanged { .. });
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
    fn crash(&mut self) {
        self.crashes += 1;
        self.tenant = None;
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
        inner.oracle.troubles += 1;
        let down = inner.weather.rng().between(1_000, 120_000);
        inner.soon(down, Event::Restart);
        inner.trace.mix(&[9]);
    }

    fn end(mut self) -> Outcome {
        self.audit();
        let trace = self.scene.take_trace();
        let mut inner = self.scene.lock();
        Outcome {
            violations: std::mem::take(&mut inner.oracle.violations),
            hits: inner.weather.hits,
            events: self.events,
            hash: trace.hash(),
            lines: trace.into_lines(),
        }
    }

    fn audit(&mut self) {
        let Some(tenant) = self.tenant.clone() else { return };
        // Replaying the journal costs as much as a round: it is done where something may have been lost, and for some.
        let whole = {
            let hits = self.scene.lock().weather.hits;
            hits.has(Fault::Crash) || hits.has(Fault::CommitFailed) || self.options.seed.is_multiple_of(4)
        };
        let work = audit(tenant, Arc::clone(&self.scene), whole);
        self.spawn(None, Box::pin(work));
        self.drive();
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
