//! Random histories: people edit, webhooks come twice, late and in any order, plans are applied in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use accordant::chrono::{DateTime, TimeDelta};
use accordant::entity::Entity;
use accordant::golden::GoldenCell;
use accordant::model::UnitKey;
use accordant::store::{Store as _, Table};
use accordant::testing::{FakeSystem, entities};
use accordant::value::Field;
use accordant::{
    Accordant, Actor, Applied, ApplyWindow, Choice, Error, Flow, Lifetime, ManualClock, MemoryStore, Plan, Ruling,
    Scope, SeededEntropy, Stage, Tenant, TenantId,
};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::shape::{Design, Kind, name};

#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A person edits one attribute: value 0 clears it, 1 to 3 are words that others use too, the rest are words of
    /// their own. `told`: a webhook follows.
    Edit {
        system: usize,
        entity: usize,
        attribute: usize,
        value: u8,
        told: bool,
    },
    /// A webhook tells of a version, for the first time or again.
    Tell {
        system: usize,
        entity: usize,
        back: usize,
    },
    Poll(usize),
    Scan(usize),
    Apply,
    Bootstrap,
    Pass(u8),
    /// The next write goes wrong in some way.
    Fault {
        system: usize,
        fault: u8,
    },
    Decide {
        entity: usize,
        attribute: usize,
        system: usize,
        pinned: bool,
    },
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let place = || (0..25_usize, 0..2_usize);
    prop_oneof![
        6 => (place(), 0..3_usize, 0..7_u8, any::<bool>()).prop_map(|((system, entity), attribute, value, told)| {
            Step::Edit { system, entity, attribute, value, told }
        }),
        2 => (place(), 0..4_usize).prop_map(|((system, entity), back)| Step::Tell { system, entity, back }),
        2 => (0..25_usize).prop_map(Step::Poll),
        1 => (0..25_usize).prop_map(Step::Scan),
        3 => Just(Step::Apply),
        1 => Just(Step::Bootstrap),
        2 => any::<u8>().prop_map(Step::Pass),
        1 => (0..25_usize, 0..4_u8).prop_map(|(system, fault)| Step::Fault { system, fault }),
        1 => (place(), 0..3_usize, any::<bool>()).prop_map(|((system, entity), attribute, pinned)| {
            Step::Decide { entity, attribute, system, pinned }
        }),
    ]
}

pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..=12)
}

/// What the first records of systems hold: two bits per system and attribute choose.
pub(crate) fn beginning() -> impl Strategy<Value = [u64; 3]> {
    any::<[u64; 3]>()
}

pub(crate) struct World {
    pub(crate) design: Design,
    pub(crate) fakes: Vec<FakeSystem>,
    pub(crate) store: MemoryStore,
    pub(crate) tenant: Tenant,
    pub(crate) plans: Vec<Plan>,
    /// What people said, by attribute, entity and system.
    pub(crate) said: BTreeMap<(usize, usize, usize), BTreeSet<String>>,
    /// The words that only one person ever said: attribute, entity, system, and the version of the record.
    pub(crate) words: BTreeMap<String, (usize, usize, usize, usize)>,
    /// The versions that people made: system, entity, version.
    pub(crate) edited: BTreeSet<(usize, usize, usize)>,
    /// Whether a decision was made about an attribute of an entity.
    pub(crate) decided: BTreeSet<(usize, usize)>,
    /// How many answers or requests were lost.
    pub(crate) lost: usize,
    clock: Arc<ManualClock>,
}

impl World {
    pub(crate) fn begin(design: &Design, beginning: [u64; 3]) -> Self {
        Self::begin_in(design, beginning, &MemoryStore::new(), "tenant")
    }

