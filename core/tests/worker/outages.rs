//! Workers that were all away for longer than a surface's horizon: one of them has everything read anew.

use std::sync::Arc;

use accordant::ManualClock;
use accordant::chrono::TimeDelta;
use accordant::clock::Clock as _;
use accordant::connector::{Connector as _, ConnectorError, Cursor, Page};
use accordant::id::SurfaceName;
use accordant::surface::Channel;
use accordant::testing::{FakeSystem, Habits};
use async_trait::async_trait;
use serde_json::json;

use crate::model::journaled;
use crate::office::{Office, until_quiet};

const HORIZON: TimeDelta = TimeDelta::hours(4);

#[test]
fn workers_that_come_after_an_outage_read_everything_anew_once() {
    let office = Office::new();
    let workers = |seeds: [u64; 2]| {
        seeds.map(|seed| {
            let shop = office.world.shop.forgets(Channel::Webhook, HORIZON);
            office.worker_with(&office.accordant(seed, office.world.store.clone(), shop))
        })
    };
    let told = || {
        let tenant = office.tenant();
        (journaled(&office.world.store, &tenant, "outage"), journaled(&office.world.store, &tenant, "pulsed"))
    };
    let mut first = workers([1, 2]);
    until_quiet(&office, &mut first);
    drop(first);
    office.world.clock.advance(HORIZON - TimeDelta::minutes(20));
    let mut second = workers([3, 4]);
    until_quiet(&office, &mut second);
    assert_eq!(told(), (0, 0), "they were away for less");
    drop(second);
    office.world.clock.advance(HORIZON + TimeDelta::minutes(1));
    let mut third = workers([5, 6]);
    until_quiet(&office, &mut third);
    assert_eq!(told(), (1, 1));
    office.world.clock.advance(TimeDelta::minutes(30));
    until_quiet(&office, &mut third);
    assert_eq!(told(), (1, 1));
}

/// A shop that takes long to read.
struct Slow {
    shop: FakeSystem,
    clock: Arc<ManualClock>,
}

#[async_trait]
impl Habits for Slow {
    fn fake(&self) -> &FakeSystem {
        &self.shop
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let scan = self.shop.surfaces().iter().any(|one| one.name == *surface && one.channel == Channel::Scan);
        self.clock.advance(if scan { TimeDelta::minutes(30) } else { TimeDelta::zero() });
        self.shop.read_page(surface, after).await
    }
}

#[test]
fn a_worker_that_reads_everything_anew_for_longer_than_the_horizon_listens_meanwhile() {
    let office = Office::new();
    for number in 0..40 {
        office.world.shop.edit("customers", &number.to_string(), &json!({ "email": format!("{number}@acme.test") }));
    }
    let worker = |seed: u64| {
        let shop = office.world.shop.forgets(Channel::Webhook, HORIZON);
        let shop = Slow { shop, clock: Arc::clone(&office.world.clock) };
        office.worker_with(&office.accordant(seed, office.world.store.clone(), shop))
    };
    let told = || {
        let tenant = office.tenant();
        (journaled(&office.world.store, &tenant, "outage"), journaled(&office.world.store, &tenant, "pulsed"))
    };
    let mut first = [worker(1)];
    until_quiet(&office, &mut first);
    let before = told();
    drop(first);
    office.world.clock.advance(HORIZON + TimeDelta::minutes(1));
    let mut second = [worker(2)];
    let began = office.world.clock.now();
    until_quiet(&office, &mut second);
    assert!(office.world.clock.now() - began > HORIZON.num_milliseconds(), "it took longer than the horizon");
    assert_eq!(told(), (before.0 + 1, before.1 + 1));
}
