//! Stories: what systems say, how time passes, what people decide, and what must then be true.

mod expect;
mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use futures::executor::block_on;
use serde_json::Value as Json;

use crate::clock::{Clock as _, ManualClock, SeededEntropy};
use crate::connector::Delivery;
use crate::engine::{Accordant, Applied, Builder, Tenant};
use crate::id::{Actor, RecordRef, TenantId};
use crate::model::{Attribute, Canonical, EntityModel};
use crate::plan::{Limits, Plan, Scope};
use crate::rule::Rule;
use crate::store::MemoryStore;
use crate::testing::FakeSystem;
use crate::value::Value;

/// A test told as a story. See the [module](crate::testing).
///
/// It begins in a world without records, in which every system was read to its end. Everything before the first event configures; `says`, `at`, `later` and the rest happen in order; `expect_..` looks at
/// the result. Systems are named by their object key in the model.
pub struct Story {
    builder: Option<Builder>,
    models: Vec<EntityModel>,
    fakes: BTreeMap<String, FakeSystem>,
    clock: Arc<ManualClock>,
    store: MemoryStore,
    tenant: Option<Tenant>,
    /// The records that were spoken of, the last one last.
    spoken_of: Vec<RecordRef>,
    applied: Applied,
    lines: Vec<String>,
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Story").field("lines", &self.lines).finish_non_exhaustive()
    }
}

/// The day on which stories begin: a Monday, at eight in the morning.
const BEGINS: &str = "2026-01-05T08:00:00Z";

/// How many steps a story takes until the engine must have nothing left to do.
const MOST_STEPS: usize = 100;

impl Story {
    /// A story about one entity type.
    ///
    /// # Panics
    ///
    /// Never: the first day is a date.
    #[must_use]
    pub fn of<E: Canonical>() -> Self {
        let begins: DateTime<Utc> = BEGINS.parse().expect("the first day is a date");
        let clock = Arc::new(ManualClock::at(begins));
        let store = MemoryStore::new();
        let story = Self {
            builder: Some(
                Accordant::builder().clock(Arc::clone(&clock)).entropy(SeededEntropy::new(1)).store(store.clone()),
            ),
            store,
            models: Vec::new(),
            fakes: BTreeMap::new(),
            clock,
            tenant: None,
            spoken_of: Vec::new(),
            applied: Applied::default(),
            lines: Vec::new(),
        };
        story.and::<E>()
    }

    /// And about another one.
    #[must_use]
    pub fn and<E: Canonical>(mut self) -> Self {
        self.models.push(E::model());
        self.configure(Builder::entity::<E>)
    }

    /// Guards an attribute by a rule.
    #[must_use]
    pub fn rule<E: Canonical, T: Value, R: Rule<T>>(self, attribute: Attribute<E, T>, rule: R) -> Self {
        self.configure(|builder| builder.rule(attribute, rule))
    }

