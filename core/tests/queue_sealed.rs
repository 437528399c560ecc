//! The sealed queue: the suite of all queues, and what a broker and its files get to see.
#![cfg(all(feature = "sqlite", feature = "keys"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use accordant::ManualClock;
use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::id::TenantId;
use accordant::queue::{Message, Queue, QueueError, SqliteQueue, Topic, conformance};
use accordant::seal::{KeyError, KeyId, MemoryKeys, SealKey, SealKeys, SealedQueue, Secret};
use accordant::store::StoreFault;
use accordant::text::Text;
use async_trait::async_trait;
use futures::executor::block_on;

const CANARY: &str = "canary@acme.test";

fn message(tenant: &str, id: &str) -> Message {
    Message { tenant: TenantId::new(tenant), key: "crm/contacts/1".into(), id: id.into(), body: CANARY.into() }
}

/// What a group hears of a topic: ids and bodies.
fn heard(queue: &impl Queue, topic: Topic, group: &str) -> Vec<(String, Bytes)> {
    let mut consumer = block_on(queue.join(topic, group)).unwrap();
    let mut all = Vec::new();
    loop {
        let page = block_on(consumer.next(3)).unwrap();
        if page.is_empty() {
            return all;
        }
        block_on(consumer.acknowledge(&page)).unwrap();
        all.extend(page.into_iter().map(|one| (one.message.id.to_string(), one.message.body)));
    }
}

fn files_hold(folder: &Path, what: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let found = files.map(|bytes| bytes.windows(what.len()).any(|window| window == what.as_bytes()));
    found.collect::<Vec<_>>().contains(&true)
}

#[test]
fn it_passes_the_suite_of_queues() {
    block_on(conformance::run(async || {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let queue = SqliteQueue::open_in_memory().unwrap().clock(Arc::clone(&clock));
        let subject = conformance::Subject::new(SealedQueue::new(queue, MemoryKeys::new()));
        subject.passing(move || clock.advance(TimeDelta::minutes(1)))
    }));
}

#[test]
fn no_file_of_the_broker_holds_a_body_and_only_who_has_the_keys_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let plain = SqliteQueue::open(folder.path().join("queue.db")).unwrap();
    let keys = MemoryKeys::new();
    let sealed = SealedQueue::new(plain.clone(), keys.clone());
    for topic in Topic::ALL {
        block_on(sealed.publish(topic, vec![message("acme", "1"), message("umbrella", "2")])).unwrap();
        // Another process with the same keys, which knows none of them yet.
        let mut all = heard(&SealedQueue::new(plain.clone(), keys.clone()), topic, "ours");
        all.sort();
        assert_eq!(all, [("1".to_owned(), CANARY.into()), ("2".to_owned(), CANARY.into())]);
        for (_, body) in heard(&plain, topic, "theirs") {
            assert!(!body.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
        }
    }
    assert!(!files_hold(folder.path(), CANARY));
    block_on(plain.publish(Topic::Inputs, vec![message("acme", "3")])).unwrap();
    assert!(files_hold(folder.path(), CANARY), "it would be found");
}

#[test]
fn what_does_not_open_is_delivered_sealed_and_what_was_never_sealed_as_it_is() {
    let plain = SqliteQueue::open_in_memory().unwrap();
    let keys = MemoryKeys::new();
    let sealed = SealedQueue::new(plain.clone(), keys.clone());
    block_on(sealed.publish(Topic::Inputs, vec![message("acme", "1")])).unwrap();
    let (_, body) = heard(&plain, Topic::Inputs, "theirs").remove(0);
    let put = |tenant: &str, id: &str, body: Bytes| {
        let message = Message { body, ..message(tenant, id) };
        block_on(plain.publish(Topic::Inputs, vec![message])).unwrap();
    };
    // Under another id, of another tenant, altered, cut short.
    put("acme", "2", body.clone());
    put("umbrella", "6", body.clone());
    let mut altered = body.to_vec();
    altered[60] ^= 1;
    put("acme", "3", altered.into());
    put("acme", "4", body.slice(..20));
    put("acme", "5", CANARY.into());
    // And in another topic.
    block_on(plain.publish(Topic::Golden, vec![Message { body, ..message("acme", "1") }])).unwrap();
    let all = heard(&sealed, Topic::Inputs, "ours");
    assert_eq!(all.len(), 6);
    let readable: Vec<&str> = all.iter().filter(|(_, body)| body == CANARY).map(|(id, _)| id.as_str()).collect();
    assert_eq!(readable, ["1", "5"]);
    assert_ne!(heard(&sealed, Topic::Golden, "ours")[0].1, CANARY);
}

/// A key store that does not answer for a while.
#[derive(Clone, Default)]
struct Away {
    keys: MemoryKeys,
    away: Arc<AtomicBool>,
}

impl Away {
    fn here(&self) -> Result<&MemoryKeys, KeyError> {
        let away = || KeyError::new("answer", StoreFault::Unavailable, "it is away");
        if self.away.load(Ordering::SeqCst) { Err(away()) } else { Ok(&self.keys) }
    }
}

#[async_trait]
impl SealKeys for Away {
    async fn current(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Option<SealKey>>, KeyError> {
        self.here()?.current(tenant, scopes).await
    }
    async fn secrets(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<Vec<Option<Secret>>, KeyError> {
        self.here()?.secrets(tenant, keys).await
    }
    async fn create(&self, tenant: &TenantId, keys: Vec<(Text, SealKey)>) -> Result<Vec<SealKey>, KeyError> {
        self.here()?.create(tenant, keys).await
    }
    async fn keep(&self, tenant: &TenantId, scope: &Text, keys: Vec<SealKey>) -> Result<(), KeyError> {
        self.here()?.keep(tenant, scope, keys).await
    }
    async fn retire(&self, tenant: &TenantId, scopes: &[Text]) -> Result<Vec<Vec<KeyId>>, KeyError> {
        self.here()?.retire(tenant, scopes).await
    }
    async fn destroy(&self, tenant: &TenantId, keys: &[KeyId]) -> Result<(), KeyError> {
        self.here()?.destroy(tenant, keys).await
    }
}

#[test]
fn while_the_key_store_is_away_nothing_is_published_and_nothing_that_was_is_lost() {
    let (plain, keys) = (SqliteQueue::open_in_memory().unwrap(), Away::default());
    let sealed = SealedQueue::new(plain.clone(), keys.clone());
    block_on(sealed.publish(Topic::Inputs, vec![message("acme", "1"), message("acme", "2")])).unwrap();
    keys.away.store(true, Ordering::SeqCst);
    let new = SealedQueue::new(plain, keys.clone());
    let refused = block_on(new.publish(Topic::Inputs, vec![message("acme", "3")])).unwrap_err();
    assert!(matches!(&refused, QueueError::Broker { .. }) && refused.may_pass(), "{refused:?}");
    let mut consumer = block_on(new.join(Topic::Inputs, "ours")).unwrap();
    block_on(consumer.next(9)).unwrap_err();
    block_on(consumer.next(9)).unwrap_err();
    keys.away.store(false, Ordering::SeqCst);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let page = block_on(consumer.next(1)).unwrap();
        ids.extend(page.into_iter().map(|one| (one.message.id.to_string(), one.message.body)));
    }
    assert_eq!(ids, [("1".to_owned(), CANARY.into()), ("2".to_owned(), CANARY.into())]);
}
