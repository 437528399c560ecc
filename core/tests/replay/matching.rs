//! What comes in, changes or goes while records are put before a matcher: whenever that happens, no record is taken off the queue that
//! was not compared, and no two are joined by anything but what was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use accordant::clock::ManualClock;
use accordant::engine::Tenant;
use accordant::id::{EntityId, RecordRef};
use accordant::matching::{
    Bridge, Features, HeldTogether, Judged, MatchIndex, Matcher, MatcherError, Matching, Neighbourhood, Pair,
    Probability, Subject, Thresholds,
};
use accordant::store::{MemoryStore, Store};
use accordant::testing::{Dies, Turns, Watched};
use accordant::text::Text;
use futures::executor::block_on;
use serde_json::json;

use crate::support::{Said, Variant, acme, assert_clean, by, clock, configured, dump, record, says};

/// Whoever has one name is one entity.
struct Namesakes;

struct Names {
    column: usize,
    names: BTreeMap<RecordRef, Text>,
    apart: BTreeSet<(RecordRef, RecordRef)>,
}

impl Matcher for Namesakes {
    fn train(&self, _: &Subject, _: &[Features], _: &[Judged], version: u32) -> Result<String, MatcherError> {
        Ok(format!("model {version}"))
    }

    fn index(
        &self,
        subject: &Subject,
        _: &str,
        _: Thresholds,
        records: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        let column = subject.columns.iter().position(|column| column.attribute.as_str() == "name").unwrap();
        let mut names = Names { column, names: BTreeMap::new(), apart: BTreeSet::new() };
        records.iter().for_each(|record| names.put(record));
        Ok(Box::new(names))
    }
}

impl MatchIndex for Names {
    fn put(&mut self, features: &Features) {
        self.names.insert(features.record.clone(), features.values[self.column].clone());
    }

    fn remove(&mut self, record: &RecordRef) {
        self.names.remove(record);
    }

    fn hold_apart(&mut self, one: &RecordRef, other: &RecordRef, apart: bool) {
        let pair = (one.clone(), other.clone());
        if apart {
            self.apart.insert(pair)
        } else {
            self.apart.remove(&pair)
        };
    }

    fn around(&self, record: &RecordRef) -> Neighbourhood {
        let Some(name) = self.names.get(record).filter(|name| !name.is_empty()) else {
            return Neighbourhood::default();
        };
        let apart = |other: &RecordRef| {
            self.apart.contains(&(record.clone(), other.clone()))
                || self.apart.contains(&(other.clone(), record.clone()))
        };
        let same = self.names.iter().filter(|(other, theirs)| *theirs == name && !apart(other));
        let cluster: Vec<RecordRef> = same.map(|(other, _)| other.clone()).collect();
        let sure =
            |two: &[RecordRef]| Pair::new(two[0].clone(), two[1].clone(), Probability::percent(99), None, Vec::new());
        let pairs = cluster.windows(2).map(sure).collect();
        Neighbourhood::new(vec![cluster], pairs)
    }

    fn held_together(&self, record: &RecordRef) -> Option<HeldTogether> {
        let around = self.around(record);
        let bridge = |pair: &Pair| Bridge::new(pair.one.clone(), pair.other.clone(), 7_000, pair.probability);
        let records = around.clusters.into_iter().next()?;
        Some(HeldTogether::new(records, around.pairs.iter().map(bridge).collect()))
    }
}

fn tenant(store: impl Store, clock: &Arc<ManualClock>, seed: u64) -> Tenant {
    let matched =
        configured(Variant::default(), store, clock, seed).match_by(Matching::of_entity("customer", Namesakes));
    matched.build().unwrap().tenant("acme")
}

async fn steps(tenant: &Tenant) {
    while tenant.step().await.unwrap().more() {}
}

fn named(id: &str, at: i64, mail: &str, name: &str) -> Said {
    record(id, at, json!({ "email": format!("{mail}@acme.test"), "name": name }))
}

fn crm(id: &str) -> RecordRef {
    RecordRef::new("crm", "contacts", id)
}

fn shop(id: &str) -> RecordRef {
    RecordRef::new("shop", "customers", id)
}

async fn entity_of(tenant: &Tenant, record: &RecordRef) -> Option<EntityId> {
    tenant.entity_of(record).await.unwrap()
}

/// Who takes the pass, and another process; and the store of both.
struct Two {
    passing: Tenant,
    other: Tenant,
    watched: Watched<MemoryStore, Turns>,
    store: MemoryStore,
}

