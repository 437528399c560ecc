//! Tables of PostgreSQL: as snapshots, by `COPY`, and compared where they are, if both are in one database.

mod copy;
mod database;
mod quoted;
mod table;
mod within;

pub use self::database::Database;
pub use self::table::Table;
pub use self::within::{Within, sweep_within};
