//! Pulses: every so often a connection is read anew from end to end, whatever its other surfaces have told, so that what they
//! missed is found. When that was last done is stored, so that it stays due whatever restarts in between.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::hydrate::parse;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::scan::Scanned;
use crate::engine::{TakenIn, Tenant};
use crate::error::Error;
use crate::id::ConnectionName;
use crate::outage::Outage;
use crate::store::{Row, RowKey, Table};
use crate::surface::Channel;

/// The kind of the journal entry of a pulse.
const PULSED: &str = "pulsed";

/// How a connection's pulses stand.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pulse {
    /// The connection.
    pub connection: ConnectionName,
    /// How often it is read anew; `None`: never by itself.
    pub every: Option<TimeDelta>,
    /// When it was last read from end to end by a pulse; `None`: never.
    pub last: Option<DateTime<Utc>>,
    /// When it is due again; `None`: never, or no run has begun to count yet.
    pub due: Option<DateTime<Utc>>,
    /// Why it is due before its time: a surface was not listened to for longer than what it told can be recovered.
    pub outage: Option<Outage>,
}

/// How a connection's pulses stand, as stored. Milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PulseRow {
    /// From when the next is counted: the end of the last, or when a run first began to count.
    pub(super) from: i64,
    /// The end of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<i64>,
    /// The beginning of the last: what changed later it may not have met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<i64>,
    /// When it was last noted that somebody listens to the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) listened: Option<i64>,
    /// When an outage was last noticed: it is not noticed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) noticed: Option<i64>,
    /// The outage that made a pulse due, until one that began after it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outage: Option<Outage>,
    /// Since when it is to be read anew because an attribute goes on that stood still, until a pulse that began after it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) asked: Option<i64>,
}

pub(super) fn pulse_key(connection: &ConnectionName) -> RowKey {
    RowKey::new(Table::Meta, format!("pulse/{connection}"))
}

impl Tenant {
    /// Reads a connection anew from end to end, as [`Tenant::scan`] does, and notes that it was: what its surfaces had not told is
    /// taken in, what is gone is asked for directly, and its next pulse is counted from now. Journaled with what it came to.
    ///
    /// # Errors
    ///
    /// As [`Tenant::scan`]. One that breaks off is no pulse: it goes on at its last page, and stays due.
    pub async fn pulse(&self, connection: &str) -> Result<TakenIn, Error> {
        let (name, _) = self.connection(connection)?;
        let since = self.now();
        let scanned = self.scan_pages(&name, None, usize::MAX).await?;
        self.note_pulse(&name, since, scanned).await?;
        Ok(scanned.taken)
    }

