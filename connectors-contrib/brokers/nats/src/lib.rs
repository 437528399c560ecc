//! Accordant's queue on NATS JetStream, server 2.10 or later.
//!
//! ```no_run
//! # async fn open() -> Result<(), accordant::queue::QueueError> {
//! use accordant_nats::NatsQueue;
//!
//! let queue = NatsQueue::open("nats://nats.example.com").await?;
//! # let _ = queue;
//! # Ok(())
//! # }
//! ```
//!
//! # Streams
//!
//! A stream for each topic, `accordant_inputs` say, with a subject for each partition, `accordant.inputs.7`; and the key-value bucket
//! `accordant`, in which members of groups say that they live, and who has which partition, up to where. All are kept in files. What
//! is missing is made; what is there is taken as it is. A message that is published again within ten minutes is one with the first.
//!
//! # Groups
//!
//! JetStream has no groups whose members get partitions each. Members agree through the bucket: each takes its due of what nobody
//! living has ([`accordant::queue::assignment`]). A partition and how far it was acknowledged are one entry, changed only at the
//! revision that its holder knows: a member that was held to be dead cannot acknowledge any more. Members compare each other's
//! words with their own clocks: a lease is longer than clocks differ.

mod consumer;
mod group;
mod options;
mod queue;

pub use options::NatsOptions;
pub use queue::NatsQueue;
