//! Accordant keeps one business entity true across systems that each hold a part of it.
//!
//! You declare a canonical model, say how each system represents it, who owns which attribute, and which changes wait for a
//! person.
//! The engine takes in what the systems emit, keeps an inspectable state, names every discrepancy, and plans the writes
//! that would mend it. Nothing is written behind an operator's back, and every value can be explained.
//!
//! # A tour
//!
//! - **Declare.** [`#[derive(Canonical)]`](macro@Canonical), or [`model::EntityModel::from_toml`]: attributes, mappings,
//!   owners, policies. [`Accordant::builder`] checks it all before the first event.
//! - **Take in.** [`Tenant::receive`], [`Tenant::poll`], [`Tenant::scan`]: bytes become observations, observations fold into
//!   [representations](representation), representations join an [entity].
//! - **Know.** [Policies](policy) resolve golden values; [`classify`] says what happened; [discrepancies](discrepancy) stand
//!   until the systems agree.
//! - **Mend.** [`Tenant::plan`], [`Tenant::approve`], [`Tenant::apply`]: every write is planned, approved by hash, made durable
//!   before the call, and confirmed by what the system then holds.
//!
//! The centre ([`representation`], [`classify`](mod@classify), [`resolve`](mod@resolve), [`settle`](mod@settle), [`plan`]) is
//! pure: no clock, no I/O, no async, no randomness. Connectors and stores are the only async traits, and no executor is
//! assumed.
//!
//! # Features
//!
//! `derive`, `sqlite`, `phone` and `keys` are on by default. `testing` adds stories, fake systems and a manual clock; `conformance`
//! adds the suites that a [`store::Store`] and a [`queue::Queue`] must pass, and the passport of a [`connector::Connector`].

extern crate self as accordant;

/// Whether a defect of the bug zoo is planted here. In an ordinary build it is `false`, and its name is nowhere.
#[cfg(accordant_zoo)]
macro_rules! planted {
    ($bug:ident) => {
        $crate::zoo::planted($crate::zoo::Bug::$bug)
    };
    ($bug:ident && $($where:tt)+) => {
        $crate::zoo::planted($crate::zoo::Bug::$bug) && $($where)+
    };
}

/// An ordinary build has no planted defects.
#[cfg(not(accordant_zoo))]
pub(crate) const NOT_PLANTED: bool = false;

#[cfg(not(accordant_zoo))]
macro_rules! planted {
    ($($bug:tt)+) => {
        $crate::NOT_PLANTED
    };
}

pub mod alert;
pub mod base;
pub mod card;
mod caught;
pub mod check;
pub mod checkpoint;
pub mod classify;
pub mod clock;
pub mod connector;
pub mod copy_on_write;
pub mod decision;
pub mod decode;
pub mod discrepancy;
pub mod engine;
pub mod entity;
pub mod equivalence;
pub mod error;
pub mod explain;
pub mod fact;
pub mod fingerprint;
pub mod golden;
mod hex;
pub mod hub;
pub mod id;
pub mod journal;
pub mod laws;
pub mod matching;
pub mod model;
pub mod normalize;
pub mod observation;
pub mod outage;
pub mod ownership;
pub mod plan;
pub mod policy;
pub mod queue;
pub mod representation;
pub mod resolve;
pub mod role;
pub mod rollout;
pub mod rule;
pub mod schema;
pub mod seal;
pub mod settle;
pub mod sight;
pub mod sparse;
mod spelling;
#[cfg(feature = "sqlite")]
mod sqlite_thread;
pub mod stamp;
pub mod store;
pub mod surface;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod transfer;
pub mod triage;
pub mod value;
pub mod view;
pub mod working_set;
pub mod write_access;
#[cfg(accordant_zoo)]
pub mod zoo;