    /// Sets the limits that plans keep.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        self.configure(|builder| builder.limits(limits))
    }

    /// Configures in any other way.
    ///
    /// # Panics
    ///
    /// If the story has begun.
    #[must_use]
    #[track_caller]
    pub fn configure(mut self, configure: impl FnOnce(Builder) -> Builder) -> Self {
        let builder = self.builder.take().expect("a story is configured before its first event");
        self.builder = Some(configure(builder));
        self
    }

    /// Gives the fake system of this name to `configure`: to make it rewrite, refuse, or lose answers.
    #[must_use]
    #[track_caller]
    pub fn system(mut self, name: &str, configure: impl FnOnce(&FakeSystem)) -> Self {
        self.begin();
        configure(self.fake(name));
        self
    }

    /// It is this time of the day, `09:30`. If that has passed, it is the next day.
    ///
    /// # Panics
    ///
    /// If it is no time.
    #[must_use]
    #[track_caller]
    pub fn at(mut self, time: &str) -> Self {
        let time = NaiveTime::parse_from_str(time, "%H:%M").expect("a time like 09:30");
        let now = DateTime::from_timestamp_millis(self.clock.now()).unwrap_or_default();
        let mut then = now.date_naive().and_time(time).and_utc();
        if then < now {
            then += TimeDelta::days(1);
        }
        self.clock.set(then);
        self.note(format!("it is {}", then.format("%F %T")));
        self
    }

    /// Time passes.
    #[must_use]
    pub fn later(mut self, by: TimeDelta) -> Self {
        self.clock.advance(by);
        self.note(format!("{} s pass", by.num_seconds()));
        self
    }

    /// A person edits a record in a system, or makes it, and a webhook tells at once.
    #[must_use]
    #[track_caller]
    pub fn says(self, key: &str, id: &str, edit: Json) -> Self {
        let story = self.edits(key, id, edit);
        story.tells(key, id)
    }

    /// A person edits a record, and nobody is told before the next poll or scan.
    #[must_use]
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "`json!({..})` is written in place")]
    pub fn edits(mut self, key: &str, id: &str, edit: Json) -> Self {
        let record = self.record(key, id);
        self.fake(record.connection.as_str()).edit(record.object.as_str(), id, &edit);
        self.note(format!("{record} is edited: {edit}"));
        self.speak_of(record);
        self
    }

    /// A webhook tells of a record as it stands now.
    #[must_use]
    #[track_caller]
    pub fn tells(mut self, key: &str, id: &str) -> Self {
        let record = self.record(key, id);
        let versions = self.fake(record.connection.as_str()).versions(record.object.as_str(), id);
        self.tells_of(key, id, versions.saturating_sub(1))
    }

    /// A webhook tells of a version that a record had, counted from 0: late, or once more.
    #[must_use]
    #[track_caller]
    pub fn tells_of(mut self, key: &str, id: &str, version: usize) -> Self {
        let record = self.record(key, id);
        let delivery = self.fake(record.connection.as_str()).webhook(record.object.as_str(), id, version);
        self.note(format!("a webhook tells of version {version} of {record}"));
        self.speak_of(record.clone());
        self.receive(record.connection.as_str(), delivery)
    }

    /// A person deletes a record, and a webhook tells at once.
    #[must_use]
    #[track_caller]
    pub fn deletes(mut self, key: &str, id: &str) -> Self {
        let record = self.record(key, id);
        self.fake(record.connection.as_str()).delete(record.object.as_str(), id);
        self.note(format!("{record} is deleted"));
        self.tells(key, id)
    }

    /// A person merges one record into another, and nobody is told: reading the loser answers with the survivor.
    #[must_use]
    #[track_caller]
    pub fn merges(mut self, key: &str, survivor: &str, loser: &str) -> Self {
        let record = self.record(key, survivor);
        self.fake(record.connection.as_str()).merge(record.object.as_str(), survivor, loser);
        self.note(format!("{loser} is merged into {record}"));
        self
    }

    /// A webhook only says that something happened to a record, and so it is read.
    #[must_use]
    #[track_caller]
    pub fn hints(mut self, key: &str, id: &str) -> Self {
        let record = self.record(key, id);
        let delivery = self.fake(record.connection.as_str()).hint_webhook(record.object.as_str(), id);
        self.note(format!("a webhook hints at {record}"));
        self.receive(record.connection.as_str(), delivery)
    }

    /// The library is built anew with another model of the same systems, on the same store, and the change is accepted
    /// as [`accept_model`](crate::engine::Tenant::accept_model) does it. Fails if it is refused.
    #[must_use]
    #[track_caller]
    pub fn upgraded_to<E: Canonical>(mut self) -> Self {
        self.begin();
        self.models = vec![E::model()];
        let mut builder = Accordant::builder()
            .clock(Arc::clone(&self.clock))
            .entropy(SeededEntropy::new(2))
            .store(self.store.clone())
            .entity::<E>();
        for fake in self.fakes.values() {
            builder = builder.connect(fake.clone());
        }
        self.build(builder);
        let accepted = block_on(self.tenant().accept_model(&Actor::new("the story")));
        let change = self.check("accept the model", accepted);
        self.note(format!("the model is another one now: {}", change.line()));
        self
    }

    /// The library is built anew with the same models, on the same store and systems, configured in another way.
    #[must_use]
    #[track_caller]
    pub fn rebuilt(mut self, configure: impl FnOnce(Builder) -> Builder) -> Self {
        self.begin();
        let mut builder = Accordant::builder()
            .clock(Arc::clone(&self.clock))
            .entropy(SeededEntropy::new(2))
            .store(self.store.clone());
        for model in &self.models {
            builder = builder.entity_model(model.clone());
        }
        for fake in self.fakes.values() {
            builder = builder.connect(fake.clone());
        }
        self.build(configure(builder));
        self.note("the library is built anew".to_owned());
        self
    }

    /// A request comes in at a connection's door.
    #[must_use]
    #[track_caller]
    pub fn receive(mut self, connection: &str, delivery: Delivery) -> Self {
        let received = block_on(self.tenant().receive(connection, delivery));
        self.check("receive a webhook", received);
        self.settle()
    }

    /// The connection is asked for what changed.
    #[must_use]
    #[track_caller]
    pub fn polls(mut self, connection: &str) -> Self {
        let polled = block_on(self.tenant().poll(connection));
        let taken = self.check("poll", polled);
        self.note(format!("{connection} is polled: {taken:?}"));
        self.settle()
    }

    /// Every record of the connection is read.
    #[must_use]
    #[track_caller]
    pub fn scans(mut self, connection: &str) -> Self {
        let scanned = block_on(self.tenant().scan(connection));
        let taken = self.check("scan", scanned);
        self.note(format!("{connection} is scanned: {taken:?}"));
        self.settle()
    }

    /// What is owed is planned, approved and applied; then every system is polled, so that echoes come in.
    #[must_use]
    #[track_caller]
    pub fn apply(self) -> Self {
        self.carry_out(false)
    }

    /// The plan of first contact is approved and applied.
    #[must_use]
    #[track_caller]
    pub fn bootstrap(self) -> Self {
        self.carry_out(true)
    }

    /// The plan as it stands is approved, and not applied yet: `meanwhile` happens before.
    #[must_use]
    #[track_caller]
    pub fn apply_after(mut self, meanwhile: impl FnOnce(&FakeSystems<'_>)) -> Self {
        let plan = self.plan_now(false);
        self.approve(&plan);
        meanwhile(&FakeSystems(&self.fakes));
        self.run(&plan)
    }

    /// How the last application ended.
    #[must_use]
    pub const fn applied(&self) -> &Applied {
        &self.applied
    }

    /// The tenant, for what a story has no words for.
    #[must_use]
    #[track_caller]
    pub fn tenant(&mut self) -> Tenant {
        self.begin();
        match &self.tenant {
            Some(tenant) => tenant.clone(),
            None => self.fail("nothing was built"),
        }
    }

    /// The instant that the story's clock shows.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.clock.now()).unwrap_or_default()
    }

    /// Another tenant of the same library and store.
    #[must_use]
    #[track_caller]
    pub fn tenant_named(&mut self, name: &str) -> Tenant {
        let tenant = self.tenant();
        Tenant::new(Arc::clone(&tenant.core), TenantId::new(name))
    }

    /// The fake system of this name.
    ///
    /// # Panics
    ///
    /// If the model has none.
    #[must_use]
    #[track_caller]
    pub fn fake(&mut self, name: &str) -> &FakeSystem {
        self.begin();
        match self.fakes.get(name) {
            Some(fake) => fake,
            None => panic!("the model has no system `{name}`: it has {:?}", self.fakes.keys()),
        }
    }

    #[track_caller]
    fn carry_out(mut self, bootstrap: bool) -> Self {
        let plan = self.plan_now(bootstrap);
        self.approve(&plan);
        self.run(&plan)
    }

    #[track_caller]
    fn approve(&mut self, plan: &Plan) {
        let approved = block_on(self.tenant().approve(plan.hash, &Actor::new("the story")));
        self.check("approve", approved);
        self.note(format!("approved:\n{plan}"));
    }

    #[track_caller]
    fn run(mut self, plan: &Plan) -> Self {
        let applied = block_on(self.tenant().apply(plan.hash));
        self.applied = self.check("apply", applied);
        self.note(format!("applied: {:?}", self.applied));
        let mut story = self.settle();
        let names: Vec<String> = story.fakes.keys().cloned().collect();
        for name in names {
            story = story.polls(&name);
        }
        story
    }

    #[track_caller]
    fn plan_now(&mut self, bootstrap: bool) -> Plan {
        let request = self.tenant().plan(Scope::default());
        let request = if bootstrap { request.bootstrap() } else { request };
        let plan = block_on(request.into_future());
        self.check("plan", plan)
    }

    /// Takes the engine's steps until it has nothing left to do.
    #[track_caller]
    fn settle(mut self) -> Self {
        let tenant = self.tenant();
        for _ in 0..MOST_STEPS {
            let stepped = block_on(tenant.step());
            let stepped = self.check("take a step", stepped);
            for unread in &stepped.unread {
                let what = unread.record.as_ref().map_or_else(|| unread.connection.to_string(), ToString::to_string);
                self.note(format!("{what} cannot be read: {}", unread.error));
            }
            if !stepped.more() {
                return self;
            }
        }
        self.fail(&format!("after {MOST_STEPS} steps the engine still has more to do"))
    }

    /// The record that a key of the model and an id name.
    #[track_caller]
    fn record(&mut self, key: &str, id: &str) -> RecordRef {
        self.begin();
        let objects = || self.models.iter().flat_map(|model| &model.objects);
        let by_key = objects().find(|object| object.key.as_str() == key);
        match by_key.or_else(|| objects().find(|object| object.system.as_str() == key)) {
            Some(object) => RecordRef::new(object.system.as_str(), object.object.as_str(), id),
            None => panic!("the model has no object `{key}`"),
        }
    }

    fn speak_of(&mut self, record: RecordRef) {
        self.spoken_of.retain(|known| *known != record);
        self.spoken_of.push(record);
    }

    #[track_caller]
    fn begin(&mut self) {
        let Some(mut builder) = self.builder.take() else { return };
        let systems: BTreeSet<String> =
            self.models.iter().flat_map(|model| &model.objects).map(|object| object.system.to_string()).collect();
        for name in systems {
            let fake = FakeSystem::new(&name, &self.models, &self.clock);
            builder = builder.connect(fake.clone());
            self.fakes.insert(name, fake);
        }
        self.build(builder);
        let names: Vec<String> = self.fakes.keys().cloned().collect();
        for name in names {
            let polled = block_on(self.tenant().poll(&name));
            self.check("poll", polled);
        }
    }

    #[track_caller]
    fn build(&mut self, builder: Builder) {
        match builder.build() {
            Ok(accordant) => self.tenant = Some(accordant.tenant("story")),
            Err(error) => panic!("the model cannot be built: {}", because(&error)),
        }
    }

    fn note(&mut self, line: String) {
        self.lines.push(line);
    }

    #[track_caller]
    fn check<T>(&self, doing: &str, result: Result<T, crate::error::Error>) -> T {
        match result {
            Ok(value) => value,
            Err(error) => self.fail(&format!("could not {doing}: {}", because(&error))),
        }
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        panic!("{what}\n\nthe story so far:\n{}\n", self.lines.join("\n"))
    }
}

/// The fake systems of a story, while a plan waits.
#[derive(Debug)]
pub struct FakeSystems<'a>(&'a BTreeMap<String, FakeSystem>);

impl FakeSystems<'_> {
    /// The fake system of this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn of(&self, name: &str) -> &FakeSystem {
        self.0.get(name).expect("the model has this system")
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
