//! Sinks: where alerts go.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::Alert;

/// Where alerts go: a log, a chat, a pager.
#[async_trait]
pub trait AlertSink: Send + Sync + 'static {
    /// Tells of an alert, or of its end. It may be told twice, after a restart or an answer that was lost.
    ///
    /// It bounds its own time: other work goes on meanwhile, but nobody looks again at what is to be told before all sinks have answered.
    ///
    /// # Errors
    ///
    /// If it could not be told. It is told again with the next look, and no other sink is. What else there is to tell it waits for
    /// that look too: who does not answer is asked once.
    async fn tell(&self, alert: &Alert) -> Result<(), SinkError>;
}

/// An alert that could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an alert could not be told: {0}")]
pub struct SinkError(pub String);

/// Alerts as lines of JSON: into a file, or the standard error of a program whose supervisor keeps it.
#[derive(Debug)]
pub struct Lines<W>(Mutex<W>);

impl<W: Write + Send> Lines<W> {
    /// Writes there.
    pub const fn new(to: W) -> Self {
        Self(Mutex::new(to))
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<W: Write + Send + 'static> AlertSink for Lines<W> {
    async fn tell(&self, alert: &Alert) -> Result<(), SinkError> {
        let mut line = serde_json::to_vec(alert).map_err(|error| SinkError(error.to_string()))?;
        line.push(b'\n');
        // A line is whole or was not written, so a poisoned lock guards whole lines.
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        to.write_all(&line).and_then(|()| to.flush()).map_err(|error| SinkError(error.kind().to_string()))
    }
}
