//! How often a long-lived task does what.

use chrono::TimeDelta;

/// How often [`Tenant::run`](crate::engine::Tenant::run) does what. A length that is not longer than nothing is a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// How often every connection is polled. By default every minute. A poll that failed is tried again after twice as
    /// long each time, up to an hour, or when the system says.
    pub poll: TimeDelta,
    /// How often every connection is read anew from end to end ([`Tenant::pulse`](crate::engine::Tenant::pulse)), counted from
    /// the last time, whatever restarts in between; none: never. By default every day.
    /// [`Builder::pulse`](crate::engine::Builder::pulse) says it of one connection.
    pub scan: Option<TimeDelta>,
    /// How often writes are tried again that wait for a window, a hold, a limit or a system, and how often it is looked whether
    /// another process, or a person, made a connection due to be read anew. By default every five minutes.
    pub retry: TimeDelta,
    /// The longest sleep: how long a hint that another process took in may wait to be read. By default five seconds.
    pub idle: TimeDelta,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            poll: TimeDelta::minutes(1),
            scan: Some(TimeDelta::days(1)),
            retry: TimeDelta::minutes(5),
            idle: TimeDelta::seconds(5),
        }
    }
}

impl Schedule {
    /// What cannot be meant.
    pub(crate) fn refused(&self) -> impl Iterator<Item = String> {
        let Self { poll, scan, retry, idle } = *self;
        let lengths = [("poll", Some(poll)), ("scan", scan), ("retry", Some(retry)), ("idle", Some(idle))];
        lengths.into_iter().filter_map(|(name, length)| not_longer_than_nothing(&format!("`schedule.{name}`"), length?))
    }
}

/// Whether a length is none: it would be done without end.
pub(crate) fn not_longer_than_nothing(what: &str, length: TimeDelta) -> Option<String> {
    let ms = length.num_milliseconds();
    (ms < 1).then(|| format!("{what} is {ms} ms; it must be longer than nothing"))
}
