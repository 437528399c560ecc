//! Alerting: who is told when a connection needs somebody, and when it no longer does.
//!
//! Where thresholds stand is in memory: each process judges the calls that it makes. That an alert stands is in a row as well, with the process
//! that raised it and when that last measured it. So an alert outlives its process: whoever measures the connection next takes it over, and
//! tells when it has resolved itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use futures::future::join_all;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, Measure, Measured, Severity, SinkError, State, Threshold};
use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, PART};
use crate::engine::tenant::ConnectionStatus;
use crate::error::Error;
use crate::id::{ConnectionName, TenantId};
use crate::rollout::Flow;
use crate::store::{RowKey, Table};
use crate::telemetry;
use crate::text::Text;

/// What the keys of the rows begin with.
const PREFIX: &str = "alert\u{1f}";

/// How long after its process last measured it an alert is anybody's, in milliseconds.
const FORSAKEN: i64 = 10 * 60 * 1000;

/// How often it is noted that a process measures what its alert is about, in milliseconds.
const NOTED_EVERY: i64 = 2 * 60 * 1000;

/// What a look at the thresholds came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alerted {
    /// What sinks were told.
    pub told: Vec<Alert>,
    /// What a sink could not be told, and what it was not told after that: that one is told with the next look.
    pub untold: Vec<(Alert, SinkError)>,
}

/// An alert that stands, as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StandingAlert {
    /// The process that raised it, or took it over.
    by: Text,
    /// When that last measured what it is about, in milliseconds since the epoch.
    measured: i64,
}

/// The rows of alerts that stand, by key.
pub(super) type StandingAlerts = BTreeMap<Text, StandingAlert>;

/// What was measured of connections, none of one that is paused; and which alerts stood.
#[derive(Debug)]
pub(crate) struct Look {
    measured: Vec<(ConnectionName, Option<Measured>)>,
    standing: StandingAlerts,
}

/// Where a threshold stands for a sink, by place: each sink has heard of its own, and one that fails makes no other be told again.
type Place = (TenantId, ConnectionName, usize, usize);

/// Where a threshold stands for this process, and whether the row of its alert is this process's.
#[derive(Debug, Clone, Copy, Default)]
struct Stands {
    state: State,
    noted: bool,
}

/// Where the thresholds of connections stand for this process.
#[derive(Debug, Default)]
pub(crate) struct Alerting {
    /// The name of this process, by which its alerts are known.
    me: OnceLock<Text>,
    states: Mutex<BTreeMap<Place, Stands>>,
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

impl Tenant {
    /// Looks at what was measured of every connection, and tells the sinks which alerts are raised and which have resolved themselves
    /// ([`Builder::alerts`](crate::engine::Builder::alerts)). [`Tenant::run`] and workers do so every minute, if there is a sink or the feature
    /// `telemetry`, whose gauges are set by it. A connection that is paused is not measured: nothing is raised there, and nothing resolves. A sink that has not answered since an earlier look
    /// hears of nothing more before it has.
    ///
    /// An alert that another process raised, and that measured nothing of the connection for ten minutes, is this one's from then on: if it
    /// is right by now, that is told.
    ///
    /// # Errors
    ///
    /// If the store cannot be read. A sink that fails is an outcome.
    pub async fn raise_alerts(&self) -> Result<Alerted, Error> {
        Ok(self.tell_alerts(&self.look_for_alerts().await?).await)
    }

    /// Measures every connection.
    pub(crate) async fn look_for_alerts(&self) -> Result<Look, Error> {
        let standing = self.standing_alerts().await?;
        let judged = |status: &ConnectionStatus| match status.state.flow {
            Flow::Paused => None,
            Flow::Open | Flow::Held => Some(status.measured),
        };
        let statuses = self.connection_statuses(&standing).await?;
        let measured = statuses.into_iter().map(|(name, status)| (name, judged(&status))).collect();
        Ok(Look { measured, standing })
    }

    /// Tells the sinks what a look makes of the thresholds.
    pub(crate) async fn tell_alerts(&self, look: &Look) -> Alerted {
        let now = self.now();
        // Without a sink, where thresholds stand is known all the same. Each sink hears beside the others.
        let sinks = (0..self.core.sinks.len().max(1)).map(|sink| self.tell(sink, look, now));
        let mut alerted = Alerted::default();
        for of_sink in join_all(sinks).await {
            alerted.untold.extend(of_sink.untold);
            for alert in of_sink.told {
                if !alerted.told.contains(&alert) {
                    telemetry::told(&alert);
                    alerted.told.push(alert);
                }
            }
        }
        alerted
    }

