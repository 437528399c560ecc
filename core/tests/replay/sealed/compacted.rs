//! Erasures under a seal, where tombstones went and the journal begins later: what once belonged to whom is still known.

use accordant::checkpoint::Ed25519Key;
use accordant::clock::ManualClock;
use accordant::engine::{Retention, Tenant};
use accordant::seal::{MemoryKeys, SealError};
use accordant::store::{MemoryStore, Store};
use accordant::{EntityId, RecordRef};
use chrono::TimeDelta;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use super::Copy;
use crate::erasure::canaries;
use crate::support::{SYSTEMS, Said, Variant, assert_clean, by, clock, configured, record, says};

const YEAR: TimeDelta = TimeDelta::days(365);

/// A sealed tenant that keeps tombstones for ninety days and its journal for a year.
fn kept(store: impl Store, keys: MemoryKeys, clock: &std::sync::Arc<ManualClock>) -> Tenant {
    let retention = Retention { tombstones: Some(TimeDelta::days(90)), journal: Some(YEAR), ..Retention::default() };
    let key = Ed25519Key::from_seed("2026", &[1; 32]).unwrap();
    let configured = configured(Variant::default(), store, clock, 7).checkpoint_keys(key).retention(retention);
    configured.sealed(keys).build().unwrap().tenant("acme")
}

async fn days(tenant: &Tenant, clock: &ManualClock, days: i64) {
    clock.advance(TimeDelta::days(days));
    while tenant.step().await.unwrap().more() {}
}

async fn of(tenant: &Tenant, system: usize, id: &str) -> EntityId {
    tenant.entity_of(&RecordRef::new(SYSTEMS[system].0, SYSTEMS[system].1, id)).await.unwrap().unwrap()
}

/// Lets the journal begin behind everything that happened.
async fn compacted(tenant: &Tenant, clock: &ManualClock) {
    tenant.checkpoint(&by()).await.unwrap();
    clock.advance(YEAR);
    assert!(tenant.compact(&by()).await.unwrap().begins.is_some());
    assert_clean(tenant, "after the compaction").await;
}

#[test]
fn an_erasure_finds_the_keys_of_records_whose_tombstones_went() {
    let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
    let tenant = kept(store.clone(), keys.clone(), &clock);
    block_on(async {
        let ana = json!({ "email": "ana@canary.test", "name": "canary-Ana" });
        for (system, _) in SYSTEMS {
            says(&tenant, system, &[record("1", 1, ana.clone())]).await.unwrap();
        }
        let one = of(&tenant, 0, "1").await;
        for (system, _) in SYSTEMS {
            says(&tenant, system, &[Said { kind: "deleted".into(), ..record("1", 2, Json::Null) }]).await.unwrap();
        }
        let copy = Copy::of(&store).await;
        assert!(canaries(&copy.read(&keys).await.0).len() > 6);
        days(&tenant, &clock, 1).await;
        days(&tenant, &clock, 91).await;
        assert!(tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().is_none(), "it is let go");
        compacted(&tenant, &clock).await;
        tenant.erase(one, &by(), "request 7").await.unwrap();
        let (left, gone) = copy.read(&keys).await;
        assert_eq!(canaries(&left), Vec::<&String>::new());
        assert!(gone.iter().all(|error| matches!(error, SealError::KeyGone { .. })), "{gone:?}");
        assert_clean(&tenant, "after the erasure").await;
    });
}

/// A record that was hers and is Ben's by now: what it said while it was hers is read in no copy, whether or not the journal begins
/// later.
#[test]
fn an_erasure_finds_the_keys_of_what_left_before_the_journal_begins() {
    left_before(false);
    left_before(true);
}

fn left_before(compacts: bool) {
    let (clock, store, keys) = (clock(), MemoryStore::new(), MemoryKeys::new());
    let tenant = kept(store.clone(), keys.clone(), &clock);
    block_on(async {
        let said = |mail: &str, name: &str| json!({ "email": mail, "name": name });
        says(&tenant, "crm", &[record("1", 1, said("ana@canary.test", "canary-Ana"))]).await.unwrap();
        says(&tenant, "crm", &[record("2", 1, said("ben@acme.test", "Ben"))]).await.unwrap();
        says(&tenant, "shop", &[record("1", 1, said("ana@canary.test", "canary-Anna"))]).await.unwrap();
        let (one, ben) = (of(&tenant, 0, "1").await, of(&tenant, 0, "2").await);
        let copy = Copy::of(&store).await;
        let shop = RecordRef::new("shop", "customers", "1");
        tenant.unlink(one, &shop, &by(), "not hers").await.unwrap();
        says(&tenant, "shop", &[record("1", 2, said("ben@acme.test", "Benedict"))]).await.unwrap();
        if of(&tenant, 1, "1").await != ben {
            tenant.link(ben, &shop, &by()).await.unwrap();
        }
        if compacts {
            compacted(&tenant, &clock).await;
        }
        let erased = tenant.erase(one, &by(), "request 7").await.unwrap();
        assert!(erased.elsewhere.contains(&shop), "{erased:?}");
        let (left, _) = copy.read(&keys).await;
        assert_eq!(canaries(&left), Vec::<&String>::new());
        assert_clean(&tenant, "after the erasure").await;
    });
}
