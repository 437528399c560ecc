//! Accordant's queue on Kafka.
