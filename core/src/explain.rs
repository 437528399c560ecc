//! Explanations: why one unit of one entity is what it is, and what follows from it.
//!
//! Every golden value explains itself: where it was first said, which policy chose it among which candidates, the person
//! who decided or the rule that holds it, what every record shows now, and where a write is owed.

mod text;

use schemars::JsonSchema;
use serde::Serialize;

use crate::entity::Entity;
use crate::golden::{Resolution, Status};
use crate::id::{Actor, AttributeId, EntityId, EntityType, RecordRef};
use crate::model::{EXISTS, UnitKey, UnitShape};
use crate::representation::Representation;
use crate::sight::{Ground, keys};
use crate::text::Text;
use crate::value::Field;
use crate::view::{
    DecisionView, DiscrepancyView, FirstSaid, GoldenStatus, LapseView, ProposalView, RecordSchema, Shows, UnitLink,
    UnitView, discrepancies, mask_field, presence_view, unit_view,
};

/// Why one unit is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Explanation {
    /// The entity.
    #[schemars(with = "String")]
    pub entity: EntityId,
    /// Its type.
    #[schemars(with = "String")]
    pub entity_type: EntityType,
    /// The unit as it stands: golden value, status, verdict, and what every record shows.
    pub unit: UnitView,
    /// The records of the entity, in the order of links.
    #[schemars(with = "Vec<RecordSchema>")]
    pub records: Vec<RecordRef>,
    /// Where and when the golden value was first said; `None`: it was computed, or entered by a person.
    pub first_said: Option<FirstSaid>,
    /// How it was chosen.
    pub chosen: Chosen,
    /// How the change that waits was chosen, if a rule holds one.
    pub proposed: Option<Chosen>,
    /// The person who chose or accepted the golden value, if one did.
    #[schemars(with = "Option<String>")]
    pub decided_by: Option<Actor>,
    /// The decision that holds, if one does. Of a unit with an owner, it asks the owner to follow.
    pub decision: Option<DecisionView>,
    /// Who approved the choice, where four eyes were asked for.
    #[schemars(with = "Option<String>")]
    pub approved_by: Option<Actor>,
    /// What is proposed and waits for a second person.
    pub proposal: Option<ProposalView>,
    /// How the last decision ended, if nobody decided since.
    pub lapse: Option<LapseView>,
    /// What a derived value is computed from.
    #[schemars(with = "Option<Vec<String>>")]
    pub derived_from: Option<Vec<AttributeId>>,
    /// The fingerprint of ownership, equivalence and policy under which it was chosen; `None`: nothing was.
    pub fingerprint: Option<String>,
    /// Whether the model is still the one under which it was chosen.
    pub current: bool,
    /// What stands about the unit and is not resolved.
    pub discrepancies: Vec<DiscrepancyView>,
    /// The elements, if the unit is a set or a keyed collection.
    pub elements: Vec<Explanation>,
}

/// How a value was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Chosen {
    /// The policy that decided; for a derived value, the derivation.
    #[schemars(with = "String")]
    pub policy: Text,
    /// The policies asked before it, and why they could not tell.
    pub passed: Vec<Passed>,
    /// Everyone who was heard, the winner first.
    pub voices: Vec<VoiceView>,
    /// What the value was made of when the model changed, and by which migration, if it was not chosen since.
    #[schemars(with = "Option<String>")]
    pub migrated: Option<Text>,
}

/// A policy that could not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Passed {
    /// The policy.
    #[schemars(with = "String")]
    pub policy: Text,
    /// Why it could not tell.
    #[schemars(with = "String")]
    pub reason: Text,
}

/// What one candidate said when the value was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct VoiceView {
    /// What it said.
    #[schemars(with = "Option<String>")]
    pub field: Field,
    /// Where and when it was first said.
    pub first_said: FirstSaid,
    /// Whether it won.
    pub won: bool,
}

impl Explanation {
    /// Explains a unit, one element, or presence. `representations` stand in the order of links. `None`: a unit that the
    /// model does not have.
    #[must_use]
    pub fn of(
        ground: &Ground<'_>,
        entity: &Entity,
        representations: &[Option<&Representation>],
        key: &UnitKey,
    ) -> Option<Self> {
        let Some(index) = key.index() else { return Some(Self::of_presence(ground, entity, representations)) };
        let unit = ground.model.units.get(usize::from(index))?;
        let collection = matches!(unit.shape, UnitShape::Set | UnitShape::Keyed);
        let elements = if collection && *key == UnitKey::Whole(index) {
            let keys = keys(ground.model, entity, representations, index);
            keys.iter().filter_map(|key| Self::of(ground, entity, representations, key)).collect()
        } else {
            Vec::new()
        };
        let golden = entity.golden.get(key);
        let name = ground.model.unit_name(key);
        let derived_from = unit.derived.as_ref().map(|derivation| derivation.inputs().to_vec());
        Some(Self {
            entity: entity.id,
            entity_type: ground.model.name.clone(),
            unit: unit_view(ground, entity, representations, unit, key),
            records: entity.links.iter().map(|link| (*link.record).clone()).collect(),
            first_said: golden.and_then(|cell| {
                let provisional = match &cell.status {
                    Status::Provisional(fallback) => fallback.origin.as_ref(),
                    Status::Settled | Status::Held(_) | Status::Parked { .. } => None,
                };
                Some(FirstSaid::of(ground, cell.origin.as_ref().or(provisional)?))
            }),
            chosen: golden.map(|cell| Chosen::of(ground, &cell.resolution)).unwrap_or_default(),
            proposed: golden.and_then(|cell| match &cell.status {
                Status::Held(held) => Some(Chosen::of(ground, &held.resolution)),
                Status::Settled | Status::Parked { .. } | Status::Provisional(_) => None,
            }),
            decided_by: golden.and_then(|cell| cell.resolution.by.clone()),
            decision: entity.decisions.get(key).map(|decision| DecisionView::of(ground, key, decision)),
            approved_by: golden.and_then(|cell| cell.resolution.approved_by.as_deref().cloned()),
            proposal: entity.proposals.get(key).map(|proposal| ProposalView::of(ground, key, proposal)),
            lapse: entity.lapses.get(key).map(|lapse| LapseView::of(ground, key, lapse)),
            derived_from,
            fingerprint: golden.map(|cell| format!("{:016x}", cell.fingerprint)),
            current: golden.is_none_or(|cell| cell.fingerprint == unit.fingerprint.short_number()),
            discrepancies: discrepancies(ground, entity).into_iter().filter(|standing| standing.unit == name).collect(),
            elements,
        })
    }

