//! How a queue is opened.

use std::time::Duration;

use async_nats::ConnectOptions;

/// Where the servers are, and how they are used.
#[derive(Debug)]
pub struct NatsOptions {
    pub(crate) servers: String,
    pub(crate) connection: ConnectOptions,
    pub(crate) prefix: String,
    pub(crate) partitions: u32,
    pub(crate) replicas: usize,
    pub(crate) lease: Duration,
    pub(crate) patience: Duration,
    pub(crate) kept: Duration,
    pub(crate) most_bytes: usize,
}

impl NatsOptions {
    /// By the URLs of servers, with commas in between.
    #[must_use]
    pub fn new(servers: &str) -> Self {
        Self {
            servers: servers.to_owned(),
            connection: ConnectOptions::new().name("accordant"),
            prefix: "accordant".to_owned(),
            partitions: 16,
            replicas: 1,
            lease: Duration::from_secs(30),
            patience: Duration::from_secs(10),
            kept: Duration::from_secs(7 * 24 * 60 * 60),
            most_bytes: 900_000,
        }
    }

    /// With these options of a connection: credentials, TLS.
    #[must_use]
    pub fn connection(self, connection: ConnectOptions) -> Self {
        Self { connection, ..self }
    }

    /// What the names of streams, subjects and the bucket begin with; `accordant` unless said otherwise. Letters, digits, `-` and `_`.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self }
    }

    /// How many partitions topics have, if nobody has said so before; 16 unless said otherwise. It bounds how many workers share the
    /// work, and is never changed.
    #[must_use]
    pub fn partitions(self, partitions: u16) -> Self {
        Self { partitions: u32::from(partitions.max(1)), ..self }
    }

    /// With how many replicas streams are made that are missing; 1 unless said otherwise, which is none to spare.
    #[must_use]
    pub fn replicas(self, replicas: u8) -> Self {
        Self { replicas: usize::from(replicas.max(1)), ..self }
    }

    /// How long a member that says nothing keeps its partitions; 30 seconds unless said otherwise.
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// How long a call may take before it fails; 10 seconds unless said otherwise.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How long messages are kept in streams that are made; seven days unless said otherwise: longer than the longest time for which
    /// all workers may be down.
    #[must_use]
    pub fn kept(self, kept: Duration) -> Self {
        Self { kept, ..self }
    }

    /// The largest body, in bytes; 900 000 unless said otherwise: below what servers take by default (`max_payload`).
    #[must_use]
    pub fn most_bytes(self, bytes: usize) -> Self {
        Self { most_bytes: bytes, ..self }
    }
}
