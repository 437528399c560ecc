//! What a matcher learned of whoever is erased is unlearned.

use std::sync::Arc;

use accordant::clock::ManualClock;
use accordant::engine::{Builder, Tenant};
use accordant::id::RecordRef;
use accordant::matching::{
    Features, Judged, MatchIndex, Matcher, MatcherError, Matching, Neighbourhood, Subject, Thresholds,
};
use accordant::store::{MemoryStore, Store, Table};
use accordant::testing::{FailsOnce, Turns, Watched};
use futures::executor::block_on;

use crate::erasure::{canaries, town};
use crate::support::{Variant, acme, assert_clean, by, clock, configured, dump};

/// A matcher whose model is every word of every record, and which finds nobody alike.
struct Words;

struct Nobody;

impl Matcher for Words {
    fn train(&self, _: &Subject, records: &[Features], _: &[Judged], version: u32) -> Result<String, MatcherError> {
        if records.is_empty() {
            return Err(MatcherError::NothingToLearn("nobody is there".into()));
        }
        let words = records.iter().flat_map(|record| &record.values).map(|value| value.as_str());
        Ok(format!("model {version}: {}", words.collect::<Vec<_>>().join(" ")))
    }

    fn index(
        &self,
        _: &Subject,
        model: &str,
        _: Thresholds,
        _: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        assert!(model.starts_with("model "), "{model}");
        Ok(Box::new(Nobody))
    }
}

impl MatchIndex for Nobody {
    fn put(&mut self, _: &Features) {}
    fn remove(&mut self, _: &RecordRef) {}
    fn hold_apart(&mut self, _: &RecordRef, _: &RecordRef, _: bool) {}
    fn around(&self, _: &RecordRef) -> Neighbourhood {
        Neighbourhood::default()
    }
}

fn matched(store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Builder {
    configured(Variant::default(), store, clock, seed).match_by(Matching::of_entity("customer", Words))
}

fn tenant(store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Tenant {
    matched(store, clock, seed).build().unwrap().tenant("acme")
}

async fn model(store: &MemoryStore) -> Option<String> {
    let rows = store.scan(&acme(), Table::Meta, "matcher-text\u{1f}", None, 9).await.unwrap();
    rows.first().map(|row| String::from_utf8_lossy(&row.value).into_owned())
}

async fn steps(tenant: &Tenant) {
    while tenant.step().await.unwrap().more() {}
}

#[test]
fn an_erasure_leaves_no_word_in_a_model_and_the_next_is_learned_of_who_is_left() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = tenant(store.clone(), &clock, 7);
    block_on(async {
        let (one, _) = town(&tenant).await;
        assert_eq!(tenant.train_matcher("customer", &by()).await.unwrap().version, 1);
        steps(&tenant).await;
        assert!(model(&store).await.unwrap().contains("canary"));
        tenant.erase(one, &by(), "request 7").await.unwrap();
        assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new());
        steps(&tenant).await;
        let learned = model(&store).await.unwrap();
        assert!(learned.contains("model 2: ") && learned.contains("ben@acme.test"), "{learned}");
        assert!(!learned.contains("canary"), "{learned}");
        assert_clean(&tenant, "after it was learned anew").await;
        // Of nobody nothing is learned: then it is as if nobody had ever trained one.
        let ben = tenant.entity_of(&RecordRef::new("crm", "contacts", "2")).await.unwrap().unwrap();
        tenant.erase(ben, &by(), "request 8").await.unwrap();
        steps(&tenant).await;
        assert!(!model(&store).await.unwrap_or_default().contains("ben"), "{:?}", model(&store).await);
    });
}

#[test]
fn an_erasure_that_is_interrupted_anywhere_leaves_no_word_in_a_model() {
    for call in 0.. {
        let (clock, store) = (clock(), MemoryStore::new());
        let done = block_on(async {
            let whole = tenant(store.clone(), &clock, 7);
            let (one, _) = town(&whole).await;
            whole.train_matcher("customer", &by()).await.unwrap();
            steps(&whole).await;
            let failing = Watched::new(store.clone(), FailsOnce::at(call, false));
            let outcome = tenant(failing, &clock, 8).erase(one, &by(), "request 7").await;
            let next = tenant(store.clone(), &clock, 9);
            steps(&next).await;
            if next.replay().await.unwrap().entities.len() > 1 {
                assert!(outcome.is_err());
                return false;
            }
            assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new(), "call {call}");
            assert!(model(&store).await.unwrap().contains("model 2: "), "call {call}");
            outcome.is_ok()
        });
        if done {
            assert!(call > 10, "{call} calls");
            break;
        }
    }
}

/// Who is erased while a model is being learned, the first one too, is not learned of.
#[test]
fn a_model_that_was_being_learned_meanwhile_holds_nothing_of_who_was_erased() {
    for calls in 0.. {
        let (clock, store) = (clock(), MemoryStore::new());
        let watched = Watched::new(store.clone(), Turns::default());
        let (learning, other) = (tenant(watched.clone(), &clock, 7), tenant(store.clone(), &clock, 8));
        let passed = block_on(async {
            let (one, _) = town(&other).await;
            let erases = other.clone();
            watched.watch().happens_after(calls, async move {
                erases.erase(one, &by(), "request 7").await.unwrap();
            });
            learning.train_matcher("customer", &by()).await.unwrap();
            let passed = watched.watch().have_passed();
            if passed {
                steps(&other).await;
                assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new(), "after {calls} calls");
            }
            passed
        });
        if !passed {
            assert!(calls > 4, "{calls} calls");
            break;
        }
    }
}
