//! The agenda of a run: which connection is read when. Pure: instants and intervals are arguments.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::connector::Retry;
use crate::engine::tenant::run::silence::pause_after;
use crate::engine::{Core, Schedule};
use crate::id::ConnectionName;

/// How often it is looked whether somebody is to be told of anything, in milliseconds.
const LOOKED: i64 = 60 * 1000;

/// What is done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    Poll,
    Pulse,
    /// What is due of it is verified, record by record.
    Check,
    /// It is asked how it describes itself.
    Schema,
}

/// When a task is next due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    at: i64,
    /// How often it failed in a row.
    failures: u32,
}

/// Which connection is read when.
#[derive(Debug)]
pub(crate) struct Agenda {
    schedule: Schedule,
    turns: BTreeMap<(ConnectionName, Task), Turn>,
    /// How often connections are read anew from end to end.
    every: BTreeMap<ConnectionName, TimeDelta>,
    /// How often connections are polled that must be more often than the schedule says.
    asked: BTreeMap<ConnectionName, TimeDelta>,
    /// How often what is to be verified is chosen, and how often it is seen whether a system is to describe itself.
    checks: (TimeDelta, TimeDelta),
    /// How often, and when next, it is noted that somebody listens to a connection.
    listens: BTreeMap<ConnectionName, (TimeDelta, i64)>,
    /// When it is looked next whether somebody is to be told of anything; none: there is nobody to tell.
    alerts: Option<i64>,
    /// When entities are examined next; none: nothing of them is checked, and nothing is left of what was.
    examines: Option<i64>,
    /// Whether anything of entities is checked.
    checks_entities: bool,
    retry: i64,
}

