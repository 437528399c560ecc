//! Discrepancies: named, standing disagreements, with an identity and a life.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entity::Entity;
use crate::fingerprint::{Digest, Fingerprint};
use crate::id::{EntityId, EntityType, TenantId};
use crate::text::Text;
use crate::value::Field;

/// What a discrepancy is about. Its kind may change within the family; its identity does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Family {
    /// Whether systems agree on a unit.
    Agreement,
    /// Whether a link has a common ancestor on a unit.
    Base,
    /// Whether the entity has a record where one is expected.
    Presence,
    /// Whether a record was deleted.
    Existence,
    /// Whether a system holds more records than it should.
    Duplicate,
    /// Whether a reference leads to an entity.
    Reference,
    /// Whether a rule found a change worth a look.
    Rule,
}

/// What a discrepancy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DiscrepancyKind {
    /// Authorities moved to different values.
    HardConflict,
    /// A record without common ancestor contradicts golden.
    HardConflictNoBase,
    /// A record was deleted in one system while another one that decides changed it.
    DeleteAgainstUpdate,
    /// A record is expected where none ever was.
    MissingRepresentation,
    /// Two records where the system holds one.
    DuplicateRepresentation,
    /// A system that decides moved, and the others are behind.
    SoftDriftAuthoritative,
    /// A system that decides moved, and observers moved elsewhere.
    SoftDriftContested,
    /// An observer moved.
    SoftDriftUnauthorized,
    /// A system lacks a value that it never had.
    Unfilled,
    /// A write is owed.
    Pending,
    /// A reference names a record that is not linked.
    UnresolvedReference,
    /// A rule found a change worth a look, and let it happen. Noted, until the value changes again.
    Warned,
    /// A system keeps its own form of what we wrote. Noted, not fought.
    Rewritten,
    /// A system differs by a person's decision. Noted.
    Diverged,
    /// Equivalent, but not equal to the letter. Noted.
    Cosmetic,
}

impl DiscrepancyKind {
    /// The name that people read.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            DiscrepancyKind::HardConflict => "hard conflict",
            DiscrepancyKind::HardConflictNoBase => "hard conflict (no base)",
            DiscrepancyKind::DeleteAgainstUpdate => "delete against update",
            DiscrepancyKind::MissingRepresentation => "missing representation",
            DiscrepancyKind::DuplicateRepresentation => "duplicate representation",
            DiscrepancyKind::SoftDriftAuthoritative => "soft drift (authoritative)",
            DiscrepancyKind::SoftDriftContested => "soft drift (contested)",
            DiscrepancyKind::SoftDriftUnauthorized => "soft drift (unauthorized)",
            DiscrepancyKind::Unfilled => "unfilled",
            DiscrepancyKind::Pending => "pending write",
            DiscrepancyKind::UnresolvedReference => "unresolved reference",
            DiscrepancyKind::Warned => "warned by a rule",
            DiscrepancyKind::Rewritten => "rewritten by target",
            DiscrepancyKind::Diverged => "diverged by decision",
            DiscrepancyKind::Cosmetic => "cosmetic",
        }
    }

    /// Whether it is only noted: nothing is wrong that anyone should act on.
    #[must_use]
    pub const fn is_noted(self) -> bool {
        use DiscrepancyKind::{Cosmetic, Diverged, Rewritten, Warned};
        matches!(self, Warned | Rewritten | Diverged | Cosmetic)
    }
}

/// Where a discrepancy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DiscrepancyState {
    /// A plan can mend it.
    Open,
    /// It waits for a person: no plan mends it until someone decides.
    Waiting,
    /// It is on record, and nothing is to be done.
    Noted,
    /// The systems agree again.
    Resolved,
}

/// A named, standing disagreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// A hash over tenant, entity at first sight, unit, link and family.
    pub id: Digest,
    /// The entity.
    pub entity: EntityId,
    /// Its type.
    pub entity_type: EntityType,
    /// The unit, by name.
    pub unit: Text,
    /// The record or object type that it concerns, if it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Text>,
    /// What it is about.
    pub family: Family,
    /// What it is.
    pub kind: DiscrepancyKind,
    /// Where it stands.
    pub state: DiscrepancyState,
    /// Why, in words: the policy that settled it, the rule that holds it, what is missing.
    pub reason: Text,
    /// When it was first seen, in milliseconds since the epoch.
    pub first_seen: i64,
    /// When it last changed, in milliseconds since the epoch.
    pub last_seen: i64,
    /// How often it came back after it was resolved.
    #[serde(default)]
    pub reopened: u32,
    /// Of one that waits for a person: the values in dispute, each once, in their order. What golden holds, what a rule holds,
    /// and what any system shows. Severity looks at them, and so does search.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Field>,
}

