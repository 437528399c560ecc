//! Whoever is told of alerts takes their time, and holds up no work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accordant::alert::{Alert, AlertSink, Measure, Severity, SinkError, Threshold};
use accordant::chrono::TimeDelta;
use accordant::engine::Schedule;
use accordant::{Accordant, SeededEntropy};
use async_trait::async_trait;
use futures::executor::block_on;

use crate::model::{Account, account};
use crate::office::{LEASE, Office};

/// A pager that accepts, and never answers.
struct Hangs(Arc<AtomicUsize>);

#[async_trait]
impl AlertSink for Hangs {
    async fn tell(&self, _: &Alert) -> Result<(), SinkError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

#[test]
fn a_pager_that_hangs_holds_up_no_work() {
    let (office, asked) = (Office::new(), Arc::new(AtomicUsize::new(0)));
    let threshold = Threshold::new(Measure::FailureRate, Severity::Error, 0).unwrap();
    let builder = Accordant::builder()
        .clock(Arc::clone(&office.world.clock))
        .entropy(SeededEntropy::new(1))
        .store(office.world.store.clone())
        .lease(LEASE)
        .schedule(Schedule { scan: None, ..Schedule::default() })
        .connect(office.world.crm.clone())
        .connect(office.world.shop.clone())
        .entity::<Account>()
        .alerts([threshold.lasting(TimeDelta::zero()).unwrap()])
        .alert_sink(Hangs(Arc::clone(&asked)));
    let mut worker = office.worker_with(&builder.build().unwrap());
    office.world.crm.unavailable(true);
    let mut minute = |turns: usize| {
        office.world.clock.advance(TimeDelta::minutes(1));
        for _ in 0..turns {
            block_on(worker.turn()).unwrap();
        }
        worker.worked().taken.observed
    };
    minute(3);
    minute(3);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "it is told, and does not answer");
    let before = minute(3);
    office.world.shop.edit("customers", "1", &account(1));
    assert!(minute(3) > before, "what the shop says is taken in meanwhile");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "and nobody looks again before it has answered");
}
