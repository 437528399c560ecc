//! Building the view of an entity.

use crate::decision::Decision;
use crate::discrepancy::DiscrepancyState;
use crate::entity::stored::object_name;
use crate::entity::{Entity, HUB_OBJECT};
use crate::hub;
use crate::id::SystemName;
use crate::model::{UnitIndex, UnitKey};
use crate::representation::{Life, Representation};
use crate::sight::{Ground, keys, speaks_first};
use crate::value::{Field, split_member};
use crate::view::action::presence_actions;
use crate::view::{
    DecisionView, DiscrepancyView, EntityView, HeldApartView, LapseView, LinkView, ProposalView, RecordPresence,
    SaidView, UnitView, When, unit_view,
};

impl EntityView {
    /// Looks at an entity. `representations` stand in the order of its links.
    #[must_use]
    pub fn of(ground: &Ground<'_>, entity: &Entity, representations: &[Option<&Representation>]) -> Self {
        let mut units = Vec::new();
        for (index, unit) in ground.model.units.iter().enumerate() {
            let Ok(index) = UnitIndex::try_from(index) else { break };
            for key in keys(ground.model, entity, representations, index) {
                units.push(unit_view(ground, entity, representations, unit, &key));
            }
        }
        Self {
            id: entity.id,
            entity_type: ground.model.name.clone(),
            life: entity.life,
            links: (0..entity.links.len()).map(|place| link_view(ground, entity, representations, place)).collect(),
            units,
            discrepancies: discrepancies(ground, entity),
            held_apart: entity
                .held_apart
                .iter()
                .map(|(record, held)| HeldApartView {
                    record: (**record).clone(),
                    by: held.by.clone(),
                    at: held.at,
                    reason: held.reason.clone(),
                })
                .collect(),
            decisions: entity
                .decisions
                .iter()
                .map(|(key, decision)| DecisionView::of(ground, &key, decision))
                .collect(),
            proposals: entity.proposals.iter().map(|(key, proposal)| ProposalView::of(ground, key, proposal)).collect(),
            lapses: entity.lapses.iter().map(|(key, lapse)| LapseView::of(ground, key, lapse)).collect(),
            actions: presence_actions(ground, entity, representations),
            masked: false,
        }
    }

    /// The unit of this name, or the element.
    #[must_use]
    pub fn unit(&self, name: &str) -> Option<&UnitView> {
        self.units.iter().find(|unit| *unit.name == *name)
    }

    /// The golden value of an attribute that is no collection, by its id: of a member of a group, its part.
    #[must_use]
    pub fn golden(&self, attribute: &str) -> Option<Field> {
        let (unit, member) = self.holder(attribute)?;
        split_member(&unit.golden, unit.members.len(), member)
    }

    /// The unit that holds an attribute that is no collection, and which member of it that is.
    pub(crate) fn holder(&self, attribute: &str) -> Option<(&UnitView, u16)> {
        let member = |unit: &UnitView| unit.members.iter().position(|member| member.as_str() == attribute);
        let whole = self.units.iter().filter(|unit| !unit.name.contains('['));
        whole.filter_map(|unit| Some((unit, u16::try_from(member(unit)?).ok()?))).next()
    }
}

impl DecisionView {
    pub(crate) fn of(ground: &Ground<'_>, key: &UnitKey, decision: &Decision) -> Self {
        Self {
            unit: ground.model.unit_name(key),
            pii: is_personal(ground, key),
            chosen: decision.chosen.clone(),
            by: decision.by.clone(),
            at: decision.at,
            reason: decision.reason.clone(),
            lifetime: decision.lifetime,
            approved_by: decision.approved_by.clone(),
            basis: decision.basis().to_string(),
            on_table: decision
                .inputs
                .iter()
                .map(|(record, said)| SaidView { record: record.clone(), said: said.clone() })
                .collect(),
        }
    }
}

fn link_view(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    place: usize,
) -> LinkView {
    let link = &entity.links[place];
    let representation = representations.get(place).copied().flatten();
    LinkView {
        record: (*link.record).clone(),
        system: system_of(ground, link.object),
        object: object_name(ground.model, link.object).as_str().into(),
        presence: match representation {
            // The hub's own record is there as long as the entity is.
            _ if link.object == HUB_OBJECT => RecordPresence::Live,
            None => RecordPresence::Unknown,
            Some(representation) => presence(representation),
        },
        primary: representation.is_none_or(Representation::speaks) && speaks_first(entity, representations, place),
        evidence: link.evidence.clone(),
        last_verified: representation
            .and_then(|known| known.existence().last())
            .map(|last| When::of(last, (ground.domain)(&link.record))),
        last_read: representation.map_or(0, |known| known.existence().met_by()),
    }
}

fn presence(representation: &Representation) -> RecordPresence {
    if let Some(survivor) = representation.redirected_to() {
        return RecordPresence::Redirected(survivor.clone());
    }
    match representation.existence().life() {
        Life::Unknown => RecordPresence::Unknown,
        Life::Live => RecordPresence::Live,
        Life::Resurrected => RecordPresence::Resurrected,
        Life::Dead(evidence) => RecordPresence::Dead(evidence),
    }
}

fn system_of(ground: &Ground<'_>, object: u16) -> SystemName {
    match ground.model.objects.get(usize::from(object)) {
        Some(object) => object.declared.system.clone(),
        None => hub::system().clone(),
    }
}

/// What stands and is not resolved.
pub(crate) fn discrepancies(ground: &Ground<'_>, entity: &Entity) -> Vec<DiscrepancyView> {
    let mut standing: Vec<DiscrepancyView> = entity
        .discrepancies
        .values()
        .filter(|standing| standing.state != DiscrepancyState::Resolved)
        .map(|standing| DiscrepancyView {
            id: standing.id,
            kind: standing.kind,
            state: standing.state,
            unit: standing.unit.clone(),
            pii: ground.model.unit_key(&standing.unit).is_some_and(|key| is_personal(ground, &key)),
            link: standing.link.clone(),
            reason: standing.reason.clone(),
            first_seen: standing.first_seen,
            last_seen: standing.last_seen,
        })
        .collect();
    standing.sort_by(|a, b| (a.kind, &a.unit, &a.link).cmp(&(b.kind, &b.unit, &b.link)));
    standing
}

pub(super) fn is_personal(ground: &Ground<'_>, key: &UnitKey) -> bool {
    key.index().and_then(|index| ground.model.units.get(usize::from(index))).is_some_and(|unit| unit.pii)
}
