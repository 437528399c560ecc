//! What operators allow: which systems are only observed, and which writes need no asking. Whatever is written without either
//! an approval or a permission that stands is a violation.

use std::collections::BTreeSet;

use accordant::plan::StandingId;

use crate::agenda::TaskId;

/// A standing approval that an operator gave.
#[derive(Debug, Clone)]
struct Standing {
    id: Option<StandingId>,
    system: usize,
    attribute: usize,
    /// How many writes it covers.
    at_most: usize,
    /// Those that are laid to it, each by the places of all that covered it.
    writes: Vec<Vec<usize>>,
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
        let at_most = at_most as usize;
        self.standing.push(Standing { id: None, system, attribute, at_most, writes: Vec::new(), withdrawn: None });
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

    /// Whether a task may write an attribute without being asked for. If so, that is one write less. Of several that cover it,
    /// nobody says which it rests on.
    pub fn uses(&mut self, system: usize, attribute: usize, task: TaskId) -> bool {
        let covers = |one: &Standing| {
            let stands = one.withdrawn.is_none_or(|latest| task.turn <= latest);
            one.system == system && one.attribute == attribute && stands
        };
        let covering = (0..self.standing.len()).filter(|place| covers(&self.standing[*place])).collect();
        self.lay(covering, &mut BTreeSet::new())
    }

    /// Lays a write to one that covers it, if need be by laying others anew (augmenting paths: Kuhn, 1955). Says whether there is
    /// room.
    fn lay(&mut self, covering: Vec<usize>, tried: &mut BTreeSet<usize>) -> bool {
        for place in covering.iter().copied() {
            if !tried.insert(place) {
                continue;
            }
            if self.standing[place].writes.len() < self.standing[place].at_most {
                self.standing[place].writes.push(covering);
                return true;
            }
            for write in 0..self.standing[place].writes.len() {
                let other = self.standing[place].writes[write].clone();
                if self.lay(other, tried) {
                    self.standing[place].writes[write] = covering;
                    return true;
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn task(turn: u64) -> TaskId {
        TaskId { slot: 0, turn }
    }

    #[test]
    fn a_write_rests_on_any_that_covered_it() {
        let mut permissions = Permissions::default();
        permissions.give(0, 0, 1);
        let second = permissions.give(0, 0, 1);
        permissions.give(0, 1, 1);
        permissions.seen(task(1));
        assert!(permissions.uses(0, 0, task(1)), "either covers it");
        permissions.withdrawn(second);
        permissions.seen(task(2));
        assert!(permissions.uses(0, 0, task(2)), "the former may have rested on the one that is withdrawn");
        assert!(!permissions.uses(0, 0, task(2)), "both are used up");
        assert!(!permissions.uses(1, 1, task(2)), "another system");
    }
}
