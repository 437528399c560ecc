//! Publishing, and the topics.

use std::collections::BTreeMap;
use std::sync::Arc;

use accordant::queue::{Consumer, Message, Queue, QueueError, Topic, partition_of, require_size};
use async_trait::async_trait;
use futures::future::try_join_all;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

use crate::KafkaOptions;
use crate::consumer::KafkaConsumer;

/// Messages on Kafka.
#[derive(Clone)]
pub struct KafkaQueue {
    options: KafkaOptions,
    producer: FutureProducer,
    /// By topic.
    partitions: Arc<BTreeMap<Topic, u32>>,
}

impl std::fmt::Debug for KafkaQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaQueue").field("prefix", &self.options.prefix).finish_non_exhaustive()
    }
}

impl KafkaQueue {
    /// Opens the queue on these brokers, `host:port` with commas in between, and makes what topics are missing.
    ///
    /// # Errors
    ///
    /// If no broker answers in time, or topics cannot be made.
    pub async fn open(brokers: &str) -> Result<Self, QueueError> {
        Self::open_with(KafkaOptions::new(brokers)).await
    }

    /// As [`KafkaQueue::open`], with options.
    ///
    /// # Errors
    ///
    /// As [`KafkaQueue::open`]; and if options are none that librdkafka knows.
    pub async fn open_with(options: KafkaOptions) -> Result<Self, QueueError> {
        let patience = options.patience;
        let mut config = options.config.clone();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", patience.as_millis().to_string())
            .set("message.max.bytes", (options.most_bytes + (64 << 10)).to_string());
        let producer: FutureProducer = config.create().map_err(QueueError::broker("set up a producer"))?;
        let names: Vec<String> = Topic::ALL.iter().map(|topic| name_of(&options, *topic)).collect();
        if options.makes_topics {
            make(&options, &names).await?;
        }
        let looking = producer.clone();
        // It waits for the network, which this thread must not.
        let found = tokio::task::spawn_blocking(move || {
            let mut partitions = BTreeMap::new();
            for (topic, name) in Topic::ALL.into_iter().zip(names) {
                let metadata = looking.client().fetch_metadata(Some(&name), patience)?;
                let count = metadata
                    .topics()
                    .iter()
                    .find(|found| found.name() == name)
                    .map_or(0, |found| found.partitions().len());
                partitions.insert(topic, u32::try_from(count).unwrap_or(0));
            }
            Ok::<_, rdkafka::error::KafkaError>(partitions)
        });
        let found = found.await.map_err(QueueError::broker("look for topics"))?;
        let partitions = found.map_err(QueueError::broker("look for topics"))?;
        if let Some((topic, _)) = partitions.iter().find(|(_, count)| **count == 0) {
            return Err(QueueError::broker("look for topics")(format!("{} has no partitions", topic.name())));
        }
        Ok(Self { options, producer, partitions: Arc::new(partitions) })
    }
}

/// Makes what topics are missing.
async fn make(options: &KafkaOptions, names: &[String]) -> Result<(), QueueError> {
    let doing = "make topics";
    let admin: AdminClient<DefaultClientContext> =
        options.config.create().map_err(QueueError::broker("set up a client"))?;
    let topic = |name| NewTopic::new(name, options.partitions, TopicReplication::Fixed(options.replicas));
    let topics: Vec<NewTopic<'_>> = names.iter().map(|name| topic(name)).collect();
    let asked = AdminOptions::new().operation_timeout(Some(options.patience)).request_timeout(Some(options.patience));
    for made in admin.create_topics(&topics, &asked).await.map_err(QueueError::broker(doing))? {
        match made {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(QueueError::broker(doing)(format!("{topic}: {code}"))),
        }
    }
    Ok(())
}

/// The name of a topic.
fn name_of(options: &KafkaOptions, topic: Topic) -> String {
    format!("{}.{}", options.prefix, topic.name())
}

#[async_trait]
impl Queue for KafkaQueue {
    async fn publish(&self, topic: Topic, messages: Vec<Message>) -> Result<(), QueueError> {
        require_size(topic, &messages, self.options.most_bytes)?;
        let (name, partitions) = (name_of(&self.options, topic), self.partitions.get(&topic).copied().unwrap_or(1));
        // A send does nothing until it is awaited, and then lingers: all of them together.
        let sends = messages.iter().map(|message| {
            let partition = partition_of(&message.tenant, &message.key, partitions);
            let header = |key, value| Header { key, value: Some(value) };
            let headers = OwnedHeaders::new()
                .insert(header("tenant", message.tenant.as_str()))
                .insert(header("key", message.key.as_str()))
                .insert(header("id", message.id.as_str()));
            let key = format!("{}/{}", message.tenant, message.key);
            let (name, producer) = (&name, &self.producer);
            async move {
                let record = FutureRecord::to(name)
                    .partition(i32::try_from(partition).unwrap_or(0))
                    .key(&key)
                    .headers(headers)
                    .payload(&message.body[..]);
                producer.send(record, self.options.patience).await.map_err(|(error, _)| error)
            }
        });
        try_join_all(sends).await.map_err(QueueError::broker("publish messages"))?;
        Ok(())
    }

    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Consumer>, QueueError> {
        let name = name_of(&self.options, topic);
        let partitions = self.partitions.get(&topic).copied().unwrap_or(1);
        let group = format!("{}.{group}", self.options.prefix);
        Ok(Box::new(KafkaConsumer::join(&self.options, &name, partitions, &group)?))
    }

    fn most_bytes(&self) -> usize {
        self.options.most_bytes
    }
}
