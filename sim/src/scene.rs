//! The scene: everything that the engine's connectors and store, the people and the weather share.

mod change;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use accordant::bytes::Bytes;
use accordant::connector::{Write, WriteReceipt};
use accordant::seal::MemoryKeys;
use accordant::text::Text;
use accordant::value::Field;
use accordant::{Clock, EntityId, MemoryStore, PlanHash};

use crate::agenda::{Agenda, Event, TaskId};
use crate::approvals::Approvals;
use crate::decisions::Decisions;
use crate::design::Design;
use crate::house::Allowance;
use crate::office::Office;
use crate::oracle::{Oracle, Place};
use crate::permissions::Permissions;
use crate::rng::Rng;
use crate::server::Server;
use crate::trace::{EPOCH, Trace};
use crate::unkept::{Intents, Unkept};
use crate::weather::Weather;
use crate::word::Word;

pub use change::By;

/// The shared world. One thread uses it; the lock is there because the engine's futures may be sent.
#[derive(Debug)]
pub struct Scene {
    clock: AtomicI64,
    inner: Mutex<Inner>,
    /// The durable image: what is left after a crash.
    pub image: MemoryStore,
    /// The keys of a sealed store: they are left too.
    pub keys: MemoryKeys,
}

/// What the lock guards.
#[derive(Debug)]
pub struct Inner {
    /// The instant.
    pub now: i64,
    /// What happens next.
    pub agenda: Agenda,
    /// Which faults strike.
    pub weather: Weather,
    /// The systems.
    pub servers: Vec<Server>,
    /// The judge.
    pub oracle: Oracle,
    /// What happened.
    pub trace: Trace,
    /// The design of the world.
    pub design: Design,
    /// The task that is being polled.
    pub current: TaskId,
    /// Whether the process just died.
    pub crashed: bool,
    /// Every webhook ever sent.
    pub deliveries: Vec<Notice>,
    /// Writes under way, by ticket.
    pub wire: BTreeMap<usize, Request>,
    /// What the engine was told and has not kept yet.
    pub unkept: Unkept,
    /// What the engine intends, and what came to nothing that anybody knows of.
    pub intents: Intents,
    /// How many writes were sent.
    pub sent: usize,
    /// The number of the last word that was said.
    pub words: u32,
    /// What the operator approved.
    pub approvals: Approvals,
    /// What the operators allow without being asked.
    pub permissions: Permissions,
    /// What was written, against the limit on writes.
    pub allowance: Allowance,
    /// Who of the office has which rank.
    pub office: Office,
    /// The entities that were erased of each subject.
    pub erased: BTreeMap<usize, BTreeSet<EntityId>>,
    /// Every entity that was ever erased.
    pub former: BTreeSet<EntityId>,
    /// Copies of the store that were made before erasures.
    pub copies: Vec<MemoryStore>,
    /// What the neighbour's customer is, unit by unit.
    pub neighbours: Vec<(Text, Field)>,
    /// The decisions that stand.
    pub decisions: Decisions,
    /// The plans that were made.
    pub plans: Vec<PlanHash>,
    /// The bodies that were acknowledged although nobody can read them whole.
    /// Each with whom it is about, if there is such a record.
    pub unreadable: BTreeMap<Bytes, Option<usize>>,
    /// The states that the engine was seen in, and the answers that it was given.
    pub states: BTreeSet<&'static str>,
    /// What was done under the rules of tenants, permissions and erasure, and how often.
    pub acts: BTreeMap<String, u64>,
    /// Whether every system was read to its end once.
    pub looked: bool,
    /// The systems whose last scan broke off: the next goes on where it did.
    pub broken_off: BTreeSet<usize>,
    /// What people draws who do not wait: a sequence of its own.
    pub haste: Rng,
    /// How often the engine's futures pause at store calls, in a thousand.
    pub restless: usize,
}

/// A webhook on its way.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The system that sends it.
    pub system: usize,
    /// What its header says.
    pub says: String,
    /// Its body.
    pub body: Bytes,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether it really comes from the system.
    pub genuine: bool,
}

