//! Tenants: two of one store with the same ids, and neither is changed by what the other does.

use accordant::store::MemoryStore;
use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::histories::{Gone, Step, governed, take};
use crate::people::dump;
use crate::support::{Variant, clock, open};

/// What is stored of a tenant of this name after a history, while another of the same store lives through its own in between.
async fn stored(history: &[Step], beside: Option<(&[Step], &[bool])>) -> String {
    let store = MemoryStore::new();
    let (clock, other_clock) = (clock(), clock());
    let tenant = open(Variant::default(), store.clone(), &clock, 7).tenant("acme");
    let other = open(Variant::default(), store.clone(), &other_clock, 7).tenant("acme2");
    let (mut gone, mut other_gone) = (Gone::default(), Gone::default());
    let (others, turns) = beside.unwrap_or((&[], &[]));
    let (mut others, mut turns) = (others.iter().enumerate(), turns.iter().copied().cycle());
    for (round, step) in history.iter().enumerate() {
        while turns.next().unwrap_or(false) {
            let Some((round, step)) = others.next() else { break };
            take(&other, step, round, &mut other_gone).await;
            other_clock.advance(TimeDelta::seconds(1));
        }
        take(&tenant, step, round, &mut gone).await;
        clock.advance(TimeDelta::seconds(1));
    }
    let verified = tenant.verify().await.unwrap();
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    dump(&store, "acme").await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// In whatever order both act: links, merges, erasures and what is lifted, of the same ids.
    #[test]
    fn what_one_tenant_does_is_nothing_to_another(
        history in governed(), others in governed(), turns in vec(any::<bool>(), 1..20),
    ) {
        let alone = block_on(stored(&history, None));
        let beside = block_on(stored(&history, Some((&others, &turns))));
        prop_assert_eq!(alone, beside);
    }
}