    /// Notes that a connection was read anew from end to end, beginning at `since` or with the earliest of its scans.
    pub(crate) async fn note_pulse(&self, name: &ConnectionName, since: i64, scanned: Scanned) -> Result<(), Error> {
        let began = scanned.began.map_or(since, |began| began.min(since));
        let mut attempts = Attempts::default();
        loop {
            let ended = self.now();
            let (revision, row) = self.pulse_row(name).await?;
            let row = row.unwrap_or_else(|| PulseRow::counted_from(ended));
            let mut changes = Changes::new(&self.core, ended, &Self::engine());
            changes.commit.expect.push((pulse_key(name), revision));
            // An outage that was noticed meanwhile may have hidden what the first pages had shown already.
            let outage = row.outage.filter(|outage| outage.until > began);
            let asked = row.asked.filter(|asked| *asked > began);
            let row = PulseRow { from: ended, last: Some(ended), began: Some(began), outage, asked, ..row };
            changes.put(pulse_key(name), &row);
            let TakenIn { observed, known, hinted, dead_letters, suppressed: _ } = scanned.taken;
            changes.journal(PULSED, name.as_str(), &(name, began, (observed, known, hinted, dead_letters)));
            if attempts.commit(self, "note a pulse", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// The same, if it is due: another process may have seen to it meanwhile. `None`: it is not.
    pub(crate) async fn pulse_if_due(&self, connection: &ConnectionName) -> Result<Option<TakenIn>, Error> {
        if !self.is_pulse_due(connection).await? {
            return Ok(None);
        }
        // Before a scan is begun: one that is paused stays due, and is looked at again and again.
        self.require_running(connection).await?;
        self.pulse(connection.as_str()).await.map(Some)
    }

    /// Adds to a commit that a connection is to be read anew as soon as it can be, if it ever can: an attribute goes on there, and
    /// what was said of it meanwhile was not believed.
    pub(super) async fn ask_for_pulse(&self, changes: &mut Changes<'_>, name: &ConnectionName) -> Result<(), Error> {
        if self.core.pulsed().contains(name) {
            let (revision, row) = self.pulse_row(name).await?;
            let now = changes.as_of();
            let row = PulseRow { asked: Some(now), ..row.unwrap_or_else(|| PulseRow::counted_from(now)) };
            changes.commit.expect.push((pulse_key(name), revision));
            changes.put(pulse_key(name), &row);
        }
        Ok(())
    }

    /// Whether a connection is due to be read anew.
    pub(crate) async fn is_pulse_due(&self, connection: &ConnectionName) -> Result<bool, Error> {
        let (_, row) = self.pulse_row(connection).await?;
        let due = row.and_then(|row| row.due(self.core.pulse_every(connection)));
        Ok(due.is_some_and(|due| due <= self.now()))
    }

    /// The connections that are due to be read anew: whatever made them so, here or in another process.
    pub(crate) async fn overdue_pulses(&self) -> Result<Vec<ConnectionName>, Error> {
        let due = self.pulses_due().await?;
        let now = self.now();
        Ok(due.into_iter().filter(|(_, at)| *at <= now).map(|(name, _)| name).collect())
    }

    /// How the pulses of every connection that can be scanned stand, by name: when each was last read from end to end, and when
    /// it is due again. What is long overdue is read too slowly, or cannot be read.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn pulses(&self) -> Result<Vec<Pulse>, Error> {
        let names = self.core.pulsed();
        let rows = self.pulse_rows(&names).await?;
        let instant = DateTime::from_timestamp_millis;
        let pulse = |(connection, row): (ConnectionName, Option<PulseRow>)| {
            let every = self.core.pulse_every(&connection);
            let due = row.as_ref().and_then(|row| row.due(every)).and_then(instant);
            let last = row.as_ref().and_then(|row| row.last).and_then(instant);
            Pulse { connection, every, last, due, outage: row.and_then(|row| row.outage) }
        };
        Ok(names.into_iter().zip(rows).map(pulse).collect())
    }

    /// When each connection that is read anew is due, in milliseconds since the epoch: every so often, or since an outage was too
    /// long. Of those that were never counted, it is counted from now.
    pub(crate) async fn pulses_due(&self) -> Result<Vec<(ConnectionName, i64)>, Error> {
        let names = self.core.pulsed();
        let rows = self.pulse_rows(&names).await?;
        let now = self.now();
        let mut due = Vec::new();
        for (name, row) in names.into_iter().zip(rows) {
            let every = self.core.pulse_every(&name);
            let row = match (row, every) {
                (Some(row), _) => row,
                (None, None) => continue,
                (None, Some(_)) => {
                    let row = PulseRow::counted_from(now);
                    let mut changes = Changes::new(&self.core, now, &Self::engine());
                    let key = pulse_key(&name);
                    changes.commit.expect.push((key.clone(), None));
                    changes.put(key, &row);
                    // Whoever was faster counts from as good as now.
                    self.commit("begin to count pulses", changes.commit).await?;
                    row
                }
            };
            due.extend(row.due(every).map(|at| (name, at)));
        }
        Ok(due)
    }

    /// How a connection's pulses stand, and the revision of that row.
    pub(super) async fn pulse_row(
        &self,
        connection: &ConnectionName,
    ) -> Result<(Option<u64>, Option<PulseRow>), Error> {
        let key = pulse_key(connection);
        let row = self.row(&key, "load a pulse").await?;
        let revision = row.as_ref().map(|row| row.revision);
        Ok((revision, row.map(|row| parse(Table::Meta, &row)).transpose()?))
    }

    async fn pulse_rows(&self, connections: &[ConnectionName]) -> Result<Vec<Option<PulseRow>>, Error> {
        let keys: Vec<RowKey> = connections.iter().map(pulse_key).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load pulses"))?;
        rows.into_iter().map(|row| row.map(|row: Row| parse(Table::Meta, &row)).transpose()).collect()
    }
}

impl PulseRow {
    pub(super) const fn counted_from(from: i64) -> Self {
        Self { from, last: None, began: None, listened: None, noticed: None, outage: None, asked: None }
    }

    /// At once after an outage that was too long, or where an attribute goes on that stood still, else when the interval is over.
    fn due(&self, every: Option<TimeDelta>) -> Option<i64> {
        let regular = every.map(|every| self.from.saturating_add(every.num_milliseconds()));
        let outage = self.outage.as_ref().map(|outage| outage.until);
        regular.into_iter().chain(outage).chain(self.asked).min()
    }
}

impl crate::engine::Core {
    /// The connections that can be read from end to end.
    pub(crate) fn pulsed(&self) -> Vec<ConnectionName> {
        let scanned = |connection: &crate::engine::Connection| {
            connection.surfaces.iter().any(|bound| bound.surface.channel == Channel::Scan)
        };
        self.connections.iter().filter(|(_, bound)| scanned(bound)).map(|(name, _)| name.clone()).collect()
    }

    /// How often a connection is read anew from end to end; `None`: never by itself.
    pub(crate) fn pulse_every(&self, connection: &ConnectionName) -> Option<TimeDelta> {
        self.pulses.get(connection).copied().unwrap_or(self.schedule.scan)
    }
}
