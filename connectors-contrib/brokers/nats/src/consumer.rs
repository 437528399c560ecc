//! What a member hears of its partitions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use accordant::queue::{Consumer, Delivered, QueueError, Share, Topic, last_of_each};
use async_nats::jetstream::consumer::{AckPolicy, Consumer as Reader, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use async_trait::async_trait;
use futures::StreamExt as _;

use crate::group::Group;
use crate::queue::{Names, unpacked};

/// How long a member rests when there is nothing to be heard.
const WAIT: Duration = Duration::from_millis(50);

/// How long the server remembers a reader that asks for nothing.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

pub(crate) struct NatsConsumer {
    stream: Stream,
    names: Arc<Names>,
    topic: Topic,
    group: Group,
    /// Up to where each of its partitions was delivered.
    heard: BTreeMap<u32, u64>,
    /// Reads all of its partitions, in the order of the stream.
    reader: Option<Reader<pull::Config>>,
    /// How long a call may take: a connection that is lost in the middle of a stream of answers says nothing.
    patience: Duration,
}

impl NatsConsumer {
    pub(crate) fn new(stream: Stream, names: Arc<Names>, topic: Topic, group: Group, patience: Duration) -> Self {
        Self { stream, names, topic, group, heard: BTreeMap::new(), reader: None, patience }
    }

    /// Begins to read where the first of its partitions goes on.
    async fn begin(&mut self) -> Result<Reader<pull::Config>, QueueError> {
        let subjects = self.heard.keys().map(|partition| self.names.subject(self.topic, *partition)).collect();
        let start = self.heard.values().min().copied().unwrap_or(0) + 1;
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: start },
            // Places are acknowledged in the bucket, where a revision guards them.
            ack_policy: AckPolicy::None,
            filter_subjects: subjects,
            inactive_threshold: FORGOTTEN_AFTER,
            ..pull::Config::default()
        };
        self.stream.create_consumer(config).await.map_err(QueueError::broker("read a stream"))
    }

    async fn read(&mut self, limit: usize) -> Result<Vec<Delivered>, QueueError> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.begin().await?,
        };
        let doing = "hear messages";
        let mut batch = reader.fetch().max_messages(limit).messages().await.map_err(QueueError::broker(doing))?;
        let mut delivered = Vec::new();
        while let Some(message) = batch.next().await {
            let message = message.map_err(|error| QueueError::Broker { doing, source: error })?;
            let place = message.info().map_err(|error| QueueError::Broker { doing, source: error })?.stream_sequence;
            let partition = message.subject.rsplit('.').next().and_then(|partition| partition.parse().ok());
            let Some(partition) = partition else { continue };
            // It reads from where the first goes on: of the others, again what was heard.
            if self.heard.get(&partition).is_none_or(|heard| *heard >= place) {
                continue;
            }
            self.heard.insert(partition, place);
            delivered.extend(unpacked(&message.payload).map(|message| Delivered { partition, offset: place, message }));
        }
        // Only after all went well: what a broken read has skipped is read again by another.
        self.reader = Some(reader);
        Ok(delivered)
    }
}

#[async_trait]
impl Consumer for NatsConsumer {
    fn share(&self) -> Share {
        Share::of(self.group.partitions(), self.group.mine().into_keys())
    }

    async fn next(&mut self, limit: usize) -> Result<Vec<Delivered>, QueueError> {
        let doing = "share partitions";
        let kept = tokio::time::timeout(self.patience, self.group.keep()).await;
        kept.map_err(QueueError::broker(doing))??;
        let mine = self.group.mine();
        if !mine.keys().eq(self.heard.keys()) {
            self.heard.retain(|partition, _| mine.contains_key(partition));
            for (partition, acknowledged) in mine {
                self.heard.entry(partition).or_insert(acknowledged);
            }
            self.reader = None;
        }
        if self.heard.is_empty() || limit == 0 {
            tokio::time::sleep(WAIT).await;
            return Ok(Vec::new());
        }
        let before = self.heard.clone();
        let read = tokio::time::timeout(self.patience, self.read(limit)).await;
        match read.unwrap_or_else(|late| Err(QueueError::broker("hear messages")(late))) {
            Ok(delivered) => {
                if delivered.is_empty() {
                    tokio::time::sleep(WAIT).await;
                }
                Ok(delivered)
            }
            Err(error) => {
                // Nothing of it was handed on.
                self.heard = before;
                self.reader = None;
                Err(error)
            }
        }
    }

    async fn acknowledge(&mut self, done: &[Delivered]) -> Result<(), QueueError> {
        for (partition, place) in last_of_each(done) {
            let acknowledged = tokio::time::timeout(self.patience, self.group.acknowledge(partition, place)).await;
            acknowledged.map_err(QueueError::broker("acknowledge messages"))??;
        }
        Ok(())
    }

    async fn rewind(&mut self) -> Result<(), QueueError> {
        self.heard = self.group.mine();
        self.reader = None;
        Ok(())
    }

    async fn leave(self: Box<Self>) -> Result<(), QueueError> {
        let left = tokio::time::timeout(self.patience, self.group.leave()).await;
        left.map_err(QueueError::broker("leave a group"))?
    }
}
