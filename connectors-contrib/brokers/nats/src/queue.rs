//! Publishing, and the streams.

use std::sync::Arc;
use std::time::Duration;

use accordant::bytes::{BufMut as _, Bytes, BytesMut};
use accordant::id::TenantId;
use accordant::queue::{Consumer, Message, Queue, QueueError, Topic, partition_of, require_size};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::kv::{self, CreateErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::StorageType;
use async_nats::jetstream::{Context, stream};
use async_trait::async_trait;

use crate::NatsOptions;
use crate::consumer::NatsConsumer;
use crate::group::Group;

/// Within which time a message of the same id is the same.
const SAME_WITHIN: Duration = Duration::from_secs(600);

/// How many messages are under way at once: more than the driver lets wait for their acknowledgement hang it.
const AT_ONCE: usize = 500;

/// The key under which the bucket says how many partitions there are.
const PARTITIONS: &str = "partitions";

/// Messages on NATS JetStream.
#[derive(Clone)]
pub struct NatsQueue {
    context: Context,
    bucket: kv::Store,
    names: Arc<Names>,
    partitions: u32,
    lease: Duration,
    patience: Duration,
    most_bytes: usize,
}

impl std::fmt::Debug for NatsQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsQueue").field("prefix", &self.names.prefix).finish_non_exhaustive()
    }
}

/// What things are called.
#[derive(Debug)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub(crate) fn stream(&self, topic: Topic) -> String {
        format!("{}_{}", self.prefix, topic.name())
    }

    pub(crate) fn subject(&self, topic: Topic, partition: u32) -> String {
        format!("{}.{}.{partition}", self.prefix, topic.name())
    }
}

impl NatsQueue {
    /// Opens the queue on these servers, and makes what is missing.
    ///
    /// # Errors
    ///
    /// If no server answers in time, or a stream cannot be made.
    pub async fn open(servers: &str) -> Result<Self, QueueError> {
        Self::open_with(NatsOptions::new(servers)).await
    }

    /// As [`NatsQueue::open`], with options.
    ///
    /// # Errors
    ///
    /// As [`NatsQueue::open`].
    pub async fn open_with(options: NatsOptions) -> Result<Self, QueueError> {
        let NatsOptions { servers, connection, prefix, partitions, replicas, lease, patience, kept, most_bytes } =
            options;
        let servers: Vec<&str> = servers.split(',').collect();
        let connection = connection.connection_timeout(patience).request_timeout(Some(patience));
        let client = connection.connect(servers).await.map_err(QueueError::broker("connect to a server"))?;
        let context = ContextBuilder::new().timeout(patience).build(client);
        let names = Names { prefix: prefix.clone() };
        for topic in Topic::ALL {
            let config = stream::Config {
                name: names.stream(topic),
                subjects: vec![format!("{prefix}.{}.*", topic.name())],
                storage: StorageType::File,
                num_replicas: replicas,
                max_age: kept,
                duplicate_window: SAME_WITHIN.min(kept),
                ..stream::Config::default()
            };
            context.get_or_create_stream(config).await.map_err(QueueError::broker("make a stream"))?;
        }
        let config = kv::Config {
            bucket: prefix,
            storage: StorageType::File,
            num_replicas: replicas,
            history: 1,
            ..kv::Config::default()
        };
        let bucket = context.create_key_value(config).await.map_err(QueueError::broker("make the bucket"))?;
        let partitions = agreed(&bucket, partitions).await?;
        Ok(Self { context, bucket, names: Arc::new(names), partitions, lease, patience, most_bytes })
    }
}

/// How many partitions there are: as whoever came first has said.
async fn agreed(bucket: &kv::Store, partitions: u32) -> Result<u32, QueueError> {
    let first = bucket.create(PARTITIONS, Bytes::from(partitions.to_string())).await;
    if let Err(error) = first
        && error.kind() != CreateErrorKind::AlreadyExists
    {
        return Err(QueueError::broker("agree on partitions")(error));
    }
    let said = bucket.get(PARTITIONS).await.map_err(QueueError::broker("agree on partitions"))?.unwrap_or_default();
    let said = std::str::from_utf8(&said).ok().and_then(|said| said.parse().ok()).filter(|said| *said > 0);
    said.ok_or_else(|| QueueError::broker("agree on partitions")("the bucket holds no number of them"))
}

/// A message as a stream holds it: a line of JSON that says whose it is, and the body.
fn packed(message: &Message) -> Bytes {
    let line = serde_json::json!([message.tenant.as_str(), message.key.as_str(), message.id.as_str()]).to_string();
    let mut bytes = BytesMut::with_capacity(line.len() + 1 + message.body.len());
    bytes.put_slice(line.as_bytes());
    bytes.put_u8(b'\n');
    bytes.put_slice(&message.body);
    bytes.freeze()
}

/// The message that a stream holds; `None`: somebody else put it there.
pub(crate) fn unpacked(bytes: &Bytes) -> Option<Message> {
    // JSON has no line break within a text.
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (tenant, key, id): (String, String, String) = serde_json::from_slice(&bytes[..end]).ok()?;
    Some(Message { tenant: TenantId::new(&tenant), key: key.into(), id: id.into(), body: bytes.slice(end + 1..) })
}

#[async_trait]
impl Queue for NatsQueue {
    async fn publish(&self, topic: Topic, messages: Vec<Message>) -> Result<(), QueueError> {
        require_size(topic, &messages, self.most_bytes)?;
        for messages in messages.chunks(AT_ONCE) {
            let mut sent = Vec::with_capacity(messages.len());
            for message in messages {
                let subject = self.names.subject(topic, partition_of(&message.tenant, &message.key, self.partitions));
                // An id may hold what a header may not.
                let id = accordant::fingerprint::Digest::of(message.id.as_bytes()).to_string();
                let publish = PublishMessage::build().payload(packed(message)).message_id(id);
                let publish = self.context.send_publish(subject, publish).await;
                sent.push(publish.map_err(QueueError::broker("publish messages"))?);
            }
            for sent in sent {
                sent.await.map_err(QueueError::broker("publish messages"))?;
            }
        }
        Ok(())
    }

    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Consumer>, QueueError> {
        let stream =
            self.context.get_stream(self.names.stream(topic)).await.map_err(QueueError::broker("join a group"))?;
        let group = Group::new(self.bucket.clone(), topic, group, self.partitions, self.lease);
        Ok(Box::new(NatsConsumer::new(stream, Arc::clone(&self.names), topic, group, self.patience)))
    }

    fn most_bytes(&self) -> usize {
        self.most_bytes
    }
}
