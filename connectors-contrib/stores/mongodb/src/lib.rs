//! Accordant's store on MongoDB, 5 or later, as a replica set or sharded: it needs transactions.
//!
//! ```no_run
//! # async fn open() -> Result<(), accordant::store::StoreError> {
//! use accordant_mongodb::MongoStore;
//!
//! let store = MongoStore::open("mongodb://db.example.com/?replicaSet=rs0").await?;
//! # let _ = store;
//! # Ok(())
//! # }
//! ```
//!
//! # Reading it in the shell
//!
//! Each [`Table`](accordant::store::Table) is a collection of the database `accordant`. A document has `_id` (`tenant` and
//! `key`), `revision`, and its content as `value`: a document of its own, so that its fields can be asked for.
//!
//! ```js
//! db.discrepancy.find({ "_id.tenant": "acme", "value.state": { $ne: "resolved" } })
//! db.journal.find({ "_id.tenant": "acme", subject: "0198c6f0-..." }).sort({ _id: 1 })
//! ```
//!
//! Content that would not come back from a document byte for byte (no JSON, numbers beyond 64 bits, fractions, names that
//! MongoDB reads otherwise) stands in `text` or, if it is no text, in `bytes`. Entries of the journal are documents of
//! `journal`, with the payload as content; one that was erased has none, and no `salt`.
//!
//! # Following it
//!
//! Documents of `journal` are inserted in the order of `seq`. A change stream of them tells every entry of a tenant once, and goes
//! on from its resume token; what other services should hear without MongoDB is published on a queue
//! ([`Topic::Journal`](accordant::queue::Topic::Journal), [`Topic::Golden`](accordant::queue::Topic::Golden)).
//!
//! ```js
//! db.journal.watch([{ $match: { operationType: "insert", "fullDocument._id.tenant": "acme" } }])
//! ```
//!
//! # Indexes
//!
//! | collection | index | for |
//! | --- | --- | --- |
//! | every one | `_id` | looking up rows, scans in the order of keys, pages of the journal |
//! | `journal` | `_id.tenant`, `subject`, `_id.seq` | the entries about a subject, and their erasure |
//! | `discrepancy` | `_id.tenant`, `value.state`, `value.kind` | people's questions |

mod commit;
mod content;
mod entries;
mod fault;
mod options;
mod rows;
mod schema;
mod store;
mod transaction;

pub use options::MongoOptions;
pub use store::MongoStore;
