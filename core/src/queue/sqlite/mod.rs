//! The queue in a SQLite file: one process without a broker, or several on one machine.

mod group;
mod schema;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::{Consumer, Delivered, Message, Queue, QueueError, Share, Topic, last_of_each, partition_of, require_size};
use crate::clock::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::sqlite_thread::Owner;
use crate::text::Text;
use group::{Group, Member};

/// The largest body: what a connector decodes by default, and some more.
const MOST_BYTES: usize = 32 << 20;

/// How many partitions a topic has unless its maker says otherwise.
const PARTITIONS: u32 = 16;

/// How many pushed inputs may wait to be heard unless its maker says otherwise.
const MOST_WAITING: u64 = 1_000_000;

/// How long a member that says nothing keeps its partitions, by default.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// Keeps messages in a SQLite file of its own. The default where there is no broker: several processes may open one file.
///
/// # Durability
///
/// As [`SqliteStore`](crate::SqliteStore): what was published survives a loss of power.
///
/// # What is kept, and how long
///
/// A message is kept until every group that joined its topic has acknowledged it, and ten minutes longer, in which a message of
/// the same id is not taken again. Of a topic that nobody joined, messages are kept for seven days.
///
/// Of [`Topic::Inputs`], which anybody may fill, no more wait than may ([`SqliteQueue::most`]): who pushes more is refused, and repeats. Of what
/// the journal tells, everything waits for every group that ever joined: one that is not to come back has to be forgotten with the file.
#[derive(Clone)]
pub struct SqliteQueue {
    owner: Arc<Owner>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    lease: i64,
    most: u64,
}

impl std::fmt::Debug for SqliteQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteQueue").finish_non_exhaustive()
    }
}

impl SqliteQueue {
    /// Opens the queue in the file at `path`, and creates it, with sixteen partitions a topic, if there is none.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or is none of a queue.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, QueueError> {
        Self::open_with(path, PARTITIONS)
    }

    /// As [`SqliteQueue::open`]; a file that is created has so many partitions a topic. It bounds how many workers share the work,
    /// and is never changed.
    ///
    /// # Errors
    ///
    /// As [`SqliteQueue::open`].
    pub fn open_with(path: impl AsRef<Path>, partitions: u32) -> Result<Self, QueueError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(QueueError::broker("open the file"))?;
        Self::start(connection, partitions)
    }

    /// An empty queue in memory, which nothing outlives.
    ///
    /// # Errors
    ///
    /// If there is no memory or no thread to be had.
    pub fn open_in_memory() -> Result<Self, QueueError> {
        let connection = Connection::open_in_memory().map_err(QueueError::broker("open a database in memory"))?;
        Self::start(connection, PARTITIONS)
    }

    fn start(mut connection: Connection, partitions: u32) -> Result<Self, QueueError> {
        schema::create(&mut connection, partitions.max(1))?;
        Ok(Self {
            owner: Arc::new(
                Owner::start("accordant-queue", connection).map_err(QueueError::broker("start its thread"))?,
            ),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            lease: LEASE.num_milliseconds(),
            most: MOST_WAITING,
        })
    }

    async fn work<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.owner.work(work).await.ok_or(QueueError::Closed)?.map_err(QueueError::broker(doing))
    }

    /// With this clock: by default the system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// How long a member that says nothing keeps its partitions. By default thirty seconds.
    #[must_use]
    pub fn lease(self, length: TimeDelta) -> Self {
        Self { lease: length.num_milliseconds().max(1), ..self }
    }

    /// How many messages of [`Topic::Inputs`] may wait to be heard; by default a million. More than that wait only where one delivery
    /// alone is more. With 0, none is taken while any waits.
    #[must_use]
    pub fn most(self, waiting: u64) -> Self {
        Self { most: waiting, ..self }
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn publish(&self, topic: Topic, messages: Vec<Message>) -> Result<(), QueueError> {
        require_size(topic, &messages, MOST_BYTES)?;
        let now = self.clock.now();
        // What the engine publishes it has committed to: that is never refused.
        let most = if topic == Topic::Inputs { self.most } else { u64::MAX };
        let publish = move |connection: &mut Connection| publish(connection, topic, &messages, most, now);
        match self.work("publish messages", publish).await? {
            None => Ok(()),
            Some(waiting) => Err(QueueError::Full { topic: topic.name(), waiting, most }),
        }
    }

    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Consumer>, QueueError> {
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        let id: Text = id.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        let group = Group { topic: topic.name(), name: group.into() };
        let joined = group.clone();
        let partitions = self.work("join a group", move |connection| group::join(connection, &joined)).await?;
        let member = Member { group, id, lease: self.lease };
        Ok(Box::new(SqliteConsumer {
            queue: self.clone(),
            member,
            share: Share::of(partitions, []),
            heard: Default::default(),
        }))
    }

    fn most_bytes(&self) -> usize {
        MOST_BYTES
    }
}

