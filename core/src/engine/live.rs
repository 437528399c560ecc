//! Live work: how many calls everything but checks made of connections that have a budget, until they are in its account. In
//! memory: of a process that ends, those since its last round of checks are not counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::{ConnectionName, TenantId};

/// Calls that are made within so long are taken for made together, in milliseconds.
const TOGETHER: i64 = 1_000;

/// How many such times are told apart: beyond, the earliest are taken for made later.
const MOST: usize = 600;

/// Calls, by when they were made.
type Calls = BTreeMap<i64, u32>;

/// The calls of live work that are in no account yet.
#[derive(Debug, Default)]
pub(crate) struct LiveCalls(Mutex<BTreeMap<(TenantId, ConnectionName), Calls>>);

impl LiveCalls {
    fn held(&self) -> MutexGuard<'_, BTreeMap<(TenantId, ConnectionName), Calls>> {
        // Counts are added one by one, and a lost one is only a count.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Live work made so many calls.
    pub(crate) fn note(&self, tenant: &TenantId, name: &ConnectionName, now: i64, calls: usize) {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        if calls == 0 {
            return;
        }
        let mut held = self.held();
        let made = held.entry((tenant.clone(), name.clone())).or_default();
        let at = made.entry(now - now.rem_euclid(TOGETHER)).or_default();
        *at = at.saturating_add(calls);
        if made.len() > MOST
            && let Some((_, earliest)) = made.pop_first()
            && let Some(mut next) = made.first_entry()
        {
            *next.get_mut() = next.get().saturating_add(earliest);
        }
    }

    /// The calls that were made, the earliest first.
    pub(crate) fn made(&self, tenant: &TenantId, name: &ConnectionName) -> Vec<(i64, u32)> {
        let held = self.held();
        held.get(&(tenant.clone(), name.clone())).into_iter().flatten().map(|(at, calls)| (*at, *calls)).collect()
    }

    /// Those calls are in an account by now.
    pub(crate) fn counted(&self, tenant: &TenantId, name: &ConnectionName, calls: &[(i64, u32)]) {
        let mut left = calls.iter().fold(0_u32, |sum, (_, calls)| sum.saturating_add(*calls));
        let mut held = self.held();
        let place = (tenant.clone(), name.clone());
        let Some(made) = held.get_mut(&place) else { return };
        // The earliest first: what was made meanwhile is later.
        while left > 0
            && let Some(mut earliest) = made.first_entry()
        {
            let taken = left.min(*earliest.get());
            left -= taken;
            *earliest.get_mut() -= taken;
            if *earliest.get() == 0 {
                earliest.remove();
            }
        }
        if made.is_empty() {
            held.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told_no_more_and_what_came_meanwhile_is() {
        let (live, tenant, crm) = (LiveCalls::default(), TenantId::new("acme"), ConnectionName::new("crm"));
        live.note(&tenant, &crm, 1_200, 2);
        live.note(&tenant, &crm, 1_900, 3);
        live.note(&tenant, &crm, 5_000, 0);
        let made = live.made(&tenant, &crm);
        assert_eq!(made, [(1_000, 5)]);
        live.note(&tenant, &crm, 1_950, 1);
        live.note(&tenant, &crm, 7_000, 4);
        live.counted(&tenant, &crm, &made);
        assert_eq!(live.made(&tenant, &crm), [(1_000, 1), (7_000, 4)]);
        assert_eq!(live.made(&TenantId::new("other"), &crm), []);
    }

    #[test]
    fn however_long_nothing_is_counted_it_stays_small_and_no_call_is_lost() {
        let (live, tenant, crm) = (LiveCalls::default(), TenantId::new("acme"), ConnectionName::new("crm"));
        for second in 0..10_000 {
            live.note(&tenant, &crm, second * 1_000, 1);
        }
        let made = live.made(&tenant, &crm);
        assert_eq!((made.len(), made.iter().map(|(_, calls)| calls).sum::<u32>()), (MOST, 10_000));
        live.counted(&tenant, &crm, &made);
        assert_eq!(live.made(&tenant, &crm), []);
    }
}
