//! The workload: deliveries about customers whose truth moves, as four surfaces tell it.
//!
//! The same seed gives the same bytes. Half of the deliveries are HubSpot webhooks of one property, a quarter are whole
//! Shopify records by REST, a tenth by GraphQL, the rest NetSuite rows. One event happens a second. One in twenty is
//! delivered twice, one in twenty late; one in a hundred is contradicted by another system a second later. A tenth of
//! the events fall on the busiest hundredth of the customers.

mod bodies;
mod people;
mod random;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use people::{ATTRIBUTES, Truth};
pub use random::Random;

/// Midnight before the first event, in seconds since the epoch: 1 January 2025.
const BEGIN: u64 = 1_735_689_600;

/// A delivered twice comes again within so many deliveries.
const AGAIN_WITHIN: u64 = 2_000;

/// A late one comes within so many deliveries.
const LATE_WITHIN: u64 = 5_000;

/// What happened: one system tells of one customer.
#[derive(Debug, Clone)]
struct Event {
    /// Counts events; also its second.
    number: u64,
    customer: u64,
    source: usize,
    /// The attribute that a webhook carries.
    attribute: usize,
    truth: Truth,
    again: bool,
}

impl Event {
    const fn second(&self) -> u64 {
        BEGIN + self.number
    }
}

/// An event on its way: when it is due, and in which order events of one moment go out.
#[derive(Debug)]
struct Due {
    at: Reverse<(u64, u64)>,
    event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

/// Writes `deliveries` lines about `customers` customers.
///
/// # Errors
///
/// If `out` cannot be written to.
pub fn write(deliveries: u64, customers: u64, seed: u64, out: &mut impl Write) -> io::Result<()> {
    let mut world = World::new(customers.max(1), seed);
    let mut line = String::new();
    for sequence in 0..deliveries {
        let event = world.next_delivery();
        line.clear();
        bodies::write_line(&event, sequence, &mut line);
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// Customers, and what is on its way.
struct World {
    random: Random,
    truths: Vec<Truth>,
    on_the_way: BinaryHeap<Due>,
    events: u64,
    sent: u64,
}

impl World {
    fn new(customers: u64, seed: u64) -> Self {
        let truths = (0..customers).map(Truth::new).collect();
        Self { random: Random::new(seed), truths, on_the_way: BinaryHeap::new(), events: 0, sent: 0 }
    }

    /// The next delivery. Nothing is sent while something that happened before it may still be due earlier.
    fn next_delivery(&mut self) -> Event {
        loop {
            if let Some(due) = self.on_the_way.peek()
                && due.at.0.0 <= self.events
                && let Some(due) = self.on_the_way.pop()
            {
                return due.event;
            }
            self.happen();
        }
    }

    fn happen(&mut self) {
        let random = &mut self.random;
        let customers = self.truths.len() as u64;
        let of = if random.one_in(10) { (customers / 100).max(1) } else { customers };
        let customer = random.below(of);
        let attribute = usize::try_from(random.below(ATTRIBUTES as u64)).unwrap_or_default();
        let source = source(random.below(100));
        let contradicted = random.one_in(100);
        let truth = &mut self.truths[usize::try_from(customer).unwrap_or_default()];
        if random.below(10) < 3 {
            truth.change(attribute);
        }
        let event = Event { number: self.events, customer, source, attribute, truth: truth.clone(), again: false };
        self.events += 1;
        if contradicted {
            let mut other = event.clone();
            while system(other.source) == system(event.source) {
                other.source = self::source(random.below(100));
            }
            other.number = self.events;
            other.truth.contradict(attribute, self.events);
            self.events += 1;
            self.send(event);
            self.send(other);
        } else {
            self.send(event);
        }
    }

    fn send(&mut self, event: Event) {
        let late = if self.random.one_in(20) { 1 + self.random.below(LATE_WITHIN) } else { 0 };
        let due = event.number + late;
        if self.random.one_in(20) {
            let again = Event { again: true, ..event.clone() };
            let later = due + 1 + self.random.below(AGAIN_WITHIN);
            self.queue(later, again);
        }
        self.queue(due, event);
    }

    fn queue(&mut self, due: u64, event: Event) {
        self.sent += 1;
        self.on_the_way.push(Due { at: Reverse((due, self.sent)), event });
    }
}

/// The surface that speaks, by a throw of a hundred.
const fn source(throw: u64) -> usize {
    match throw {
        0..50 => 0,
        50..75 => 1,
        75..85 => 2,
        _ => 3,
    }
}

/// The system behind a surface: Shopify has two.
const fn system(source: usize) -> u16 {
    crate::customer::OBJECT_OF_SOURCE[source]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(deliveries: u64, seed: u64) -> Vec<String> {
        let mut out = Vec::new();
        write(deliveries, deliveries / 10, seed, &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("lines are text").lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn a_seed_decides_every_byte() {
        assert_eq!(lines(2_000, 7), lines(2_000, 7));
        assert_ne!(lines(2_000, 7), lines(2_000, 8));
    }

    #[test]
    fn the_surfaces_have_their_shares() {
        let lines = lines(20_000, 42);
        for (name, share) in [("hubspot", 50), ("shopify", 25), ("shopify_gql", 10), ("netsuite", 15)] {
            let begins = format!(r#"{{"src":"{name}","#);
            let count = lines.iter().filter(|line| line.starts_with(&begins)).count() / 200;
            assert!(count.abs_diff(share) <= 1, "{name}: {count} in a hundred");
        }
        let again = lines.iter().filter(|line| line.contains(r#""attemptNumber":1"#)).count();
        assert!((300..700).contains(&again), "about one webhook in twenty comes twice, not {again} of 10 000");
    }
}
