//! A member of a consumer group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use accordant::bytes::Bytes;
use accordant::id::TenantId;
use accordant::queue::{Consumer, Delivered, Message, QueueError, Share, last_of_each};
use async_trait::async_trait;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::KafkaOptions;

/// How long a call waits for a first message.
const WAIT: Duration = Duration::from_millis(100);

/// The partitions that the group has given to this member.
#[derive(Debug, Clone, Default)]
struct Given(Arc<Mutex<BTreeSet<u32>>>);

impl Given {
    fn held(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        // A change of the set is whole or has not happened, so a poisoned lock guards a whole one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Given {}

impl ConsumerContext for Given {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(gone) = rebalance {
            let gone = numbers(gone);
            self.held().retain(|partition| !gone.contains(partition));
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(given) = rebalance {
            self.held().extend(numbers(given));
        }
    }
}

fn numbers(list: &TopicPartitionList) -> BTreeSet<u32> {
    list.elements().iter().filter_map(|element| u32::try_from(element.partition()).ok()).collect()
}

pub(crate) struct KafkaConsumer {
    consumer: StreamConsumer<Given>,
    given: Given,
    topic: String,
    partitions: u32,
    patience: Duration,
    /// Of the partitions that it was delivered from: where the first lies that was not acknowledged.
    open: BTreeMap<u32, i64>,
}

impl KafkaConsumer {
    pub(crate) fn join(options: &KafkaOptions, topic: &str, partitions: u32, group: &str) -> Result<Self, QueueError> {
        let given = Given::default();
        let lease = options.lease.as_millis();
        let mut config = options.config.clone();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // A group that joins first hears of everything that is still there.
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("socket.timeout.ms", options.patience.as_millis().max(lease).to_string())
            .set("session.timeout.ms", lease.to_string())
            .set("heartbeat.interval.ms", (lease / 5).max(100).to_string())
            // A member that works on what it heard for longer is as good as dead.
            .set("max.poll.interval.ms", (lease * 4).to_string())
            .set("fetch.message.max.bytes", (options.most_bytes + (64 << 10)).to_string());
        if config.get("partition.assignment.strategy").is_none() {
            config.set("partition.assignment.strategy", "cooperative-sticky");
        }
        let consumer: StreamConsumer<Given> =
            config.create_with_context(given.clone()).map_err(QueueError::broker("set up a consumer"))?;
        consumer.subscribe(&[topic]).map_err(QueueError::broker("join a group"))?;
        Ok(Self {
            consumer,
            given,
            topic: topic.to_owned(),
            partitions,
            patience: options.patience,
            open: BTreeMap::new(),
        })
    }
}

/// A message as it was published; what others put in the topic has no tenant.
fn delivered(message: &BorrowedMessage<'_>) -> Option<Delivered> {
    let headers = message.headers()?;
    let header = |name: &str| {
        let header = headers.iter().find(|header| header.key == name)?;
        std::str::from_utf8(header.value.unwrap_or_default()).ok()
    };
    Some(Delivered {
        partition: u32::try_from(message.partition()).ok()?,
        offset: u64::try_from(message.offset()).ok()?,
        message: Message {
            tenant: TenantId::new(header("tenant")?),
            key: header("key")?.into(),
            id: header("id")?.into(),
            body: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        },
    })
}

/// Whether the broker says that somebody else has the partition by now.
fn is_lost(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        AssignmentLost, FencedInstanceId, IllegalGeneration, NoOffset, RebalanceInProgress, UnknownMemberId,
    };
    let lost = [AssignmentLost, FencedInstanceId, IllegalGeneration, NoOffset, RebalanceInProgress, UnknownMemberId];
    error.rdkafka_error_code().is_some_and(|code| lost.contains(&code))
}

#[async_trait]
impl Consumer for KafkaConsumer {
    fn share(&self) -> Share {
        Share::of(self.partitions, self.given.held().iter().copied())
    }

    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, QueueError> {
        let mut heard: Vec<Delivered> = Vec::new();
        // For the first it waits; the others lie here already, or come with the next call.
        let mut wait = WAIT;
        while heard.len() < limit {
            let Ok(message) = tokio::time::timeout(wait, self.consumer.recv()).await else { break };
            wait = Duration::from_millis(1);
            match message {
                Ok(message) => heard.extend(delivered(&message)),
                Err(_) if !heard.is_empty() => break,
                // A broker that is away comes back; the driver connects by itself.
                Err(KafkaError::MessageConsumption(code)) if passes(code) => break,
                Err(error) => return Err(QueueError::broker("hear messages")(error)),
            }
        }
        // What came while a partition went to somebody else is theirs.
        let given = self.given.held();
        heard.retain(|delivered| given.contains(&delivered.partition));
        self.open.retain(|partition, _| given.contains(partition));
        drop(given);
        for delivered in &heard {
            let first = i64::try_from(delivered.offset).unwrap_or(i64::MAX);
            self.open.entry(delivered.partition).or_insert(first);
        }
        Ok(heard)
    }

    async fn acknowledge(&mut self, done: &[Delivered]) -> Result<(), QueueError> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in last_of_each(done) {
            if !self.given.held().contains(&partition) {
                continue;
            }
            let next = i64::try_from(offset).unwrap_or(i64::MAX - 1) + 1;
            let number = i32::try_from(partition).unwrap_or(i32::MAX);
            let added = list.add_partition_offset(&self.topic, number, Offset::Offset(next));
            added.map_err(QueueError::broker("acknowledge messages"))?;
            self.open.insert(partition, next);
        }
        if list.count() == 0 {
            return Ok(());
        }
        // The call waits for the broker, for milliseconds: what follows rests on its answer.
        match self.consumer.commit(&list, CommitMode::Sync) {
            Err(error) if !is_lost(&error) => Err(QueueError::broker("acknowledge messages")(error)),
            _ => Ok(()),
        }
    }

    async fn rewind(&mut self) -> Result<(), QueueError> {
        let mut list = TopicPartitionList::new();
        for (partition, first) in &self.open {
            let number = i32::try_from(*partition).unwrap_or(i32::MAX);
            let added = list.add_partition_offset(&self.topic, number, Offset::Offset(*first));
            added.map_err(QueueError::broker("go back"))?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        match self.consumer.seek_partitions(list, self.patience) {
            Err(error) if !is_lost(&error) => Err(QueueError::broker("go back")(error)),
            _ => Ok(()),
        }
    }

    async fn leave(self: Box<Self>) -> Result<(), QueueError> {
        self.consumer.unsubscribe();
        Ok(())
    }
}

fn passes(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, OperationTimedOut, PartitionEOF, RequestTimedOut, Resolve,
    };
    [AllBrokersDown, BrokerTransportFailure, OperationTimedOut, PartitionEOF, RequestTimedOut, Resolve].contains(&code)
}
