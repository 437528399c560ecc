//! Status: what a probe asks, and who is told when a connection needs somebody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures::future::join_all;

use crate::alert::{Alert, Measure, Measured, Severity, SinkError, State, Threshold, health};
use crate::engine::Tenant;
use crate::error::Error;
use crate::id::{ConnectionName, TenantId};
use crate::rollout::{ConnectionState, Flow};

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
    /// How many records may wait to be read ([`Inputs::most`](crate::engine::Inputs::most)).
    pub most_waiting: u64,
    /// How many deliveries and pages this process refused because as many waited.
    pub refused: u64,
    /// How many hints this process dropped because they had waited for too long.
    pub expired: u64,
    /// The alerts that stand, as far as this process has raised them and told a sink, if there is one.
    pub alerts: Vec<(Measure, Severity)>,
}

/// What a look at the thresholds came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alerted {
    /// What sinks were told.
    pub told: Vec<Alert>,
    /// What a sink could not be told, and what it was not told after that: that one is told with the next look.
    pub untold: Vec<(Alert, SinkError)>,
}

/// Where a threshold stands for a sink, by place: each sink has heard of its own, and one that fails makes no other be told again.
type Place = (TenantId, ConnectionName, usize, usize);

/// Where the thresholds of connections stand. In memory: a process that starts again raises again what stands.
#[derive(Debug, Default)]
pub(crate) struct Alerting {
    states: Mutex<BTreeMap<Place, State>>,
    /// The sinks that are being told something, by tenant.
    busy: Mutex<BTreeSet<(TenantId, usize)>>,
}

/// While it lives, nobody else tells this sink anything of the tenant: what it makes of thresholds is not known before it answers.
struct Telling<'a> {
    alerting: &'a Alerting,
    sink: (TenantId, usize),
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.alerting.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.sink);
    }
}

/// What was measured of connections; none of one that is paused.
pub(crate) type Measurements = Vec<(ConnectionName, Option<Measured>)>;

impl Tenant {
    /// How the tenant and its connections are: for a probe. Of each connection it reads a few rows, and of what waits to be read at
    /// most 2 000; it calls no system.
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
        let mut connections = BTreeMap::new();
        for (name, state) in self.connections().await? {
            let measured = self.measured(&name).await?;
            let standing_still = self.schema_stops(name.as_str()).await?.len();
            let alerts = self.standing_alerts(&name);
            let status = ConnectionStatus {
                state,
                measured,
                health: health(&measured),
                standing_still,
                most_waiting: self.core.inputs.most_of(&name),
                refused: self.core.backlogs.refused(&self.id, &name),
                expired: self.core.backlogs.dropped(&self.id, &name),
                alerts,
            };
            connections.insert(name, status);
        }
        Ok(Status { ready, connections, journal_kept: self.core.sweeps.journal_kept(&self.id) })
    }

    /// Looks at what was measured of every connection, and tells the sinks which alerts are raised and which have resolved themselves
    /// ([`Builder::alerts`](crate::engine::Builder::alerts)). [`Tenant::run`] and workers do so every minute, if there is a sink. A connection
    /// that is paused is not measured: nothing is raised there, and nothing resolves. A sink that has not answered since an earlier look
    /// hears of nothing more before it has.
    ///
    /// # Errors
    ///
    /// If the store cannot be read. A sink that fails is an outcome.
    pub async fn raise_alerts(&self) -> Result<Alerted, Error> {
        Ok(self.tell_alerts(&self.measurements().await?).await)
    }

    /// Measures every connection.
    pub(crate) async fn measurements(&self) -> Result<Measurements, Error> {
        let mut looked = Vec::new();
        for (name, state) in self.connections().await? {
            let measured = match state.flow {
                Flow::Paused => None,
                Flow::Open | Flow::Held => Some(self.measured(&name).await?),
            };
            looked.push((name, measured));
        }
        Ok(looked)
    }

    /// Tells the sinks what measurements make of the thresholds.
    pub(crate) async fn tell_alerts(&self, looked: &Measurements) -> Alerted {
        let now = self.now();
        // Without a sink, where thresholds stand is known all the same. Each sink hears beside the others.
        let sinks = (0..self.core.sinks.len().max(1)).map(|sink| self.tell(sink, looked, now));
        let mut alerted = Alerted::default();
        for of_sink in join_all(sinks).await {
            alerted.untold.extend(of_sink.untold);
            for alert in of_sink.told {
                if !alerted.told.contains(&alert) {
                    alerted.told.push(alert);
                }
            }
        }
        alerted
    }

    /// Tells a sink what measurements make of the thresholds, until it fails: who does not answer is not waited for once more.
    async fn tell(&self, sink: usize, looked: &Measurements, now: i64) -> Alerted {
        let (mut alerted, mut deaf) = (Alerted::default(), None::<SinkError>);
        let Some(_telling) = self.core.alerting.begin((self.id.clone(), sink)) else { return alerted };
        for (name, measured) in looked {
            for (index, threshold) in self.core.thresholds.iter().enumerate() {
                let place = (self.id.clone(), name.clone(), index, sink);
                let value = measured.as_ref().and_then(|measured| measured.value(threshold.measure()));
                let before = self.core.alerting.state(&place);
                let (mut after, change) = before.observe(threshold, value, now);
                if let (Some(change), Some(value)) = (change, value) {
                    let turned = before.turned(threshold, now);
                    let alert = Alert::new((self.id.clone(), name.clone()), threshold, change, value, turned);
                    if let (None, Some(sink)) = (&deaf, self.core.sinks.get(sink)) {
                        deaf = sink.tell(&alert).await.err();
                    }
                    match &deaf {
                        None => alerted.told.push(alert),
                        Some(error) => {
                            after = before.untold(now);
                            alerted.untold.push((alert, error.clone()));
                        }
                    }
                }
                self.core.alerting.note(place, after);
            }
        }
        alerted
    }

    fn standing_alerts(&self, name: &ConnectionName) -> Vec<(Measure, Severity)> {
        let sinks = 0..self.core.sinks.len().max(1);
        let stands = |(place, threshold): (usize, &Threshold)| {
            let state = |sink| self.core.alerting.state(&(self.id.clone(), name.clone(), place, sink));
            sinks.clone().any(|sink| state(sink).stands()).then(|| (threshold.measure(), threshold.severity()))
        };
        self.core.thresholds.iter().enumerate().filter_map(stands).collect()
    }

    async fn measured(&self, name: &ConnectionName) -> Result<Measured, Error> {
        let (_, bound) = self.connection(name.as_str())?;
        let mut measured = bound.vitals.measured(self.now());
        measured.queue = Some(self.count_waiting(name, MOST_COUNTED).await?.min(MOST_COUNTED));
        measured.verification_age = self.longest_unverified(name).await?;
        Ok(measured)
    }
}

impl Alerting {
    fn state(&self, place: &Place) -> State {
        // An insertion is whole or has not happened, so a poisoned lock guards a whole map.
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(place).copied().unwrap_or_default()
    }

    fn note(&self, place: Place, state: State) {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert(place, state);
    }

    /// Begins to tell a sink; nothing if somebody does.
    fn begin(&self, sink: (TenantId, usize)) -> Option<Telling<'_>> {
        let begun = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(sink.clone());
        // Not made where somebody does: its end would say that they no longer do.
        begun.then(|| Telling { alerting: self, sink })
    }
}
