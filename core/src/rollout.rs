//! Rollout: how far a connection may go, and when its writes wait.
//!
//! Every connection begins by proposing: its writes are planned, and carried out when a person approved them. It is let
//! off the lead a stage at a time, and put back on it at any moment; a hold, a pause or a closed window makes its writes
//! wait without losing any. Planning is level-triggered: what waited is planned from what is true when the wait ends, and
//! limits count over the plans that catch up as over any others.

mod window;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{Actor, ConnectionName};
use crate::text::Text;

pub use window::ApplyWindow;

/// How far a connection may go by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is read, and never written. What is owed there is shown in plans, kept out with this reason.
    Observe,
    /// Its writes are planned, and carried out once a person approved them.
    #[default]
    Propose,
    /// What a standing approval covers is carried out without being asked for; all else is proposed.
    Act,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Observe => "observe",
            Stage::Propose => "propose",
            Stage::Act => "act",
        })
    }
}

/// What of a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Everything.
    #[default]
    Open,
    /// It is read, and its writes wait.
    Held,
    /// It is not called at all: no read, no write, no probe. What it pushes is taken in as ever, because a delivery that
    /// is refused may never come again.
    Paused,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flow::Open => "open",
            Flow::Held => "held",
            Flow::Paused => "paused",
        })
    }
}

/// How a connection stands: what operators allow it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConnectionState {
    /// How far it may go by itself.
    pub stage: Stage,
    /// What of it goes on.
    pub flow: Flow,
    /// When writes into it may begin; none: at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<ApplyWindow>,
    /// Who left it so, when and why; `None`: nobody has ever touched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Changed>,
}

/// Who changed something, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Who.
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Why, in the person's words.
    pub reason: Text,
}

/// Why writes into a connection wait.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// Why, in words.
    pub why: Text,
    /// When it ends by itself, if the clock alone decides that.
    pub until: Option<DateTime<Utc>>,
}

impl ConnectionState {
    /// Why nothing is ever written there in this stage, if nothing is.
    #[must_use]
    pub fn never_written(&self, connection: &ConnectionName) -> Option<Text> {
        let observed = self.stage == Stage::Observe;
        observed.then(|| format!("{connection} is only observed; let it propose with `set_stage`").into())
    }

    /// Why writes there do not begin now, if they do not: its stage, a hold, a pause, or no open window.
    #[must_use]
    pub fn writes_wait(&self, connection: &ConnectionName, now: DateTime<Utc>) -> Option<Waiting> {
        let by_person = |what: &str| {
            let why = self.changed.as_ref().map_or_else(String::new, |changed| {
                let (by, reason) = (&changed.by, &changed.reason);
                format!(" by {by}: {reason}")
            });
            Waiting { why: format!("{connection} is {what}{why}").into(), until: None }
        };
        if let Some(why) = self.never_written(connection) {
            return Some(Waiting { why, until: None });
        }
        match self.flow {
            Flow::Held => return Some(by_person("held")),
            Flow::Paused => return Some(by_person("paused")),
            Flow::Open => {}
        }
        if self.windows.is_empty() || self.windows.iter().any(|window| window.contains(now)) {
            return None;
        }
        let until = self.windows.iter().filter_map(|window| window.opens_after(now)).min();
        Some(Waiting { why: format!("{connection} is outside its apply windows").into(), until })
    }
}

/// `act, held by ana: month end`.
impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stage)?;
        if self.flow != Flow::Open {
            write!(f, ", {}", self.flow)?;
        }
        for (place, window) in self.windows.iter().enumerate() {
            write!(f, "{} {window}", if place == 0 { ", writes" } else { " and" })?;
        }
        match &self.changed {
            Some(Changed { by, reason, .. }) => write!(f, " (by {by}: {reason})"),
            None => Ok(()),
        }
    }
}
