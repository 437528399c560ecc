//! The agenda: what happens next, in virtual time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::word::Word;

/// Something that happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A step of the script.
    Step(usize),
    /// The person who edited a record corrects an attribute of it.
    Again(usize, usize, usize),
    /// A program in a system puts a word back.
    Restore(usize, usize, usize, Word),
    /// A webhook reaches our door.
    Deliver(usize),
    /// A task may go on.
    Wake(TaskId),
    /// A write reaches its system.
    Arrive(usize),
    /// The process is up again after a crash.
    Restart,
}

impl Event {
    /// Which kind it is, for the trace.
    #[must_use]
    pub const fn kind(&self) -> i64 {
        match self {
            Event::Step(_) => 101,
            Event::Again(..) => 102,
            Event::Deliver(_) => 103,
            Event::Wake(_) => 104,
            Event::Arrive(_) => 105,
            Event::Restart => 106,
            Event::Restore(..) => 107,
        }
    }
}

/// Names a task; a name is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TaskId {
    /// Its place.
    pub slot: usize,
    /// Which task of that place.
    pub turn: u64,
}

#[derive(Debug)]
struct Entry {
    at: i64,
    place: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives its greatest first: the earliest, and of those the one that was entered first.
        (other.at, other.place).cmp(&(self.at, self.place))
    }
}

/// Events by instant; of one instant, in the order in which they were entered.
#[derive(Debug, Default)]
pub struct Agenda {
    heap: BinaryHeap<Entry>,
    entered: u64,
}

impl Agenda {
    /// Enters an event.
    pub fn enter(&mut self, at: i64, event: Event) {
        self.entered += 1;
        self.heap.push(Entry { at, place: self.entered, event });
    }

    /// Takes the next event.
    pub fn take(&mut self) -> Option<(i64, Event)> {
        self.heap.pop().map(|entry| (entry.at, entry.event))
    }

    /// Forgets the events that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&Event) -> bool) {
        self.heap.retain(|entry| keep(&entry.event));
    }
}
