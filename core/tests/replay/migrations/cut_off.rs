//! A migration that is cut off at any commit is finished by whoever accepts next, under the same model, and comes to the
//! same; under another model it is not gone on with.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use accordant::error::Error;
use accordant::id::TenantId;
use accordant::store::{MemoryStore, StoreError};
use accordant::testing::{Called, StoreCall, StoreWatch, Watched};
use async_trait::async_trait;
use futures::executor::block_on;

use super::{ana, assert_clean, entities, fill, first, golden, second, under};
use crate::support::clock;

/// Lets so many commits through, and then nothing; or the last of them, whose answer is lost.
#[derive(Clone)]
struct Cut {
    left: Arc<AtomicI64>,
    unheard: bool,
}

#[async_trait]
impl StoreWatch for Cut {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        let commit = matches!(call, StoreCall::Commit(_));
        if self.left.load(Ordering::SeqCst) <= 0 && (commit || self.unheard) {
            return Err(StoreError::Closed);
        }
        Ok(())
    }

    async fn after(&self, _: &TenantId, call: Called<'_>) -> Result<(), StoreError> {
        let last = matches!(call, Called::Commit(_)) && self.left.fetch_sub(1, Ordering::SeqCst) <= 1;
        if last && self.unheard { Err(StoreError::Closed) } else { Ok(()) }
    }
}

const UNITS: [&str; 5] = ["email", "given", "family", "segment", "memo"];

#[test]
fn a_migration_cut_off_at_any_commit_is_gone_on_with() {
    let whole = {
        let (store, clock) = (MemoryStore::new(), clock());
        fill(&under(first(), store.clone(), &clock), &clock);
        let tenant = under(second(), store, &clock);
        block_on(tenant.accept_model(&ana())).unwrap();
        entities(&tenant).map(|id| UNITS.map(|unit| golden(&tenant, id, unit)))
    };
    let mut cut_off = 0;
    for unheard in [false, true] {
        for commits in 0.. {
            let (store, clock) = (MemoryStore::new(), clock());
            fill(&under(first(), store.clone(), &clock), &clock);
            let cut = Cut { left: Arc::new(AtomicI64::new(commits)), unheard };
            let cut = under(second(), Watched::new(store.clone(), cut), &clock);
            let first_try = block_on(cut.accept_model(&ana()));
            if first_try.is_ok() {
                break;
            }
            cut_off += 1;
            // The first version goes on as long as nothing was migrated, and not a step later.
            let back = block_on(under(first(), store.clone(), &clock).accept_model(&ana()));
            let migrating = commits >= 2;
            if migrating {
                // What was cut off behind its last commit is done.
                let done = commits >= 5;
                assert!(done || matches!(back, Err(Error::ModelRefused { .. })), "{commits} commits: {back:?}");
            } else {
                assert!(back.is_ok(), "{commits} commits: {back:?}");
                assert_clean(&under(first(), store.clone(), &clock));
            }
            let tenant = under(second(), store.clone(), &clock);
            block_on(tenant.accept_model(&ana())).unwrap();
            assert_clean(&tenant);
            let came_to = entities(&tenant).map(|id| UNITS.map(|unit| golden(&tenant, id, unit)));
            assert_eq!(came_to, whole, "cut off after {commits} commits, unheard: {unheard}");
        }
    }
    assert!(cut_off >= 8, "{cut_off}");
}
