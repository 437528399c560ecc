//! What the engine was told and has not kept yet: if its task dies or its commit fails, it never heard.

use std::collections::{BTreeMap, VecDeque};

use crate::agenda::TaskId;

/// Changes that took effect, write by write, by the task that was told of them, until it commits that it was.
#[derive(Debug, Default)]
pub struct Unkept(BTreeMap<TaskId, VecDeque<usize>>);

impl Unkept {
    /// A task was told of writes, and how many changes of each took effect.
    pub fn told(&mut self, task: TaskId, writes: Vec<usize>) {
        self.0.entry(task).or_default().extend(writes);
    }

    /// A task committed what came of so many of the writes, in the order in which they were sent: that is kept.
    pub fn kept(&mut self, task: TaskId, writes: usize) {
        if let Some(told) = self.0.get_mut(&task) {
            told.drain(..writes.min(told.len()));
        }
    }

    /// A task failed: how many changes it had been told of in vain.
    pub fn lost(&mut self, task: TaskId) -> usize {
        self.0.remove(&task).into_iter().flatten().sum()
    }

    /// Every task died: how many changes they had been told of in vain.
    pub fn all_lost(&mut self) -> usize {
        std::mem::take(&mut self.0).into_values().flatten().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_is_kept_and_the_rest_of_a_batch_is_lost() {
        let (task, other) = (TaskId { slot: 0, turn: 1 }, TaskId { slot: 1, turn: 2 });
        let mut unkept = Unkept::default();
        unkept.told(task, vec![1, 0, 2]);
        unkept.told(other, vec![4]);
        unkept.kept(task, 1);
        assert_eq!(unkept.lost(task), 2);
        assert_eq!(unkept.lost(task), 0);
        assert_eq!(unkept.all_lost(), 4);
    }
}
