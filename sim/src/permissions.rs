//! What operators allow: which systems are only observed, and which writes need no asking. Whatever is written without either
//! an approval or a permission that stands is a violation.

use accordant::plan::StandingId;

use crate::agenda::TaskId;

/// A standing approval that an operator gave.
#[derive(Debug, Clone)]
struct Standing {
    id: Option<StandingId>,
    system: usize,
    attribute: usize,
    /// How many writes it still covers.
    left: u32,
    /// The last task that began before it was withdrawn: what that had begun may end.
    withdrawn: Option<u64>,
}

/// What operators allow, and have used.
#[derive(Debug, Default)]
pub struct Permissions {
    observed: Option<usize>,
    standing: Vec<Standing>,
    /// The last task that began.
    latest: u64,
}

impl Permissions {
    /// From now on a system is only observed, or none is.
    pub const fn observe(&mut self, system: Option<usize>) {
        self.observed = system;
    }

    /// Whether nobody may write into a system.
    #[must_use]
    pub fn is_observed(&self, system: usize) -> bool {
        self.observed == Some(system)
    }

    /// A task goes on.
    pub fn seen(&mut self, task: TaskId) {
        self.latest = self.latest.max(task.turn);
    }

    /// A standing approval is given: from now on it may have an effect. Gives its place.
    pub fn give(&mut self, system: usize, attribute: usize, at_most: u32) -> usize {
        self.standing.push(Standing { id: None, system, attribute, left: at_most, withdrawn: None });
        self.standing.len() - 1
    }

    /// It was taken, under this id.
    pub fn given(&mut self, place: usize, id: StandingId) {
        self.standing[place].id = Some(id);
    }

    /// The last one that stands, by its place and id.
    #[must_use]
    pub fn last(&self) -> Option<(usize, StandingId)> {
        let mut standing = self.standing.iter().enumerate().rev();
        standing.find_map(|(place, one)| Some((place, one.id.filter(|_| one.withdrawn.is_none())?)))
    }

    /// It was withdrawn.
    pub fn withdrawn(&mut self, place: usize) {
        self.standing[place].withdrawn = Some(self.latest);
    }

    /// Whether a task may write an attribute without being asked for. If so, that is one write less.
    pub fn uses(&mut self, system: usize, attribute: usize, task: TaskId) -> bool {
        let covers = |one: &&mut Standing| {
            let stands = one.withdrawn.is_none_or(|latest| task.turn <= latest);
            one.system == system && one.attribute == attribute && one.left > 0 && stands
        };
        let found = self.standing.iter_mut().find(covers);
        found.map(|one| one.left -= 1).is_some()
    }
}
