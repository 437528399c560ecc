//! The pure centre over every entity of a working set, by itself.

use accordant::entity::Entity;
use accordant::plan::{PlanDraft, PlanKind, Scope, Surroundings, plan_entity};
use accordant::representation::Representation;
use accordant::sight::Ground as Rules;
use accordant::working_set::{Frame, WorkingSet};

/// Later than every delivery, in milliseconds.
pub const LATER: i64 = 1_800_000_000_000;

/// Calls `work` with every entity of a set, and all that settling is given.
pub fn each(
    set: &WorkingSet,
    frame: &Frame<'_>,
    mut work: impl FnMut(&Rules<'_>, &Entity, &[Option<&Representation>]),
) {
    for index in (0..).take(set.entities().len()) {
        set.with_ground(frame, index, LATER, &mut work);
    }
}

/// Plans what is owed to every system. Says how many operations that is.
#[must_use]
pub fn plan(set: &WorkingSet, frame: &Frame<'_>) -> usize {
    let surroundings = Surroundings {
        native: &|_, _, _| None,
        creates_in: &|_| None,
        creating: &|_, _| false,
        unread: &|_, _| false,
        shared: &|_| None,
    };
    let mut plan = PlanDraft::new(PlanKind::default(), Scope::default());
    each(set, frame, |rules, entity, seen| plan_entity(rules, &surroundings, entity, seen, &mut plan));
    plan.operations().len()
}
