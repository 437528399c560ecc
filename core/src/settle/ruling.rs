//! Rulings: what a person's choice does to one unit. Pure.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::{Base, Origin};
use crate::decision::{Decision, Divergence, Lifetime};
use crate::entity::Entity;
use crate::fact::Fact;
use crate::golden::{Resolution, Status};
use crate::id::{Actor, ConnectionName};
use crate::model::{Unit, UnitKey};
use crate::ownership::Authority;
use crate::representation::Representation;
use crate::resolve::{Proposal, origin_of};
use crate::rule::Judged;
use crate::settle::Recorder;
use crate::settle::chosen::canonical;
use crate::settle::guard::judged;
use crate::settle::lapse::forget_lapse;
use crate::settle::presence::rule_on_presence;
use crate::settle::unit::move_golden;
use crate::sight::{Ground, Shown, shown};
use crate::value::Field;

/// What a person chooses for a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Choice {
    /// The change that a rule holds.
    Accept,
    /// What golden holds now, against what systems have moved to.
    Keep,
    /// What this connection says.
    Take(ConnectionName),
    /// This value. It is brought into canonical form; text that is no value of the attribute is refused.
    Value(Field),
    /// Golden stays, and what this connection says may differ from it. Nothing is written there until either moves on.
    ///
    /// Of presence: a second record stands beside the one that counts, or a record outlives its retired entity.
    LetDiffer(ConnectionName),
    /// Of presence: the entity exists no longer. What is left of it in any system is archived.
    Retire,
    /// Of presence: the entity exists. Where its records are gone for good, new ones are created.
    Restore,
}

/// A choice, and all that must be known about it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The unit is computed: only a change that a rule holds can be accepted.
    #[error("it is computed from other values")]
    Derived,
    /// Presence has no value: it is kept, retired or restored.
    #[error("presence has no value")]
    Presence,
    /// Only presence is retired or restored.
    #[error("only presence is retired or restored")]
    NoPresence,
    /// No record is gone: there is nothing to restore.
    #[error("no record of it is gone")]
    NothingGone,
    /// There is no settled value yet that a link could differ from.
    #[error("golden has not settled")]
    Unsettled,
    /// The connection named owns the unit: what it says is true.
    #[error("the connection owns it")]
    Owns,
    /// A rule forbids it.
    #[error("a rule forbids it")]
    Forbidden,
    /// The date until which it is to hold has passed.
    #[error("its date has passed")]
    Over,
    /// The text chosen is no value of the unit.
    #[error("the text is no value of its type")]
    NoValue,
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
    carry_out(ground, entity, representations, key, ruling, None, facts)
}

