//! Units: what is compared, owned, held, decided and written as one.

use std::sync::Arc;

use crate::equivalence::{Comparison, Equivalence};
use crate::fingerprint::Digest;
use crate::golden::Resolution;
use crate::id::{EntityType, SystemName};
use crate::model::AnyDerivation;
use crate::ownership::{Authority, OnClear};
use crate::policy::AnyPolicy;
use crate::text::Text;
use crate::value::{Field, split};

/// The place of a unit among those of its entity type.
pub type UnitIndex = u16;

/// The name of the unit that is an entity's presence.
pub const EXISTS: &str = "$exists";

/// What is compared, owned, held, decided and written as one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitKey {
    /// The entity's presence in a system.
    Exists,
    /// An attribute, an ordered list, or a group.
    Whole(UnitIndex),
    /// One element of a set or keyed collection.
    Element(UnitIndex, Text),
}

impl UnitKey {
    /// The unit's place, unless it is presence itself.
    #[must_use]
    pub const fn index(&self) -> Option<UnitIndex> {
        match self {
            UnitKey::Exists => None,
            UnitKey::Whole(index) | UnitKey::Element(index, _) => Some(*index),
        }
    }
}

/// What a unit is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnitShape {
    /// One attribute with one value.
    One,
    /// Several attributes that resolve, move and are written as one.
    Group,
    /// An ordered list as a whole.
    List,
    /// A set: one unit per value.
    Set,
    /// A keyed collection: one unit per key.
    Keyed,
}

/// A unit of an entity type.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The stable name: the attribute's id, or the group's.
    pub id: Text,
    /// What it is made of.
    pub shape: UnitShape,
    /// The attributes, by index, in order.
    pub members: Vec<u16>,
    /// The owners, in order of authority.
    pub owners: Vec<SystemName>,
    /// When two values are the same. For groups and keyed elements, member by member.
    pub equivalences: Vec<Equivalence>,
    /// What clearing does; `None`: by authority.
    pub on_clear: Option<OnClear>,
    /// The policy chain.
    pub chain: Vec<Arc<dyn AnyPolicy>>,
    /// By place in the chain: the resolution of a value that this policy decided, when none before it passed and nobody
    /// keeps voices. Most are such, and share it.
    pub plain: Vec<Arc<Resolution>>,
    /// How it is computed, if it is.
    pub derived: Option<Arc<dyn AnyDerivation>>,
    /// The units that it is computed from: their places, and which member of each.
    pub inputs: Vec<(UnitIndex, u16)>,
    /// Whether it is the sum of what its owners say: a policy of its chain adds ([`AnyPolicy::adds_up`]).
    pub summed: bool,
    /// Whether records that were never in agreement may move it ([`AnyPolicy::hears_newcomers`]).
    pub hears_newcomers: bool,
    /// Whether a mapping of it rounds: then golden has a form of its own in that system.
    pub rounds: bool,
    /// Whether it holds personal data.
    pub pii: bool,
    /// The entity type that its value names.
    pub reference: Option<EntityType>,
    /// The identity of ownership, equivalence and policy: part of every basis.
    pub fingerprint: Digest,
}

impl Unit {
    /// Whether `value` is the same as `reference` under the unit's equivalence.
    #[must_use]
    #[inline]
    pub fn same(&self, value: &Field, reference: &Field) -> bool {
        match self.equivalences.as_slice() {
            [] => Equivalence::Exact.same(value, reference),
            [one] => one.same(value, reference),
            members => {
                if value == reference {
                    return true;
                }
                match (split(value, members.len()), split(reference, members.len())) {
                    (Some(value), Some(reference)) => members
                        .iter()
                        .zip(value.iter().zip(&reference))
                        .all(|(equivalence, (value, reference))| equivalence.same(value, reference)),
                    _ => false,
                }
            }
        }
    }

    /// Whether two values are of one class; see [`Equivalence::alike`]. For groups and keyed elements, member by member.
    #[must_use]
    pub fn alike(&self, a: &Field, b: &Field, golden: Option<&Field>) -> bool {
        match self.equivalences.as_slice() {
            [] => Equivalence::Exact.same(a, b),
            [one] => one.alike(a, b, golden),
            members => {
                if a == b {
                    return true;
                }
                let (Some(a), Some(b)) = (split(a, members.len()), split(b, members.len())) else { return false };
                let golden = golden.and_then(|golden| split(golden, members.len()));
                members.iter().enumerate().all(|(place, equivalence)| {
                    equivalence.alike(&a[place], &b[place], golden.as_ref().map(|golden| &golden[place]))
                })
            }
        }
    }

    /// Whether golden is computed, so that nobody can choose it: of other golden values, or of what all owners say.
    #[must_use]
    pub fn is_computed(&self) -> bool {
        self.derived.is_some() || self.summed
    }

    /// What clearing does when a system of this authority clears.
    #[must_use]
    pub fn on_clear(&self, authority: Authority) -> OnClear {
        self.on_clear.unwrap_or(match authority {
            Authority::Owner => OnClear::Propagate,
            Authority::CoOwner | Authority::Observer => OnClear::Hold,
        })
    }
}

impl Comparison for Unit {
    fn same(&self, value: &Field, reference: &Field) -> bool {
        Unit::same(self, value, reference)
    }

    fn alike(&self, a: &Field, b: &Field, golden: Option<&Field>) -> bool {
        Unit::alike(self, a, b, golden)
    }
}
