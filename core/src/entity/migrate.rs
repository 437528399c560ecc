//! What is known of a unit, made anew of what was known of the attribute that it is migrated from. Who said, chose and approved
//! it stays, and so does when.

use std::sync::Arc;

use crate::base::{Answered, Base, Marked, Marks};
use crate::decision::{Decision, Divergence, InputChange, Lapse, LapseCause, Word};
use crate::discrepancy::Discrepancy;
use crate::entity::Entity;
use crate::golden::{GoldenCell, Held, Provisional, Resolution, Status, Voice};
use crate::id::TenantId;
use crate::model::change::Step;
use crate::text::Text;
use crate::value::{Field, Malformed};

/// A golden value. What was said of it that nothing can be made of is left out: nothing depends on it.
pub(crate) fn golden(step: &Step, cell: &GoldenCell) -> Result<GoldenCell, Malformed> {
    Ok(GoldenCell {
        field: step.field(&cell.field)?,
        origin: cell.origin.clone(),
        resolution: resolution(step, &cell.resolution),
        fingerprint: step.policy,
        status: match &cell.status {
            Status::Settled => Status::Settled,
            Status::Parked { reason } => Status::Parked { reason: reason.clone() },
            Status::Held(held) => Status::Held(Box::new(Held {
                proposed: step.field(&held.proposed)?,
                resolution: resolution(step, &held.resolution),
                ..Held::clone(held)
            })),
            Status::Provisional(fallback) => Status::Provisional(Box::new(Provisional {
                shown: step.field(&fallback.shown)?,
                origin: fallback.origin.clone(),
            })),
        },
        last: cell.last.as_ref().and_then(|last| step.field(last).ok()).filter(Field::is_value),
    })
}

fn resolution(step: &Step, resolution: &Resolution) -> Arc<Resolution> {
    let voice = |voice: &Voice| Some(Voice { field: step.field(&voice.field).ok()?, ..voice.clone() });
    Arc::new(Resolution {
        candidates: resolution.candidates.iter().filter_map(voice).collect(),
        migrated: Some(format!("{} by {}", step.from, step.name()).into()),
        ..resolution.clone()
    })
}

/// A base. What it merely remembers of our last write goes: an echo of it was heard, or is a move.
pub(crate) fn base(step: &Step, base: &Base) -> Result<Base, Malformed> {
    let boxed = |field: &Option<Box<Field>>| -> Result<Option<Box<Field>>, Malformed> {
        field.as_deref().map(|field| step.field(field).map(Box::new)).transpose()
    };
    let answered = |answered: &Answered| -> Result<Box<Answered>, Malformed> {
        let kept = answered.kept.as_ref().map(|kept| step.field(kept)).transpose()?;
        Ok(Box::new(Answered { sent: step.field(&answered.sent)?, kept, ..answered.clone() }))
    };
    Ok(Base {
        seen: step.field(&base.seen)?,
        agreed: step.field(&base.agreed)?,
        lost: base.lost,
        marks: Marked::from(Marks {
            wrote: base.marks.wrote.clone(),
            displaced: boxed(&base.marks.displaced)?,
            reread: boxed(&base.marks.reread)?,
            answered: base.marks.answered.as_deref().map(answered).transpose()?,
        }),
    })
}

/// A decision. It was made under the policy of then, and holds under today's.
pub(crate) fn decision(step: &Step, decision: &Decision) -> Result<Decision, Malformed> {
    let inputs = decision.inputs.iter().map(|(record, said)| Ok((record.clone(), step.field(said)?)));
    let mut inputs = inputs.collect::<Result<Vec<_>, Malformed>>()?;
    inputs.sort();
    let word = |word: &Word| Ok(Word { field: step.field(&word.field)?, ..word.clone() });
    Ok(Decision {
        chosen: step.field(&decision.chosen)?,
        inputs,
        fingerprint: step.policy,
        meanwhile: decision.meanwhile.iter().map(word).collect::<Result<Vec<_>, Malformed>>()?,
        ..decision.clone()
    })
}

/// How a decision ended.
pub(crate) fn lapse(step: &Step, lapse: &Lapse) -> Result<Lapse, Malformed> {
    let change = |change: &InputChange| {
        let from = change.from.as_ref().map(|from| step.field(from)).transpose()?;
        Ok(InputChange { from, to: step.field(&change.to)?, ..change.clone() })
    };
    Ok(Lapse {
        chosen: step.field(&lapse.chosen)?,
        cause: match &lapse.cause {
            LapseCause::InputsChanged(changes) => {
                LapseCause::InputsChanged(changes.iter().map(change).collect::<Result<Vec<_>, Malformed>>()?)
            }
            LapseCause::PolicyChanged => LapseCause::PolicyChanged,
            LapseCause::Over => LapseCause::Over,
        },
        ..lapse.clone()
    })
}

/// A leave to differ.
pub(crate) fn divergence(step: &Step, leave: &Divergence) -> Result<Divergence, Malformed> {
    Ok(Divergence { shows: step.field(&leave.shows)?, golden: step.field(&leave.golden)?, ..leave.clone() })
}

/// A discrepancy, under the unit's name, since when it was first seen.
pub(crate) fn discrepancy(
    step: &Step,
    standing: &Discrepancy,
    unit: &Text,
    tenant: &TenantId,
    entity: &Entity,
) -> Discrepancy {
    Discrepancy {
        id: Discrepancy::identity(tenant, entity.id, unit, standing.link.as_deref(), standing.family),
        unit: unit.clone(),
        said: standing.said.iter().filter_map(|said| step.field(said).ok()).filter(Field::is_value).collect(),
        ..standing.clone()
    }
}
