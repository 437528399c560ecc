//! What must be right of an account before it is read: above all the zone, the most frequent cause of changes that nobody
//! sees.

use std::collections::BTreeSet;
use std::fmt;

use accordant::connector::{ConnectorError, ConnectorErrorKind, Retry};
use chrono::{DateTime, Offset as _, TimeDelta};
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::connector::NetSuite;
use crate::fault::unread;
use crate::query::{self, instant};
use crate::settings::Object;
use crate::wire::{Row, Rows, malformed};

/// Something about the account that would lose changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The configured zone has an hour that comes twice a year.
    DaylightSaving {
        /// The zone.
        zone: String,
    },
    /// The integration's user is in another zone than the configured one: a record says one instant, SuiteQL another.
    Zone {
        /// The object type whose record says so.
        object: String,
        /// How much later SuiteQL's is, in seconds.
        later: i64,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DaylightSaving { zone } => {
                write!(
                    f,
                    "netsuite: {zone} has an hour that comes twice a year; give the integration's user another zone"
                )
            }
            Self::Zone { object, later } => {
                write!(
                    f,
                    "netsuite/{object}: SuiteQL is {later} seconds later than the record: the user's zone is another"
                )
            }
        }
    }
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "lastModifiedDate")]
    modified: String,
}

impl NetSuite {
    /// Holds the zone of SuiteQL against that of records, which is always UTC, by a record of the last month of each object
    /// type that has one. An empty list is what one wants.
    ///
    /// # Errors
    ///
    /// If the account cannot be asked.
    pub async fn prepare(&self) -> Result<Vec<Mismatch>, ConnectorError> {
        let mut found = Vec::new();
        let now = self.clock.now();
        let zone = self.settings.zone;
        let offset = |days: i64| {
            let at = DateTime::from_timestamp_millis(now).unwrap_or_default() + TimeDelta::days(days);
            at.with_timezone(&zone).offset().fix()
        };
        if (0..53).any(|week| offset(week * 7) != offset(0)) {
            found.push(Mismatch::DaylightSaving { zone: zone.name().to_owned() });
        }
        for (name, object) in &self.settings.objects {
            let month = now.saturating_sub(TimeDelta::days(31).num_milliseconds());
            let answer = self.run(&query::since(object, &self.settings, month), 1).await?;
            let rows: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
            let Some(raw) = rows.items.first() else { continue };
            if let Some(later) = self.apart(object, &Row::parse(raw)?).await?.filter(|later| *later != 0) {
                found.push(Mismatch::Zone { object: name.clone(), later });
            }
        }
        Ok(found)
    }

    /// Looks whether the zone that instants were read in is still the user's, now that they were read: by the last of these
    /// rows that still has a record, or else by any row of the last month. Where there is none, nothing can be said.
    ///
    /// In another zone every instant is another, and so is every window that was asked for: what was read is not what it
    /// says, and what was not read may be there.
    pub(crate) async fn in_zone(&self, object: &Object, rows: &[&RawValue]) -> Result<(), ConnectorError> {
        let mut later = None;
        if let Some(raw) = rows.last() {
            later = self.apart(object, &Row::parse(raw)?).await?;
        }
        let month = self.clock.now().saturating_sub(TimeDelta::days(31).num_milliseconds());
        for object in self.settings.objects.values() {
            if later.is_some() {
                break;
            }
            let answer = self.run(&query::since(object, &self.settings, month), 1).await?;
            let rows: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
            if let Some(raw) = rows.items.first() {
                later = self.apart(object, &Row::parse(raw)?).await?;
            }
        }
        match later {
            Some(later) if later != 0 => {
                let told = format!(
                    "netsuite: SuiteQL is {later} seconds later than records are: the integration's user is in another zone"
                );
                Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff))
            }
            _ => Ok(()),
        }
    }

    /// How many seconds later SuiteQL says that a row changed than its record does, which is in UTC; `None`: the record is
    /// gone, or changed meanwhile.
    async fn apart(&self, object: &Object, row: &Row<'_>) -> Result<Option<i64>, ConnectorError> {
        let zone = self.settings.zone;
        let when = |row: &Row<'_>| row.lastmodifieddate.as_ref().and_then(|at| instant(at, zone));
        let Some(said) = when(row) else { return Ok(None) };
        let path = format!("/services/rest/record/v1/{}/{}?fields=lastModifiedDate", object.record, row.id);
        let answer = self.ask("GET", &path, None).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if answer.status() != StatusCode::OK {
            return Err(unread(&answer));
        }
        let record: Record = serde_json::from_slice(answer.body()).map_err(|_| malformed("a record"))?;
        let is = DateTime::parse_from_rfc3339(&record.modified).map_err(|_| malformed("an instant"))?;
        let later = (said - is.timestamp_millis()) / 1_000;
        // Zones differ by quarters of an hour.
        if later.abs() < 900 {
            return Ok(Some(0));
        }
        let query = query::named(object, &self.settings, &BTreeSet::new(), "id", &[&row.id]);
        let answer = self.run(&query, 1).await?;
        let rows: Rows<'_> = serde_json::from_slice(&answer).map_err(|_| malformed("a page of rows"))?;
        let again = rows.items.first().map(|raw| Row::parse(raw)).transpose()?;
        Ok((again.as_ref().and_then(when) == Some(said)).then_some(later))
    }
}
