//! What a person may do about a unit now. What is offered here is what the engine would carry out.

use schemars::JsonSchema;
use serde::Serialize;

use crate::decision::Lifetime;
use crate::entity::{Entity, HUB_OBJECT};
use crate::golden::Status;
use crate::id::{Actor, ConnectionName, RecordRef};
use crate::model::{Unit, UnitKey};
use crate::representation::Representation;
use crate::settle::{Choice, Ruling, rule_on};
use crate::sight::{Ground, Shown, shown};
use crate::value::Field;
use crate::view::{EntityView, RecordSchema};

/// Something that a person may do about a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "action")]
#[non_exhaustive]
pub enum Action {
    /// Accept the change that a rule holds.
    Accept {
        /// The value that it would become.
        #[schemars(with = "Option<String>")]
        value: Field,
    },
    /// Keep what golden holds, against what systems say.
    Keep,
    /// Take what a connection says.
    Take {
        /// The connection.
        #[schemars(with = "String")]
        connection: ConnectionName,
        /// What it says.
        #[schemars(with = "Option<String>")]
        value: Field,
    },
    /// Choose a value of one's own. Where that takes two people, it is proposed.
    Choose,
    /// Enter a value: the unit is the hub's own.
    Enter,
    /// Let a connection differ from golden.
    LetDiffer {
        /// The connection.
        #[schemars(with = "String")]
        connection: ConnectionName,
    },
    /// Approve what another person proposed, or reject it.
    Approve {
        /// Who proposed it, and cannot approve it.
        #[schemars(with = "String")]
        proposed_by: Actor,
    },
    /// Unlink a record: it is not this entity.
    Unlink {
        /// The record.
        #[schemars(with = "RecordSchema")]
        record: RecordRef,
    },
    /// Retire the entity.
    Retire,
    /// Restore the entity.
    Restore,
}

impl Action {
    /// The choice that a decision of this kind makes; `None`: it needs a value, or is no decision.
    #[must_use]
    pub fn choice(&self) -> Option<Choice> {
        match self {
            Action::Accept { .. } => Some(Choice::Accept),
            Action::Keep => Some(Choice::Keep),
            Action::Take { connection, .. } => Some(Choice::Take(connection.clone())),
            Action::LetDiffer { connection } => Some(Choice::LetDiffer(connection.clone())),
            Action::Retire => Some(Choice::Retire),
            Action::Restore => Some(Choice::Restore),
            Action::Choose | Action::Enter | Action::Approve { .. } | Action::Unlink { .. } => None,
        }
    }
}

impl EntityView {
    /// The same view where these units take two people: what would be entered by one is chosen, and proposed.
    #[must_use]
    pub(crate) fn where_two_decide(mut self, asked: impl Fn(&str) -> bool) -> Self {
        for unit in self.units.iter_mut().filter(|unit| asked(&unit.name)) {
            unit.actions
                .iter_mut()
                .filter(|action| **action == Action::Enter)
                .for_each(|action| *action = Action::Choose);
        }
        self
    }
}

/// What may be done about a unit, or one element.
pub(super) fn unit_actions(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    unit: &Unit,
    key: &UnitKey,
) -> Vec<Action> {
    let mut actions = approvals(entity, key);
    let shown = shown(ground, entity, representations, key);
    let cell = entity.golden.get(key);
    let golden = cell.map(|cell| cell.field.clone()).unwrap_or_default();
    let held = cell.and_then(|cell| match &cell.status {
        Status::Held(held) => Some(held.proposed.clone()),
        Status::Settled | Status::Parked { .. } | Status::Provisional(_) => None,
    });
    let waits = entity.oscillates(key) || cell.is_some_and(|cell| cell.status != Status::Settled);
    let apart = |shown: &&Shown<'_>| shown.field().is_some_and(|field| !unit.same(field, &golden));
    let mut offered: Vec<Action> = held.into_iter().map(|value| Action::Accept { value }).collect();
    if waits || shown.iter().any(|shown| apart(&shown)) {
        offered.push(Action::Keep);
    }
    let mut taken: Vec<&ConnectionName> = Vec::new();
    for shown in shown.iter().filter(apart) {
        let connection = &entity.links[shown.link].record.connection;
        let Some(value) = shown.field().filter(|_| !taken.contains(&connection)) else { continue };
        taken.push(connection);
        offered.push(Action::Take { connection: connection.clone(), value: value.clone() });
        offered.push(Action::LetDiffer { connection: connection.clone() });
    }
    offered.retain(|action| is_possible(ground, entity, representations, key, action));
    actions.append(&mut offered);
    if !unit.is_computed() {
        let hub = ground.model.objects.iter().all(|object| {
            key.index().and_then(|unit| object.unit_slots.get(usize::from(unit))).is_none_or(|slots| slots.is_empty())
        });
        actions.push(if hub { Action::Enter } else { Action::Choose });
    }
    actions
}

/// What may be done about whether the entity exists.
pub(super) fn presence_actions(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
) -> Vec<Action> {
    let mut actions = approvals(entity, &UnitKey::Exists);
    let mut offered = vec![Action::Keep, Action::Retire, Action::Restore];
    for link in &entity.links {
        let differ = Action::LetDiffer { connection: link.record.connection.clone() };
        if !offered.contains(&differ) {
            offered.push(differ);
        }
    }
    offered.retain(|action| is_possible(ground, entity, representations, &UnitKey::Exists, action));
    actions.append(&mut offered);
    let records = entity.links.iter().filter(|link| link.object != HUB_OBJECT).map(|link| (*link.record).clone());
    actions.extend(records.map(|record| Action::Unlink { record }));
    actions
}

fn approvals(entity: &Entity, key: &UnitKey) -> Vec<Action> {
    let proposal = entity.proposals.get(key);
    proposal.into_iter().map(|proposal| Action::Approve { proposed_by: proposal.ruling.by.clone() }).collect()
}

/// Whether the engine would carry out a decision: it is tried on a copy.
fn is_possible(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    key: &UnitKey,
    action: &Action,
) -> bool {
    let Some(choice) = action.choice() else { return true };
    let ruling = Ruling { choice, lifetime: Lifetime::default(), by: Actor::new(""), reason: String::new() };
    rule_on(ground, &mut entity.clone(), representations, key, &ruling, &mut Vec::new()).is_ok()
}
