//! The order of arrival decides no link: records of one key are one entity, whoever comes first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use accordant::chrono::{DateTime, TimeDelta};
use accordant::model::{At, EntityModel, SystemObject, TypedAttribute};
use accordant::testing::FakeSystem;
use accordant::{Accordant, ManualClock, RecordRef, SeededEntropy, Tenant};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::json;

/// Two systems that make entities, and two that only join them.
const SYSTEMS: [&str; 4] = ["a", "b", "c", "d"];

fn model() -> EntityModel {
    let mut model = EntityModel::new("thing");
    let mut key = TypedAttribute::<String>::new("key").identity();
    for (place, system) in SYSTEMS.into_iter().enumerate() {
        let object = SystemObject::new(system, "things");
        model.object(if place < 2 { object } else { object.links_only() });
        key = key.at(At::path(system, "key"));
    }
    model.attribute(key);
    model
}

/// A record: its system, its number there, and its key if it has one.
type Record = (usize, usize, Option<u8>);

struct World {
    fakes: Vec<FakeSystem>,
    tenant: Tenant,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)));
        let model = model();
        let fake = |system| FakeSystem::new(system, std::slice::from_ref(&model), &clock);
        let fakes: Vec<FakeSystem> = SYSTEMS.into_iter().map(fake).collect();
        let builder = Accordant::builder().clock(Arc::clone(&clock)).entropy(SeededEntropy::new(1));
        let builder = fakes.iter().cloned().fold(builder, accordant::Builder::connect).entity_model(model.clone());
        let tenant = builder.build().unwrap_or_else(|error| panic!("{error}")).tenant("tenant");
        Self { fakes, tenant }
    }

    fn holds(&self, (system, number, key): Record) {
        let key = key.map_or_else(|| json!({}), |key| json!({ "key": format!("k{key}") }));
        self.fakes[system].edit("things", &number.to_string(), &key);
    }

    fn is_told(&self, (system, number, _): Record) {
        let delivery = self.fakes[system].webhook("things", &number.to_string(), 0);
        block_on(self.tenant.receive(SYSTEMS[system], delivery)).expect("it is taken in");
    }

    /// Which records are one, and which are nobody's.
    fn links(&self, records: &[Record]) -> BTreeSet<(bool, BTreeSet<RecordRef>)> {
        let mut together: BTreeMap<String, (bool, BTreeSet<RecordRef>)> = BTreeMap::new();
        for (system, number, _) in records {
            let record = RecordRef::new(SYSTEMS[*system], "things", &number.to_string());
            let entity = block_on(self.tenant.entity_of(&record)).expect("the store answers");
            let name = entity.map_or_else(|| record.to_string(), |entity| entity.to_string());
            together.entry(name).or_insert_with(|| (entity.is_some(), BTreeSet::new())).1.insert(record);
        }
        let unlinked: BTreeSet<RecordRef> =
            block_on(self.tenant.unlinked()).expect("the list").into_iter().map(|listed| listed.record).collect();
        let alone = together.values().filter(|(linked, _)| !linked).flat_map(|(_, records)| records.clone());
        assert_eq!(alone.collect::<BTreeSet<_>>(), unlinked, "the list is of those that are nobody's");
        let verified = block_on(self.tenant.verify()).expect("the chain holds");
        assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
        together.into_values().collect()
    }
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let keys = proptest::collection::vec(proptest::option::weighted(0.85, 0..3_u8), 1..9);
    (keys, any::<[u8; 9]>()).prop_map(|(keys, systems)| {
        let placed = keys.into_iter().enumerate();
        placed.map(|(number, key)| (usize::from(systems[number]) % SYSTEMS.len(), number, key)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_arrival_gives_the_same_links(
        (records, shuffled) in records().prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle())),
    ) {
        let told = |order: &[Record]| {
            let world = World::new();
            records.iter().for_each(|record| world.holds(*record));
            order.iter().for_each(|record| world.is_told(*record));
            world.links(&records)
        };
        let expected = told(&records);
        prop_assert_eq!(told(&shuffled), expected.clone());
        // And so does a page at a time, those that only join before those that make entities.
        let world = World::new();
        shuffled.iter().for_each(|record| world.holds(*record));
        for system in SYSTEMS.iter().rev() {
            block_on(world.tenant.poll(system)).expect("it is taken in");
        }
        prop_assert_eq!(world.links(&records), expected);
    }
}
