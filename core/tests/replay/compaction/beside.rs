//! Others at work while somebody compacts, and somebody who reads while others compact.

use std::sync::{Arc, Mutex};

use accordant::clock::ManualClock;
use accordant::engine::{CaseFilter, CaseKind, Tenant};
use accordant::id::TenantId;
use accordant::store::{MemoryStore, RowKey, Store, StoreError, Table};
use accordant::testing::{StoreCall, StoreWatch, Watched};
use accordant::transfer::{TransferError, export};
use async_trait::async_trait;
use chrono::TimeDelta;
use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt as _};
use serde_json::Value as Json;

use super::{YEAR, a_year, by, kept_for, key, told_twice};
use crate::erasure::{canaries, town};
use crate::support::{Variant, acme, assert_clean, clock, configured, dump};

/// Somebody who does something before the first call that is meant.
struct Meanwhile {
    before: fn(&StoreCall<'_>) -> bool,
    does: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Meanwhile {
    fn new(before: fn(&StoreCall<'_>) -> bool, does: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { before, does: Mutex::new(Some(does.boxed())) }
    }
}

#[async_trait]
impl StoreWatch for Meanwhile {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        let due = (self.before)(&call);
        let does = due.then(|| self.does.lock().unwrap().take()).flatten();
        if let Some(does) = does {
            does.await;
        }
        Ok(())
    }
}

/// What is noted while a checkpoint is written is told in it, about whom it is about.
#[test]
fn what_is_noted_while_a_checkpoint_is_made_goes_with_the_person() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        let (one, _) = town(&tenant).await;
        let cases = tenant.open_cases(&CaseFilter::default(), None, 100).await.unwrap().cases;
        assert!(!cases.is_empty());
        let (other, noted) = (tenant.clone(), cases.clone());
        let does = async move {
            for case in noted {
                other.comment(&case.key, "canary: she called", &by()).await.unwrap();
                if case.kind != CaseKind::Discrepancy {
                    other.close_case(&case.key, &by(), "dealt with").await.unwrap();
                }
            }
        };
        let watch = Meanwhile::new(|call| matches!(call, StoreCall::Scan(Table::Representation)), does);
        a_year(Watched::new(store.clone(), watch), &clock, 8).checkpoint(&by()).await.unwrap();
        let told =
            dump(&store).await.into_iter().filter(|line| line.contains("state_told") && line.contains("she called"));
        assert_eq!(told.count(), cases.len());
        tenant.erase(one, &by(), "request 7").await.unwrap();
        assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new());
        assert_clean(&tenant, "after the erasure").await;
    });
}

fn kept(store: impl Store, clock: &Arc<ManualClock>, seed: u64, for_years: i32, observations: bool) -> Tenant {
    let time = Some(YEAR * for_years);
    let retention = if observations { kept_for(None, time) } else { kept_for(time, None) };
    let configured = configured(Variant::default(), store, clock, seed).checkpoint_keys(key("2026", 1));
    configured.retention(retention).build().unwrap().tenant("acme")
}

async fn row(store: &MemoryStore) -> Json {
    let key = RowKey::new(Table::Meta, "compaction");
    let row = store.load(&acme(), &[key]).await.unwrap().remove(0).unwrap();
    serde_json::from_slice(&row.value).unwrap()
}

/// Who compared for longer, and keeps more, does not set back what somebody else let go by then.
#[test]
fn what_is_gone_is_not_noted_as_there_again() {
    for observations in [false, true] {
        let (clock, store) = (clock(), MemoryStore::new());
        let keeps_less = kept(store.clone(), &clock, 7, 1, observations);
        block_on(async {
            town(&keeps_less).await;
            keeps_less.checkpoint(&by()).await.unwrap();
            clock.advance(YEAR);
            let second = keeps_less.checkpoint(&by()).await.unwrap();
            clock.advance(YEAR);
            let other = keeps_less.clone();
            let does = async move {
                other.compact(&by()).await.unwrap();
            };
            let notes = |call: &StoreCall<'_>| matches!(call, StoreCall::Commit(commit) if commit.journal.iter().any(|draft| draft.kind == "compacted"));
            let watched = Watched::new(store.clone(), Meanwhile::new(notes, does));
            let keeps_more = kept(watched, &clock, 8, 2, observations);
            let done = keeps_more.compact(&by()).await.unwrap();
            assert!(done.begins.is_none() && done.kept.is_empty(), "{done:?}");
            let row = row(&store).await;
            let gone = if observations { &row["observations"] } else { &row["begins"]["start"]["seq"] };
            assert_eq!(gone.as_u64(), Some(second.start.seq), "{row}");
            assert_clean(&keeps_less, "after both").await;
            clock.advance(TimeDelta::days(1));
            let again = keeps_less.compact(&by()).await.unwrap();
            assert_eq!(again.kept, Vec::new());
        });
    }
}

/// What somebody lets go while the journal is read is no broken chain, and nothing that is missing.
#[test]
fn who_reads_while_others_compact_reads_what_is_left() {
    for observations in [false, true] {
        let (clock, store) = (clock(), MemoryStore::new());
        let tenant = kept(store.clone(), &clock, 7, 1, observations);
        let reads = |call: &StoreCall<'_>| matches!(call, StoreCall::Journal);
        block_on(async {
            town(&tenant).await;
            tenant.checkpoint(&by()).await.unwrap();
            clock.advance(YEAR);
            let other = tenant.clone();
            let does = async move {
                let done = other.compact(&by()).await.unwrap();
                assert!(done.begins.is_some() || done.observations > 0, "{done:?}");
            };
            let watched = Watched::new(store.clone(), Meanwhile::new(reads, does));
            let reading = kept(watched, &clock, 8, 1, observations);
            let verified = reading.verify().await.unwrap();
            assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
        });
    }
}

#[test]
fn an_export_while_others_compact_says_that_it_moves() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        town(&tenant).await;
        tenant.checkpoint(&by()).await.unwrap();
        clock.advance(YEAR);
        let other = tenant.clone();
        let does = async move { drop(other.compact(&by()).await.unwrap()) };
        let watched = Watched::new(store.clone(), Meanwhile::new(|call| matches!(call, StoreCall::Journal), does));
        let path = folder.path().join("acme");
        let moving = export(&watched, &acme(), &path, |_| {}).await.unwrap_err();
        assert!(matches!(moving, TransferError::Moving { .. }), "{moving}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the next call begins anew");
        export(&watched, &acme(), &path, |_| {}).await.unwrap();
    });
}

/// Two that make a checkpoint at once make one.
#[test]
fn a_checkpoint_that_two_make_is_told_once() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = a_year(store.clone(), &clock, 7);
    block_on(async {
        town(&tenant).await;
        let made = Arc::new(Mutex::new(None));
        let (other, theirs) = (tenant.clone(), Arc::clone(&made));
        let does = async move {
            let checkpoint = other.checkpoint(&by()).await.unwrap();
            *theirs.lock().unwrap() = Some(checkpoint);
        };
        let watch = Meanwhile::new(|call| matches!(call, StoreCall::Scan(Table::Representation)), does);
        let ours = a_year(Watched::new(store.clone(), watch), &clock, 8).checkpoint(&by()).await.unwrap();
        assert_eq!(Some(ours), made.lock().unwrap().clone());
        assert_eq!(told_twice(&store).await, Vec::<String>::new());
        assert_clean(&tenant, "after both").await;
    });
}
