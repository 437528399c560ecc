//! The laws of settling (`docs/semantics.md` 4 to 11): named examples, and properties over random entities.

#[path = "settle/decisions.rs"]
mod decisions;
#[path = "settle/laws.rs"]
mod laws;
#[path = "settle/story.rs"]
mod story;
#[path = "settle/structure.rs"]
mod structure;
#[path = "settle/universe.rs"]
mod universe;
#[path = "settle/values.rs"]
mod values;
