//! What the engine was told and has not kept yet: if its task dies or its commit fails, it never heard.

use std::collections::BTreeMap;

use crate::agenda::TaskId;

/// Changes that took effect, by the task that was told of them, until it commits.
#[derive(Debug, Default)]
pub struct Unkept(BTreeMap<TaskId, usize>);

impl Unkept {
    /// A task was told that so many changes took effect.
    pub fn told(&mut self, task: TaskId, changes: usize) {
        *self.0.entry(task).or_default() += changes;
    }

    /// A task committed: what it was told is kept.
    pub fn kept(&mut self, task: TaskId) {
        self.0.remove(&task);
    }

    /// A task failed: how many changes it had been told of in vain.
    pub fn lost(&mut self, task: TaskId) -> usize {
        self.0.remove(&task).unwrap_or(0)
    }

    /// Every task died: how many changes they had been told of in vain.
    pub fn all_lost(&mut self) -> usize {
        std::mem::take(&mut self.0).into_values().sum()
    }
}