/// As [`rule_on`]; names who approved the ruling, where four eyes were asked for.
pub(super) fn carry_out(
    ground: &Ground<'_>,
    entity: &mut Entity,
    representations: &[Option<&Representation>],
    key: &UnitKey,
    ruling: &Ruling,
    approved_by: Option<&Actor>,
    facts: &mut Vec<Fact>,
) -> Result<(), NotRuled> {
    if ruling.lifetime.is_over(ground.as_of) {
        return Err(NotRuled::Over);
    }
    if *key == UnitKey::Exists {
        return rule_on_presence(ground, entity, representations, ruling, approved_by, facts);
    }
    if matches!(ruling.choice, Choice::Retire | Choice::Restore) {
        return Err(NotRuled::NoPresence);
    }
    let Some(unit) = key.index().and_then(|unit| ground.model.units.get(usize::from(unit))) else {
        return Err(NotRuled::NothingThere);
    };
    if unit.is_computed() && !matches!(ruling.choice, Choice::Accept | Choice::LetDiffer(_)) {
        return Err(NotRuled::Derived);
    }
    let shown = shown(ground, entity, representations, key);
    let mut recorder = Recorder { entity, facts };
    if let Choice::LetDiffer(connection) = &ruling.choice {
        return let_differ(ground, &mut recorder, unit, key, &shown, connection, ruling, approved_by);
    }
    let (heard, judged) = judged_choice(ground, recorder.entity, unit, key, &shown, &ruling.choice)?;
    let Proposal { field: chosen, origin, mut resolution, .. } = heard;
    if judged.stop.is_some_and(|stop| stop.forbidden) && !planted!(ForbiddenAccepted) {
        return Err(NotRuled::Forbidden);
    }
    let explained = Arc::make_mut(&mut resolution);
    explained.warnings = judged.warnings;
    explained.by = Some(ruling.by.clone());
    explained.approved_by = approved_by.cloned().map(Box::new);
    forget_lapse(&mut recorder, key);
    for link in 0..recorder.entity.links.len() {
        if recorder.entity.links[link].reactions.contains_key(key) {
            let record = Arc::clone(&recorder.entity.links[link].record);
            recorder.record(Fact::Reacted { record, unit: key.clone(), count: 0 });
        }
    }
    // An owner that kept something else instead is asked anew: a person may have seen to it.
    for owner in shown.iter().filter(|shown| shown.authority == Authority::Owner) {
        let link = &recorder.entity.links[owner.link];
        let Some(base) = link.bases.get(key).filter(|base| base.marks.answered.is_some()).cloned() else { continue };
        let record = Arc::clone(&link.record);
        let base = Some(Arc::new(base.marked(|marks| marks.answered = None)));
        recorder.record(Fact::Rebased { record, unit: key.clone(), base });
    }
    let owner_holds = |shown: &Shown<'_>| {
        shown.authority == Authority::Owner && shown.field().is_some_and(|field| unit.same(field, &chosen))
    };
    let settles = unit.owners.is_empty() || shown.iter().any(owner_holds);
    // What is decided once is over when it is settled. An owner has yet to follow.
    let stands = ruling.lifetime != Lifetime::Once || !settles;
    if stands && ruling.choice != Choice::Accept && !planted!(DecisionForgotten) {
        let decision = Decision {
            chosen: chosen.clone(),
            by: ruling.by.clone(),
            at: ground.as_of,
            reason: ruling.reason.clone(),
            lifetime: ruling.lifetime,
            inputs: inputs(recorder.entity, unit, key, &shown),
            fingerprint: unit.fingerprint.short_number(),
            approved_by: approved_by.cloned(),
            meanwhile: Vec::new(),
        };
        recorder.record(Fact::Decided { unit: key.clone(), decision: Some(Arc::new(decision)) });
    }
    if settles {
        settle_by(&mut recorder, unit, key, &shown, chosen, origin, resolution);
    }
    Ok(())
}

/// What a choice would make of golden, and what the rules say of that. Keeping what golden holds is no change to them.
fn judged_choice(
    ground: &Ground<'_>,
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    choice: &Choice,
) -> Result<(Proposal, Judged), NotRuled> {
    let cell = entity.golden.get(key);
    let (field, origin, resolution) = match choice {
        Choice::Accept => match cell.map(|cell| &cell.status) {
            Some(Status::Held(held)) => (held.proposed.clone(), held.origin.clone(), held.resolution.clone()),
            _ => return Err(NotRuled::NotHeld),
        },
        Choice::Keep => {
            let field = cell.map(|cell| cell.field.clone()).unwrap_or_default();
            (field, cell.and_then(|cell| cell.origin.clone()), by_decision())
        }
        Choice::Take(connection) => {
            // Of several records there, one that was merged or deleted says nothing any more.
            let mut there = shown.iter().filter(|shown| entity.links[shown.link].record.connection == *connection);
            let there = there.find_map(|shown| Some((shown.field()?.clone(), shown)));
            let (field, shown) = there.ok_or(NotRuled::NothingThere)?;
            (field, Some(origin_of(entity, unit, key, shown)), by_decision())
        }
        Choice::Value(field) => {
            let field = canonical(ground.model, unit, key, field).ok_or(NotRuled::NoValue)?;
            (field, None, by_decision())
        }
        Choice::LetDiffer(_) | Choice::Retire | Choice::Restore => return Err(NotRuled::NoPresence),
    };
    let before = cell.map(|cell| &cell.field).filter(|field| field.is_value());
    let chosen = field.clone();
    let heard = Proposal { field, origin, resolution, provisional: false, heard: SmallVec::new() };
    let judged = judged(ground, entity, unit, key, before, &chosen, &heard, shown);
    Ok((heard, judged))
}

