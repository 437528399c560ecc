//! Whoever is told of alerts takes their time, and holds up no work.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use accordant::alert::{Alert, AlertSink, Change, Measure, Severity, SinkError, Threshold};
use accordant::chrono::TimeDelta;
use accordant::engine::{Builder, Schedule};
use accordant::store::StoreError;
use accordant::testing::{StoreCall, StoreWatch, Watched};
use accordant::{Accordant, SeededEntropy, TenantId};
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

/// A pager that answers.
struct Hears(Arc<Mutex<Vec<Change>>>);

#[async_trait]
impl AlertSink for Hears {
    async fn tell(&self, alert: &Alert) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(alert.change);
        Ok(())
    }
}

/// A store that answers each call when it is asked once more, as one behind a socket does.
struct Elsewhere;

#[async_trait]
impl StoreWatch for Elsewhere {
    async fn before(&self, _: &TenantId, _: StoreCall<'_>) -> Result<(), StoreError> {
        let mut asked = false;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if std::mem::replace(&mut asked, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Ok(())
    }
}

fn alerting(office: &Office) -> Builder {
    let threshold = Threshold::new(Measure::FailureRate, Severity::Error, 0).unwrap();
    Accordant::builder()
        .clock(Arc::clone(&office.world.clock))
        .entropy(SeededEntropy::new(1))
        .store(Watched::new(office.world.store.clone(), Elsewhere))
        .lease(LEASE)
        .schedule(Schedule { scan: None, ..Schedule::default() })
        .connect(office.world.crm.clone())
        .connect(office.world.shop.clone())
        .entity::<Account>()
        .alerts([threshold.lasting(TimeDelta::zero()).unwrap()])
}

#[test]
fn a_pager_that_hangs_keeps_no_other_from_hearing() {
    let (office, heard, asked) = (Office::new(), Arc::default(), Arc::new(AtomicUsize::new(0)));
    let sinks = alerting(&office).alert_sink(Hangs(Arc::clone(&asked))).alert_sink(Hears(Arc::clone(&heard)));
    let mut worker = office.worker_with(&sinks.build().unwrap());
    let mut minutes = |minutes: usize| {
        for _ in 0..minutes {
            office.world.clock.advance(TimeDelta::minutes(1));
            // One turn hears that it is down, and the next one tells.
            for _ in 0..2 {
                block_on(worker.turn()).unwrap();
            }
        }
        std::mem::take(&mut *heard.lock().unwrap())
    };
    office.world.crm.unavailable(true);
    assert_eq!(minutes(2), [Change::Raised]);
    office.world.crm.unavailable(false);
    assert_eq!(minutes(10), [Change::Resolved]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_pager_that_hangs_holds_up_no_work() {
    let (office, asked) = (Office::new(), Arc::new(AtomicUsize::new(0)));
    let mut worker = office.worker_with(&alerting(&office).alert_sink(Hangs(Arc::clone(&asked))).build().unwrap());
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
