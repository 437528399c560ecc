//! One run: the loop over virtual time that drives people, systems, weather and engine.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use accordant::{Error, MemoryStore};

use crate::agenda::Event;
use crate::audit::audit;
use crate::fault::{Fault, Hits};
use crate::heal::heal;
use crate::job::Job;
use crate::people;
use crate::process::Process;
use crate::rng::Rng;
use crate::scene::Scene;
use crate::script::Options;
use crate::step::{Does, Step};
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
    /// The states that the engine was seen in, and the answers that it was given.
    pub states: BTreeSet<&'static str>,
    /// What was done under the rules of tenants, permissions and erasure, and how often.
    pub acts: BTreeMap<String, u64>,
    /// What happened, if it was asked for.
    pub lines: Vec<String>,
}

/// Runs a script once. A panic is a violation like any other: nothing that it left half done is looked at again.
#[must_use]
pub fn run(options: &Options, lines: bool) -> Outcome {
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| play(options, lines)));
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
    for steps in &options.rounds {
        world.round(steps);
    }
    world.end()
}

/// More events than any run needs.
const MOST_EVENTS: u64 = 30_000;

struct Run {
    scene: Arc<Scene>,
    process: Process,
    options: Options,
    steps: Vec<Step>,
    left: usize,
    events: u64,
}

impl Run {
    fn begin(options: &Options, lines: bool) -> Result<Self, Error> {
        let weather = Weather::new(options.faults, options.lasting, Rng::new(options.seed ^ 0x3EA7_4E21));
        let scene = Arc::new(Scene::new(options.design.clone(), weather, Trace::new(lines), options.seed));
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
        let process = Process::begin(&scene, options.seed, workers)?;
        let mut run = Self { scene, process, options: options.clone(), steps: Vec::new(), left: 0, events: 0 };
        run.look();
        if let Some(system) = options.observed {
            run.process.queue(Job::Observe(system));
            run.drive();
        }
        Ok(run)
    }

    /// Before anything happens every list is read once, in good weather: nothing is created where nobody has looked.
    fn look(&mut self) {
        let systems = {
            let mut inner = self.scene.lock();
            inner.weather.chaos = false;
            inner.servers.len()
        };
        for system in 0..systems {
            self.process.queue(Job::Poll(system));
            self.drive();
        }
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
        let (Some(tenant), Some(neighbour)) = (self.process.tenant.clone(), self.process.neighbour.clone()) else {
            return;
        };
        let work = Box::pin(heal(tenant, neighbour, Arc::clone(&self.scene), self.options.heal_by));
        self.process.healing = Some(self.process.spawn(None, work));
        self.drive();
        if self.process.healing.is_some() {
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
            Event::Restore(system, place, attribute, word) => {
                self.scene.lock().program_restores(system, place, attribute, word);
            }
            Event::Deliver(delivery) => self.process.deliver(delivery),
            Event::Wake(id) => self.process.poll(id),
            Event::Arrive(ticket) => self.process.arrive(ticket),
            Event::Restart => self.process.restart(),
        }
    }

    fn act(&mut self, does: Does) {
        let job = match does {
            Does::Poll(system) => Job::Poll(system),
            Does::Scan(system) => Job::Scan(system),
            Does::Work => Job::Work,
            Does::Mend(bootstrap) => Job::Mend(bootstrap),
            Does::Propose => Job::Propose,
            Does::Give { system, attribute } => Job::Give(system, attribute),
            Does::Withdraw => Job::Withdraw,
            Does::Reapply(plan) => Job::Reapply(plan),
            Does::Decide => Job::Decide,
            Does::Compact => Job::Compact,
            Does::Erase(subject) => Job::Erase(subject),
            Does::Lift(subject) => Job::Lift(subject),
            Does::Grant { who, rank } => Job::Grant(who, rank),
            Does::Try { who, what, subject } => Job::Try(who, what, subject),
            Does::Remodel { attribute, system } => {
                self.remodel(attribute, system);
                return;
            }
            _ => {
                people::act(&mut self.scene.lock(), does);
                return;
            }
        };
        self.process.queue(job);
    }

    /// The process is stopped, and started with another model.
    fn remodel(&mut self, attribute: usize, system: usize) {
        if self.process.tenant.is_none() {
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
            inner.oracle.remodel(attribute, changed);
            inner.weather.hits.count(Fault::ModelChanged);
            inner.say(|| format!("the model changes: {} is owned by {owner:?}", crate::design::ATTRIBUTES[attribute]));
        }
        self.process.crash();
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
            states: std::mem::take(&mut inner.states),
            acts: std::mem::take(&mut inner.acts),
            lines: trace.into_lines(),
        }
    }

    fn audit(&mut self) {
        let Some(tenant) = self.process.tenant.clone() else { return };
        // Replaying the journal costs as much as a round: it is done where something may have been lost, and for some.
        let whole = {
            let hits = self.scene.lock().weather.hits;
            hits.has(Fault::Crash)
                || hits.has(Fault::CommitFailed)
                || self.options.seed.is_multiple_of(4)
                || self.options.design.house.roles
        };
        let proposal = self.process.proposal().ok().filter(|_| whole);
        let copies = std::mem::take(&mut self.scene.lock().copies);
        let restored = |copy: MemoryStore| Some((copy.clone(), self.process.restored(copy).ok()?));
        let copies = copies.into_iter().filter_map(restored).collect();
        let work = audit(tenant, Arc::clone(&self.scene), whole, proposal, copies);
        self.process.spawn(None, Box::pin(work));
        self.drive();
    }
}
