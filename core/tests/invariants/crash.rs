//! 6: whatever the model and wherever processes end, no acknowledged input is lost, no create takes effect twice, and the
//! chain verifies.

use std::sync::Arc;

use accordant::chrono::{DateTime, TimeDelta};
use accordant::connector::CreateSafety;
use accordant::error::Error;
use accordant::plan::Scope;
use accordant::store::{Store as _, Table};
use accordant::testing::{FakeSystem, Watched, entities, journal};
use accordant::{Accordant, Actor, ManualClock, MemoryStore, SeededEntropy, Tenant};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::config;
use crate::fuse::{Fuse, FusedSystem};
use crate::shape::{Design, Kind, design, name};
use crate::world::id;

const DRAIN: u32 = 30;
const ENTITIES: usize = 2;
/// How often plans are made and applied until nothing is owed.
const ROUNDS: usize = 12;

/// What a process does, until its fuse is burnt.
#[derive(Debug, Clone)]
enum Deed {
    /// A person's edit, and its webhook.
    Hear {
        system: usize,
        entity: usize,
        attribute: usize,
    },
    Poll(usize),
    Apply,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..25_usize, 0..ENTITIES, 0..3_usize)
            .prop_map(|(system, entity, attribute)| Deed::Hear { system, entity, attribute }),
        2 => (0..25_usize).prop_map(Deed::Poll),
        3 => Just(Deed::Apply),
    ]
}

/// How long the fuse of each process is, and what it does.
fn lives() -> impl Strategy<Value = Vec<(i64, Vec<Deed>)>> {
    vec((1..60_i64, vec(deed(), 1..8)), 1..4)
}

fn safety() -> impl Strategy<Value = CreateSafety> {
    prop_oneof![
        Just(CreateSafety::RemoteKey),
        Just(CreateSafety::DrainThenConsistentLookup { drain_seconds: DRAIN }),
        Just(CreateSafety::DetectAndMerge),
    ]
}

struct World {
    design: Design,
    fakes: Vec<FakeSystem>,
    store: MemoryStore,
    clock: Arc<ManualClock>,
    processes: u64,
    words: usize,
    /// The words of the webhooks that were answered.
    acknowledged: Vec<String>,
}

impl World {
    /// The first system has every record; two bits of `there` say which of them another has.
    fn begin(design: &Design, there: u64, safeties: &[CreateSafety]) -> Self {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)));
        let models = [design.model_required_everywhere()];
        let fakes: Vec<_> = (0..design.systems).map(|at| FakeSystem::new(&name(at), &models, &clock)).collect();
        for (system, fake) in fakes.iter().enumerate() {
            fake.create_safety_is(safeties[system % safeties.len()]);
            for entity in (0..ENTITIES).filter(|entity| system == 0 || there >> (2 * system + entity) & 1 == 1) {
                fake.edit("things", &id(entity), &json!({ "key": format!("k{entity}") }));
            }
        }
        let store = MemoryStore::new();
        Self { design: design.clone(), fakes, store, clock, processes: 0, words: 0, acknowledged: Vec::new() }
    }

    /// A new process, some time after the last one ended.
    fn open(&mut self, fuse: &Fuse) -> Tenant {
        self.clock.advance(TimeDelta::seconds(i64::from(DRAIN) + 1));
        self.processes += 1;
        let mut builder = Accordant::builder()
            .store(Watched::new(self.store.clone(), fuse.clone()))
            .clock(Arc::clone(&self.clock))
            .entropy(SeededEntropy::new(self.processes))
            .entity_model(self.design.model_required_everywhere());
        for fake in &self.fakes {
            builder = builder.connect(FusedSystem::new(fake, fuse));
        }
        builder.build().unwrap_or_else(|error| panic!("{error:?}")).tenant("tenant")
    }

    fn live(&mut self, tenant: &Tenant, deeds: &[Deed]) -> Result<(), Error> {
        for deed in deeds {
            match deed {
                Deed::Hear { system, entity, attribute } => self.hear(tenant, *system, *entity, *attribute)?,
                Deed::Poll(system) => drop(block_on(tenant.poll(&name(system % self.design.systems)))?),
                Deed::Apply => drop(mend(tenant)?),
            }
            settle(tenant)?;
        }
        Ok(())
    }

    fn hear(&mut self, tenant: &Tenant, system: usize, entity: usize, attribute: usize) -> Result<(), Error> {
        let attribute = attribute % self.design.attributes.len();
        let system = system % self.design.systems;
        let fake = &self.fakes[system];
        if !self.design.maps(attribute, system) || fake.record("things", &id(entity)).is_none() {
            return Ok(());
        }
        let word = format!("word{}!", self.words);
        self.words += 1;
        let leaf = match self.design.attributes[attribute].kind {
            Kind::One => json!(word),
            Kind::Group => json!({ "x": word, "y": word }),
            Kind::Set => json!([word]),
        };
        fake.edit("things", &id(entity), &json!({ format!("a{attribute}"): leaf }));
        let last = fake.versions("things", &id(entity)) - 1;
        let answer = block_on(tenant.receive(&name(system), fake.webhook("things", &id(entity), last)))?;
        assert!(answer.status().is_success(), "a webhook that was taken in is acknowledged");
        self.acknowledged.push(word);
        Ok(())
    }

    /// How many living records of a system carry the key of an entity.
    fn living(&self, system: usize, entity: usize) -> usize {
        let fake = &self.fakes[system];
        let records = fake.ids("things").into_iter().filter_map(|id| fake.record("things", &id));
        records.filter(|record| record["key"] == json!(format!("k{entity}"))).count()
    }
}