/// A write on its way.
#[derive(Debug)]
pub struct Request {
    /// The system written to.
    pub system: usize,
    /// The writes.
    pub writes: Vec<Write>,
    /// Who waits for the reply.
    pub task: TaskId,
    /// The reply, and when it is there; `None` until the system has answered.
    pub reply: Option<(i64, Vec<WriteReceipt>)>,
    /// Whether the reply never comes.
    pub lost: bool,
    /// Whether nobody waits for it any more.
    pub given_up: bool,
    /// What took effect, write by write.
    pub effect: Vec<Vec<Place>>,
}

impl Request {
    /// Nobody waits for it any more. Gives what took effect unheard.
    pub fn give_up(&mut self) -> Vec<Place> {
        self.given_up = true;
        std::mem::take(&mut self.effect).concat()
    }
}

impl Scene {
    /// A scene at the beginning of time.
    #[must_use]
    pub fn new(design: Design, weather: Weather, trace: Trace, seed: u64) -> Self {
        let servers = design.systems.iter().cloned().enumerate();
        let servers = servers.map(|(place, system)| Server::new(place, system, design.dialect.clone())).collect();
        let oracle = Oracle::new(&design);
        Self {
            clock: AtomicI64::new(EPOCH),
            image: MemoryStore::new(),
            keys: MemoryKeys::new(),
            inner: Mutex::new(Inner {
                now: EPOCH,
                agenda: Agenda::default(),
                weather,
                servers,
                oracle,
                trace,
                design,
                current: TaskId::default(),
                crashed: false,
                deliveries: Vec::new(),
                wire: BTreeMap::new(),
                unkept: Unkept::default(),
                intents: Intents::default(),
                sent: 0,
                words: 0,
                approvals: Approvals::default(),
                permissions: Permissions::default(),
                allowance: Allowance::default(),
                office: Office::default(),
                erased: BTreeMap::new(),
                former: BTreeSet::new(),
                copies: Vec::new(),
                neighbours: Vec::new(),
                decisions: Decisions::default(),
                plans: Vec::new(),
                unreadable: BTreeMap::new(),
                states: BTreeSet::new(),
                acts: BTreeMap::new(),
                looked: false,
                broken_off: BTreeSet::new(),
                haste: Rng::new(seed ^ 0x7A57_E000),
                restless: 0,
            }),
        }
    }

    /// The shared world.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic in one task ends the run; what it leaves is only reported.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the clock on to an instant.
    pub fn advance(&self, to: i64) {
        let mut inner = self.lock();
        inner.now = inner.now.max(to);
        self.clock.store(inner.now, Ordering::Relaxed);
    }

    /// The trace, at the end.
    #[must_use]
    pub fn take_trace(&self) -> Trace {
        std::mem::take(&mut self.lock().trace)
    }
}

/// The engine's clock: the scene's.
#[derive(Debug, Clone)]
pub struct SceneClock(pub std::sync::Arc<Scene>);

impl Clock for SceneClock {
    fn now(&self) -> i64 {
        self.0.clock.load(Ordering::Relaxed)
    }
}

impl Inner {
    /// A word that nobody has said before.
    pub fn new_word(&mut self) -> Word {
        self.words += 1;
        Word::new(self.words)
    }

    /// Writes took effect, and the engine does not know.
    pub fn unheard(&mut self, places: &[Place]) {
        self.oracle.unheard(places);
        self.allowance.excuse(places.len());
    }

    /// Whether people write card numbers in memos there: in worlds with an office, in the last system.
    #[must_use]
    pub fn has_cards(&self, system: usize) -> bool {
        self.design.house.roles && system + 1 == self.servers.len()
    }

    /// Enters an event after a delay.
    pub fn soon(&mut self, delay: i64, event: Event) {
        self.agenda.enter(self.now.saturating_add(delay), event);
    }

    /// Something was done under the rules of tenants, permissions and erasure.
    pub fn did(&mut self, what: &str) {
        match self.acts.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.acts.insert(what.to_owned(), 1)),
        }
    }

    /// Keeps a line of the trace.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        self.trace.say(self.now, line);
    }
}
