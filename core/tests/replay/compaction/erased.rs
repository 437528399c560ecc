//! Erasures between a checkpoint and the day on which the journal begins there.

use accordant::id::{EntityId, RecordRef};
use accordant::store::MemoryStore;
use futures::executor::block_on;
use serde_json::json;

use super::{YEAR, a_year, by};
use crate::support::{assert_clean, clock, record, says};

/// Ana was one with Eva for a while, and a record of hers is Ben's by now: her erasure takes from before the checkpoint what they
/// share with her, and tells them anew behind it.
#[test]
fn who_shares_a_history_with_the_erased_does_not_keep_the_journal() {
    for decided in [false, true] {
        let (clock, store) = (clock(), MemoryStore::new());
        let tenant = a_year(store, &clock, 7);
        block_on(async {
            let said =
                |id: &str, name: &str| record(id, 1, json!({ "email": format!("{id}@acme.test"), "name": name }));
            says(&tenant, "crm", &[said("1", "Ana"), said("2", "Eva"), said("3", "Ben")]).await.unwrap();
            says(&tenant, "shop", &[said("7", "Ana")]).await.unwrap();
            let crm = |id: &str| RecordRef::new("crm", "contacts", id);
            let mut ids = Vec::<EntityId>::new();
            for id in ["1", "2", "3"] {
                ids.push(tenant.entity_of(&crm(id)).await.unwrap().unwrap());
            }
            let [ana, eva, ben] = ids[..] else { panic!("three: {ids:?}") };
            let shop = RecordRef::new("shop", "customers", "7");
            tenant.link(ana, &shop, &by()).await.unwrap();
            tenant.merge(eva, ana, &by()).await.unwrap();
            tenant.unmerge(ana, &by()).await.unwrap();
            tenant.link(ben, &shop, &by()).await.unwrap();
            if decided {
                tenant.enter_erased(ben, "fax", Some("5"), &by(), "").await.unwrap();
            }
            let made = tenant.checkpoint(&by()).await.unwrap();
            tenant.erase(ana, &by(), "request 7").await.unwrap();
            assert_clean(&tenant, "after the erasure").await;
            clock.advance(YEAR);
            let done = tenant.compact(&by()).await.unwrap();
            assert_eq!(done.kept, Vec::new());
            assert_eq!(done.begins, Some(made));
            assert_clean(&tenant, "where the journal begins").await;
        });
    }
}
