//! Stand-ins for the systems that connectors talk to, so that they can be written, tried and broken without an account.
//!
//! Each keeps state, answers over HTTP in the shapes of the vendor's own schema, keeps to the vendor's limits, and sends
//! signed webhooks. What it does is a function of what it was asked, of its clock, which can be moved, and of the seed of
//! its [`Faults`]. A stand-in is a value: [`Remote::answer`] is all of it, and [`serve`] puts it on a loopback address.
//!
//! It knows the vendors' rules from their published schemas; what those do not say follows what others have observed, and
//! is said so beside it. It shares no line with the connectors but the transport that webhooks leave by.

mod accounts;
mod chance;
mod clock;
mod control;
mod fault;
mod graphql;
pub mod hubspot;
mod instant;
mod json;
mod key;
mod ledger;
mod limit;
pub mod netsuite;
mod outbox;
mod remote;
mod scene;
pub mod shopify;

pub use accounts::{Accounts, Switch, UnknownSwitch, names};
pub use chance::Chance;
pub use clock::MovableClock;
pub use control::Control;
pub use fault::{Fault, Faults};
pub use hubspot::HubSpot;
pub use key::KeyPair;
pub use ledger::{APP, Did, Entry};
pub use limit::Traffic;
pub use netsuite::NetSuite;
pub use outbox::{Outgoing, Sent};
pub use remote::{Remote, Served, deliver, serve, serve_after};
pub use scene::Scene;
pub use shopify::Shopify;
