//! A connector to copy: a system of contacts, read by a scan and by id, written with compare-and-set.
//!
//! [`Api`] is what is needed of the system; [`Contacts`] is the connector. `README.md` says what to change.

mod api;
mod connector;

pub use api::{Api, Contact, Failure};
pub use connector::Contacts;