pub use clock::{Clock, Entropy, ManualClock, SeededEntropy, SystemClock, SystemEntropy};
pub use connector::{Connector, Delivery};
pub use decision::Lifetime;
pub use discrepancy::{Discrepancy, DiscrepancyKind, DiscrepancyState};
pub use engine::{
    Accordant, Applied, Builder, FailedCall, Next, PlanRequest, Ran, Retention, Ruled, Schedule, Stepped, TakenIn,
    Tenant, Worked, Worker,
};
pub use error::Error;
pub use id::{Actor, EntityId, Id, RecordRef, TenantId};
pub use model::{Attribute, Canonical, Incomplete};
pub use plan::{Limits, Plan, PlanHash, Scope, StandingApproval};
pub use rollout::{ApplyWindow, Flow, Stage};
pub use rule::RequireApproval;
pub use settle::{Choice, Ruling};
pub use store::MemoryStore;
#[cfg(feature = "phone")]
pub use value::Phone;
pub use value::{Consent, Country, Currency, Decimal, Domain, Email, Money, Ref, WebUrl};
#[cfg(feature = "sqlite")]
pub use {queue::SqliteQueue, store::SqliteStore};

// The types of other crates in public signatures.
pub use {bytes, chrono, http, schemars, serde};

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

/// # Example
///
/// ```
/// use accordant::model::{Canonical as _, Model};
/// use accordant::value::Composite as Name;
/// use accordant::{Canonical, CanonicalPart, CanonicalValue};
///
/// #[derive(CanonicalValue, Debug, Clone, PartialEq, Eq)]
/// #[canonical(ordered)]
/// pub enum Tier {
///     #[canonical(at(hubspot = "tier_1"))]
///     Basic,
///     #[canonical(was("premium"), at(hubspot = "tier_2" | "tier_3"))]
///     Gold,
/// }
///
/// #[derive(CanonicalValue, Debug, Clone, PartialEq, Eq)]
/// pub struct Sku(Name);
///
/// #[derive(CanonicalPart, Debug, Clone, PartialEq)]
/// pub struct Line {
///     #[canonical(at(shopify = "sku"))]
///     pub sku: Sku,
///     #[canonical(at(shopify = "title"))]
///     pub title: Option<Name>,
/// }
///
/// #[derive(Canonical)]
/// #[canonical(entity = "customer", existence(netsuite))]
/// #[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
/// #[canonical(system(shopify, object = "customers", required_when(tier = "gold"), create_needs(email)))]
/// #[canonical(group("address", owner(netsuite)))]
/// #[canonical(retired("fax"))] // an id that stored state may hold and that must never be used again
/// pub struct Customer {
///     #[canonical(identity, pii, resolve(most_recent_authoritative, latest))]
///     #[canonical(at(hubspot = "properties.email", shopify = "email", netsuite = "email"))]
///     pub email: Name,
///
///     #[canonical(at(hubspot("properties.company", weak), netsuite = "companyname"))]
///     #[canonical(resolve(latest().within(60), source_priority(netsuite, hubspot)))]
///     pub company: Option<Name>,
///
///     // renamed: stored state and journal keep the id
///     #[canonical(id = "tier", was("segment"), at(hubspot = "properties.tier"), on_clear = hold)]
///     pub r#type: Option<Tier>,
///
///     #[canonical(group = "address", at(shopify = "defaultAddress.address1", netsuite = "addr1"))]
///     pub street: Option<Name>,
///     #[canonical(group = "address", at(shopify = "defaultAddress.zip", netsuite = "zip"))]
///     pub postal_code: Option<Name>,
///
///     #[canonical(set, at(hubspot("properties.tags", separator = ";")))]
///     pub tags: Vec<Name>,
///     #[canonical(keyed = sku, at(shopify("lines", read_only)))]
///     pub lines: Vec<Line>,
///     #[canonical(hub)]
///     pub note: Option<Name>,
/// }
///
/// assert_eq!(Customer::TYPE.id(), "tier");
/// Model::compile(vec![Customer::model()])?;
/// accordant::laws::check(&Customer::model()).expect("every mapping keeps the laws");
/// # Ok::<(), accordant::model::Mistakes>(())
/// ```
#[cfg(feature = "derive")]
pub use accordant_derive::Canonical;
#[cfg(feature = "derive")]
pub use accordant_derive::{CanonicalPart, CanonicalValue};

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
