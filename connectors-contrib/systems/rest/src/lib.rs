//! Any system with a JSON interface, by a description.
//!
//! A [`Description`] says where a system keeps what: paths, paging, what asks for changes, where in an answer records, ids,
//! versions and deletions are, who we are to it, and how fast it may be asked. [`Rest`] is the connector that follows from
//! it. It is read from TOML ([`Description::parse`]) or written as a Rust literal; either is checked as a whole before the
//! first request, and each [`Mistake`] names its place and what to write there.
//!
//! The documented shape of a record is the record as the system's lists carry it.
//!
//! - **What is not declared is not promised.** Without `modified` or `version` nothing orders records but our own reads;
//!   without `create.safety` a create may happen twice, and duplicates are found by the next scan.
//! - **Polls** go by time through [`accordant_http::Window`], or by the system's own cursor from a time on; never by page
//!   numbers, since a row that moves between two pages would be lost.
//! - **Writes** look first, and are sent only if the record is as expected: by `If-Match` where the system has it, and
//!   otherwise with the moment between look and write unguarded.
//! - **Webhooks** are signed or refused, and only say which record to read.
//!
//! Fields are not described ([`Connector::describe`](accordant::Connector::describe)): a list shows what its records hold today, and a
//! field that none of them has is not one that is gone. What a system says of its fields, where it says it, has a form of its own.
//!
//! Redirects are not followed, and no address of another host is ever asked: a page's link that leads away is an error.

mod address;
mod answer;
mod auth;
mod body;
mod check;
mod connector;
mod description;
mod fault;
mod list;
mod mistake;
mod poll;
mod read;
mod surfaces;
mod webhook;
mod write;

pub use auth::Auth;
pub use connector::Rest;
pub use description::{
    Changed, Create, Delete, Deleted, Description, Find, Limit, List, Modified, Object, One, Paging, Parameter, Record,
    Safety, Size, Update, Written,
};
pub use mistake::{Mistake, Mistakes};
pub use webhook::{SignatureEncoding, Webhooks};
