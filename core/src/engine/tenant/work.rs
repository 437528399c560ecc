//! The list of records to be read: what a hint puts there, and what makes a record wait.

use std::collections::BTreeSet;

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
    /// A record to be read at once.
    pub(crate) fn hinted(former: Option<&Self>) -> Self {
        Self { hints: former.map_or(0, |row| row.hints).saturating_add(1), waits: None, lease: None }
    }

    /// A record that is read once no create is under way.
    pub(crate) fn parked(former: Option<&Self>) -> Self {
        Self { waits: Some(Waits::ForCreate), ..Self::hinted(former) }
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
        Self { waits: Some(Waits::Until { at, failures, cause }), ..Self::hinted(former) }
    }
}

/// The key of a record's row.
pub(crate) fn work_key(record: &RecordRef) -> RowKey {
    RowKey::new(Table::Work, record_key(record))
}

/// Puts a record on the list of those to read, in a commit that gives reason to: what must be read survives a crash.
pub(crate) fn hint(changes: &mut Changes<'_>, record: &RecordRef) {
    changes.put(work_key(record), &WorkRow::hinted(None));
}

/// Puts records on the list that a step asks to read: at once, or when no create is under way any more. What was just read
/// is read again later. Says how many they are.
pub(crate) async fn add_hints(
    loader: &mut Loader<'_>,
    changes: &mut Changes<'_>,
    hints: &BTreeSet<RecordRef>,
    awaits: &BTreeSet<RecordRef>,
    reading: &BTreeSet<RecordRef>,
) -> Result<usize, Error> {
    let records: Vec<&RecordRef> = hints.union(awaits).collect();
    let keys: Vec<RowKey> = records.iter().map(|record| work_key(record)).collect();
    let rows = loader.rows(&keys).await?;
    for ((record, key), found) in records.iter().zip(keys).zip(rows) {
        let former = found.as_ref().map(parse_work).transpose()?;
        let standing = former.as_ref().filter(|row| row.waits != Some(Waits::ForCreate));
        let row = match (hints.contains(*record), reading.contains(*record), standing) {
            (true, false, _) => WorkRow::hinted(former.as_ref()),
            (true, true, _) => WorkRow::again(former.as_ref(), changes.as_of(), None),
            // It is going to be read anyway: whether a create is under way is seen then.
            (false, false, Some(standing)) => standing.clone(),
            (false, ..) => WorkRow::parked(former.as_ref()),
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
    fn a_hint_ends_every_wait() {
        let error = ConnectorError::new(ConnectorErrorKind::Unavailable, "the story says so").retry(Retry::Backoff);
        let once = WorkRow::again(None, 0, Some(&error));
        let twice = WorkRow::again(Some(&once), 0, Some(&error));
        let Some(Waits::Until { at, failures, cause }) = &twice.waits else { panic!("{twice:?}") };
        assert_eq!((*at, *failures, cause.as_deref()), (2 * MINUTE, 1, Some("unavailable: the story says so")));
        assert_eq!(WorkRow::hinted(Some(&twice)), WorkRow { hints: 3, waits: None, lease: None });
    }
}
