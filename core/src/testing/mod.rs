//! What a consultant's tests need: stories, fake systems, a clock that stands still. No async runtime.
//!
//! A [`Story`] makes a fake system for every system of a model, and an [`Accordant`](crate::Accordant) on a store in
//! memory. In it systems say things, time passes, people decide; and golden values, discrepancies and plans are expected.
//! What is not as expected panics, with what was expected, what is there, and the story so far.
//!
//! ```
//! use accordant::{Canonical, DiscrepancyKind, Email, testing::Story};
//! use serde_json::json;
//!
//! #[derive(Canonical)]
//! #[canonical(entity = "customer", system(hubspot, object = "contacts"))]
//! #[canonical(system(shopify, object = "customers"), system(netsuite, object = "customer"))]
//! struct Customer {
//!     #[canonical(identity, at(hubspot = "email", shopify = "email", netsuite = "email"))]
//!     email: Email,
//!     #[canonical(owner(netsuite), at(hubspot("company", strong), shopify = "note", netsuite = "companyname"))]
//!     company: Option<String>,
//! }
//!
//! Story::of::<Customer>()
//!     .says("hubspot", "101", json!({ "email": "ana@acme.test", "company": "Acme" }))
//!     .says("shopify", "9", json!({ "email": "ANA@acme.test", "note": "Acme" }))
//!     .says("netsuite", "7", json!({ "email": "ana@acme.test", "companyname": "Acme" }))
//!     .expect_quiet()
//!     .says("hubspot", "101", json!({ "company": "ACME!!" })) // not theirs to say
//!     .expect(Customer::COMPANY, "Acme")
//!     .expect_discrepancy(DiscrepancyKind::SoftDriftUnauthorized, "company")
//!     .expect_plan(r#"hubspot/contacts/101 company: "ACME!!" -> "Acme" (enforces the golden value against an observer's change)"#)
//!     .apply()
//!     .expect_no_discrepancy()
//!     .expect_quiet();
//! ```

mod computed;
mod failing;
mod fake;
mod habits;
mod json;
mod nobody;
mod peek;
mod story;
mod surfaces;
mod watched;

pub use computed::{Computed, Records};
pub use failing::{Dies, FailsOnce};
pub use fake::FakeSystem;
pub use habits::Habits;
pub use nobody::NobodyAlike;
pub use peek::{entities, journal};
pub use story::Story;
pub use surfaces::record_surface;
pub use watched::{Called, StoreCall, StoreWatch, Turns, Watched};