/// Ana and Ben, of whom a model was learned and everybody was asked about.
async fn town() -> Two {
    let (clock, store) = (clock(), MemoryStore::new());
    let watched = Watched::new(store.clone(), Turns::default());
    let (passing, other) = (tenant(watched.clone(), &clock, 7), tenant(store.clone(), &clock, 8));
    says(&other, "crm", &[named("1", 1, "ana", "Ana"), named("2", 1, "ben", "Ben")]).await.unwrap();
    other.train_matcher("customer", &by()).await.unwrap();
    steps(&other).await;
    Two { passing, other, watched, store }
}

/// The places of the journal at which entries of a kind stand, about a subject that is named so.
async fn places(store: &MemoryStore, kind: &str, about: Option<&RecordRef>) -> Vec<u64> {
    let entries = store.journal(&acme(), 0, usize::MAX).await.unwrap();
    let of = entries.into_iter().map(|(entry, _)| entry).filter(|entry| &*entry.kind == kind);
    let about = about.map(ToString::to_string);
    of.filter(|entry| about.as_deref().is_none_or(|about| *entry.subject == *about)).map(|entry| entry.seq).collect()
}

#[test]
fn a_record_that_comes_in_during_a_pass_is_compared_whenever_it_comes() {
    for calls in 0.. {
        let passed = block_on(async {
            let Two { passing, other, watched, store } = town().await;
            // The first page of the queue holds one; whoever comes in lies behind it.
            says(&other, "shop", &[named("3", 1, "cleo", "Cleo")]).await.unwrap();
            let takes_in = other.clone();
            watched.watch().happens_after(calls, async move {
                says(&takes_in, "shop", &[named("9", 1, "ana.l", "Ana")]).await.unwrap();
            });
            passing.match_records().await.unwrap();
            let passed = watched.watch().have_passed();
            if passed {
                steps(&passing).await;
                let one = entity_of(&other, &crm("1")).await;
                assert!(one.is_some() && entity_of(&other, &shop("9")).await == one, "after {calls} calls");
                assert_eq!(places(&store, "matched", None).await.len(), 1, "after {calls} calls");
                assert_clean(&other, "after the pass").await;
            }
            passed
        });
        if !passed {
            assert!(calls > 10, "{calls} calls");
            break;
        }
    }
}

#[test]
fn two_are_joined_by_what_was_compared_and_not_by_what_they_say_by_then() {
    let (mut joined, mut left) = (0, 0);
    for calls in 0.. {
        let passed = block_on(async {
            let Two { passing, other, watched, store } = town().await;
            says(&other, "shop", &[named("9", 1, "ana.l", "Ana")]).await.unwrap();
            let takes_in = other.clone();
            watched.watch().happens_after(calls, async move {
                // The account was handed on.
                says(&takes_in, "shop", &[named("9", 2, "dora", "Dora")]).await.unwrap();
            });
            passing.match_records().await.unwrap();
            let passed = watched.watch().have_passed();
            if passed {
                steps(&passing).await;
                let changed = places(&store, "observed", Some(&shop("9"))).await.pop().unwrap();
                let matched = places(&store, "matched", None).await;
                assert!(matched.iter().all(|place| *place < changed), "after {calls} calls: {matched:?}, {changed}");
                let one = entity_of(&other, &crm("1")).await == entity_of(&other, &shop("9")).await;
                assert_eq!(one, !matched.is_empty(), "after {calls} calls");
                joined += usize::from(one);
                left += usize::from(!one);
                assert_clean(&other, "after the pass").await;
            }
            passed
        });
        if !passed {
            assert!(joined > 0 && left > 10, "{joined} were joined before, {left} not");
            break;
        }
    }
}

#[test]
fn who_is_erased_while_they_are_being_joined_is_linked_to_nobody() {
    let mut apart = 0;
    for calls in 0.. {
        let passed = block_on(async {
            let Two { passing, other, watched, store } = town().await;
            says(&other, "shop", &[named("9", 1, "ana.l", "Ana")]).await.unwrap();
            // It is begun, and whoever began it dies: the model is not emptied yet.
            let dies = Dies::default();
            let erases = tenant(Watched::new(store.clone(), dies.clone()), &clock(), 9);
            watched.watch().happens_after(calls, async move {
                let hers = entity_of(&erases, &shop("9")).await.unwrap();
                dies.at(2, false);
                erases.erase(hers, &by(), "request 7").await.unwrap_err();
            });
            passing.match_records().await.unwrap();
            let passed = watched.watch().have_passed();
            if passed {
                steps(&passing).await;
                assert_eq!(entity_of(&other, &shop("9")).await, None, "after {calls} calls");
                let left = dump(&store).await;
                assert!(!left.iter().any(|line| line.contains("ana.l@")), "after {calls} calls");
                apart += usize::from(entity_of(&other, &crm("1")).await.is_some());
                assert_clean(&other, "after the pass").await;
            }
            passed
        });
        if !passed {
            assert!(apart > 10, "they were one by then but for {apart} times");
            break;
        }
    }
}