/// Whether a ruling takes two people, whatever is configured: a rule by two holds a change of the unit, or would hold what
/// is chosen if a system said it.
pub(super) fn takes_two(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    key: &UnitKey,
    choice: &Choice,
) -> bool {
    let held = entity.golden.get(key).is_some_and(|cell| match &cell.status {
        Status::Held(held) => held.four_eyes,
        Status::Settled | Status::Parked { .. } | Status::Provisional(_) => false,
    });
    let Some(unit) = key.index().and_then(|unit| ground.model.units.get(usize::from(unit))) else { return held };
    let shown = shown(ground, entity, representations, key);
    let judged = judged_choice(ground, entity, unit, key, &shown, choice);
    held || judged.is_ok_and(|(_, judged)| judged.stop.is_some_and(|stop| stop.four_eyes))
}

#[expect(clippy::too_many_arguments, reason = "a ruling, what it is about, and who approved it")]
/// Lets a connection's records differ from golden. Their base says so: they are no movers, and nothing is owed there.
fn let_differ(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    connection: &ConnectionName,
    ruling: &Ruling,
    approved_by: Option<&Actor>,
) -> Result<(), NotRuled> {
    let cell = recorder.entity.golden.get(key).filter(|cell| cell.status == Status::Settled);
    let golden = cell.ok_or(NotRuled::Unsettled)?.field.clone();
    let mut found = false;
    for shown in shown {
        let record = Arc::clone(&recorder.entity.links[shown.link].record);
        let Some(seen) = shown.field().filter(|seen| record.connection == *connection && !unit.same(seen, &golden))
        else {
            continue;
        };
        if shown.authority == Authority::Owner {
            return Err(NotRuled::Owns);
        }
        found = true;
        let base = Some(Arc::new(Base::accepted(seen.clone(), golden.clone())));
        recorder.record(Fact::Rebased { record: Arc::clone(&record), unit: key.clone(), base });
        let divergence = Some(Box::new(divergence(ground, seen.clone(), golden.clone(), ruling, approved_by)));
        recorder.record(Fact::Diverged { record, unit: key.clone(), divergence });
    }
    if found { Ok(()) } else { Err(NotRuled::NothingThere) }
}

pub(super) fn divergence(
    ground: &Ground<'_>,
    shows: Field,
    golden: Field,
    ruling: &Ruling,
    approved_by: Option<&Actor>,
) -> Divergence {
    Divergence {
        shows,
        golden,
        by: ruling.by.clone(),
        at: ground.as_of,
        reason: ruling.reason.clone(),
        lifetime: ruling.lifetime,
        approved_by: approved_by.cloned(),
    }
}

fn settle_by(
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    field: Field,
    origin: Option<Origin>,
    resolution: Arc<Resolution>,
) {
    let heard = (0..shown.len()).filter(|place| shown[*place].authority.decides()).collect();
    let chosen = field.clone();
    move_golden(recorder, unit, key, shown, Proposal { field, origin, resolution, provisional: false, heard });
    // Whoever was never in agreement was heard now, and lost: a write of what was chosen is owed there.
    for shown in shown.iter().filter(|shown| shown.authority.decides()) {
        let Some(seen) = shown.field().filter(|seen| !unit.same(seen, &chosen)) else { continue };
        let link = &recorder.entity.links[shown.link];
        if link.bases.get(key).is_none() {
            let record = Arc::clone(&link.record);
            let base = Some(Arc::new(Base { lost: true, ..Base::accepted(seen.clone(), Field::Null) }));
            recorder.record(Fact::Rebased { record, unit: key.clone(), base });
        }
    }
}

fn by_decision() -> Arc<Resolution> {
    Arc::new(Resolution::by_policy("decision"))
}

/// What is on the table: every value with an origin of its own, sorted.
pub(super) fn inputs(
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
) -> Vec<(crate::id::RecordRef, Field)> {
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
