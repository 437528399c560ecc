//! Urgency: what goes first, of all that waits. Pure.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::{Cadence, Priority};

/// How urgent something is: its age in intervals of its priority, and of equally old ones the priority. The greatest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Urgency {
    /// How long it waits, and the interval of its priority: compared as a fraction.
    age: i64,
    interval: i64,
    priority: Priority,
}

impl Urgency {
    /// Of what is of a priority and waits since an instant, in milliseconds since the epoch.
    pub(crate) fn of(priority: Priority, since: i64, cadence: &Cadence, now: i64) -> Self {
        Self { age: now.saturating_sub(since), interval: cadence.interval(priority), priority }
    }
}

impl Ord for Urgency {
    fn cmp(&self, other: &Self) -> Ordering {
        let ours = i128::from(self.age) * i128::from(other.interval);
        let theirs = i128::from(other.age) * i128::from(self.interval);
        ours.cmp(&theirs).then_with(|| other.priority.cmp(&self.priority))
    }
}

impl PartialOrd for Urgency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The most urgent of all that is added, up to a number. Of equally urgent ones, the least by name.
///
/// A function of what is added: the order in which it comes changes nothing.
#[derive(Debug)]
pub(crate) struct MostUrgent<K, T> {
    most: usize,
    /// The least urgent is on top.
    kept: BinaryHeap<Reverse<Ranked<K, T>>>,
    added: u64,
}

#[derive(Debug)]
struct Ranked<K, T> {
    rank: (Urgency, Reverse<K>),
    of: T,
}

impl<K: Ord, T> MostUrgent<K, T> {
    pub(crate) fn of(most: usize) -> Self {
        Self { most, kept: BinaryHeap::new(), added: 0 }
    }

    pub(crate) fn add(&mut self, name: K, urgency: Urgency, of: T) {
        self.added += 1;
        let ranked = Ranked { rank: (urgency, Reverse(name)), of };
        if self.kept.len() < self.most {
            self.kept.push(Reverse(ranked));
        } else if let Some(mut least) = self.kept.peek_mut()
            && least.0 < ranked
        {
            *least = Reverse(ranked);
        }
    }

    /// Whether more was added than is kept.
    pub(crate) fn left_some(&self) -> bool {
        self.added > self.kept.len() as u64
    }

    /// What is kept, the most urgent first.
    pub(crate) fn into_order(self) -> Vec<T> {
        self.kept.into_sorted_vec().into_iter().map(|Reverse(ranked)| ranked.of).collect()
    }
}

impl<K: Ord, T> Ord for Ranked<K, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl<K: Ord, T> PartialOrd for Ranked<K, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord, T> PartialEq for Ranked<K, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K: Ord, T> Eq for Ranked<K, T> {}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    fn priority() -> impl Strategy<Value = Priority> {
        proptest::sample::select(Priority::ALL.as_slice())
    }

    fn chosen(waiting: &[(u16, Priority, i64)], most: usize, now: i64) -> Vec<u16> {
        let mut urgent = MostUrgent::of(most);
        for (name, priority, since) in waiting {
            urgent.add(*name, Urgency::of(*priority, *since, &Cadence::default(), now), *name);
        }
        assert_eq!(urgent.left_some(), waiting.len() > most);
        urgent.into_order()
    }

    proptest! {
        /// What is kept is the beginning of the whole order, however what waits is told.
        #[test]
        fn the_most_urgent_are_kept_in_whatever_order_they_come(
            waiting in vec((priority(), 0i64..9).prop_map(|(of, hours)| (of, hours * HOUR)), 0..30), most in 0usize..9, turn in 0usize..30,
        ) {
            let mut waiting: Vec<(u16, Priority, i64)> =
                (0u16..).zip(waiting).map(|(name, (of, since))| (name, of, since)).collect();
            let whole = chosen(&waiting, usize::MAX, 9 * HOUR);
            let by = turn % waiting.len().max(1);
            waiting.rotate_left(by);
            waiting.reverse();
            prop_assert_eq!(chosen(&waiting, most, 9 * HOUR), &whole[..most.min(whole.len())]);
        }

        /// Of one age the more urgent priority goes first, and of one priority the older.
        #[test]
        fn age_and_priority_are_obeyed(one in priority(), other in priority(), age in 1i64..99, older in 1i64..99) {
            let of = |priority, age: i64| Urgency::of(priority, -age * HOUR, &Cadence::default(), 0);
            prop_assert_eq!(of(one, age).cmp(&of(other, age)), other.cmp(&one));
            prop_assert!(of(one, age + older) > of(one, age));
        }

        /// However much that is more urgent comes in, as long as it can be handled at all: what is low has its turn before it is as
        /// old, in its intervals, as what is critical gets in its own.
        #[test]
        fn nothing_is_starved(each in 1usize..4, behind in 0usize..40) {
            let cadence = Cadence::default();
            let tick = TimeDelta::minutes(1).num_milliseconds();
            let mut waiting: Vec<(usize, Priority, i64)> = (1..=behind).map(|name| (name, Priority::Critical, 0)).collect();
            waiting.push((0, Priority::Low, 0));
            let (mut now, mut name) = (0, behind);
            // As many critical ones come in each minute as are handled: what was behind stays behind.
            let oldest_critical = (behind / each + 2) as i64 * tick;
            let bound = oldest_critical * cadence.interval(Priority::Low) / cadence.interval(Priority::Critical) + 2 * tick;
            loop {
                now += tick;
                for _ in 0..each {
                    name += 1;
                    waiting.push((name, Priority::Critical, now));
                }
                let mut urgent = MostUrgent::of(each);
                for (name, priority, since) in &waiting {
                    urgent.add(*name, Urgency::of(*priority, *since, &cadence, now), *name);
                }
                let handled = urgent.into_order();
                if handled.contains(&0) {
                    break;
                }
                prop_assert!(now <= bound, "it waits for {} min, and {} were behind", now / tick, behind);
                waiting.retain(|(name, ..)| !handled.contains(name));
            }
        }
    }
}