impl Agenda {
    pub(crate) fn new<'a>(schedule: Schedule, connections: impl Iterator<Item = &'a ConnectionName>, now: i64) -> Self {
        let mut turns = BTreeMap::new();
        for connection in connections {
            turns.insert((connection.clone(), Task::Poll), Turn { at: now, failures: 0 });
        }
        let (every, asked, listens) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let checks = (TimeDelta::zero(), TimeDelta::zero());
        let (alerts, examines, checks_entities) = (None, None, false);
        Self { schedule, turns, every, checks, asked, listens, alerts, examines, checks_entities, retry: now }
    }

    /// The same of all connections that can be polled; of those of which something could be lost otherwise, it is noted that
    /// somebody listens.
    pub(crate) fn of(core: &Core, now: i64) -> Self {
        let mut agenda = Self::new(core.schedule, core.polled(), now);
        let noted = |name: &ConnectionName| Some((name.clone(), (core.noted_every(name)?, now)));
        agenda.listens = core.connections.keys().filter_map(noted).collect();
        let asked = |name: &ConnectionName| Some((name.clone(), core.asked_every(name)?));
        agenda.asked = core.connections.keys().filter_map(asked).collect();
        agenda
    }

    /// What has a budget for it is verified, from now on.
    pub(crate) fn checking(mut self, core: &Core, now: i64) -> Self {
        // Where what is measured is told as gauges, somebody always is to be told.
        self.alerts = (cfg!(feature = "telemetry") || !core.sinks.is_empty()).then_some(now);
        // Once in any case: of checks that are declared no longer, nothing is to be left.
        (self.examines, self.checks_entities) = (Some(now), core.checks.examine());
        // When it was last asked is stored: that is looked at more often than it is asked.
        self.checks = (core.checks.every, core.checks.schema_every / 4);
        for (connection, _) in core.connections.iter().filter(|(_, bound)| bound.connector.describes()) {
            self.turns.insert((connection.clone(), Task::Schema), Turn { at: now, failures: 0 });
        }
        for connection in core.checks.budgets.keys() {
            self.turns.insert((connection.clone(), Task::Check), Turn { at: now, failures: 0 });
        }
        self
    }

    /// The connections of which it is to be noted now, of those that are read here: whoever does not read one says nothing of it.
    pub(crate) fn due_to_listen(&mut self, now: i64, here: impl Fn(&ConnectionName) -> bool) -> Vec<ConnectionName> {
        let mut due = Vec::new();
        let noted = self.listens.iter_mut().filter(|(connection, (_, at))| *at <= now && here(connection));
        for (connection, (every, at)) in noted {
            *at = now.saturating_add(every.num_milliseconds());
            due.push(connection.clone());
        }
        due
    }

    /// A connection is read anew as soon as it can be, unless that was tried lately and failed.
    pub(crate) fn pulse_now(&mut self, connection: ConnectionName, now: i64) {
        let turn = self.turns.entry((connection, Task::Pulse)).or_insert(Turn { at: now, failures: 0 });
        if turn.failures == 0 {
            turn.at = turn.at.min(now);
        }
    }

    /// Connections are read anew from end to end, next at these instants.
    pub(crate) fn pulse_by(&mut self, core: &Core, due: Vec<(ConnectionName, i64)>) {
        for (connection, at) in due {
            match core.pulse_every(&connection) {
                Some(every) => self.pulses(connection, every, at),
                None => self.pulse_now(connection, at),
            }
        }
    }

    /// A connection is read anew from end to end every so often, and next at this instant.
    pub(crate) fn pulses(&mut self, connection: ConnectionName, every: TimeDelta, at: i64) {
        self.every.insert(connection.clone(), every);
        self.turns.insert((connection, Task::Pulse), Turn { at, failures: 0 });
    }

    /// The task that has been due longest, of those that are not under way or had their turn.
    pub(crate) fn due_besides(
        &self,
        now: i64,
        busy: &BTreeSet<(ConnectionName, Task)>,
    ) -> Option<(ConnectionName, Task)> {
        let due = self.turns.iter().filter(|(task, turn)| turn.at <= now && !busy.contains(*task));
        due.min_by_key(|(_, turn)| turn.at).map(|((connection, task), _)| (connection.clone(), *task))
    }

    /// A task had its turn: it is due again as the schedule says, or later if it failed.
    pub(crate) fn done(&mut self, connection: &ConnectionName, task: Task, now: i64, failed: Option<Retry>) {
        let every = match task {
            Task::Check => self.checks.0,
            Task::Schema => self.checks.1,
            Task::Poll => self.asked.get(connection).map_or(self.schedule.poll, |asked| self.schedule.poll.min(*asked)),
            Task::Pulse => self.every.get(connection).copied().unwrap_or(self.schedule.poll),
        };
        if task == Task::Pulse && failed.is_none() && !self.every.contains_key(connection) {
            // It was due once, after an outage.
            self.turns.remove(&(connection.clone(), task));
            return;
        }
        // A turn that comes at once would leave no room for anything else.
        let every = every.num_milliseconds().max(1);
        let Some(turn) = self.turns.get_mut(&(connection.clone(), task)) else { return };
        turn.failures = if failed.is_some() { turn.failures.saturating_add(1) } else { 0 };
        // A pulse that failed is not put off for a day: it goes on where it stopped.
        let first = if failed.is_some() { self.schedule.poll.num_milliseconds().max(1) } else { every };
        let pause = failed.map_or(first, |retry| pause_after(turn.failures, first, retry));
        turn.at = now.saturating_add(pause);
    }

    /// Whether it is time to look whether somebody is to be told of anything.
    pub(crate) fn alerts(&mut self, now: i64) -> bool {
        let due = self.alerts.is_some_and(|at| at <= now);
        if due {
            self.alerts = Some(now.saturating_add(LOOKED));
        }
        due
    }

    /// Whether it is time to examine entities.
    pub(crate) fn examines(&mut self, now: i64) -> bool {
        let due = self.examines.is_some_and(|at| at <= now);
        if due {
            let next = now.saturating_add(self.checks.0.num_milliseconds().max(1));
            self.examines = self.checks_entities.then_some(next);
        }
        due
    }

    /// They are due to be examined again at once: there are more.
    pub(crate) fn examine_now(&mut self, now: i64) {
        self.examines = Some(now);
    }

    /// Whether what waits is to be tried again now.
    pub(crate) fn retries(&mut self, now: i64) -> bool {
        let due = self.retry <= now;
        if due {
            self.retry = now.saturating_add(self.schedule.retry.num_milliseconds().max(1));
        }
        due
    }

    /// When something is due next that is not under way.
    pub(super) fn next(&self, now: i64, busy: &BTreeSet<(ConnectionName, Task)>) -> i64 {
        let free = self.turns.iter().filter(|(task, _)| !busy.contains(*task));
        let listens = self.listens.values().map(|(_, at)| *at);
        free.map(|(_, turn)| turn.at)
            .chain(listens)
            .chain(self.alerts)
            .chain(self.examines)
            .chain([self.retry])
            .min()
            .unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agenda() -> (Agenda, ConnectionName) {
        let shop = ConnectionName::new("shop");
        let schedule = Schedule { poll: TimeDelta::seconds(60), ..Schedule::default() };
        let mut agenda = Agenda::new(schedule, [&shop].into_iter(), 0);
        agenda.pulses(shop.clone(), TimeDelta::days(1), 24 * 60 * 60 * 1000);
        (agenda, shop)
    }

    #[test]
    fn a_connection_that_fails_is_asked_less_and_less_and_as_ever_once_it_answers() {
        let (mut agenda, shop) = agenda();
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            agenda.done(&shop, Task::Poll, now, Some(Retry::Backoff));
            pauses.push((agenda.next_poll() - now) / 1000);
            now = agenda.next_poll();
        }
        assert_eq!(pauses, [120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        agenda.done(&shop, Task::Poll, now, None);
        assert_eq!(agenda.next_poll() - now, 60_000);
    }

    #[test]
    fn a_system_that_says_when_is_not_asked_before() {
        let (mut agenda, shop) = agenda();
        agenda.done(&shop, Task::Poll, 0, Some(Retry::After(TimeDelta::hours(5))));
        assert_eq!(agenda.next_poll(), 5 * 60 * 60 * 1000);
    }

    #[test]
    fn a_pulse_that_failed_goes_on_before_the_next_day() {
        let (mut agenda, shop) = agenda();
        let day = 24 * 60 * 60 * 1000;
        assert_eq!(agenda.due_besides(day - 1, &BTreeSet::new()), Some((shop.clone(), Task::Poll)));
        agenda.done(&shop, Task::Poll, day, None);
        assert_eq!(agenda.due_besides(day, &BTreeSet::new()), Some((shop.clone(), Task::Pulse)));
        agenda.done(&shop, Task::Pulse, day, Some(Retry::Never));
        agenda.done(&shop, Task::Poll, day + 90_000, None);
        assert_eq!(agenda.due_besides(day + 119_999, &BTreeSet::new()), None);
        assert_eq!(agenda.due_besides(day + 120_000, &BTreeSet::new()), Some((shop, Task::Pulse)));
    }

    impl Agenda {
        fn next_poll(&self) -> i64 {
            self.turns.iter().find(|((_, task), _)| *task == Task::Poll).map_or(0, |(_, turn)| turn.at)
        }
    }
}
