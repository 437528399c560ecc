//! The client: a request through gate, signature and transport, and what became of it.

use std::fmt;
use std::sync::Arc;

use accordant::Clock;
use accordant::connector::{ConnectorError, ConnectorErrorKind, Outcome, Retry};
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::credentials::Credentials;
use crate::retry::retry_after;
use crate::throttle::{Feedback, Gate};
use crate::transport::{Request, Response, Transport, TransportError, place};

/// Reads out of an answer what it says about the budget.
pub trait Budget: Send + Sync + 'static {
    /// What `answer` says. `now` is in milliseconds since the epoch.
    fn read(&self, answer: &Response, now: i64) -> Feedback;
}

/// The budget as statuses tell of it: 429, with `Retry-After` if there is one.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByStatus;

impl Budget for ByStatus {
    fn read(&self, answer: &Response, now: i64) -> Feedback {
        match answer.status() {
            StatusCode::TOO_MANY_REQUESTS => Feedback::refused(retry_after(answer.headers(), now)),
            _ => Feedback::default(),
        }
    }
}

/// Talks to one account of one system. Cloning shares credentials and budget.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    credentials: Arc<dyn Credentials>,
    budget: Arc<dyn Budget>,
    gates: Vec<Arc<Gate>>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("gates", &self.gates).finish_non_exhaustive()
    }
}

impl Client {
    /// A client without a budget: see [`Client::through`].
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, credentials: Arc<dyn Credentials>, clock: Arc<dyn Clock>) -> Self {
        Self { transport, credentials, budget: Arc::new(ByStatus), gates: Vec::new(), clock }
    }

    /// Reads the budget out of answers in the system's own way.
    #[must_use]
    pub fn budget(mut self, budget: impl Budget) -> Self {
        self.budget = Arc::new(budget);
        self
    }

    /// The same client behind one more gate: for a surface that has a limit of its own beside the account's.
    #[must_use]
    pub fn through(mut self, gate: Arc<Gate>) -> Self {
        self.gates.push(gate);
        self
    }

    /// The clock that it goes by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Sends a request with these headers and, if there is one, this JSON (which the headers may call something else), as [`Client::call`] does for `cost`.
    ///
    /// # Errors
    ///
    /// As [`Client::call`]; and if the address is none, or a header holds what none may.
    pub async fn ask(
        &self,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: Option<Bytes>,
        cost: u32,
    ) -> Result<Response, CallError> {
        let mut request = http::Request::builder().method(method).uri(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
        if body.is_some() && !typed {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(body.unwrap_or_default()).map_err(|_| {
            let told = "the configured address, or a header, is none";
            CallError::before(ConnectorError::new(ConnectorErrorKind::Unsupported, told))
        })?;
        self.call(request, cost).await
    }

    /// Sends a request that costs `cost`: one, where only requests are counted.
    ///
    /// A 401 is tried once more with a new token where there can be one. Every other status is an answer, but for those
    /// that no request could do anything about: too many requests, and a server that fails (5xx).
    ///
    /// # Errors
    ///
    /// If there is no answer that says anything about the request.
    pub async fn call(&self, request: Request, cost: u32) -> Result<Response, CallError> {
        let answer = self.once(request.clone(), cost).await?;
        let answer = match answer {
            Ok(answer) => answer,
            Err(signed) if self.credentials.renew(&signed).await => match self.once(request, cost).await? {
                Ok(answer) => answer,
                Err(signed) => return Err(denied(&signed)),
            },
            Err(signed) => return Err(denied(&signed)),
        };
        Ok(answer)
    }

    /// The answer, or the request as it was signed when the system did not take it.
    async fn once(&self, mut request: Request, cost: u32) -> Result<Result<Response, Request>, CallError> {
        let mut passes = Vec::with_capacity(self.gates.len());
        for gate in &self.gates {
            passes.push(gate.enter(cost).await.map_err(CallError::before)?);
        }
        self.credentials.sign(&mut request).await.map_err(CallError::before)?;
        let signed = request.clone();
        let answer = self.transport.send(request).await?;
        let now = self.clock.now();
        let said = self.budget.read(&answer, now);
        for pass in passes {
            pass.settle(said);
        }
        let told = |what: &str| format!("{what} ({}): {} {}", answer.status(), signed.method(), place(signed.uri()));
        if let Some(wait) = said.refused {
            let retry = wait.map_or(Retry::Backoff, Retry::After);
            let error = ConnectorError::new(ConnectorErrorKind::Throttled, told("too many requests")).retry(retry);
            return Err(CallError { error, may_have_happened: false });
        }
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Ok(Err(signed));
        }
        if answer.status().is_server_error() {
            let retry = retry_after(answer.headers(), now).map_or(Retry::Backoff, Retry::After);
            let error = ConnectorError::new(ConnectorErrorKind::Unavailable, told("the server failed")).retry(retry);
            return Err(CallError { error, may_have_happened: true });
        }
        Ok(Ok(answer))
    }
}

/// A token that was just renewed may be refused by a system under load: so it is tried again, later.
fn denied(signed: &Request) -> CallError {
    let told = format!("the credentials were refused (401): {} {}", signed.method(), place(signed.uri()));
    CallError {
        error: ConnectorError::new(ConnectorErrorKind::Denied, told).retry(Retry::Backoff),
        may_have_happened: false,
    }
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct CallError {
    /// What it was, as the engine knows it.
    pub error: ConnectorError,
    /// Whether the request may have had its effect: nobody may send it again before having looked.
    pub may_have_happened: bool,
}

impl CallError {
    /// Of a request that was not sent.
    const fn before(error: ConnectorError) -> Self {
        Self { error, may_have_happened: false }
    }

    /// What it makes of a write: deferred if it certainly did not happen, unknown otherwise.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        if self.may_have_happened { Outcome::Unknown } else { not_sent(&self.error) }
    }
}

/// What an error makes of a write that it came before, as a look at the record does: the write waits, for as long as the
/// system asks.
#[must_use]
pub const fn not_sent(error: &ConnectorError) -> Outcome {
    let after = match error.retry {
        Retry::After(wait) => Some(wait),
        _ => None,
    };
    Outcome::Deferred { after }
}

impl From<CallError> for ConnectorError {
    fn from(error: CallError) -> Self {
        error.error
    }
}

impl From<TransportError> for CallError {
    fn from(error: TransportError) -> Self {
        let may_have_happened = error.kind.may_have_happened();
        Self { error: error.into(), may_have_happened }
    }
}