    /// Explains presence: it is settled by what the records show, not chosen among values.
    fn of_presence(ground: &Ground<'_>, entity: &Entity, representations: &[Option<&Representation>]) -> Self {
        Self {
            entity: entity.id,
            entity_type: ground.model.name.clone(),
            unit: presence_view(ground, entity, representations),
            records: entity.links.iter().map(|link| (*link.record).clone()).collect(),
            first_said: None,
            chosen: Chosen::default(),
            proposed: None,
            decided_by: None,
            decision: entity
                .decisions
                .get(&UnitKey::Exists)
                .map(|decision| DecisionView::of(ground, &UnitKey::Exists, decision)),
            approved_by: None,
            proposal: entity
                .proposals
                .get(&UnitKey::Exists)
                .map(|proposal| ProposalView::of(ground, &UnitKey::Exists, proposal)),
            lapse: entity.lapses.get(&UnitKey::Exists).map(|lapse| LapseView::of(ground, &UnitKey::Exists, lapse)),
            derived_from: None,
            fingerprint: None,
            current: true,
            discrepancies: discrepancies(ground, entity).into_iter().filter(|of| *of.unit == *EXISTS).collect(),
            elements: Vec::new(),
        }
    }

    /// Whether a settled golden value names where it comes from: a first saying, a person's decision, a derivation, or a
    /// policy that computed it from what it heard. Presence comes from what the records show. An explanation without a
    /// settled value has nothing to name.
    #[must_use]
    pub fn explains_itself(&self) -> bool {
        let settled = self.unit.status == GoldenStatus::Settled && self.unit.golden.is_value();
        let itself = !settled
            || self.first_said.is_some()
            || self.decided_by.is_some()
            || self.derived_from.is_some()
            || *self.unit.name == *EXISTS
            || !(self.chosen.policy.is_empty() || self.chosen.voices.is_empty());
        itself && self.elements.iter().all(Self::explains_itself)
    }

    /// The records to which a write of golden is owed.
    pub fn owed(&self) -> impl Iterator<Item = &RecordRef> {
        self.unit.links.iter().filter(|link| link.write.is_owed()).filter_map(|link| self.records.get(link.link))
    }

    /// The same explanation with personal data replaced by `•••`: see [`EntityView::masked`].
    ///
    /// [`EntityView::masked`]: crate::view::EntityView::masked
    #[must_use]
    pub fn masked(&self) -> Self {
        if self.unit.pii { self.hidden() } else { self.clone() }
    }

    /// The same explanation with every value replaced.
    pub(crate) fn hidden(&self) -> Self {
        let mut masked = self.clone();
        masked.unit.mask();
        let proposed = masked.proposed.iter_mut().flat_map(|choice| &mut choice.voices);
        for voice in masked.chosen.voices.iter_mut().chain(proposed) {
            mask_field(&mut voice.field);
        }
        masked.decision.iter_mut().for_each(DecisionView::mask);
        masked.proposal.iter_mut().for_each(ProposalView::mask);
        masked.lapse.iter_mut().for_each(LapseView::mask);
        masked.discrepancies.iter_mut().for_each(DiscrepancyView::mask);
        masked.elements = self.elements.iter().map(Self::hidden).collect();
        masked
    }

    fn record(&self, link: &UnitLink) -> String {
        self.records.get(link.link).map(ToString::to_string).unwrap_or_default()
    }
}

impl Chosen {
    fn of(ground: &Ground<'_>, resolution: &Resolution) -> Self {
        Self {
            policy: resolution.policy.clone(),
            passed: resolution
                .passed
                .iter()
                .map(|(policy, reason)| Passed { policy: policy.clone(), reason: reason.clone() })
                .collect(),
            voices: resolution
                .candidates
                .iter()
                .map(|voice| VoiceView {
                    field: voice.field.clone(),
                    first_said: FirstSaid::of(ground, &voice.origin),
                    won: voice.won,
                })
                .collect(),
            migrated: resolution.migrated.clone(),
        }
    }
}

/// What a record shows, in words.
fn shows(unit: &UnitView, link: &UnitLink) -> String {
    match &link.shows {
        Shows::Value(field) => crate::view::quoted(&crate::view::words(field, unit.compound)),
        Shows::Hidden(why) => format!("nothing ({})", crate::view::hidden_words(*why)),
    }
}
