//! HubSpot as a connector.
//!
//! [`HubSpot`] reads by webhooks (v3), by search, by list and one by one, and writes in batches. What it asks for is what
//! the model maps: [`Settings::maps`]. The documented shape of a record is that of CRM v3: paths are
//! `properties.<name>`, `associations.<type>`, `id`, `createdAt`, `updatedAt`, `archived`. Values of properties are text.
//!
//! - **Webhooks hint.** They carry one property, in no order; the record is read. Deletions and merges are told of.
//! - **Search** polls what changed, an hour back each time, since its index shows changes late.
//! - **Lists** scan everything, and then everything that is archived.
//! - **A read that answers with another id** is a merge: HubSpot gives merged records a new id, to which the old ones lead.
//! - **A property that was asked for and is not in the answer** may not be read: it is denied, and not cleared.
//! - **Associations** are values of the record: `associations.companies` is the id of the company that a contact belongs to,
//!   the primary one, or else the only one. Map it as a reference; with `via_object` where the target lives in several object
//!   types. Line items name their deal in the same way, `associations.deals`.
//! - **Writes** look first, and are not sent if the record is no longer as expected. Between the look and the write
//!   somebody may still come in: HubSpot has no compare-and-set. Creates carry [`Settings::key_property`], whose values
//!   HubSpot keeps unique, so that a second one has no effect.
//!
//! Call [`HubSpot::prepare`] once before the first use: it defines that property, and says which mapped ones do not exist.
//! [`Settings::describes`] lets the engine ask for them, so that an attribute stops whose property is gone. [`Settings::described`]
//! reads an exported list of properties, to be held against a model without an account.

mod associations;
mod auth;
mod connector;
mod fault;
mod limits;
mod poll;
mod read;
mod scan;
mod schema;
mod settings;
mod surfaces;
mod webhook;
mod wire;
mod write;

pub use auth::{oauth, private_app};
pub use connector::HubSpot;
pub use settings::{Object, Settings};
