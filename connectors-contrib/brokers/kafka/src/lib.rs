//! Accordant's queue on Kafka, 2.4 or later, or anything that speaks its protocol: consumer groups share out the work.
//!
//! ```no_run
//! # async fn open() -> Result<(), accordant::queue::QueueError> {
//! use accordant_kafka::KafkaQueue;
//!
//! let queue = KafkaQueue::open("kafka-1:9092,kafka-2:9092").await?;
//! # let _ = queue;
//! # Ok(())
//! # }
//! ```
//!
//! # Topics
//!
//! `accordant.inputs`, `accordant.journal`, `accordant.golden` and `accordant.unreadable`, under another prefix if told so. Those
//! that are missing are made, with sixteen partitions; those that are there are taken as they are. **The number of partitions
//! bounds how many workers share the work, and must not change while anything is under way**: a key would move to another
//! partition, and be heard out of order.
//!
//! Messages carry `tenant`, `key` and `id` as headers. Kafka does not tell a repetition: whoever hears one does, by `id`. For
//! workers a repetition says nothing new.
//!
//! # Durability
//!
//! A producer waits for all in-sync replicas (`acks=all`, idempotent). How many there are is the topics' affair
//! (`replication.factor`, `min.insync.replicas`), and so is how long messages are kept: longer than the longest time for which all
//! workers may be down.

mod consumer;
mod options;
mod queue;

pub use options::KafkaOptions;
pub use queue::KafkaQueue;
