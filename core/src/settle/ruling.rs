//! Rulings: what a person's choice does to one unit. Pure.

use std::sync::Arc;

use crate::base::Origin;
use crate::decision::{Decision, Lifetime};
use crate::entity::Entity;
use crate::fact::Fact;
use crate::golden::{Resolution, Status};
use crate::id::{Actor, ConnectionName};
use crate::model::{Unit, UnitKey};
use crate::representation::Representation;
use crate::resolve::{Proposal, origin_of};
use crate::settle::Recorder;
use crate::settle::unit::move_golden;
use crate::sight::{Ground, Shown, shown};
use crate::value::Field;

/// What a person chooses for a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// The change that a rule holds.
    Accept,
    /// What golden holds now, against what systems have moved to.
    Keep,
    /// What this connection says.
    Take(ConnectionName),
    /// This value, in canonical form.
    Value(Field),
}

/// A choice, and all that must be known about it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// What is chosen.
    pub choice: Choice,
    /// How long it holds.
    pub lifetime: Lifetime,
    /// Who chose.
    pub by: Actor,
    /// Why, in the person's words.
    pub reason: String,
}

/// Why a ruling cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRuled {
    /// There is no change to accept.
    #[error("no rule holds a change")]
    NotHeld,
    /// The connection named says nothing of the unit.
    #[error("the connection says nothing of it")]
    NothingThere,
}

/// Carries out a ruling on one unit of an entity.
///
/// On a unit with an owner, golden is the owner's to move: a choice that the owner does not hold becomes a standing
/// decision, and a plan writes it to the owner. Accepting a held change only lets through what the owner said.
///
/// # Errors
///
/// [`NotRuled`]; nothing has changed then.
pub fn rule_on(
    ground: &Ground<'_>,
    entity: &mut Entity,
    representations: &[Option<&Representation>],
    key: &UnitKey,
    ruling: &Ruling,
    facts: &mut Vec<Fact>,
) -> Result<(), NotRuled> {
    let Some(unit) = key.index().and_then(|unit| ground.model.units.get(usize::from(unit))) else {
        return Err(NotRuled::NothingThere);
    };
    let shown = shown(ground, entity, representations, key);
    let mut recorder = Recorder { entity, facts };
    let cell = recorder.entity.golden.get(key).cloned();
    let (chosen, origin, mut resolution) = match &ruling.choice {
        Choice::Accept => match cell.as_ref().map(|cell| &cell.status) {
            Some(Status::Held { proposed, origin, resolution, .. }) => {
                (proposed.clone(), origin.clone(), resolution.clone())
            }
            _ => return Err(NotRuled::NotHeld),
        },
        Choice::Keep => {
            let field = cell.as_ref().map(|cell| cell.field.clone()).unwrap_or_default();
            let origin = cell.as_ref().and_then(|cell| cell.origin.clone());
            (field, origin, by_decision())
        }
        Choice::Take(connection) => {
            let there = shown.iter().find(|shown| recorder.entity.links[shown.link].record.connection == *connection);
            let there = there.and_then(|shown| Some((shown.field()?.clone(), shown)));
            let (field, shown) = there.ok_or(NotRuled::NothingThere)?;
            (field, Some(origin_of(recorder.entity, unit, key, shown)), by_decision())
        }
        Choice::Value(field) => (field.clone(), None, by_decision()),
    };
    resolution.by = Some(ruling.by.clone());
    for link in 0..recorder.entity.links.len() {
        if recorder.entity.links[link].reactions.contains_key(key) {
            let record = Arc::clone(&recorder.entity.links[link].record);
            recorder.record(Fact::Reacted { record, unit: key.clone(), count: 0 });
        }
    }
    if ruling.lifetime != Lifetime::Once && ruling.choice != Choice::Accept {
        let decision = Decision {
            chosen: chosen.clone(),
            by: ruling.by.clone(),
            at: ground.as_of,
            reason: ruling.reason.clone(),
            lifetime: ruling.lifetime,
            inputs: inputs(recorder.entity, unit, key, &shown),
            fingerprint: unit.fingerprint.short_number(),
        };
        recorder.record(Fact::Decided { unit: key.clone(), decision: Some(Arc::new(decision)) });
    }
    let owner_holds = |shown: &Shown<'_>| {
        shown.authority == crate::ownership::Authority::Owner
            && shown.field().is_some_and(|field| unit.same(field, &chosen))
    };
    if unit.owners.is_empty() || shown.iter().any(owner_holds) {
        settle_by(&mut recorder, unit, key, &shown, chosen, origin, resolution);
    }
    Ok(())
}

fn settle_by(
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    field: Field,
    origin: Option<Origin>,
    resolution: Resolution,
) {
    let heard = (0..shown.len()).filter(|place| shown[*place].authority.decides()).collect();
    move_golden(recorder, unit, key, shown, Proposal { field, origin, resolution, provisional: false, heard });
}

fn by_decision() -> Resolution {
    Resolution { policy: "decision".into(), ..Resolution::default() }
}

/// What is on the table: every value with an origin of its own, sorted.
fn inputs(entity: &Entity, unit: &Unit, key: &UnitKey, shown: &[Shown<'_>]) -> Vec<(crate::id::RecordRef, Field)> {
    let mut inputs: Vec<_> = shown
        .iter()
        .filter(|shown| shown.authority.decides())
        .filter_map(|shown| {
            let record = &entity.links[shown.link].record;
            let own = *origin_of(entity, unit, key, shown).record == **record;
            own.then(|| Some(((**record).clone(), shown.field()?.clone())))?
        })
        .collect();
    inputs.sort();
    inputs
}
