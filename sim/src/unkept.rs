//! What the engine was told and has not kept yet: if its task dies or its commit fails, it never heard.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::agenda::TaskId;
use crate::oracle::Place;

/// What took effect, write by write, by the task that was told of it, until it commits that it was.
#[derive(Debug, Default)]
pub struct Unkept(BTreeMap<TaskId, VecDeque<Vec<Place>>>);

impl Unkept {
    /// A task was told of writes, and what of each took effect.
    pub fn told(&mut self, task: TaskId, writes: Vec<Vec<Place>>) {
        self.0.entry(task).or_default().extend(writes);
    }

    /// A task committed what came of so many of the writes, in the order in which they were sent: that is kept.
    pub fn kept(&mut self, task: TaskId, writes: usize) {
        if let Some(told) = self.0.get_mut(&task) {
            told.drain(..writes.min(told.len()));
        }
    }

    /// A task failed: what it had been told of in vain.
    pub fn lost(&mut self, task: TaskId) -> Vec<Place> {
        self.0.remove(&task).into_iter().flatten().flatten().collect()
    }

    /// Every task died: what they had been told of in vain.
    pub fn all_lost(&mut self) -> Vec<Place> {
        std::mem::take(&mut self.0).into_values().flatten().flatten().collect()
    }
}

/// What the engine intends, by the row that says so, with the task that made it durable. Whoever else has to end it cannot know
/// whether it was ever sent: nor what of a record that is made after all was there before.
#[derive(Debug, Default)]
pub struct Intents {
    open: BTreeMap<String, TaskId>,
    doubtful: BTreeSet<String>,
}

impl Intents {
    /// A task intends what a row says.
    pub fn made(&mut self, row: &str, task: TaskId) {
        self.open.insert(row.to_owned(), task);
    }

    /// A task ends what a row says.
    pub fn ended(&mut self, row: &str, task: TaskId) {
        if self.open.remove(row).is_some_and(|by| by != task) {
            self.doubtful.insert(row.to_owned());
        }
    }

    /// Whether the engine had to end an attempt to make somebody's record in a system, and cannot know whether it was sent.
    #[must_use]
    pub fn are_doubtful(&self, system: &str, entity: &str) -> bool {
        self.doubtful.iter().any(|row| row.contains(system) && row.contains(entity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_is_kept_and_the_rest_of_a_batch_is_lost() {
        let (task, other) = (TaskId { slot: 0, turn: 1 }, TaskId { slot: 1, turn: 2 });
        let mut unkept = Unkept::default();
        let (first, rest, others) = ((0, 0, 0), vec![(0, 1, 0), (0, 1, 2)], vec![(1, 0, 0)]);
        unkept.told(task, vec![vec![first], Vec::new(), rest.clone()]);
        unkept.told(other, vec![others.clone()]);
        unkept.kept(task, 1);
        assert_eq!(unkept.lost(task), rest);
        assert_eq!(unkept.lost(task), []);
        assert_eq!(unkept.all_lost(), others);
    }

    #[test]
    fn an_intent_that_another_task_had_to_end_is_doubtful() {
        let (task, other) = (TaskId { slot: 0, turn: 1 }, TaskId { slot: 1, turn: 2 });
        let mut intents = Intents::default();
        for row in ["create/shop/e1", "create/shop/e2", "create/desk/e1"] {
            intents.made(row, task);
        }
        intents.ended("create/shop/e1", task);
        intents.ended("create/shop/e2", other);
        assert!(intents.are_doubtful("shop", "e2"));
        assert!(!intents.are_doubtful("shop", "e1"), "who intended it was told what became of it");
        assert!(!intents.are_doubtful("desk", "e1"), "it is under way");
    }
}
