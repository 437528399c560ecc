//! Bells: what comes in wakes the run of its tenant, in the same process. Whoever hears of it in no other way finds it when its
//! sleep is over.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::id::TenantId;

/// One bell per tenant.
#[derive(Debug, Default)]
pub(crate) struct Bells(Mutex<BTreeMap<TenantId, Bell>>);

#[derive(Debug, Default)]
struct Bell {
    /// How often it rang.
    rung: u64,
    /// Who is to be woken.
    asleep: Vec<Waker>,
}

impl Bells {
    fn held(&self) -> MutexGuard<'_, BTreeMap<TenantId, Bell>> {
        // A count and wakers are whole at any point, so a poisoned lock guards whole bells.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever waits for news of a tenant.
    pub(crate) fn ring(&self, tenant: &TenantId) {
        let asleep = {
            let mut bells = self.held();
            // Nobody listens: nothing is kept for a tenant that no run waits for.
            let Some(bell) = bells.get_mut(tenant) else { return };
            bell.rung = bell.rung.wrapping_add(1);
            std::mem::take(&mut bell.asleep)
        };
        asleep.into_iter().for_each(Waker::wake);
    }

    /// How often a tenant's bell rang, from now on.
    pub(crate) fn rung(&self, tenant: &TenantId) -> u64 {
        self.held().entry(tenant.clone()).or_default().rung
    }

    /// Waits until a tenant's bell has rung since it had rung so often.
    pub(crate) async fn since(&self, tenant: &TenantId, heard: u64) {
        std::future::poll_fn(|context| {
            let mut bells = self.held();
            let bell = bells.entry(tenant.clone()).or_default();
            if bell.rung != heard {
                return Poll::Ready(());
            }
            // One task waits again and again, and is woken once.
            if !bell.asleep.iter().any(|waker| waker.will_wake(context.waker())) {
                bell.asleep.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}
