//! Pulses: every so often a connection is read anew from end to end, whatever its other surfaces have told, so that what they
//! missed is found. When that was last done is stored, so that it stays due whatever restarts in between.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::hydrate::parse;
use crate::engine::persist::Changes;
use crate::engine::{TakenIn, Tenant};
use crate::error::Error;
use crate::id::ConnectionName;
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
}

/// How a connection's pulses stand, as stored. Milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PulseRow {
    /// From when the next is counted: the end of the last, or when a run first began to count.
    from: i64,
    /// The end of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
}

fn pulse_key(connection: &ConnectionName) -> RowKey {
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
        let began = self.now();
        let taken = self.scan(connection).await?;
        let ended = self.now();
        let mut changes = Changes::new(&self.core, ended, &Self::engine());
        changes.put(pulse_key(&name), &PulseRow { from: ended, last: Some(ended) });
        let TakenIn { observed, known, hinted, dead_letters } = taken;
        changes.journal(PULSED, name.as_str(), &(&name, began, (observed, known, hinted, dead_letters)));
        self.commit("note a pulse", changes.commit).await?;
        Ok(taken)
    }

    /// The same, if it is due: another worker may have seen to it meanwhile.
    pub(crate) async fn pulse_if_due(&self, connection: &ConnectionName) -> Result<TakenIn, Error> {
        let row = self.pulse_rows(std::slice::from_ref(connection)).await?.into_iter().next().flatten();
        let due = row.zip(self.core.pulse_every(connection)).map(|(row, every)| row.due(every));
        if due.is_some_and(|due| due > self.now()) {
            return Ok(TakenIn::default());
        }
        self.pulse(connection.as_str()).await
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
            let due = row.zip(every).and_then(|(row, every)| instant(row.due(every)));
            Pulse { connection, every, last: row.and_then(|row| row.last).and_then(instant), due }
        };
        Ok(names.into_iter().zip(rows).map(pulse).collect())
    }

    /// When each connection that is read anew every so often is due, in milliseconds since the epoch. Of those that were never
    /// counted, it is counted from now.
    pub(crate) async fn pulses_due(&self) -> Result<Vec<(ConnectionName, i64)>, Error> {
        let names = self.core.pulsed();
        let rows = self.pulse_rows(&names).await?;
        let now = self.now();
        let mut due = Vec::new();
        for (name, row) in names.into_iter().zip(rows) {
            let Some(every) = self.core.pulse_every(&name) else { continue };
            let row = match row {
                Some(row) => row,
                None => {
                    let row = PulseRow { from: now, last: None };
                    let mut changes = Changes::new(&self.core, now, &Self::engine());
                    let key = pulse_key(&name);
                    changes.commit.expect.push((key.clone(), None));
                    changes.put(key, &row);
                    // Whoever was faster counts from as good as now.
                    self.commit("begin to count pulses", changes.commit).await?;
                    row
                }
            };
            due.push((name, row.due(every)));
        }
        Ok(due)
    }

    async fn pulse_rows(&self, connections: &[ConnectionName]) -> Result<Vec<Option<PulseRow>>, Error> {
        let keys: Vec<RowKey> = connections.iter().map(pulse_key).collect();
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load pulses"))?;
        rows.into_iter().map(|row| row.map(|row: Row| parse(Table::Meta, &row)).transpose()).collect()
    }
}

impl PulseRow {
    const fn due(self, every: TimeDelta) -> i64 {
        self.from.saturating_add(every.num_milliseconds())
    }
}

impl crate::engine::Core {
    /// The connections that can be read from end to end.
    fn pulsed(&self) -> Vec<ConnectionName> {
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
