//! Shopify as a connector.
//!
//! [`Shopify`] hears by webhooks, polls by search, scans by bulk operation, reads nodes, and writes customers, single
//! values of products and orders, and quantities of inventory levels, all over the GraphQL Admin interface. What it asks for is
//! what the model maps: [`Settings::maps`]. The documented shape of a record is that of a node: `firstName`,
//! `defaultEmailAddress.emailAddress`; `metafields.<namespace>.<key>` is a metafield's value, `quantities.<name>` a quantity of an
//! inventory level. `variants.nodes` and `lineItems.nodes` are collections, whose members' paths begin within an element. Ids are
//! numbers, not addresses; that of an inventory level has its item's behind it.
//!
//! - **Webhooks hint.** Their signature covers the body alone: neither when it was sent nor to which shop. So whatever is
//!   played again, or to another tenant, only has a record read.
//! - **Search** polls what changed, ten minutes back each time, in whole seconds; what it answers beyond what was asked is
//!   dropped.
//! - **Scans** are bulk operations: one query over everything, its result a file that is fetched in pieces.
//! - **The schema** of a version ([`Settings::version`]) does not change, by the vendor: so it is held against the model before it is used
//!   ([`Settings::described`]), and not asked for while it is. A version lasts a year; then another one answers in its name.
//! - **A write is applied** when the request, the document and the mutation's own `userErrors` are all clean. What a
//!   mutation takes as a list replaces the list: so an address is changed by its own mutation, never through a list. A customer's
//!   tags are the one list that is written: as a whole.
//! - **Metafields** are set only where they still are what they were when we looked (`compareDigest`): the only
//!   compare-and-set that Shopify has for customers, products and orders. Everything else is looked at, and written right after.
//! - **Quantities** are set only where they still are what the write expects, and once for an operation: by the shop's own
//!   compare-and-set (`changeFromQuantity`) under `@idempotent`.
//! - **Lists** come with their record, so many elements at the most ([`Settings::elements`]); of a longer one only a scan tells.
//!   No list of nodes is written.
//! - **Creates** are made under a metafield whose values are unique: [`Settings::key`].

mod auth;
mod connector;
mod customer;
mod document;
mod fault;
mod file;
mod inputs;
mod levels;
mod limits;
mod node;
mod poll;
mod read;
mod scan;
mod schema;
mod selection;
mod settings;
mod surfaces;
mod webhook;
mod wire;
mod write;

pub use auth::access_token;
pub use connector::Shopify;
pub use settings::{Key, Object, Settings};
