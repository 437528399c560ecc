//! The protocol by which Accordant writes, small enough to be searched for every order of events.
//!
//! [`create`] models what `core/src/engine/tenant/apply.rs` does to create one record, [`update`] what it does to change
//! one value. Both know the intent that is durable before the call, the receipt, the probe of what has no receipt, several
//! processes, crashes, and a network that loses, delays and forgets. [`table`] says what holds, as `docs/semantics.md`
//! has it.

pub mod create;
pub mod table;
pub mod update;
