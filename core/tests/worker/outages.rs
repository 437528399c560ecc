//! Workers that were all away for longer than a surface's horizon: one of them has everything read anew.

use accordant::chrono::TimeDelta;
use accordant::connector::{
    Connector, ConnectorError, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey, Verified, Write,
    WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::surface::{Channel, Surface};
use accordant::testing::FakeSystem;
use async_trait::async_trait;

use crate::model::journaled;
use crate::office::{Office, until_quiet};

const HORIZON: TimeDelta = TimeDelta::hours(4);

/// The shop, which goes on with what nobody hears for the horizon.
struct Pushes {
    fake: FakeSystem,
    surfaces: Vec<Surface>,
}

impl Pushes {
    fn new(fake: &FakeSystem) -> Self {
        let mut surfaces = fake.surfaces().to_vec();
        for surface in surfaces.iter_mut().filter(|surface| surface.channel == Channel::Webhook) {
            surface.semantics.unrecoverable_after = Some(HORIZON);
        }
        Self { fake: fake.clone(), surfaces }
    }
}

#[async_trait]
impl Connector for Pushes {
    fn system(&self) -> &str {
        self.fake.system()
    }
    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }
    fn create_safety(&self) -> CreateSafety {
        self.fake.create_safety()
    }
    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        self.fake.verify(delivery)
    }
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        self.fake.read_page(surface, after).await
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.fake.read_records(keys).await
    }
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        self.fake.write_batch(writes).await
    }
}

#[test]
fn workers_that_come_after_an_outage_read_everything_anew_once() {
    let office = Office::new();
    let workers = |seeds: [u64; 2]| {
        seeds.map(|seed| {
            let shop = Pushes::new(&office.world.shop);
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
