//! The built-in policies, and the lower-case functions by which models name them: `resolve(owner, latest)`.
//!
//! All are exact (integers and decimals, no floats), pure, and symmetric: the order of candidates changes nothing. None
//! lets an observer win, but `owner_with_fallback`, and that one only provisionally. They count origins, not copies.

mod consent;
mod extent;
mod latest;
mod order;
mod owner;
mod person;
mod priority;
mod sum;
mod three_way;
mod trust;
mod union;
mod voices;
mod votes;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod properties;

pub use consent::MostRestrictive;
pub use extent::{Longest, MostComplete};
pub use latest::{Latest, MostRecentAuthoritative};
pub use order::{Maximum, Minimum, Monotone};
pub use owner::{Owner, OwnerWithFallback};
pub use person::{Manual, Park};
pub use priority::SourcePriority;
pub use sum::{Sum, SumIn};
pub use three_way::ThreeWay;
pub use trust::Trust;
pub use union::Union;
pub use votes::{Consensus, Weighted};

use crate::value::{Currency, Rates};

/// The first owner with a value.
pub const fn owner() -> Owner {
    Owner
}

/// The first owner with a value; while none can be read, the first of `systems` with one, provisionally.
pub fn owner_with_fallback(systems: &[&str]) -> OwnerWithFallback {
    OwnerWithFallback::new(systems)
}

/// The latest origin, if the gap exceeds precision and skew.
pub const fn latest() -> Latest {
    Latest::new()
}

/// The latest origin among the highest-ranked authorities that have a value.
pub const fn most_recent_authoritative() -> MostRecentAuthoritative {
    MostRecentAuthoritative::new()
}

/// The first of `systems` with a value.
pub fn source_priority(systems: &[&str]) -> SourcePriority {
    SourcePriority::new(systems)
}

/// The origin of most points, which decay with its age if a half-life is given.
pub fn trust(points: &[(&str, u32)]) -> Trust {
    Trust::new(points)
}

/// The value of the greatest total weight; every origin counts once.
pub fn weighted(weights: &[(&str, u32)]) -> Weighted {
    Weighted::new(weights)
}

/// The value that more than half of the origins say.
pub const fn consensus() -> Consensus {
    Consensus::new(None)
}

/// The value that at least `origins` distinct origins say, if there is only one such.
pub const fn consensus_of(origins: u16) -> Consensus {
    Consensus::new(Some(origins))
}

/// The value of most characters.
pub const fn longest() -> Longest {
    Longest
}

/// The group of which most members have a value.
pub const fn most_complete() -> MostComplete {
    MostComplete
}

/// The smallest value.
pub const fn minimum() -> Minimum {
    Minimum
}

/// The greatest value.
pub const fn maximum() -> Maximum {
    Maximum
}

/// The most restrictive consent: one denial is enough.
pub const fn most_restrictive() -> MostRestrictive {
    MostRestrictive
}

/// The sum over distinct origins.
pub const fn sum() -> Sum {
    Sum
}

/// The sum of amounts over distinct origins, in one currency, by the rates of one day.
pub const fn sum_in(currency: Currency, rates: Rates) -> SumIn {
    SumIn::new(currency, rates)
}

/// An element of a collection is there while an origin supports it.
pub const fn union() -> Union {
    Union
}

/// The highest of the candidates and golden: states that never go back.
pub const fn monotone() -> Monotone {
    Monotone
}

/// The one value to which systems moved.
pub const fn three_way() -> ThreeWay {
    ThreeWay
}

/// A person decides what earlier policies could not.
pub const fn park() -> Park {
    Park
}

/// A person decides every change.
pub const fn manual() -> Manual {
    Manual
}

/// A length as a part of a fingerprint.
fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
