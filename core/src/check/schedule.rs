//! The choice of checks: which of those that are due are made now, within the budgets.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use super::{Account, Budget, Cadence, CheckError, Priority, Urgency};
use crate::id::ConnectionName;

/// Something that is to be verified every so often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check<K> {
    /// What: the subject and the dimension. Of equally urgent checks, the least goes first.
    pub what: K,
    /// Whose calls it takes.
    pub connection: ConnectionName,
    /// How soon it is verified again.
    pub priority: Priority,
    /// When it was last verified, in milliseconds since the epoch; of what never was, since when it is known.
    pub since: i64,
    /// How many calls it takes. What takes none is always made when it is due.
    pub cost: u32,
}

/// Which checks are made now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chosen<K> {
    /// What to verify, the most urgent first.
    pub checks: Vec<K>,
    /// What they cost, by connection.
    pub cost: BTreeMap<ConnectionName, u32>,
    /// How many are due and wait for the budget.
    pub waiting: u64,
    /// What costs more than the budget of its connection ever allows at once. It is due, and never chosen.
    pub too_dear: Vec<K>,
    /// When the next that is not due yet is, in milliseconds since the epoch.
    pub next_due: Option<i64>,
}

/// Chooses, of the checks that are due at `now`, the most urgent that the budgets allow. The urgency of a check is its age in
/// intervals of its priority; of equally urgent ones the higher priority goes first, then the least `what`. A connection whose most
/// urgent check it cannot pay for yet saves for it: a dear check is not overtaken for ever by cheap ones.
///
/// A function of its arguments: the order of `checks` changes nothing.
///
/// # Errors
///
/// [`CheckError::NoBudget`] for a check in a connection that `budgets` does not name.
pub fn choose<K: Ord>(
    checks: impl IntoIterator<Item = Check<K>>,
    budgets: &BTreeMap<ConnectionName, (Budget, Account)>,
    cadence: &Cadence,
    now: i64,
) -> Result<Chosen<K>, CheckError> {
    let mut lanes: BTreeMap<ConnectionName, Lane<K>> = budgets
        .iter()
        .map(|(name, (budget, account))| (name.clone(), Lane::new(budget, account.for_checks(budget, now))))
        .collect();
    let mut next_due: Option<i64> = None;
    for check in checks {
        let Some(lane) = lanes.get_mut(&check.connection) else {
            return Err(CheckError::NoBudget { connection: check.connection });
        };
        let due = check.since.saturating_add(cadence.interval(check.priority));
        if due > now {
            next_due = Some(next_due.map_or(due, |known| known.min(due)));
        } else {
            lane.add(Urgent::of(check, cadence, now));
        }
    }
    let mut chosen: Vec<Urgent<K>> = Vec::new();
    let (mut waiting, mut too_dear, mut cost) = (0_u64, Vec::new(), BTreeMap::new());
    for (connection, lane) in lanes {
        let made = lane.close();
        waiting = waiting.saturating_add(made.waiting);
        too_dear.extend(made.too_dear);
        cost.extend((made.cost > 0).then_some((connection, made.cost)));
        chosen.extend(made.chosen);
    }
    chosen.sort_unstable_by(|one, other| other.cmp(one));
    too_dear.sort_unstable();
    let checks = chosen.into_iter().map(|urgent| urgent.what.0).collect();
    Ok(Chosen { checks, cost, waiting, too_dear, next_due })
}

/// A due check, in the order of urgency: the greatest is made first.
#[derive(Debug, PartialEq, Eq)]
struct Urgent<K> {
    urgency: Urgency,
    what: Reverse<K>,
    cost: u32,
}

impl<K> Urgent<K> {
    fn of(check: Check<K>, cadence: &Cadence, now: i64) -> Self {
        let urgency = Urgency::of(check.priority, check.since, cadence, now);
        Self { urgency, what: Reverse(check.what), cost: check.cost }
    }
}

impl<K: Ord> Ord for Urgent<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_name = || self.what.cmp(&other.what).then_with(|| self.cost.cmp(&other.cost));
        self.urgency.cmp(&other.urgency).then_with(by_name)
    }
}

impl<K: Ord> PartialOrd for Urgent<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The due checks of one connection: those that cost nothing, and of the others as many of the most urgent as it could pay for,
/// and the one behind them.
struct Lane<K> {
    allowed: u32,
    dearest: u32,
    free: Vec<Urgent<K>>,
    /// The least urgent is on top.
    kept: BinaryHeap<Reverse<Urgent<K>>>,
    dropped: u64,
    too_dear: Vec<K>,
}

/// What a lane came to.
struct Made<K> {
    chosen: Vec<Urgent<K>>,
    cost: u32,
    waiting: u64,
    too_dear: Vec<K>,
}

impl<K: Ord> Lane<K> {
    fn new(budget: &Budget, allowed: u32) -> Self {
        let dearest = budget.dearest();
        Self { allowed, dearest, free: Vec::new(), kept: BinaryHeap::new(), dropped: 0, too_dear: Vec::new() }
    }

    fn add(&mut self, check: Urgent<K>) {
        if check.cost == 0 {
            self.free.push(check);
        } else if check.cost > self.dearest {
            self.too_dear.push(check.what.0);
        } else {
            // Each costs a call at least, so no more can be chosen.
            let most = usize::try_from(self.allowed).unwrap_or(usize::MAX);
            if self.kept.len() < most {
                self.kept.push(Reverse(check));
            } else {
                self.dropped += 1;
                if let Some(mut least) = self.kept.peek_mut()
                    && least.0 < check
                {
                    *least = Reverse(check);
                }
            }
        }
    }

    fn close(self) -> Made<K> {
        let mut chosen = self.free;
        let (mut cost, mut waiting, mut saving) = (0_u32, self.dropped, false);
        // Sorted by what is reversed: the most urgent comes first.
        for Reverse(check) in self.kept.into_sorted_vec() {
            let with = cost.saturating_add(check.cost);
            saving |= with > self.allowed;
            if saving {
                waiting += 1;
            } else {
                cost = with;
                chosen.push(check);
            }
        }
        Made { chosen, cost, waiting, too_dear: self.too_dear }
    }
}
