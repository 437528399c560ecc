//! Three accounts of the sandbox on loopback, the quickstart's model as it is, and customers that drift in every way.
//!
//! The engine is told of the drift by webhooks, polls and scans, writes what is owed, and comes to rest. Whether anything was
//! lost, made twice or written without a reason is not for it to say: [`judge`] goes by what the accounts themselves have on
//! record.

pub mod attribute;
pub mod day;
pub mod door;
pub mod judge;
pub mod report;
pub mod run;
pub mod script;
pub mod world;

/// What a run may fail with.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