/// Plans, approves and applies. Says whether anything was owed.
fn mend(tenant: &Tenant) -> Result<bool, Error> {
    let plan = block_on(tenant.plan(Scope::default()).into_future())?;
    if plan.operations.is_empty() {
        return Ok(false);
    }
    block_on(tenant.approve(plan.hash, &Actor::new("ana")))?;
    drop(block_on(tenant.apply(plan.hash))?);
    Ok(true)
}

fn settle(tenant: &Tenant) -> Result<(), Error> {
    while block_on(tenant.step())?.more() {}
    Ok(())
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn wherever_processes_end_nothing_is_lost_and_nothing_doubled(
        design in design(),
        there in any::<u64>(),
        safeties in vec(safety(), 1..4),
        lives in lives(),
    ) {
        let mut world = World::begin(&design, there, &safeties);
        for (length, deeds) in &lives {
            let fuse = Fuse::of(*length);
            let tenant = world.open(&fuse);
            let ended = world.live(&tenant, deeds);
            prop_assert!(ended.is_ok() || fuse.is_burnt(), "{:?}", ended);
        }
        let tenant = world.open(&Fuse::of(i64::MAX));
        let mut rounds = 0;
        loop {
            for system in 0..design.systems {
                block_on(tenant.poll(&name(system))).expect("a fake system can be polled");
            }
            settle(&tenant).expect("the engine can step");
            if !mend(&tenant).expect("a plan can be made and applied") {
                break;
            }
            settle(&tenant).expect("the engine can step");
            world.clock.advance(TimeDelta::seconds(i64::from(DRAIN) + 1));
            rounds += 1;
            prop_assert!(rounds < ROUNDS, "still planning");
        }
        for system in 0..design.systems {
            for entity in 0..ENTITIES {
                let living = world.living(system, entity);
                prop_assert!(living >= 1, "s{} has no record of k{}", system, entity);
                let doubles = safeties[system % safeties.len()] == CreateSafety::DetectAndMerge;
                prop_assert!(living == 1 || doubles, "s{} has {} records of k{}", system, living, entity);
            }
        }
        prop_assert_eq!(entities(&tenant).len(), ENTITIES, "a double create never becomes a second entity");
        let kept = journal(&tenant).into_iter().filter_map(|(_, payload)| payload);
        let kept: Vec<_> = kept.map(|payload| String::from_utf8_lossy(&payload.bytes).into_owned()).collect();
        for word in &world.acknowledged {
            prop_assert!(kept.iter().any(|payload| payload.contains(word.as_str())), "{} was acknowledged, and is lost", word);
        }
        let outbox = block_on(world.store.scan(tenant.id(), Table::Outbox, "", None, 9)).expect("memory answers");
        prop_assert!(outbox.is_empty(), "an intent that nobody takes up: {:?}", outbox);
        prop_assert!(block_on(tenant.verify()).expect("memory answers").is_clean());
    }
}