/// Publishes messages. Nothing is, and how many wait is said, if there is no room for all that are new.
fn publish(
    connection: &mut Connection,
    topic: Topic,
    messages: &[Message],
    most: u64,
    now: i64,
) -> rusqlite::Result<Option<u64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = if most < u64::MAX { group::waiting(&transaction, topic.name())? } else { 0 };
    let mut new = 0_u64;
    {
        let partitions = schema::partitions(&transaction)?;
        let mut known = transaction.prepare_cached("SELECT 1 FROM message WHERE topic = ?1 AND id = ?2")?;
        let mut next = transaction.prepare_cached(
            "INSERT INTO topic_partition (topic, partition, last) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
        )?;
        let mut put = transaction.prepare_cached(
            "INSERT INTO message (topic, partition, place, id, tenant, key, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for Message { tenant, key, id, body } in messages {
            if known.exists(params![topic.name(), id.as_str()])? {
                continue;
            }
            new += 1;
            let partition = partition_of(tenant, key, partitions);
            let place: i64 = next.query_row(params![topic.name(), partition], |row| row.get(0))?;
            put.execute(params![
                topic.name(),
                partition,
                place,
                id.as_str(),
                tenant.as_str(),
                key.as_str(),
                &body[..],
                now
            ])?;
        }
    }
    if before > 0 && new > 0 && before.saturating_add(new) > most {
        transaction.rollback()?;
        return Ok(Some(before));
    }
    group::forget_unheard(&transaction, topic.name(), now)?;
    transaction.commit()?;
    Ok(None)
}

struct SqliteConsumer {
    queue: SqliteQueue,
    member: Member,
    share: Share,
    /// Up to where each of its partitions was delivered.
    heard: std::collections::BTreeMap<u32, u64>,
}

#[async_trait]
impl Consumer for SqliteConsumer {
    fn share(&self) -> Share {
        self.share.clone()
    }

    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, QueueError> {
        let (member, now) = (self.member.clone(), self.queue.clock.now());
        let balanced = move |connection: &mut Connection| group::balance(connection, &member, now);
        let (partitions, mine) = self.queue.work("share partitions", balanced).await?;
        self.heard.retain(|partition, _| mine.contains_key(partition));
        for (partition, acknowledged) in &mine {
            self.heard.entry(*partition).or_insert(*acknowledged);
        }
        self.share = Share::of(partitions, mine.into_keys());
        let (topic, heard) = (self.member.group.topic, self.heard.clone());
        let read = move |connection: &mut Connection| group::read(connection, topic, &heard, limit);
        let delivered = self.queue.work("read messages", read).await?;
        self.heard.extend(last_of_each(&delivered));
        Ok(delivered)
    }

    async fn acknowledge(&mut self, done: &[Delivered]) -> Result<(), QueueError> {
        let (member, last, now) = (self.member.clone(), last_of_each(done), self.queue.clock.now());
        let acknowledge = move |connection: &mut Connection| group::acknowledge(connection, &member, &last, now);
        self.queue.work("acknowledge messages", acknowledge).await
    }

    async fn rewind(&mut self) -> Result<(), QueueError> {
        self.heard.clear();
        Ok(())
    }

    async fn leave(self: Box<Self>) -> Result<(), QueueError> {
        let member = self.member.clone();
        self.queue.work("leave a group", move |connection| group::leave(connection, &member)).await
    }
}
