//! Accordant's store on PostgreSQL, 15 or later.
//!
//! ```no_run
//! # async fn open() -> Result<(), accordant::store::StoreError> {
//! use accordant_postgres::PostgresStore;
//!
//! let store = PostgresStore::open("postgres://accordant@db.example.com/accordant").await?;
//! # let _ = store;
//! # Ok(())
//! # }
//! ```
//!
//! # Reading it with SQL
//!
//! Each [`Table`](accordant::store::Table) is a table with the columns `tenant`, `key`, `revision` and `value` (JSON) in
//! the schema `accordant`. Two views are kept stable: `open_discrepancies` (`tenant`, `id`, `entity`, `unit`, `kind`,
//! `link`, `state`, `first_seen`, `last_seen`) and `journal_entries` (`tenant`, `seq`, `at`, `actor`, `kind`, `subject`,
//! `payload`, which is `NULL` once erased, `digest` in hexadecimal). Row security shows one tenant at a time:
//!
//! ```sql
//! SET accordant.tenant = '=acme';
//! SELECT unit, kind, count(*) FROM accordant.open_discrepancies GROUP BY unit, kind ORDER BY count(*) DESC;
//! ```

mod call;
mod commit;
mod entries;
mod fault;
mod options;
mod rows;
mod schema;
mod session;
mod spelling;
mod statements;
mod store;

pub use options::PostgresOptions;
pub use store::PostgresStore;
