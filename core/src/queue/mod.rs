//! Queues: what comes in at many doors and is worked on by many processes, shared out by partitions.
//!
//! A queue is a courtesy, and the store is the truth. It sees to it that one worker at a time hears of a record or an entity, so
//! that workers seldom meet; that they may meet all the same is what revisions are for (`docs/decisions/0016-workers.md`). So a
//! queue may say a thing twice, and may say it late. It may not lose it.

pub mod assignment;
#[cfg(feature = "conformance")]
pub mod conformance;
mod partition;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::id::TenantId;
use crate::text::Text;

pub use partition::{Share, partition_of};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteQueue;

/// What messages are about. Each is a topic of its own in brokers that have topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Topic {
    /// What systems said, as it came in: keyed by the record that it is about.
    Inputs,
    /// What was journaled: keyed by the entity or record that it is about.
    Journal,
    /// Golden records, as they are once they changed: keyed by the entity.
    Golden,
    /// What none of our workers can read, kept whole.
    Unreadable,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 4] = [Topic::Inputs, Topic::Journal, Topic::Golden, Topic::Unreadable];

    /// Its name in brokers, behind their prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Topic::Inputs => "inputs",
            Topic::Journal => "journal",
            Topic::Golden => "golden",
            Topic::Unreadable => "unreadable",
        }
    }
}

/// Something to be heard.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is about: messages of one tenant and key lie in one partition, in the order in which they were published.
    pub key: Text,
    /// Names the message: the same one published again has the same. Never empty.
    pub id: Text,
    /// What it says.
    pub body: Bytes,
}

/// How long its body is, and not what is in it.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, key, id, body } = self;
        let mut shown = f.debug_struct("Message");
        shown.field("tenant", tenant).field("key", key).field("id", id);
        shown.field("body", &format_args!("{} bytes", body.len())).finish()
    }
}

/// A message that was delivered, and is delivered again unless it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The partition that it lies in.
    pub partition: u32,
    /// Its place there: later messages have greater ones.
    pub offset: u64,
    /// The message.
    pub message: Message,
}

/// A broker, or what stands in for one.
///
/// Implement this to run workers on another broker; the conformance suite (feature `conformance`) says whether it is right.
///
/// # Contract
///
/// - **Durable.** What `publish` acknowledged is delivered to every group that joins before it is forgotten, however processes end.
/// - **Ordered.** Messages of one tenant and key are delivered in the order in which they were published one after the other.
/// - **Whole.** Tenant, key, id and body come back as they went in.
/// - **At least once.** A message may be delivered again, also to another member, until its acknowledgement is durable. Messages of
///   one id that are published again within a while are one, where the broker can tell.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Publishes messages; durable when it returns.
    ///
    /// # Errors
    ///
    /// If the broker cannot be reached, or refuses them. Some may have been published: publish them all again.
    async fn publish(&self, topic: Topic, messages: Vec<Message>) -> Result<(), QueueError>;

    /// Joins a group: its members share the partitions of a topic, each of which one member has at a time. A group that joins
    /// first hears of everything that is still there.
    ///
    /// # Errors
    ///
    /// If the broker cannot be reached.
    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Consumer>, QueueError>;

    /// The largest body that it takes, in bytes. Something larger has to go another way.
    fn most_bytes(&self) -> usize;
}

/// One member of a group.
///
/// # Contract
///
/// A member that does not call [`Consumer::next`] for longer than the broker's lease is held to be dead: its partitions go to
/// others, which hear again what it had not acknowledged. What it acknowledges after that has no effect.
#[async_trait]
pub trait Consumer: Send {
    /// The partitions that this member has now. Changes with [`Consumer::next`].
    fn share(&self) -> Share;

    /// What was published and not delivered to this member yet, at most `limit`, of one partition in ascending order. Empty if
    /// there is nothing: it waits no longer than a fraction of a second.
    ///
    /// # Errors
    ///
    /// If the broker cannot be reached. Call it again.
    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, QueueError>;

    /// Acknowledges messages, and all that lie before them in their partitions. Partitions that this member has lost since are
    /// passed over: whoever has them hears it again.
    ///
    /// # Errors
    ///
    /// If the broker cannot be reached: then they may come again.
    async fn acknowledge(&mut self, done: &[Delivered]) -> Result<(), QueueError>;

    /// Whatever was delivered and not acknowledged is delivered again by [`Consumer::next`].
    ///
    /// # Errors
    ///
    /// If the broker cannot be reached.
    async fn rewind(&mut self) -> Result<(), QueueError>;

    /// Leaves the group, so that others need not wait until its lease is over.
    ///
    /// # Errors
    ///
    /// If the broker cannot be reached: the lease is waited for.
    async fn leave(self: Box<Self>) -> Result<(), QueueError>;
}

/// A queue that could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The broker refused or could not be reached: what was asked may have happened.
    #[error("the queue could not {doing}")]
    Broker {
        /// What was being done.
        doing: &'static str,
        /// The driver's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A message that is too large is never taken.
    #[error("a message for {topic} has {bytes} bytes, and the queue takes {most}")]
    TooLarge {
        /// The topic's name.
        topic: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest that is taken.
        most: usize,
    },
    /// As many messages of a topic wait to be heard as may: nothing was published. There is room again once some were acknowledged.
    #[error("{waiting} messages for {topic} wait to be heard, and {most} may")]
    Full {
        /// The topic's name.
        topic: &'static str,
        /// How many wait.
        waiting: u64,
        /// How many may.
        most: u64,
    },
    /// The queue was closed.
    #[error("the queue is closed")]
    Closed,
}

impl QueueError {
    /// What the driver said while something was being done.
    pub fn broker<E: Into<Box<dyn std::error::Error + Send + Sync>>>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Broker { doing, source: source.into() }
    }

    /// Whether the same may succeed later though nobody mends anything.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Broker { .. } | Self::Full { .. })
    }
}

/// Refuses messages that are too large, before any of them is published.
///
/// # Errors
///
/// [`QueueError::TooLarge`].
pub fn require_size(topic: Topic, messages: &[Message], most: usize) -> Result<(), QueueError> {
    match messages.iter().map(|message| message.body.len()).find(|bytes| *bytes > most) {
        Some(bytes) => Err(QueueError::TooLarge { topic: topic.name(), bytes, most }),
        None => Ok(()),
    }
}

/// The last of the delivered messages of each partition.
#[must_use]
pub fn last_of_each(done: &[Delivered]) -> std::collections::BTreeMap<u32, u64> {
    let mut last = std::collections::BTreeMap::new();
    for delivered in done {
        let offset = last.entry(delivered.partition).or_insert(delivered.offset);
        *offset = delivered.offset.max(*offset);
    }
    last
}

/// The tenants that messages are of.
#[must_use]
pub fn tenants_of(messages: &[Delivered]) -> BTreeSet<TenantId> {
    messages.iter().map(|delivered| delivered.message.tenant.clone()).collect()
}
