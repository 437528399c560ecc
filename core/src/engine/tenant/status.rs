//! Status: what a probe asks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::alert::{Measure, Measured, Severity, health};
use crate::engine::Tenant;
use crate::engine::tenant::alerting::StandingAlerts;
use crate::error::Error;
use crate::id::ConnectionName;
use crate::rollout::ConnectionState;
use crate::telemetry;

/// How many of those that wait are counted: health falls no further beyond.
const MOST_COUNTED: u64 = 2_000;

/// How a tenant is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Whether it can be worked on: the store answers, and was written under this model. If not, `Tenant::accept_model` is due.
    pub ready: bool,
    /// How its connections are, by name.
    pub connections: BTreeMap<ConnectionName, ConnectionStatus>,
    /// How many differences kept the journal from being let go when this process last looked ([`Tenant::compact`] shows them). Not 0: it
    /// grows, and what was to run out does not.
    pub journal_kept: usize,
}

/// How a connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStatus {
    /// What operators allow it.
    pub state: ConnectionState,
    /// What was measured over the last five minutes: of calls, those that this process made, for any tenant; of what waits, at most
    /// 2 000 are counted.
    pub measured: Measured,
    /// Its health, in hundredths of a percent ([`health`]).
    pub health: u64,
    /// How many attributes stand still there ([`Tenant::check_schema`]).
    pub standing_still: usize,
    /// When it was last looked how the system describes itself ([`Tenant::check_schema`]); `None`: never, or it does not.
    pub schema_checked: Option<DateTime<Utc>>,
    /// How many dead letters of it wait for somebody ([`Tenant::dead_letter_groups`]). Of all that are kept, 200 are looked at each time:
    /// where there are more, it is what the last time through all of them came to.
    pub dead_letters: u64,
    /// How many records may wait to be read ([`Inputs::most`](crate::engine::Inputs::most)).
    pub most_waiting: u64,
    /// How many deliveries and pages this process refused because as many waited.
    pub refused: u64,
    /// How many hints this process dropped because they had waited for too long.
    pub expired: u64,
    /// The alerts that stand, of which a sink was told, if there is one: those that any process raised.
    pub alerts: Vec<(Measure, Severity)>,
}

impl Tenant {
    /// How the tenant and its connections are: for a probe. Of each connection it reads a few rows, of what waits to be read at most
    /// 2 000, and of dead letters at most 200; it calls no system. With the feature `telemetry`, gauges are set to it.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn status(&self) -> Result<Status, Error> {
        let ready = match self.require_model().await {
            Ok(()) => true,
            Err(Error::ModelChanged { .. }) => false,
            Err(error) => return Err(error),
        };
        let connections = self.connection_statuses(&self.standing_alerts().await?).await?;
        Ok(Status { ready, connections, journal_kept: self.core.sweeps.journal_kept(&self.id) })
    }

    /// How the connections are, where these alerts stand.
    pub(super) async fn connection_statuses(
        &self,
        standing: &StandingAlerts,
    ) -> Result<BTreeMap<ConnectionName, ConnectionStatus>, Error> {
        let letters = self.count_letters().await?;
        let mut connections = BTreeMap::new();
        for (name, state) in self.connections().await? {
            let measured = self.measured(&name).await?;
            let (_, schema) = self.schema_row(&name).await?;
            let status = ConnectionStatus {
                state,
                measured,
                health: health(&measured),
                standing_still: schema.stopped().len(),
                schema_checked: schema.checked().and_then(DateTime::from_timestamp_millis),
                dead_letters: letters.get(&name).copied().unwrap_or_default(),
                most_waiting: self.core.inputs.most_of(&name),
                refused: self.core.backlogs.refused(&self.id, &name),
                expired: self.core.backlogs.dropped(&self.id, &name),
                alerts: self.alerts_of(standing, &name),
            };
            telemetry::is_at(&self.id, &name, &status);
            connections.insert(name, status);
        }
        Ok(connections)
    }

    /// What was measured of a connection.
    async fn measured(&self, name: &ConnectionName) -> Result<Measured, Error> {
        let (_, bound) = self.connection(name.as_str())?;
        let mut measured = bound.vitals.measured(self.now());
        measured.queue = Some(self.count_waiting(name, MOST_COUNTED).await?.min(MOST_COUNTED));
        measured.verification_age = self.longest_unverified(name).await?;
        Ok(measured)
    }
}
