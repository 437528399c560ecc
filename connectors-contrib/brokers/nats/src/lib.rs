//! Accordant's queue on NATS JetStream.
