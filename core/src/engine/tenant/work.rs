//! The list of records to be read: what a hint puts there, and what makes a record wait.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::connector::{ConnectorError, Retry};
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::{Changes, record_key};
use crate::engine::tenant::footing::Lease;
use crate::error::Error;
use crate::id::RecordRef;
use crate::store::{Row, RowKey, Table};

/// The row of a record that waits to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkRow {
    /// Raised by every hint, so that one that comes while the record is being read is not lost.
    pub(crate) hints: u64,
    /// Since when it waits, in milliseconds since the epoch; 0: since before that was noted.
    #[serde(default)]
    pub(crate) since: i64,
    /// Whether nothing but a system's hint asks for it: then it may expire.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) told: bool,
    /// What keeps it from being read at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waits: Option<Waits>,
    /// Who is reading it, where many processes work on one store. A hint that comes meanwhile is anybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<Lease>,
}

/// What keeps a record from being read at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Waits {
    /// A create is under way in its object type, and it may be the record that is being created.
    ForCreate,
    /// The last read did not tell what it should.
    Until {
        /// When to read again, in milliseconds since the epoch.
        at: i64,
        /// How many reads in a row have told too little.
        failures: u32,
        /// Why, if it was an error. Never a payload.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
    },
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// How long to wait before a call is tried again, in milliseconds.
pub(crate) fn pause(retry: Retry, failures: u32) -> i64 {
    match retry {
        Retry::Never => HOUR,
        Retry::Backoff => MINUTE.saturating_mul(1_i64 << failures.min(6)).min(HOUR),
        // Not at once, even if the system says so: the caller would not rest.
        Retry::After(delay) => delay.num_milliseconds().max(1_000),
    }
}

impl WorkRow {
    /// A record to be read at once. What is asked for by more than hints stays so until it was read.
    pub(crate) fn hinted(former: Option<&Self>, now: i64, told: bool) -> Self {
        Self {
            hints: former.map_or(0, |row| row.hints).saturating_add(1),
            since: former.map_or(now, |row| row.since),
            told: told && former.is_none_or(|row| row.told),
            waits: None,
            lease: None,
        }
    }

    /// A record that is read once no create is under way.
    pub(crate) fn parked(former: Option<&Self>, now: i64) -> Self {
        Self { waits: Some(Waits::ForCreate), ..Self::hinted(former, now, false) }
    }

    /// A record that was read, and has to be read again: not at once, or the system would be called without end.
    pub(crate) fn again(former: Option<&Self>, now: i64, error: Option<&ConnectorError>) -> Self {
        let failures = match former.and_then(|row| row.waits.as_ref()) {
            Some(Waits::Until { failures, .. }) => failures.saturating_add(1),
            Some(Waits::ForCreate) | None => 0,
        };
        let retry = error.map_or(Retry::Backoff, |error| error.retry);
        let at = now.saturating_add(pause(retry, failures));
        let cause = error.map(ToString::to_string);
        // What an answer could not settle is asked for by what is held.
        let told = error.is_some();
        Self { waits: Some(Waits::Until { at, failures, cause }), ..Self::hinted(former, now, told) }
    }

    /// Since when it could be read: one that failed before does not go before all others each time it is tried again.
    pub(crate) fn ready_since(&self) -> i64 {
        match &self.waits {
            Some(Waits::Until { at, .. }) => self.since.max(*at),
            Some(Waits::ForCreate) | None => self.since,
        }
    }
}

/// The records that a step asks to read, and whether nothing but a system's hint does.
#[derive(Debug, Default)]
pub(crate) struct Hints(BTreeMap<RecordRef, bool>);

impl Hints {
    /// A system hinted at a record.
    pub(crate) fn told(&mut self, record: RecordRef) {
        self.0.entry(record).or_insert(true);
    }

    /// What is held of a record asks for it.
    pub(crate) fn insert(&mut self, record: RecordRef) {
        self.0.insert(record, false);
    }
}

/// The key of a record's row.
pub(crate) fn work_key(record: &RecordRef) -> RowKey {
    RowKey::new(Table::Work, record_key(record))
}