    pub(crate) fn begin_in(design: &Design, beginning: [u64; 3], store: &MemoryStore, tenant: &str) -> Self {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)));
        let models = [design.model()];
        let fakes: Vec<FakeSystem> =
            (0..design.systems).map(|system| FakeSystem::new(&name(system), &models, &clock)).collect();
        let [model] = models;
        let mut builder = Accordant::builder()
            .store(store.clone())
            .clock(Arc::clone(&clock))
            .entropy(SeededEntropy::new(7))
            .entity_model(model);
        for fake in &fakes {
            builder = builder.connect(fake.clone());
        }
        let accordant = builder.build().unwrap_or_else(|error| panic!("{error:?}"));
        let mut world = Self {
            design: design.clone(),
            fakes,
            store: store.clone(),
            tenant: accordant.tenant(tenant),
            plans: Vec::new(),
            said: BTreeMap::new(),
            words: BTreeMap::new(),
            edited: BTreeSet::new(),
            decided: BTreeSet::new(),
            lost: 0,
            clock,
        };
        for system in 0..design.systems {
            for entity in 0..2 {
                let key = json!({ "key": format!("k{entity}") });
                world.fakes[system].edit("things", &id(entity), &key);
                for (attribute, bits) in beginning.iter().enumerate().take(design.attributes.len()) {
                    let value = match bits >> (2 * system + entity) & 3 {
                        0 => 0,
                        3 => 4,
                        _ => 1,
                    };
                    world.edit(system, entity, attribute, value);
                }
            }
            world.clock.advance(TimeDelta::seconds(1));
        }
        world
    }

    /// A proposal: another design of the same systems, over an empty store of its own.
    pub(crate) fn proposal(&self, design: &Design) -> Accordant {
        let mut builder = Accordant::builder()
            .clock(Arc::clone(&self.clock))
            .entropy(SeededEntropy::new(8))
            .entity_model(design.model());
        for fake in &self.fakes {
            builder = builder.connect(fake.clone());
        }
        builder.build().unwrap_or_else(|error| panic!("{error:?}"))
    }

    pub(crate) fn poll_all(&mut self) {
        for system in 0..self.design.systems {
            self.run(&Step::Poll(system));
        }
    }

    pub(crate) fn run(&mut self, step: &Step) {
        match step {
            Step::Edit { system, entity, attribute, value, told } => {
                let (system, attribute) = self.place(*system, *attribute);
                self.edit(system, *entity, attribute, *value);
                if *told {
                    self.tell(system, *entity, 0);
                }
            }
            Step::Tell { system, entity, back } => {
                let (system, _) = self.place(*system, 0);
                self.tell(system, *entity, *back);
            }
            Step::Poll(system) => {
                let system = name(system % self.design.systems);
                block_on(self.tenant.poll(&system)).expect("a fake system can be polled");
            }
            Step::Scan(system) => {
                let system = name(system % self.design.systems);
                block_on(self.tenant.scan(&system)).expect("a fake system can be scanned");
            }
            Step::Apply => drop(self.apply(false)),
            Step::Bootstrap => drop(self.apply(true)),
            Step::Pass(seconds) => self.clock.advance(TimeDelta::seconds(i64::from(*seconds))),
            Step::Fault { system, fault } => {
                let fake = &self.fakes[system % self.design.systems];
                match fault {
                    0 => fake.loses_answer(),
                    1 => fake.loses_request(),
                    2 => fake.goes_stale(),
                    _ => fake.defers(),
                };
                self.lost += usize::from(*fault < 2);
            }
            Step::Decide { entity, attribute, system, pinned } => {
                let (system, attribute) = self.place(*system, *attribute);
                self.decide(*entity, attribute, system, *pinned);
            }
        }
        while block_on(self.tenant.step()).expect("the engine can step").more() {}
    }

    /// Lets a system be written, or keeps it from that in one of several ways. Says whether it may be.
    pub(crate) fn allow(&self, system: usize, how: u8) -> bool {
        let (name, ana) = (name(system), Actor::new("ana"));
        let done = match how {
            0 | 1 => block_on(async {
                self.tenant.set_stage(&name, Stage::Propose, &ana, "let on").await?;
                self.tenant.set_windows(&name, Vec::new(), &ana, "at any time").await?;
                self.tenant.resume(&name, &ana, "let on").await
            }),
            2 => block_on(self.tenant.set_stage(&name, Stage::Observe, &ana, "observed")),
            3 => block_on(self.tenant.hold(&name, &ana, "held")),
            4 => block_on(self.tenant.pause(&name, &ana, "paused")),
            _ => {
                // The clock of a history stays within the first hours of its day.
                let window = ApplyWindow::daily("22:00", "23:00", "UTC").expect("a window");
                block_on(self.tenant.set_windows(&name, vec![window], &ana, "at night"))
            }
        };
        done.expect("a connection can be set");
        how < 2
    }

    /// The same as [`World::run`]; what a pause refuses is not done.
    pub(crate) fn run_if_running(&mut self, step: &Step) {
        if let Step::Poll(system) | Step::Scan(system) = step {
            let states = block_on(self.tenant.connections()).expect("connections can be listed");
            let name = name(system % self.design.systems);
            if states[name.as_str()].flow == Flow::Paused {
                let polled = block_on(self.tenant.poll(&name));
                assert!(matches!(polled, Err(Error::Paused { .. })), "{polled:?}");
                return;
            }
        }
        self.run(step);
    }

    fn place(&self, system: usize, attribute: usize) -> (usize, usize) {
        let attribute = attribute % self.design.attributes.len();
        let system = system % self.design.systems;
        (if self.design.maps(attribute, system) { system } else { 0 }, attribute)
    }

    fn edit(&mut self, system: usize, entity: usize, attribute: usize, value: u8) {
        if !self.design.maps(attribute, system) {
            return;
        }
        let word = match value {
            0 => None,
            1..=3 => Some(format!("v{value}")),
            _ => Some(format!("w{}", self.words.len())),
        };
        let key = format!("a{attribute}");
        let leaf = match (self.design.attributes[attribute].kind, &word) {
            (Kind::One, word) => json!(word),
            (Kind::Group, None) => json!({ "x": null, "y": null }),
            (Kind::Group, Some(word)) => json!({ "x": word, "y": format!("{word}y") }),
            (Kind::Set, None) => json!([]),
            (Kind::Set, Some(word)) => json!(["common", word]),
        };
        self.fakes[system].edit("things", &id(entity), &json!({ key: leaf }));
        let version = self.fakes[system].versions("things", &id(entity)) - 1;
        self.edited.insert((system, entity, version));
        if let Some(word) = word {
            if value > 3 {
                self.words.insert(word.clone(), (attribute, entity, system, version));
            }
            self.said.entry((attribute, entity, system)).or_default().insert(word);
        }
    }

    pub(crate) fn tell(&mut self, system: usize, entity: usize, back: usize) {
        let fake = &self.fakes[system];
        let versions = fake.versions("things", &id(entity));
        let delivery = fake.webhook("things", &id(entity), versions - 1 - back % versions);
        block_on(self.tenant.receive(&name(system), delivery)).expect("a fake system's webhook is taken in");
    }

    fn decide(&mut self, entity: usize, attribute: usize, system: usize, pinned: bool) {
        let Some(held) = self.entity(entity) else { return };
        let choice = Choice::Take(name(system).as_str().into());
        let lifetime = if pinned { Lifetime::Pinned } else { Lifetime::default() };
        let ruling = Ruling { choice, lifetime, by: Actor::new("ana"), reason: String::new() };
        // Where the system says nothing of it, there is nothing to take, and nothing is decided.
        if block_on(self.tenant.rule(held.id, &format!("a{attribute}"), ruling)).is_ok() {
            self.decided.insert((attribute, entity));
        }
    }

    pub(crate) fn plan(&self, bootstrap: bool) -> Plan {
        let request = self.tenant.plan(Scope::default());
        let request = if bootstrap { request.bootstrap() } else { request };
        block_on(request.into_future()).expect("a plan can be made")
    }

    pub(crate) fn apply(&mut self, bootstrap: bool) -> Applied {
        let plan = self.plan(bootstrap);
        block_on(self.tenant.approve(plan.hash, &Actor::new("ana"))).expect("a plan can be approved");
        let applied = block_on(self.tenant.apply(plan.hash)).expect("a plan can be applied");
        self.plans.push(plan);
        applied
    }

    /// The entity of a key.
    pub(crate) fn entity(&self, entity: usize) -> Option<Entity> {
        let wanted = id(entity);
        entities(&self.tenant).into_iter().find(|held| held.links.iter().any(|link| *link.record.id == *wanted))
    }

    /// The golden cells of an attribute: one, or one per element.
    pub(crate) fn golden(&self, held: &Entity, attribute: usize) -> Vec<GoldenCell> {
        let unit = u16::try_from(attribute + 1).expect("few attributes");
        let of = |key: &UnitKey| key.index() == Some(unit);
        held.golden.iter().filter(|(key, _)| of(key)).map(|(_, cell)| cell.clone()).collect()
    }

    /// Every golden value of every entity, by key.
    pub(crate) fn all_golden(&self) -> Vec<(UnitKey, String)> {
        let all = entities(&self.tenant);
        all.iter().flat_map(|held| held.golden.iter().map(|(key, cell)| (key, cell.field.to_string()))).collect()
    }

    /// Every row of the tenant.
    pub(crate) fn rows(&self) -> Vec<(Table, String, Vec<u8>)> {
        let tenant = TenantId::new(self.tenant.id().as_str());
        let all = |table| block_on(self.store.scan(&tenant, table, "", None, usize::MAX)).expect("memory answers");
        let rows = Table::ALL.into_iter().flat_map(|table| all(table).into_iter().map(move |row| (table, row)));
        rows.map(|(table, row)| (table, row.key.to_string(), row.value)).collect()
    }

    /// How many pairs of system and unit differ from golden, or from what an owner is asked to make golden.
    pub(crate) fn differing(&self) -> usize {
        let mut differing = 0;
        for entity in 0..2 {
            let Some(held) = self.entity(entity) else { continue };
            for attribute in 0..self.design.attributes.len() {
                let wanted = self.wanted(&held, attribute);
                let systems = (0..self.design.systems).filter(|system| self.design.maps(attribute, *system));
                for system in systems {
                    let record = self.fakes[system].record("things", &id(entity)).unwrap_or_default();
                    let holds = values(&record[format!("a{attribute}")]);
                    let differs = |golden: &BTreeSet<String>| match self.design.attributes[attribute].kind {
                        Kind::Set => golden.symmetric_difference(&holds).count(),
                        Kind::One | Kind::Group => usize::from(*golden != holds),
                    };
                    differing += wanted.iter().map(differs).sum::<usize>();
                }
            }
        }
        differing
    }

    /// What golden holds, and what it will hold once an owner has followed a decision.
    fn wanted(&self, held: &Entity, attribute: usize) -> Vec<BTreeSet<String>> {
        let unit = u16::try_from(attribute + 1).expect("few attributes");
        let golden = self.golden(held, attribute).into_iter().map(|cell| cell.field).collect();
        let decided = held.decisions.get(&UnitKey::Whole(unit)).map(|decision| vec![decision.chosen.clone()]);
        let fields: Vec<Vec<Field>> = std::iter::once(golden).chain(decided).collect();
        let texts =
            |fields: &Vec<Field>| fields.iter().filter_map(|field| field.as_value().map(str::to_owned)).collect();
        fields.iter().map(texts).collect()
    }

    pub(crate) fn writes(&self) -> usize {
        self.fakes.iter().map(FakeSystem::writes).sum()
    }
}

/// The canonical values of what a record holds of an attribute.
fn values(held: &Json) -> BTreeSet<String> {
    match held {
        Json::String(text) => BTreeSet::from([text.clone()]),
        Json::Array(elements) => elements.iter().filter_map(|element| element.as_str().map(str::to_owned)).collect(),
        Json::Object(members) if members.values().any(|member| !member.is_null()) => {
            BTreeSet::from([json!([members.get("x"), members.get("y")]).to_string()])
        }
        _ => BTreeSet::new(),
    }
}

pub(crate) fn id(entity: usize) -> String {
    format!("r{entity}")
}
