//! What systems say has to be read: in which order it is, how much of it may wait, and for how long.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::check::{Cadence, Priority, Urgency};
use crate::id::{ConnectionName, EntityType};
use crate::model::Canonical;

/// How many records of a connection may wait to be read, unless the builder says otherwise.
const MOST: u64 = 100_000;

/// The shortest time after which what waits may expire, in milliseconds: a minute.
const SHORTEST: i64 = 60 * 1000;

/// What waits to be read, because a surface only hinted at it or a read of it failed: in which order it is, how much of it may wait,
/// and for how long ([`Builder::inputs`](crate::engine::Builder::inputs)).
///
/// What a surface says word by word is taken in as it comes, and waits for nobody.
///
/// ```
/// use accordant::check::Priority;
/// use accordant::chrono::TimeDelta;
/// use accordant::engine::Inputs;
///
/// // Orders before notes. Of an hour in which the shop tells of more than can be read, notes are left to the next pulse.
/// let inputs = Inputs::new()
///     .priority("order", Priority::Critical)
///     .priority_at("shop", "note", Priority::Low)
///     .expires(Priority::Low, TimeDelta::hours(1))
///     .most_at("shop", 20_000);
/// # let _ = inputs;
/// ```
#[derive(Debug, Clone)]
pub struct Inputs {
    pub(crate) cadence: Cadence,
    pub(crate) priorities: BTreeMap<EntityType, Priority>,
    pub(crate) priorities_at: BTreeMap<(ConnectionName, EntityType), Priority>,
    expiry: BTreeMap<Priority, TimeDelta>,
    most: u64,
    pub(crate) most_at: BTreeMap<ConnectionName, u64>,
}

impl Default for Inputs {
    fn default() -> Self {
        Self::new()
    }
}

impl Inputs {
    /// Everything is of normal priority and nothing expires; 100 000 records of a connection may wait.
    #[must_use]
    pub fn new() -> Self {
        let [critical, high, normal, low] = [1, 5, 30, 240].map(TimeDelta::minutes);
        Self {
            // Those are in order, and none is too short.
            cadence: Cadence::new(critical, high, normal, low).unwrap_or_default(),
            priorities: BTreeMap::new(),
            priorities_at: BTreeMap::new(),
            expiry: BTreeMap::new(),
            most: MOST,
            most_at: BTreeMap::new(),
        }
    }

    /// Of which priority what waits of an entity type is. Where nothing is said of one, as urgent as it is verified
    /// ([`Checks::priority`](crate::engine::Checks::priority)): by default, normal. A type that is not declared is a mistake.
    #[must_use]
    pub fn priority(mut self, entity_type: &str, priority: Priority) -> Self {
        self.priorities.insert(entity_type.into(), priority);
        self
    }

    /// The same, of a type that the compiler knows.
    #[must_use]
    pub fn priority_of<E: Canonical>(self, priority: Priority) -> Self {
        self.priority(E::ENTITY, priority)
    }

    /// The same, of an entity type at one connection, where it is another. A connection that is not connected is a mistake.
    #[must_use]
    pub fn priority_at(mut self, connection: &str, entity_type: &str, priority: Priority) -> Self {
        self.priorities_at.insert((ConnectionName::new(connection), entity_type.into()), priority);
        self
    }

    /// In which time what is of which priority grows as urgent as anything else in its own. What waits goes by its age in these
    /// intervals, and what comes in is as old as the shortest: so what is critical goes first at once, and nothing is starved. By
    /// default a minute, five minutes, half an hour, four hours: what is low goes before what has just come in and is critical once
    /// it has waited for four hours.
    #[must_use]
    pub fn cadence(self, cadence: Cadence) -> Self {
        Self { cadence, ..self }
    }

    /// How many records of a connection may wait to be read. Once there are as many, whatever tells of more is refused as a whole:
    /// what is pushed with [`Error::Full`](crate::Error::Full), and polls and scans stay where they are. So there may be as many
    /// more as one delivery or page tells of. By default 100 000. None at all is a mistake.
    #[must_use]
    pub fn most(self, records: u64) -> Self {
        Self { most: records, ..self }
    }

    /// The same, of one connection. One that is not connected is a mistake.
    #[must_use]
    pub fn most_at(mut self, connection: &str, records: u64) -> Self {
        self.most_at.insert(ConnectionName::new(connection), records);
        self
    }

    /// What is of a priority and was not read so long after a system hinted at it is dropped, and journaled: the next pulse reads
    /// it ([`Tenant::pulse`](crate::Tenant::pulse)). By default nothing is. Only hints are, never what the engine itself has to
    /// read, as after a write or where two sayings contradict each other; and none of an object type that no pulse reads by
    /// itself. Less than a minute is a mistake.
    #[must_use]
    pub fn expires(mut self, priority: Priority, after: TimeDelta) -> Self {
        self.expiry.insert(priority, after);
        self
    }

    /// How many records of a connection may wait.
    pub(crate) fn most_of(&self, connection: &ConnectionName) -> u64 {
        self.most_at.get(connection).copied().unwrap_or(self.most)
    }

    /// Of which priority an entity type is at a connection; `None`: nothing is said of it.
    pub(crate) fn priority_said(&self, connection: &ConnectionName, entity_type: &EntityType) -> Option<Priority> {
        let there = self.priorities_at.get(&(connection.clone(), entity_type.clone()));
        there.or_else(|| self.priorities.get(entity_type)).copied()
    }

    /// How urgent what waits since an instant is. It counts as if it waited for the shortest interval longer, so that what is critical
    /// goes first at once, and not only before what is as old.
    pub(crate) fn urgency(&self, priority: Priority, since: i64, now: i64) -> Urgency {
        let head = self.cadence.of(Priority::Critical).num_milliseconds();
        Urgency::of(priority, since.saturating_sub(head), &self.cadence, now)
    }

    /// Whether what waits since an instant has waited for too long.
    pub(crate) fn is_over(&self, priority: Priority, since: i64, now: i64) -> bool {
        self.expiry.get(&priority).is_some_and(|after| now.saturating_sub(since) >= after.num_milliseconds())
    }

    /// Whether anything ever expires.
    pub(crate) fn expire(&self) -> bool {
        !self.expiry.is_empty()
    }

    /// What cannot be meant.
    pub(crate) fn refused(&self) -> Vec<String> {
        let none = self.most_at.iter().filter(|(_, most)| **most == 0).map(|(name, _)| format!("at `{name}`"));
        let none = none.chain((self.most == 0).then(|| "anywhere".to_owned()));
        let none = none.map(|where_| format!("`inputs` lets no record wait {where_}: nothing would ever be read"));
        let short = self.expiry.iter().filter(|(_, after)| after.num_milliseconds() < SHORTEST);
        let short = short.map(|(priority, after)| {
            let milliseconds = after.num_milliseconds();
            format!(
                "`inputs` lets what is {priority} expire after {milliseconds} ms; it must be at least {SHORTEST} ms"
            )
        });
        none.chain(short).collect()
    }
}
