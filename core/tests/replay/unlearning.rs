//! What a matcher learned of whoever is erased is unlearned.

use std::sync::Arc;

use accordant::clock::ManualClock;
use accordant::engine::Tenant;
use accordant::id::RecordRef;
use accordant::matching::{Features, Judged, MatchIndex, Matcher, MatcherError, Matching, Subject, Thresholds};
use accordant::store::{Commit, MemoryStore, RowKey, Store, Table};
use accordant::testing::{FailsOnce, NobodyAlike, Turns, Watched};
use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::erasure::{canaries, marked, town};
use crate::properties::{Step, step, take};
use crate::support::{Variant, acme, assert_clean, by, clock, configured, dump, nth, record, says};

/// A matcher whose model is every word of every record, and which finds nobody alike.
struct Words {
    /// Of fewer records nothing is learned.
    least: usize,
    /// Whether it was told of an attribute that there is not.
    misspelt: bool,
}

const WORDS: Words = Words { least: 1, misspelt: false };

impl Matcher for Words {
    fn train(&self, _: &Subject, records: &[Features], _: &[Judged], version: u32) -> Result<String, MatcherError> {
        if self.misspelt {
            return Err(MatcherError::Declared("there is no attribute frist_name".into()));
        }
        if records.len() < self.least {
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
        Ok(Box::new(NobodyAlike(())))
    }
}

fn matched(words: Words, store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Tenant {
    let builder = configured(Variant::default(), store, clock, seed);
    builder.match_by(Matching::of_entity("customer", words)).build().unwrap().tenant("acme")
}

fn tenant(store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Tenant {
    matched(WORDS, store, clock, seed)
}

/// The row of a key in the table of the engine's own.
async fn meta(store: &MemoryStore, key: &str) -> Option<Json> {
    let rows = store.load(&acme(), &[RowKey::new(Table::Meta, key)]).await.unwrap();
    rows.into_iter().flatten().next().map(|row| serde_json::from_slice(&row.value).unwrap())
}

async fn model(store: &MemoryStore) -> Option<String> {
    let rows = store.scan(&acme(), Table::Meta, "matcher-text\u{1f}", None, 9).await.unwrap();
    rows.first().map(|row| String::from_utf8_lossy(&row.value).into_owned())
}

async fn steps(tenant: &Tenant) {
    while tenant.step().await.unwrap().more() {}
}

/// What happens to a tenant that matches: something is said or done, a model is trained, or a step is taken.
#[derive(Debug, Clone)]
enum Happens {
    Told(Step),
    Trained,
    Stepped,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![4 => step().prop_map(Happens::Told), 1 => Just(Happens::Trained), 1 => Just(Happens::Stepped)]
}

async fn happen(tenant: &Tenant, round: usize, happens: &Happens) {
    match happens {
        Happens::Told(step) => take(tenant, &marked(step, round)).await,
        // Where nobody is there, nothing is learned.
        Happens::Trained => drop(tenant.train_matcher("customer", &by()).await),
        Happens::Stepped => steps(tenant).await,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Whatever was trained, whenever: no model has a word of whoever was erased, at once, after it was learned anew, and after life
    /// went on.
    #[test]
    fn after_any_history_no_model_has_a_word_of_whoever_was_erased(
        before in vec(happens(), 1..9), place in 0usize..6, after in vec(happens(), 0..5),
    ) {
        let (clock, store) = (clock(), MemoryStore::new());
        let tenant = tenant(store.clone(), &clock, 7);
        block_on(async {
            for (round, one) in before.iter().enumerate() {
                happen(&tenant, round, one).await;
                clock.advance(TimeDelta::seconds(1));
            }
            tenant.train_matcher("customer", &by()).await.ok();
            let Some(id) = nth(&tenant, place).await else { return Ok(()) };
            let erased = tenant.erase(id, &by(), "request 7").await.unwrap();
            let hers = erased.records.iter().filter(|record| record.connection.as_str() != "hub");
            let words: Vec<String> = hers.map(|record| format!("canary-{}-{}-", record.connection, record.id)).collect();
            let named = |model: Option<String>| {
                let model = model.unwrap_or_default();
                words.iter().find(|word| model.contains(word.as_str())).map(|word| format!("{word} in {model}"))
            };
            prop_assert_eq!(named(model(&store).await), None);
            steps(&tenant).await;
            prop_assert_eq!(named(model(&store).await), None);
            for (round, one) in after.iter().enumerate() {
                happen(&tenant, 100 + round, one).await;
                clock.advance(TimeDelta::seconds(1));
            }
            tenant.train_matcher("customer", &by()).await.ok();
            prop_assert_eq!(named(model(&store).await), None);
            assert_clean(&tenant, "after life went on").await;
            Ok(())
        })?;
    }
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
        assert_eq!(model(&store).await, None);
        assert_eq!(tenant.match_records().await.unwrap().unmatched, [], "nothing is missed");
        says(&tenant, "crm", &[record("3", 1, json!({ "email": "cy@acme.test", "name": "Cy" }))]).await.unwrap();
        let trained = tenant.train_matcher("customer", &by()).await.unwrap();
        assert_eq!(trained.version, 3, "no two models have one number");
        steps(&tenant).await;
        assert_clean(&tenant, "after somebody trained one anew").await;
    });
}

/// A refusal that has nothing to do with who is left is told, and takes no model away.
#[test]
fn a_model_that_a_deployment_keeps_from_being_learned_anew_waits_for_the_next_deployment() {
    let (clock, store) = (clock(), MemoryStore::new());
    let right = tenant(store.clone(), &clock, 7);
    let wrong = matched(Words { misspelt: true, ..WORDS }, store.clone(), &clock, 8);
    block_on(async {
        let (one, _) = town(&right).await;
        right.train_matcher("customer", &by()).await.unwrap();
        steps(&right).await;
        wrong.erase(one, &by(), "request 7").await.unwrap();
        for _ in 0..3 {
            let unmatched = wrong.step().await.unwrap().unmatched;
            assert!(
                matches!(&unmatched[..], [one] if matches!(one.error, MatcherError::Declared(_))),
                "it is told: {unmatched:?}"
            );
        }
        assert!(meta(&store, "matcher\u{1f}customer").await.is_some());
        steps(&right).await;
        assert!(model(&store).await.unwrap().contains("model 2: "));
        assert_eq!(meta(&store, "matcher-sweep\u{1f}customer").await, None);
        assert_clean(&right, "after the next deployment").await;
    });
}

/// Whoever asks about nobody any more holds nobody up: not the records that wait, nor those that a pass has yet to look at.
#[test]
fn of_too_few_to_learn_of_nothing_is_left_to_be_asked() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = matched(Words { least: 2, ..WORDS }, store.clone(), &clock, 7);
    block_on(async {
        let (one, _) = town(&tenant).await;
        tenant.train_matcher("customer", &by()).await.unwrap();
        steps(&tenant).await;
        tenant.erase(one, &by(), "request 7").await.unwrap();
        says(&tenant, "crm", &[record("2", 2, json!({ "email": "ben@acme.test", "name": "Benedict" }))]).await.unwrap();
        steps(&tenant).await;
        assert_eq!(model(&store).await, None);
        assert_eq!(meta(&store, "matcher-sweep\u{1f}customer").await, None);
        let queued = store.scan(&acme(), Table::Index, "\u{1f}match\u{1f}", None, 9).await.unwrap();
        assert_eq!(queued, []);
        let journal = store.journal(&acme(), 0, usize::MAX).await.unwrap();
        assert!(journal.iter().any(|(entry, _)| &*entry.kind == "matcher_dropped"), "it is told");
        assert_clean(&tenant, "after the model was dropped").await;
    });
}

/// Of a type that left the schema a model stands as its records do; whoever is erased may be among them.
#[test]
fn an_erasure_empties_the_models_of_types_that_left_the_schema() {
    let (clock, store) = (clock(), MemoryStore::new());
    let tenant = tenant(store.clone(), &clock, 7);
    block_on(async {
        let (one, _) = town(&tenant).await;
        tenant.train_matcher("customer", &by()).await.unwrap();
        steps(&tenant).await;
        let rows = ["matcher\u{1f}customer", "matcher-text\u{1f}customer"].map(|key| RowKey::new(Table::Meta, key));
        let rows = store.load(&acme(), &rows).await.unwrap();
        let keys = ["matcher\u{1f}lead", "matcher-text\u{1f}lead"].map(|key| RowKey::new(Table::Meta, key));
        let put = keys.into_iter().zip(rows).map(|(key, row)| (key, row.unwrap().value)).collect();
        store.commit(&acme(), Commit { put, ..Commit::default() }).await.unwrap();
        tenant.erase(one, &by(), "request 7").await.unwrap();
        assert_eq!(canaries(&dump(&store).await), Vec::<&String>::new());
        assert_eq!(meta(&store, "matcher-text\u{1f}lead").await, None);
        assert_eq!(meta(&store, "matcher\u{1f}lead").await.unwrap()["unlearned"], true, "its version stays");
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
