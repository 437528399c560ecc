//! The sealed queue: any queue, with what its messages say encrypted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::message::{self, About};
use super::opened::remember;
use super::{KeyId, SealKey, SealKeys, Secret, mark};
use crate::clock::{Entropy, SystemEntropy};
use crate::id::TenantId;
use crate::queue::{Consumer, Delivered, Message, Queue, QueueError, Share, Topic};
use crate::text::Text;

/// The scope of the key under which the messages of a tenant are sealed.
const SCOPE: &str = "queue";

/// By how much a sealed body is longer.
const LONGER: usize = mark::BODY.len() + 16 + 16 + 16;

/// How many keys are remembered at most.
const MOST_KEYS: usize = 1_000;

/// Seals what is published to a queue, and opens what is delivered: a broker, its files and its backups hold no value.
///
/// The body of each message is encrypted under a key of its tenant ([`SealKeys`]), and bound to tenant, topic, key and id, which stay as they
/// are: records and entities by their ids. Whoever consumes a topic, the feed of golden records too, does so through a sealed queue with
/// the same keys. An erasure destroys no key of a queue: what is in one goes when everybody has acknowledged it.
///
/// What was published without a seal is delivered as it is. What does not open, because it was altered or its key is gone, is delivered
/// sealed: nobody can read it, and a worker puts it with what is unreadable.
///
/// ```
/// use accordant::queue::SqliteQueue;
/// use accordant::seal::{MemoryKeys, SealedQueue};
///
/// let queue = SealedQueue::new(SqliteQueue::open_in_memory()?, MemoryKeys::new());
/// # let _ = queue;
/// # Ok::<(), accordant::queue::QueueError>(())
/// ```
#[derive(Clone)]
pub struct SealedQueue {
    queue: Arc<dyn Queue>,
    ring: Arc<Ring>,
}

impl fmt::Debug for SealedQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedQueue").finish_non_exhaustive()
    }
}

impl SealedQueue {
    /// Seals a queue.
    #[must_use]
    pub fn new(queue: impl Queue, keys: impl SealKeys) -> Self {
        let (keys, entropy, known) = (Arc::new(keys), Arc::new(SystemEntropy), Mutex::default());
        Self { queue: Arc::new(queue), ring: Arc::new(Ring { keys, entropy, known }) }
    }
}

/// The keys of tenants.
struct Ring {
    keys: Arc<dyn SealKeys>,
    entropy: Arc<dyn Entropy>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    current: BTreeMap<TenantId, SealKey>,
    secrets: BTreeMap<(TenantId, KeyId), Secret>,
}

impl Ring {
    fn known(&self) -> MutexGuard<'_, Known> {
        // An insertion is whole or has not happened, so a poisoned lock guards whole maps.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key that seals what is said of a tenant. One that is made is durable before it seals anything.
    async fn current(&self, tenant: &TenantId) -> Result<SealKey, QueueError> {
        if let Some(key) = self.known().current.get(tenant) {
            return Ok(key.clone());
        }
        let doing = "look for the key that seals a message";
        let scope = Text::from(SCOPE);
        let found = self.keys.current(tenant, std::slice::from_ref(&scope)).await.map_err(QueueError::broker(doing))?;
        let key = match found.into_iter().flatten().next() {
            Some(key) => key,
            None => {
                let new = SealKey::random(&*self.entropy);
                let made = self.keys.create(tenant, vec![(scope, new)]).await.map_err(QueueError::broker(doing))?;
                let none = || QueueError::broker(doing)("the key store gave none");
                made.into_iter().next().ok_or_else(none)?
            }
        };
        let known = &mut *self.known();
        remember(&mut known.secrets, MOST_KEYS, (tenant.clone(), key.id), key.secret.clone());
        remember(&mut known.current, MOST_KEYS, tenant.clone(), key.clone());
        Ok(key)
    }

