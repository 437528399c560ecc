//! A store that cannot be reached at any one point of a turn: the turn is taken again, and nothing is lost or done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use accordant::chrono::TimeDelta;
use accordant::id::TenantId;
use accordant::store::{StoreError, StoreFault};
use accordant::testing::{Called, StoreCall, StoreWatch, Watched};
use async_trait::async_trait;
use futures::FutureExt as _;
use futures::executor::block_on;

use crate::office::{LEASE, Office, until_quiet};

/// Fails one call, counted down to: before it happens, or after it happened unheard.
struct Failing {
    left: Arc<AtomicI64>,
    fault: StoreFault,
}

impl Failing {
    fn call(&self) -> Result<(), StoreError> {
        let now = self.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if now { Err(StoreError::database("do it", self.fault, "the test says so")) } else { Ok(()) }
    }
}

#[async_trait]
impl StoreWatch for Failing {
    async fn before(&self, _: &TenantId, _: StoreCall<'_>) -> Result<(), StoreError> {
        self.call()
    }

    async fn after(&self, _: &TenantId, call: Called<'_>) -> Result<(), StoreError> {
        if matches!(call, Called::Commit(_)) { self.call() } else { Ok(()) }
    }
}

#[test]
fn a_store_that_fails_once_anywhere_loses_and_doubles_nothing() {
    let mut point = 0;
    loop {
        let office = Office::new();
        let left = Arc::new(AtomicI64::new(-1));
        let fault = [StoreFault::Unavailable, StoreFault::Full, StoreFault::ReadOnly][point as usize % 3];
        let store = Watched::new(office.world.store.clone(), Failing { left: Arc::clone(&left), fault });
        let mut worker = office.worker_with(&office.accordant(1, store, office.world.shop.clone()));
        office.allow_everything();
        until_quiet(&office, std::slice::from_mut(&mut worker));
        for number in 1..=2 {
            office.comes(number);
        }
        left.store(point, Ordering::SeqCst);
        for _ in 0..12 {
            let turn = block_on(worker.turn());
            assert!(turn.is_ok() || left.load(Ordering::SeqCst) < 0, "{turn:?}");
            office.world.clock.advance(TimeDelta::seconds(6));
        }
        let reached = left.swap(-1, Ordering::SeqCst) < 0;
        office.world.clock.advance(LEASE + TimeDelta::seconds(1));
        until_quiet(&office, std::slice::from_mut(&mut worker));
        assert_eq!(office.balance_in_shop(), ["100.00", "100.00"], "failed at {point}");
        assert_eq!(office.world.shop.writes(), 2, "failed at {point}");
        assert_eq!(worker.worked().failed_turns, usize::from(reached), "failed at {point}");
        office.is_clean();
        if !reached {
            break;
        }
        point += 1;
    }
    assert!(point > 100, "{point}");
}

#[test]
fn a_worker_waits_for_what_passes_and_ends_by_what_does_not() {
    for (fault, waits) in [
        (StoreFault::Unavailable, true),
        (StoreFault::Full, true),
        (StoreFault::ReadOnly, true),
        (StoreFault::Denied, false),
    ] {
        let office = Office::new();
        let left = Arc::new(AtomicI64::new(0));
        let store = Watched::new(office.world.store.clone(), Failing { left, fault });
        let worker = office.worker_with(&office.accordant(1, store, office.world.shop.clone()));
        let (mut told, mut pauses) = (0, Vec::new());
        let (stop, stopped) = futures::channel::oneshot::channel::<()>();
        let mut stop = Some(stop);
        let sleep = |pause: TimeDelta| {
            pauses.push(pause);
            if pauses.len() == 3 {
                drop(stop.take());
            }
            std::future::ready(())
        };
        let ran = block_on(worker.run(sleep, stopped.map(|_| ()), |_| told += 1));
        assert_eq!((ran.is_ok(), told), (waits, usize::from(waits)), "{fault}: {ran:?}");
    }
}
