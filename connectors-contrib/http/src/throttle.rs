//! How fast a system may be asked.
//!
//! A throttle is a value: it is asked whether a request may go now, and told what became of it. Waiting is the
//! [`Gate`]'s. The three are the shapes that systems have: a number of requests in a rolling window ([`Window`],
//! HubSpot), a bucket of points that the server refills and tells of ([`Bucket`], Shopify), a number of requests at once
//! for a whole account ([`Account`], NetSuite).

mod account;
mod bucket;
mod gate;
mod window;

use chrono::TimeDelta;

pub use account::Account;
pub use bucket::Bucket;
pub use gate::{Gate, Pass};
pub use window::Window;

/// Decides when a request may go. Instants are milliseconds since the epoch and never go back; a clock that does is
/// read as standing still.
pub trait Throttle: Send + std::fmt::Debug + 'static {
    /// May a request of this cost go? If so it counts as under way, until [`Throttle::settle`].
    fn admit(&mut self, cost: u32, now: i64) -> Admission;

    /// A request that was let go has been answered, has failed or was given up.
    fn settle(&mut self, cost: u32, said: &Feedback, now: i64);
}

/// Whether a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Now.
    Go,
    /// Not before this instant.
    At(i64),
    /// Not before one that is under way has come back.
    AfterAnother,
    /// Never: it costs more than there can be.
    Never,
}

/// What an answer says about the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Feedback {
    /// The system refused to work on the request for now, and asked for this delay, or for none in particular.
    pub refused: Option<Option<TimeDelta>>,
    /// What is left of a bucket of points.
    pub points: Option<Points>,
}

impl Feedback {
    /// A refusal.
    #[must_use]
    pub const fn refused(wait: Option<TimeDelta>) -> Self {
        Self { refused: Some(wait), points: None }
    }
}

/// A bucket of points, as its server tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points {
    /// What is in it now.
    pub available: u32,
    /// What it can hold.
    pub capacity: u32,
    /// What comes back in a second.
    pub per_second: u32,
}