/// Puts a record on the list of those to read, in a commit that gives reason to: what must be read survives a crash.
pub(crate) fn hint(changes: &mut Changes<'_>, record: &RecordRef) {
    changes.put(work_key(record), &WorkRow::hinted(None, changes.as_of(), false));
}

/// Puts records on the list that a step asks to read: at once, or when no create is under way any more. What was just read
/// is read again later. Says how many they are.
pub(crate) async fn add_hints(
    loader: &mut Loader<'_>,
    changes: &mut Changes<'_>,
    hints: &Hints,
    awaits: &BTreeSet<RecordRef>,
    reading: &BTreeSet<RecordRef>,
) -> Result<usize, Error> {
    let records: BTreeSet<&RecordRef> = hints.0.keys().chain(awaits).collect();
    let keys: Vec<RowKey> = records.iter().map(|record| work_key(record)).collect();
    let rows = loader.rows(&keys).await?;
    for ((record, key), found) in records.iter().zip(keys).zip(rows) {
        let former = found.as_ref().map(parse_work).transpose()?;
        let standing = former.as_ref().filter(|row| row.waits != Some(Waits::ForCreate));
        let now = changes.as_of();
        let row = match (hints.0.get(*record), reading.contains(*record), standing) {
            (Some(told), false, _) => WorkRow::hinted(former.as_ref(), now, *told),
            (Some(_), true, _) => WorkRow::again(former.as_ref(), now, None),
            // It is going to be read anyway: whether a create is under way is seen then. It is asked for by more than a hint now.
            (None, false, Some(standing)) => WorkRow { told: false, ..standing.clone() },
            (None, ..) => WorkRow::parked(former.as_ref(), now),
        };
        changes.commit.expect.push((key.clone(), found.map(|row| row.revision)));
        changes.put(key, &row);
    }
    Ok(records.len())
}

pub(crate) fn parse_work(row: &Row) -> Result<WorkRow, Error> {
    parse(Table::Work, row)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::connector::ConnectorErrorKind;

    #[test]
    fn pauses_grow_up_to_an_hour() {
        let pauses: Vec<i64> = (0..9).map(|failures| pause(Retry::Backoff, failures) / MINUTE).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(Retry::Backoff, u32::MAX), HOUR);
        assert_eq!(pause(Retry::Never, 0), HOUR);
        assert_eq!(pause(Retry::After(TimeDelta::seconds(90)), 7), 90_000);
        assert_eq!(pause(Retry::After(TimeDelta::seconds(-90)), 0), 1_000);
    }

    #[test]
    fn a_hint_ends_every_wait_and_it_waits_since_the_first() {
        let error = ConnectorError::new(ConnectorErrorKind::Unavailable, "the story says so").retry(Retry::Backoff);
        let first = WorkRow::hinted(None, 5, true);
        let once = WorkRow::again(Some(&first), 0, Some(&error));
        let twice = WorkRow::again(Some(&once), 0, Some(&error));
        let Some(Waits::Until { at, failures, cause }) = &twice.waits else { panic!("{twice:?}") };
        assert_eq!((*at, *failures, cause.as_deref()), (2 * MINUTE, 1, Some("unavailable: the story says so")));
        assert_eq!((twice.since, twice.ready_since()), (5, 2 * MINUTE));
        let hinted = WorkRow::hinted(Some(&twice), 3 * MINUTE, true);
        assert_eq!(hinted, WorkRow { hints: 4, since: 5, told: true, waits: None, lease: None });
    }

    #[test]
    fn what_more_than_hints_ask_for_does_not_become_a_hint() {
        let owed = WorkRow::hinted(None, 0, false);
        assert!(!WorkRow::hinted(Some(&owed), 1, true).told);
        let told = WorkRow::hinted(None, 0, true);
        let asked_for = [
            WorkRow::hinted(Some(&told), 1, false),
            WorkRow::parked(Some(&told), 1),
            WorkRow::again(Some(&told), 1, None),
        ];
        assert!(asked_for.iter().all(|row| !row.told));
    }
}
