//! What differs between two plans: what a person who knows the one must look at in the other.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{Intent, Operation, Plan, Target};
use crate::id::EntityId;
use crate::text::Text;

/// What differs between two plans.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct PlanDiff {
    /// Operations that both have, as they are: approved of the one, they are approved of the other.
    pub same: usize,
    /// Operations that only the later has.
    pub added: Vec<Operation>,
    /// Operations that only the former has.
    pub removed: Vec<Operation>,
    /// Operations of the same unit there that are not the same: as they were, and as they are.
    pub changed: Vec<(Operation, Operation)>,
}

impl PlanDiff {
    /// Whether nothing differs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// What an operation is about, whatever it does there.
type Place<'a> = (EntityId, &'a Target, &'a Text, bool);

impl Plan {
    /// What a later plan does otherwise than this one. What is parked is not compared: it is carried out in neither.
    #[must_use]
    pub fn diff(&self, later: &Plan) -> PlanDiff {
        fn place(operation: &Operation) -> Place<'_> {
            let archives = operation.intent == Intent::Archive;
            (operation.entity, &operation.target, &operation.unit, archives)
        }
        let mut former: BTreeMap<Place<'_>, &Operation> =
            self.operations.iter().map(|operation| (place(operation), operation)).collect();
        let mut diff = PlanDiff::default();
        for operation in &later.operations {
            match former.remove(&place(operation)) {
                None => diff.added.push(operation.clone()),
                Some(was) if was.key == operation.key && was.basis == operation.basis => diff.same += 1,
                Some(was) => diff.changed.push((was.clone(), operation.clone())),
            }
        }
        let removed = |operation: &&Operation| former.contains_key(&place(operation));
        diff.removed = self.operations.iter().filter(removed).cloned().collect();
        diff
    }
}

/// A line per operation: `+` added, `-` removed, `~` changed. Plans that do not differ are the empty text.
///
/// Values stand in it as they are: mask it for readers who may not see personal data.
impl fmt::Display for PlanDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (was, is) in &self.changed {
            writeln!(f, "~ {was}\n  {is}")?;
        }
        for operation in &self.added {
            writeln!(f, "+ {operation}")?;
        }
        for operation in &self.removed {
            writeln!(f, "- {operation}")?;
        }
        Ok(())
    }
}
