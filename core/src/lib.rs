//! Accordant keeps one business entity true across systems that each hold a part of it.

extern crate self as accordant;

pub mod connector;
pub mod decode;
pub mod equivalence;
pub mod fingerprint;
pub mod hub;
pub mod id;
pub mod journal;
pub mod laws;
pub mod model;
pub mod observation;
pub mod ownership;
pub mod policy;
pub mod stamp;
pub mod store;
pub mod surface;
pub mod text;
pub mod value;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[cfg(feature = "derive")]
pub use accordant_derive::{Canonical, CanonicalPart, CanonicalValue};
