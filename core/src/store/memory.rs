//! The in-memory store.
/// stub
#[derive(Debug)]
pub struct MemoryStore;