    /// Tells a sink what a look makes of the thresholds, until it fails: who does not answer is not waited for once more.
    async fn tell(&self, sink: usize, look: &Look, now: i64) -> Alerted {
        let (mut alerted, mut deaf) = (Alerted::default(), None::<SinkError>);
        let Some(_telling) = self.core.alerting.begin((self.id.clone(), sink)) else { return alerted };
        let me = self.process();
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        for (name, measured) in &look.measured {
            for (index, threshold) in self.core.thresholds.iter().enumerate() {
                let place = (self.id.clone(), name.clone(), index, sink);
                let key = alert_key(name, threshold, sink);
                let row = look.standing.get(&key);
                let value = measured.as_ref().and_then(|measured| measured.value(threshold.measure()));
                let Stands { state: before, noted } =
                    taken_over(self.core.alerting.stands(&place), row, &me, value.is_some(), now);
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
                // One that another process keeps is left to it.
                let anybodys = row.is_none_or(|row| row.by == me || row.is_forsaken(now));
                let lately = row.is_some_and(|row| row.by == me && now.saturating_sub(row.measured) < NOTED_EVERY);
                let noted = if after.stands() && value.is_some() && anybodys {
                    if !lately {
                        changes.put(RowKey::new(Table::Meta, key), &StandingAlert { by: me.clone(), measured: now });
                    }
                    true
                } else if !after.stands() && row.is_some() && anybodys && (noted || before.stands()) {
                    changes.delete(RowKey::new(Table::Meta, key));
                    false
                } else {
                    noted && after.stands()
                };
                self.core.alerting.note(place, Stands { state: after, noted });
            }
        }
        if !(changes.commit.put.is_empty() && changes.commit.delete.is_empty()) {
            // What cannot be noted now is noted by the next look.
            drop(self.commit("note which alerts stand", changes.commit).await);
        }
        alerted
    }

    /// The alerts that stand, whichever process raised them.
    pub(super) async fn standing_alerts(&self) -> Result<StandingAlerts, Error> {
        let rows = self.all_rows(Table::Meta, PREFIX, "look for alerts that stand").await?;
        rows.iter().map(|row| Ok((row.key.clone(), parse(Table::Meta, row)?))).collect()
    }

    /// Those of a connection, by today's thresholds.
    pub(super) fn alerts_of(&self, standing: &StandingAlerts, name: &ConnectionName) -> Vec<(Measure, Severity)> {
        let sinks = 0..self.core.sinks.len().max(1);
        let stands =
            |threshold: &&Threshold| sinks.clone().any(|sink| standing.contains_key(&alert_key(name, threshold, sink)));
        let thresholds = self.core.thresholds.iter().filter(stands);
        thresholds.map(|threshold| (threshold.measure(), threshold.severity())).collect()
    }

    /// The name of this process.
    fn process(&self) -> Text {
        let name = || {
            let mut random = [0; 8];
            self.core.entropy.fill(&mut random);
            Text::from(format!("{:016x}", u64::from_be_bytes(random)))
        };
        self.core.alerting.me.get_or_init(name).clone()
    }
}

fn alert_key(connection: &ConnectionName, threshold: &Threshold, sink: usize) -> Text {
    let (measure, severity, limit) = (threshold.measure(), threshold.severity(), threshold.limit());
    format!("{PREFIX}{connection}{PART}{measure}{PART}{severity}{PART}{limit}{PART}{sink}").into()
}

impl StandingAlert {
    /// Whether its process has measured nothing for so long that it is anybody's.
    const fn is_forsaken(&self, now: i64) -> bool {
        now.saturating_sub(self.measured).saturating_abs() >= FORSAKEN
    }
}

/// Where a threshold stands for this process: as it knows, but that an alert that its process has left is its own from now on where it
/// measures what that is about, and one that another process took over is not any more.
fn taken_over(known: Stands, row: Option<&StandingAlert>, me: &Text, measures: bool, now: i64) -> Stands {
    match row.filter(|row| row.by != *me) {
        Some(row) if row.is_forsaken(now) && measures && !known.state.stands() => {
            Stands { state: State::Raised, noted: true }
        }
        Some(row) if !row.is_forsaken(now) && known.noted => Stands::default(),
        _ => known,
    }
}

impl Alerting {
    fn stands(&self, place: &Place) -> Stands {
        // An insertion is whole or has not happened, so a poisoned lock guards a whole map.
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(place).copied().unwrap_or_default()
    }

    fn note(&self, place: Place, stands: Stands) {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert(place, stands);
    }

    /// Begins to tell a sink; nothing if somebody does.
    fn begin(&self, sink: (TenantId, usize)) -> Option<Telling<'_>> {
        let begun = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(sink.clone());
        // Not made where somebody does: its end would say that they no longer do.
        begun.then(|| Telling { alerting: self, sink })
    }
}
