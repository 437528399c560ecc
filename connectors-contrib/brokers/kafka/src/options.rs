//! How a queue is opened.

use std::time::Duration;

use rdkafka::ClientConfig;

/// Where the brokers are, and how they are used.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    pub(crate) config: ClientConfig,
    pub(crate) prefix: String,
    pub(crate) partitions: i32,
    pub(crate) replicas: i32,
    pub(crate) makes_topics: bool,
    pub(crate) lease: Duration,
    pub(crate) patience: Duration,
    pub(crate) most_bytes: usize,
}

impl KafkaOptions {
    /// By the addresses of brokers, as `host:port`, with commas in between.
    #[must_use]
    pub fn new(brokers: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("client.id", "accordant");
        Self {
            config,
            prefix: "accordant".to_owned(),
            partitions: 16,
            replicas: 1,
            makes_topics: true,
            lease: Duration::from_secs(30),
            patience: Duration::from_secs(30),
            most_bytes: 900_000,
        }
    }

    /// Sets a property of librdkafka, for security say: `security.protocol`, `sasl.username`. What this crate rests on (groups,
    /// offsets, acknowledgements) it sets itself.
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.config.set(name, value);
        self
    }

    /// What the names of topics and groups begin with; `accordant` unless said otherwise.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self }
    }

    /// With how many partitions topics are made that are missing; 16 unless said otherwise.
    #[must_use]
    pub fn partitions(self, partitions: u16) -> Self {
        Self { partitions: i32::from(partitions.max(1)), ..self }
    }

    /// With how many replicas topics are made that are missing; 1 unless said otherwise, which is none to spare.
    #[must_use]
    pub fn replicas(self, replicas: u8) -> Self {
        Self { replicas: i32::from(replicas.max(1)), ..self }
    }

    /// Makes no topics: somebody else has made all four.
    #[must_use]
    pub fn topics_exist(self) -> Self {
        Self { makes_topics: false, ..self }
    }

    /// How long a member that says nothing keeps its partitions; 30 seconds unless said otherwise, and within what the brokers
    /// allow (`group.min.session.timeout.ms`).
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// How long a call may take before it fails; 30 seconds unless said otherwise.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The largest body, in bytes; 900 000 unless said otherwise: below what brokers take by default (`message.max.bytes`).
    #[must_use]
    pub fn most_bytes(self, bytes: usize) -> Self {
        Self { most_bytes: bytes, ..self }
    }
}
