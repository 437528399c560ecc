//! A PostgreSQL table as a system.
//!
//! [`PostgresTable`] reads and writes rows of tables that other programs own. What it reads of them is what the model maps
//! ([`Settings::maps`]). The documented shape of a record is its row as JSON (`row_to_json`): columns by their names, numbers
//! to the last digit, instants in UTC.
//!
//! - **Scans** go by the key, each page behind the last row of the one before.
//! - **Polls** go by a column, [`Table::modified`] or [`Table::sequence`], and reach back by as long as a transaction may
//!   take: a row is stamped when its transaction writes it, and visible when that commits.
//! - **Logical decoding** ([`Settings::log`]) tells of every committed change of a row, deletions too; a `TRUNCATE` it does not
//!   tell, which the next scan finds. It tells of what changes from when it is first followed on: what was there before is for
//!   a scan. What was read of the log is
//!   given up only when the engine asks for what follows it, and so has made it durable: a crash repeats, and loses nothing.
//! - **Notifications** ([`Settings::listens`]) wake whoever waits in [`PostgresTable::notified`]. They may be lost.
//! - **Writes** are one statement each, and expect in its condition what the plan expects: PostgreSQL looks at the row again
//!   when it has waited for another writer, so there is no moment between look and write.
//! - **Creates** go by a unique column that holds our key ([`Table::key`]): a second one has no effect.
//! - **Columns** are described as `information_schema` has them, in one statement for all tables: what is gone, renamed, retyped or only
//!   read stops its attribute. [`Settings::may_describe`] switches it off. A mapping escapes a point in the name of a column: `Tel\.`.
//!
//! Names are quoted, and values are parameters: nothing of the data gets into a statement. Needs a Tokio runtime.

mod catalog;
mod connector;
mod fault;
mod log;
mod notify;
mod pgoutput;
mod poll;
mod quoted;
mod read;
mod rows;
mod scan;
mod schema;
mod session;
mod settings;
mod surfaces;
mod write;

pub use connector::PostgresTable;
pub use settings::{Log, Settings, Table};
