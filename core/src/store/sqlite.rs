//! The SQLite store.
/// stub
#[derive(Debug)]
pub struct SqliteStore;
