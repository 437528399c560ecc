//! Four eyes: a decision that one person proposes is carried out when a second one approves it. Pure.

use crate::decision::ProposedDecision;
use crate::entity::Entity;
use crate::fact::Fact;
use crate::fingerprint::{Digest, Fingerprint};
use crate::golden::Status;
use crate::id::{Actor, RecordRef};
use crate::model::UnitKey;
use crate::representation::Representation;
use crate::settle::Recorder;
use crate::settle::presence;
use crate::settle::ruling::{NotRuled, Ruling, carry_out, inputs, rule_on, takes_two};
use crate::sight::{Ground, shown};
use crate::value::Field;

/// Why a proposal cannot be approved. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotApproved {
    /// Nothing is proposed for the unit.
    #[error("nothing is proposed")]
    NothingProposed,
    /// Whoever approves proposed it.
    #[error("who proposed it cannot approve it")]
    OwnProposal,
    /// What was on the table has changed, at these records; none: golden itself has.
    #[error("what was on the table has changed")]
    InputsMoved(Vec<RecordRef>),
    /// It cannot be carried out any more.
    #[error(transparent)]
    NotRuled(#[from] NotRuled),
}

/// What became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ruled {
    /// It holds.
    Decided,
    /// It waits for a second person: [`Tenant::approve_decision`](crate::engine::Tenant::approve_decision).
    Proposed,
}

impl Ruled {
    /// The journal's kind for it.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Ruled::Decided => "decided",
            Ruled::Proposed => "decision_proposed",
        }
    }
}

/// Carries out a ruling on one unit of an entity, or proposes it where it takes two people: because that is asked of the unit
/// (`asked`), because a rule by two holds a change of it, or because such a rule would hold what is chosen.
///
/// # Errors
///
/// [`NotRuled`]; nothing has changed then.
pub fn rule_or_propose(
    ground: &Ground<'_>,
    entity: &mut Entity,
    representations: &[Option<&Representation>],
    key: &UnitKey,
    ruling: &Ruling,
    asked: bool,
    facts: &mut Vec<Fact>,
) -> Result<Ruled, NotRuled> {
    if asked || takes_two(ground, entity, representations, key, &ruling.choice) {
        propose(ground, entity, representations, key, ruling, facts)?;
        return Ok(Ruled::Proposed);
    }
    rule_on(ground, entity, representations, key, ruling, facts)?;
    Ok(Ruled::Decided)
}

/// Proposes a ruling on one unit of an entity. A proposal that stands is replaced.
///
/// # Errors
///
/// [`NotRuled`], if it could not be carried out; nothing has changed then.
pub fn propose(
    ground: &Ground<'_>,
    entity: &mut Entity,
    representations: &[Option<&Representation>],
    key: &UnitKey,
    ruling: &Ruling,
    facts: &mut Vec<Fact>,
) -> Result<(), NotRuled> {
    rule_on(ground, &mut entity.clone(), representations, key, ruling, &mut Vec::new())?;
    let (inputs, golden, held) = table(ground, entity, representations, key);
    let proposal = ProposedDecision { ruling: ruling.clone(), at: ground.as_of, inputs, golden, held };
    Recorder { entity, facts }.record(Fact::Proposed { unit: key.clone(), proposal: Some(Box::new(proposal)) });
    Ok(())
}

/// Carries out what was proposed for a unit, if a second person approves it and nothing on the table has changed.
///
/// # Errors
///
/// [`NotApproved`]; nothing has changed then.
pub fn approve(
    ground: &Ground<'_>,
    entity: &mut Entity,
    representations: &[Option<&Representation>],
    key: &UnitKey,
    by: &Actor,
    facts: &mut Vec<Fact>,
) -> Result<(), NotApproved> {
    let Some(proposal) = entity.proposals.get(key).cloned() else { return Err(NotApproved::NothingProposed) };
    if proposal.ruling.by == *by && !planted!(OneIsTwo) {
        return Err(NotApproved::OwnProposal);
    }
    let (inputs, golden, held) = table(ground, entity, representations, key);
    if (&inputs, &golden, &held) != (&proposal.inputs, &proposal.golden, &proposal.held) {
        let moved = inputs.iter().filter(|input| !proposal.inputs.contains(input));
        let gone = proposal.inputs.iter().filter(|(record, _)| inputs.iter().all(|(known, _)| known != record));
        let mut moved: Vec<RecordRef> = moved.chain(gone).map(|(record, _)| record.clone()).collect();
        moved.sort();
        moved.dedup();
        return Err(NotApproved::InputsMoved(moved));
    }
    carry_out(ground, entity, representations, key, &proposal.ruling, Some(by), facts)?;
    Recorder { entity, facts }.record(Fact::Proposed { unit: key.clone(), proposal: None });
    Ok(())
}

/// The hash of what is on the table about a unit: if it is the same, a person decides about what they looked at.
#[must_use]
pub fn basis_of(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    key: &UnitKey,
) -> Digest {
    let (inputs, golden, held) = table(ground, entity, representations, key);
    let mut fingerprint = Fingerprint::new();
    golden.fingerprint(&mut fingerprint);
    fingerprint.number(i64::from(held.is_some()));
    held.unwrap_or_default().fingerprint(&mut fingerprint);
    for (record, field) in &inputs {
        fingerprint.text(&record.to_string());
        field.fingerprint(&mut fingerprint);
    }
    fingerprint.finish()
}

type Table = (Vec<(RecordRef, Field)>, Field, Option<Field>);

/// What is on the table: what every candidate says of its own, what golden holds, and what a rule holds.
fn table(ground: &Ground<'_>, entity: &Entity, representations: &[Option<&Representation>], key: &UnitKey) -> Table {
    let unit = key.index().and_then(|unit| ground.model.units.get(usize::from(unit)));
    let Some(unit) = unit else {
        let places = presence::places(entity, representations);
        return (presence::inputs(entity, representations, &places), Field::Null, None);
    };
    let shown = shown(ground, entity, representations, key);
    let cell = entity.golden.get(key);
    let held = cell.and_then(|cell| match &cell.status {
        Status::Held(held) => Some(held.proposed.clone()),
        Status::Settled | Status::Parked { .. } | Status::Provisional(_) => None,
    });
    (inputs(entity, unit, key, &shown), cell.map(|cell| cell.field.clone()).unwrap_or_default(), held)
}