    async fn seal(&self, topic: Topic, message: Message) -> Result<Message, QueueError> {
        let key = self.current(&message.tenant).await?;
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let about = About::message(topic, &message);
        // A body that the queue takes is far below what the cipher does.
        let too_large = || QueueError::TooLarge { topic: topic.name(), bytes: message.body.len(), most: usize::MAX };
        let sealed = message::seal_body(&key, salt, &about, message.body.to_vec()).ok_or_else(too_large)?;
        Ok(Message { body: sealed.into(), ..message })
    }

    /// Looks up the keys that open these messages, where they are not known.
    async fn fetch(&self, heard: &[Delivered]) -> Result<(), QueueError> {
        let mut missing: BTreeMap<TenantId, BTreeSet<KeyId>> = BTreeMap::new();
        for Message { tenant, body, .. } in heard.iter().map(|delivered| &delivered.message) {
            let Some(sealed) = message::body(body) else { continue };
            if !self.known().secrets.contains_key(&(tenant.clone(), sealed.key)) {
                missing.entry(tenant.clone()).or_default().insert(sealed.key);
            }
        }
        for (tenant, keys) in missing {
            let keys: Vec<KeyId> = keys.into_iter().collect();
            let secrets = self.keys.secrets(&tenant, &keys).await;
            let secrets = secrets.map_err(QueueError::broker("look for the key of a message"))?;
            let known = &mut *self.known();
            for (key, secret) in keys.into_iter().zip(secrets) {
                if let Some(secret) = secret {
                    remember(&mut known.secrets, MOST_KEYS, (tenant.clone(), key), secret);
                }
            }
        }
        Ok(())
    }

    /// What a message says; `None`: it is not sealed, or does not open.
    fn open(&self, topic: Topic, message: &Message) -> Option<Vec<u8>> {
        let sealed = message::body(&message.body)?;
        let secret = self.known().secrets.get(&(message.tenant.clone(), sealed.key)).cloned()?;
        sealed.open(&sealed.own_secret(&secret), &About::message(topic, message))
    }
}

#[async_trait]
impl Queue for SealedQueue {
    async fn publish(&self, topic: Topic, messages: Vec<Message>) -> Result<(), QueueError> {
        crate::queue::require_size(topic, &messages, self.most_bytes())?;
        let mut sealed = Vec::with_capacity(messages.len());
        for message in messages {
            sealed.push(self.ring.seal(topic, message).await?);
        }
        self.queue.publish(topic, sealed).await
    }

    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Consumer>, QueueError> {
        let consumer = self.queue.join(topic, group).await?;
        Ok(Box::new(Opening { topic, consumer, ring: Arc::clone(&self.ring), fetched: Vec::new() }))
    }

    fn most_bytes(&self) -> usize {
        self.queue.most_bytes().saturating_sub(LONGER)
    }
}

/// A member of a group that opens what it hears.
struct Opening {
    topic: Topic,
    consumer: Box<dyn Consumer>,
    ring: Arc<Ring>,
    /// What the queue delivered, and no key could be looked up for yet: it is delivered by the next call.
    fetched: Vec<Delivered>,
}

#[async_trait]
impl Consumer for Opening {
    fn share(&self) -> Share {
        self.consumer.share()
    }

    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, QueueError> {
        if self.fetched.is_empty() {
            self.fetched = self.consumer.next(limit).await?;
        }
        self.ring.fetch(&self.fetched).await?;
        let heard = self.fetched.drain(..self.fetched.len().min(limit));
        let opened = heard.map(|delivered| match self.ring.open(self.topic, &delivered.message) {
            Some(body) => Delivered { message: Message { body: body.into(), ..delivered.message }, ..delivered },
            None => delivered,
        });
        Ok(opened.collect())
    }

    async fn acknowledge(&mut self, done: &[Delivered]) -> Result<(), QueueError> {
        self.consumer.acknowledge(done).await
    }

    async fn rewind(&mut self) -> Result<(), QueueError> {
        self.fetched.clear();
        self.consumer.rewind().await
    }

    async fn leave(self: Box<Self>) -> Result<(), QueueError> {
        self.consumer.leave().await
    }
}
