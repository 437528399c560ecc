//! Stories over three systems: what happens, what is golden then, what stands open, and what would be written.

#[path = "stories/model.rs"]
mod model;

#[path = "stories/drift.rs"]
mod drift;
