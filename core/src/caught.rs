//! Panics of what was written for one deployment: checks, policies and rules are called here, and one that panics says nothing.
//!
//! Whoever calls makes an outcome of that: it is told, and never taken for an answer. The message of the panic goes where the program's panic
//! hook sends it, and nowhere else: it may quote a value. Where panics abort the program, nothing is caught.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `call` gives; `None`: it panicked.
///
/// What is called takes the engine's state by reference, and changes none of it: a panic leaves no half of anything behind.
pub(crate) fn caught<R>(call: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
