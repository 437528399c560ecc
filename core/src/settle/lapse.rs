//! The end of decisions: by their date, or by news. What ended one is kept until the matter is over.

use crate::classify::Verdict;
use crate::decision::{Decision, Lapse, LapseCause};
use crate::fact::Fact;
use crate::golden::Status;
use crate::model::UnitKey;
use crate::settle::Recorder;
use crate::sight::Ground;

/// Ends a decision, and keeps why.
pub(super) fn lapse(
    ground: &Ground<'_>,
    recorder: &mut Recorder<'_>,
    key: &UnitKey,
    decision: &Decision,
    cause: LapseCause,
) {
    let lapse = Some(Box::new(Lapse::of(decision, ground.as_of, cause)));
    recorder.record(Fact::Lapsed { unit: key.clone(), lapse });
    recorder.record(Fact::Decided { unit: key.clone(), decision: None });
}

/// Ends a decision whose date has come.
pub(super) fn end_by_date(ground: &Ground<'_>, recorder: &mut Recorder<'_>, key: &UnitKey) {
    let decision = recorder.entity.decisions.shared(key).filter(|decision| decision.lifetime.is_over(ground.as_of));
    if let Some(decision) = decision {
        lapse(ground, recorder, key, &decision, LapseCause::Over);
    }
}

/// The unit is decided anew: how the last decision ended is history.
pub(super) fn forget_lapse(recorder: &mut Recorder<'_>, key: &UnitKey) {
    if recorder.entity.lapses.contains_key(key) {
        recorder.record(Fact::Lapsed { unit: key.clone(), lapse: None });
    }
}

/// Systems agree again: what reopened the unit is history. That a date ended a decision is kept, lest it end unseen.
pub(super) fn close_reopened(recorder: &mut Recorder<'_>, key: &UnitKey, verdict: Verdict) {
    let reopened = recorder.entity.lapses.get(key).is_some_and(|lapse| lapse.cause != LapseCause::Over);
    let settled = recorder.entity.golden.get(key).is_none_or(|cell| cell.status == Status::Settled);
    if reopened && settled && verdict == Verdict::InAgreement {
        forget_lapse(recorder, key);
    }
}
