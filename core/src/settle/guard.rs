//! Guarding: rules are asked before golden moves, and what they stop is held beside it.

use std::sync::Arc;

use crate::base::Origin;
use crate::entity::Entity;
use crate::fact::Fact;
use crate::golden::{Held, Status};
use crate::model::{Unit, UnitKey};
use crate::ownership::Authority;
use crate::resolve::Proposal;
use crate::rule::{Around, Before, Judged, Source, Stop, judge_all};
use crate::settle::Recorder;
use crate::settle::unit::{empty_cell, move_golden};
use crate::sight::{Ground, Shown};
use crate::text::Text;
use crate::value::{Field, split_member};

/// Asks the rules. A guarded change is held: golden keeps its value, and no base moves.
pub(super) fn guard(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    unit: &Unit,
    key: &UnitKey,
    shown: &[Shown<'_>],
    proposal: Proposal,
) -> bool {
    if key.index().is_none_or(|index| !ground.rules.contains_key(&index)) {
        return move_golden(recorder, unit, key, shown, proposal);
    }
    let before = recorder.entity.golden.get(key).map(|cell| &cell.field).filter(|field| field.is_value());
    let judged = judged(ground, recorder.entity, unit, key, before, &proposal.field, &proposal, shown);
    match judged.stop {
        None => move_golden(recorder, unit, key, shown, warned(proposal, judged.warnings)),
        Some(_) if planted!(RuleNotAsked) => move_golden(recorder, unit, key, shown, proposal),
        Some(stop) => {
            hold(recorder, unit, key, proposal, stop);
            false
        }
    }
}

/// A proposal with what rules found worth a look.
pub(super) fn warned(mut proposal: Proposal, warnings: Vec<(Text, Text)>) -> Proposal {
    if !warnings.is_empty() {
        Arc::make_mut(&mut proposal.resolution).warnings = warnings;
    }
    proposal
}

/// Keeps a proposal beside golden, for a person to accept.
pub(super) fn hold(recorder: &mut Recorder<'_>, unit: &Unit, key: &UnitKey, proposal: Proposal, stop: Stop) {
    let Stop { rule, reason, forbidden, four_eyes, .. } = stop;
    let mut cell = recorder.entity.golden.get(key).cloned().unwrap_or_else(|| empty_cell(unit));
    let Proposal { field: proposed, origin, resolution, .. } = proposal;
    let status = Status::Held(Box::new(Held { proposed, origin, resolution, rule, reason, four_eyes, forbidden }));
    if cell.status != status {
        cell.status = status;
        recorder.record(Fact::Settled { unit: key.clone(), cell: Some(Arc::new(cell)) });
    }
}

/// What the rules say of a change of golden from `before` to `after`.
#[expect(clippy::too_many_arguments, reason = "a change, and all that rules may look at")]
pub(super) fn judged(
    ground: &Ground<'_>,
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    before: Option<&Field>,
    after: &Field,
    proposal: &Proposal,
    shown: &[Shown<'_>],
) -> Judged {
    if before.is_some_and(|before| unit.same(after, before)) {
        return Judged::default();
    }
    let Some(guards) = key.index().and_then(|index| ground.rules.get(&index)) else { return Judged::default() };
    let instant = |origin: &Origin| {
        let scale = (ground.domain)(&origin.record).scale();
        scale.map(|_| origin.stamp.token)
    };
    let source = proposal.origin.as_ref().and_then(|origin| {
        let link = entity.link_of(&origin.record)?;
        let object = ground.model.objects.get(usize::from(entity.links[link].object));
        Some(Source {
            system: match object {
                Some(object) => &object.declared.system,
                None => crate::hub::system(),
            },
            record: &entity.links[link].record,
            role: shown.iter().find(|shown| shown.link == link).map_or(Authority::Observer, |shown| shown.authority),
        })
    });
    let golden = |id: &str| {
        let (unit, member) = ground.model.unit_of(id)?;
        let arity = ground.model.units.get(usize::from(unit))?.members.len();
        let cell = entity.golden.get(&UnitKey::Whole(unit));
        Some(cell.and_then(|cell| split_member(&cell.field, arity, member)).unwrap_or_default())
    };
    let around = Around {
        as_of: ground.as_of,
        source,
        said: proposal.origin.as_ref().and_then(instant),
        before_said: entity.golden.get(key).and_then(|cell| cell.origin.as_ref()).and_then(instant),
        golden: &golden,
    };
    let last = entity.golden.get(key).and_then(|cell| cell.last.as_ref());
    judge_all(guards, unit, Before { held: before, last }, after, &proposal.resolution.policy, &around)
}
