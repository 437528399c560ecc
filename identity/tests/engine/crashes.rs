//! A process that dies at any commit of matching, before it or right after it: the next one ends where an undisturbed one would have.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use accordant::MemoryStore;
use accordant::id::TenantId;
use accordant::store::StoreError;
use accordant::testing::{Called, StoreCall, StoreWatch, Story, Watched};
use async_trait::async_trait;
use futures::executor::block_on;

use crate::world::{Customer, ana, groups, matched, matches, records, settled, told};

/// Fails at a commit, and from then on, until it is mended.
#[derive(Clone)]
struct Failing(Arc<Inner>);

struct Inner {
    commits_left: AtomicUsize,
    /// Whether the commit at which it fails is durable all the same.
    durable: AtomicBool,
}

impl Failing {
    fn store() -> (Watched<MemoryStore, Self>, Self) {
        let inner = Inner { commits_left: AtomicUsize::new(usize::MAX), durable: AtomicBool::new(false) };
        let watch = Self(Arc::new(inner));
        (Watched::new(MemoryStore::new(), watch.clone()), watch)
    }

    fn fail_after(&self, commits: usize, durable: bool) {
        self.0.durable.store(durable, Ordering::SeqCst);
        self.0.commits_left.store(commits, Ordering::SeqCst);
    }

    /// Says whether it had failed.
    fn mend(&self) -> bool {
        self.0.commits_left.swap(usize::MAX, Ordering::SeqCst) == 0
    }

    fn left(&self) -> usize {
        self.0.commits_left.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl StoreWatch for Failing {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        match self.left() {
            0 => Err(StoreError::Closed),
            1 if !self.0.durable.load(Ordering::SeqCst) && matches!(call, StoreCall::Commit(_)) => {
                self.0.commits_left.store(0, Ordering::SeqCst);
                Err(StoreError::Closed)
            }
            _ => Ok(()),
        }
    }

    async fn after(&self, _: &TenantId, call: Called<'_>) -> Result<(), StoreError> {
        if !matches!(call, Called::Commit(_)) || self.left() == usize::MAX {
            return Ok(());
        }
        let left = self.0.commits_left.fetch_sub(1, Ordering::SeqCst);
        if left == 1 { Err(StoreError::Closed) } else { Ok(()) }
    }
}

#[test]
fn a_process_that_dies_at_any_commit_is_no_other() {
    let records = records(110, 41);
    let run = |dies: Option<(usize, bool)>| {
        let (store, failing) = Failing::store();
        let story = Story::of::<Customer>().configure(|builder| matched(builder.store(store)));
        let mut story = told(story, &records);
        let tenant = story.tenant();
        if let Some((commits, durable)) = dies {
            failing.fail_after(commits, durable);
        }
        let mut died = block_on(tenant.train_matcher("customer", &ana())).is_err();
        for _ in 0..200 {
            match block_on(tenant.step()) {
                Ok(stepped) if !stepped.more() => break,
                Ok(_) => {}
                Err(_) => {
                    died = true;
                    break;
                }
            }
        }
        assert_eq!(failing.mend(), died);
        if died {
            // Another process takes over: it knows what is stored, and nothing else. It trains if nobody did.
            let trained = block_on(tenant.match_records()).is_ok();
            assert!(trained, "it goes on");
            settled(&tenant);
            if groups(&tenant).len() == records.len() {
                block_on(tenant.train_matcher("customer", &ana())).expect("they tell something");
            }
            settled(&tenant);
        }
        assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
        let cases: Vec<_> = matches(&tenant).into_iter().map(|case| case.records).collect();
        (groups(&tenant), cases, died)
    };
    let (expected, cases, _) = run(None);
    assert!(expected.len() < records.len(), "something is linked");
    for commits in [1, 2, 3, 5, 9, 17] {
        for durable in [false, true] {
            let (found, asked, died) = run(Some((commits, durable)));
            assert_eq!((&found, &asked), (&expected, &cases), "at commit {commits}, durable: {durable}");
            if !died {
                return;
            }
        }
    }
}
