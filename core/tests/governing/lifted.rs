//! Whoever was lifted is somebody new, and may be erased anew.

use std::collections::BTreeSet;

use accordant::store::MemoryStore;
use accordant::{EntityId, RecordRef};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::erasing::{assert_gone, happened};
use crate::histories::{Step, canary, step};
use crate::people::dump;
use crate::support::{SYSTEMS, assert_clean, by, nth, record, says};

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// After any history, as often as they ask: what keeps them away goes, their records are somebody's whom nobody was before, and what
    /// those say by then goes with the next erasure.
    #[test]
    fn whoever_was_lifted_is_somebody_new_and_is_erased_anew(
        before in vec(step(), 1..12), place in 0usize..6, times in 1usize..4,
    ) {
        // Who speaks of a record that was merged away means another.
        let before: Vec<Step> = before.into_iter().filter(|step| !matches!(step, Step::Merged { .. })).collect();
        let (_, store, tenant) = block_on(happened(&before, MemoryStore::new()));
        block_on(async {
            let Some(first) = nth(&tenant, place).await else { return Ok(()) };
            let mut known: BTreeSet<EntityId> = tenant.replay().await.unwrap().entities.into_keys().collect();
            let mut erased = tenant.erase(first, &by(), "request 7").await.unwrap();
            let of_system = |record: &RecordRef| {
                let (name, _) = SYSTEMS.iter().find(|(name, _)| record.connection.as_str() == *name)?;
                Some((*name, record.clone()))
            };
            let records: Vec<(&str, RecordRef)> = erased.records.iter().filter_map(of_system).collect();
            if records.is_empty() {
                return Ok(());
            }
            let mut id = first;
            for time in 0..times {
                let at = 1_000 + 10 * i64::try_from(time).unwrap();
                let said = |record_of: &RecordRef| {
                    let name = format!("{}{time}", canary(record_of));
                    record(&record_of.id, at, json!({ "email": format!("canary-{time}@acme.test"), "name": name }))
                };
                for (system, record) in &records {
                    says(&tenant, system, &[said(record)]).await.unwrap();
                    prop_assert_eq!(tenant.entity_of(record).await.unwrap(), None, "they are away");
                }
                prop_assert!(tenant.lift_suppression(id, &by(), "they asked").await.unwrap() > 0);
                prop_assert_eq!(tenant.lift_suppression(id, &by(), "they asked").await.unwrap(), 0, "once is enough");
                let mut new = BTreeSet::new();
                for (system, record) in &records {
                    says(&tenant, system, &[said(record)]).await.unwrap();
                    new.extend(tenant.entity_of(record).await.unwrap());
                }
                assert_clean(&tenant, "they are back").await;
                prop_assert!(!new.is_empty() && new.is_disjoint(&known), "{new:?} of {known:?}");
                known.extend(&new);
                for one in new {
                    erased = tenant.erase(one, &by(), "request 8").await.unwrap();
                    assert_gone(&dump(&store, "acme").await, &erased, "erased anew");
                    id = one;
                }
                assert_clean(&tenant, "erased anew").await;
            }
            Ok(())
        })?;
    }
}
