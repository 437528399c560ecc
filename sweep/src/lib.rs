#![doc = include_str!("../README.md")]

mod batch;
mod checkpoint;
mod compare;
mod cursor;
mod difference;
mod error;
mod feed;
mod order;
#[cfg(feature = "postgres")]
pub mod postgres;
mod run;
mod runs;
mod side;
mod snapshot;
pub mod source;
mod sweep;

pub use self::batch::Batch;
pub use self::checkpoint::Checkpoint;
pub use self::compare::Attribute;
pub use self::difference::{Changed, Counts, Difference};
pub use self::error::{SnapshotError, SweepError};
pub use self::feed::Swept;
pub use self::order::Order;
pub use self::run::{Phase, Progress, Run, Step};
pub use self::side::Side;
pub use self::snapshot::{Cell, Resumes, Snapshot, Start, Wanted};
pub use self::sweep::Sweep;
