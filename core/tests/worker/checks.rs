//! Checks of a connection are one worker's; what the others take of its budget counts too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accordant::check::{Budget, Priority};
use accordant::chrono::{NaiveTime, TimeDelta};
use accordant::connector::{Connector as _, ConnectorError, ReadAnswer, RecordKey};
use accordant::engine::{Checks, Schedule};
use accordant::testing::{FakeSystem, Habits};
use accordant::{Accordant, SeededEntropy, Worker};
use async_trait::async_trait;
use futures::executor::block_on;

use crate::model::{Account, account};
use crate::office::{LEASE, Office, until_quiet};

/// The CRM, as one worker reads it.
struct Counted {
    fake: FakeSystem,
    read: Arc<AtomicUsize>,
}

#[async_trait]
impl Habits for Counted {
    fn fake(&self) -> &FakeSystem {
        &self.fake
    }
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.read.fetch_add(keys.len(), Ordering::SeqCst);
        self.fake.read_records(keys).await
    }
}

const A_DAY: u32 = 320;

fn worker(office: &Office, seed: u64, read: &Arc<AtomicUsize>) -> Worker {
    let midnight = NaiveTime::MIN;
    let budget = Budget::new(1_000, TimeDelta::hours(1)).and_then(|budget| budget.reserving(0)?.daily(A_DAY, midnight));
    let checks = Checks::new().budget("crm", budget.unwrap()).priority_of::<Account>(Priority::Critical);
    let never = TimeDelta::days(90);
    let builder = Accordant::builder()
        .clock(Arc::clone(&office.world.clock))
        .entropy(SeededEntropy::new(seed))
        .store(office.world.store.clone())
        .lease(LEASE)
        .schedule(Schedule { poll: never, scan: None, ..Schedule::default() })
        .connect(Counted { fake: office.world.crm.clone(), read: Arc::clone(read) })
        .connect(office.world.shop.clone())
        .entity::<Account>()
        .checks(checks);
    office.worker_with(&builder.build().unwrap())
}

#[test]
fn what_every_worker_takes_of_a_budget_is_counted_by_whoever_verifies() {
    let office = Office::new();
    for number in 0..150 {
        office.world.crm.edit("accounts", &number.to_string(), &account(number));
    }
    let read = [Arc::default(), Arc::default()];
    let mut workers = [worker(&office, 1, &read[0]), worker(&office, 2, &read[1])];
    until_quiet(&office, &mut workers);
    let of_one = |place: usize| read[place].load(Ordering::SeqCst);
    // In the evening of the next day: what was polled counted for the first.
    office.world.clock.advance(TimeDelta::hours(37));
    until_quiet(&office, &mut workers);
    let verified = of_one(0) + of_one(1);
    assert_eq!(verified, 150, "each was due");
    let door = office.tenant();
    for number in 0..100 {
        block_on(door.receive("crm", office.world.crm.hint_webhook("accounts", &number.to_string()))).unwrap();
    }
    // Nobody is away for so long that another has its share.
    for _ in 0..80 {
        for worker in &mut workers {
            block_on(worker.turn()).unwrap();
        }
        office.world.clock.advance(TimeDelta::minutes(1));
    }
    // An hour later all are due again, and of the budget of the day 70 calls are left.
    assert!(of_one(0) >= 20 && of_one(1) >= 20, "both read: {read:?}");
    assert_eq!(of_one(0) + of_one(1), A_DAY as usize, "{read:?}");
}
