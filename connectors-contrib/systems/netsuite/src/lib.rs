//! NetSuite as a connector.
//!
//! [`NetSuite`] polls and scans by SuiteQL, hears of deletions from `DeletedRecord`, and writes records over REST. What it
//! asks for is what the model maps: [`Settings::maps`]. The documented shape of a record is a row of SuiteQL: columns by
//! their names, in small letters, all values text.
//!
//! - **Pages go by keys**, the time and the id of the last row: rows that move while pages are read are not lost, and the
//!   limit of 100 000 rows to a query does not matter.
//! - **Polls reach back**, by as long as a script may run between the stamp and the commit of a row.
//! - **Instants** are asked for as text, in the zone of the integration's user. That zone must be the configured one, and
//!   must not have a time that comes twice a year: [`NetSuite::prepare`] looks, and says so.
//! - **Creates** go by external id, so that a second one meets the record of the first.
//! - **Writes** look first, and are not sent if the record is no longer as expected. NetSuite has no compare-and-set.
//! - **Lines** of a transaction are its collection `lines`, read from `transactionline`. A line that changes does not always
//!   change its transaction: so they are polled by their own stamp, and hint. They are not written.
//! - **A column that the account does not have** makes every query fail that names it. Where [`Settings::describes`] is set, it is asked
//!   for no more, and nothing is believed of it, while the rest goes on; the engine hears of it with the catalogue of records, and stops
//!   the attribute. Each time the catalogue is asked for, so is the column, and the lines: what queries may name again goes on.
//! - **Writes may be jobs** ([`NetSuite::respond_async`]): a repetition of one leads to the job of the first.
//! - **All requests of an account** share one number of requests at once: give its connectors one gate.

mod auth;
mod catalogue;
mod connector;
mod fault;
mod job;
mod known;
mod lines;
mod poll;
mod query;
mod read;
mod scan;
mod schema;
mod settings;
mod surfaces;
mod wire;
mod write;

pub use auth::machine_to_machine;
#[cfg(feature = "tba")]
pub use auth::token_based;
pub use connector::NetSuite;
pub use schema::Mismatch;
pub use settings::{Object, Settings};