impl Discrepancy {
    /// The identity of what an entity has standing about a unit.
    #[must_use]
    pub(crate) fn identity(
        tenant: &TenantId,
        entity: EntityId,
        unit: &str,
        link: Option<&str>,
        family: Family,
    ) -> Digest {
        let mut fingerprint = Fingerprint::new();
        fingerprint.text(tenant.as_str()).bytes(&entity.as_u128().to_be_bytes()).text(unit);
        fingerprint.text(link.unwrap_or("")).number(family as i64);
        fingerprint.finish()
    }
}

/// The discrepancies of one entity, resolved ones included, in the order of their ids. They are few: an ordered list takes
/// a tenth of what a tree would, and is found in as fast.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discrepancies(Vec<Arc<Discrepancy>>);

impl Discrepancies {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The discrepancy of this id.
    #[must_use]
    pub fn get(&self, id: &Digest) -> Option<&Arc<Discrepancy>> {
        self.0.get(self.place(id).ok()?)
    }

    /// Adds a discrepancy, or replaces the one of its id.
    pub fn insert(&mut self, discrepancy: Arc<Discrepancy>) {
        match self.place(&discrepancy.id) {
            Ok(place) => self.0[place] = discrepancy,
            Err(place) => {
                if self.0.len() == self.0.capacity() {
                    // Most entities have one or two, and there are many entities.
                    self.0.reserve_exact(self.0.len().max(1));
                }
                self.0.insert(place, discrepancy);
            }
        }
    }

    /// All of them.
    pub fn values(&self) -> std::slice::Iter<'_, Arc<Discrepancy>> {
        self.0.iter()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn place(&self, id: &Digest) -> Result<usize, usize> {
        self.0.binary_search_by(|standing| standing.id.cmp(id))
    }
}

impl FromIterator<Arc<Discrepancy>> for Discrepancies {
    fn from_iter<I: IntoIterator<Item = Arc<Discrepancy>>>(all: I) -> Self {
        let mut discrepancies = Self::default();
        all.into_iter().for_each(|discrepancy| discrepancies.insert(discrepancy));
        discrepancies
    }
}

/// What settling found: it opens or refreshes a discrepancy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The unit, by name.
    pub unit: Text,
    /// The record or object type that it concerns, if it concerns one.
    pub link: Option<Text>,
    /// What it is about.
    pub family: Family,
    /// What it is.
    pub kind: DiscrepancyKind,
    /// Whether it waits for a person.
    pub waits: bool,
    /// Why, in words.
    pub reason: Text,
    /// The values in dispute, if it waits for a person.
    pub said: Vec<Field>,
}

impl Finding {
    /// The identity of the discrepancy that this finding opens or refreshes.
    #[must_use]
    pub fn id(&self, tenant: &TenantId, entity: EntityId) -> Digest {
        Discrepancy::identity(tenant, entity, &self.unit, self.link.as_deref(), self.family)
    }

    /// As [`Finding::id`], read from what stands where the entity knows it: a look is cheaper than a digest.
    #[must_use]
    pub(crate) fn identity(&self, tenant: &TenantId, entity: &Entity) -> Digest {
        let known = entity.discrepancies.values().find(|standing| {
            standing.family == self.family
                && standing.unit == self.unit
                && standing.link == self.link
                && standing.entity == entity.id
        });
        known.map_or_else(|| self.id(tenant, entity.id), |standing| standing.id)
    }

    /// The state of a discrepancy that this finding opens.
    #[must_use]
    pub const fn state(&self) -> DiscrepancyState {
        if self.kind.is_noted() {
            DiscrepancyState::Noted
        } else if self.waits {
            DiscrepancyState::Waiting
        } else {
            DiscrepancyState::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DiscrepancyKind, Family, Finding};
    use crate::id::{EntityId, TenantId};

    #[test]
    fn a_discrepancys_kind_may_change_within_its_identity() {
        let (tenant, entity) = (TenantId::new("acme"), EntityId::from_parts(1, [1; 10]));
        let finding = Finding {
            unit: "phone".into(),
            link: None,
            family: Family::Agreement,
            kind: DiscrepancyKind::HardConflict,
            waits: true,
            reason: "no policy could tell".into(),
            said: Vec::new(),
        };
        let id = finding.id(&tenant, entity);
        let settled = Finding { kind: DiscrepancyKind::Pending, waits: false, reason: "".into(), ..finding.clone() };
        assert_eq!(settled.id(&tenant, entity), id);
        let others = [
            Finding { unit: "email".into(), ..finding.clone() },
            Finding { link: Some("crm/contacts/1".into()), ..finding.clone() },
            Finding { family: Family::Base, ..finding.clone() },
        ];
        assert!(others.iter().all(|other| other.id(&tenant, entity) != id));
        assert_ne!(finding.id(&TenantId::new("other"), entity), id);
        assert_ne!(finding.id(&tenant, EntityId::from_parts(2, [1; 10])), id);
    }
}
