//! Alerts as signed webhooks: a chat, a pager or a program of yours is told when a connection needs somebody, and when it no longer
//! does.
//!
//! Each alert is one `POST` of a JSON object: what the alert says ([`Alert`]), and `text`, a line for people. It is signed as
//! [Standard Webhooks](https://www.standardwebhooks.com) has it, in the headers `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`: receivers verify it with any library of that, and know a repetition by its id, which stands for what came to be
//! so and when ([`Alert::at`]), not for what was measured of it last. A process that starts again, and another process, raise what they
//! measure themselves, under ids of their own. It holds no payload.
//!
//! Who does not answer, or answers that it cannot now, is asked again, a few times and for some seconds in all. What could not be told
//! then is told with the next look.
//!
//! ```
//! use std::sync::Arc;
//!
//! use accordant::{Clock, SystemClock};
//! use accordant_alert_webhook::Webhook;
//! use accordant_http::{Sleep, Transport};
//!
//! # fn sink(transport: Arc<dyn Transport>, sleep: Arc<dyn Sleep>) -> Result<Webhook, accordant_alert_webhook::SettingError> {
//! let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
//! let clock: Arc<dyn Clock> = Arc::new(SystemClock);
//! let pager = Webhook::new("https://pager.example/accordant", &secret, transport, clock, sleep)?;
//! // Accordant::builder().alert_sink(pager)
//! # Ok(pager)
//! # }
//! ```

mod signature;

use std::pin::pin;
use std::sync::Arc;

use accordant::Clock;
use accordant::alert::{Alert, AlertSink, SinkError};
use accordant::fingerprint::Fingerprint;
use accordant_http::{Request, Response, SecretString, Sleep, Transport, TransportErrorKind, place, retry_after};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use futures::future::{Either, select};
use http::{Method, Uri, header};
use serde::Serialize;

use signature::Signer;

/// How often an alert is sent, at most, unless something else is said.
const ATTEMPTS: u32 = 3;

/// For how long it is tried to tell an alert, unless something else is said.
const WITHIN: TimeDelta = TimeDelta::seconds(10);

/// How long is waited before the second attempt, where nobody says for how long; twice as long before each that follows.
const PAUSE: TimeDelta = TimeDelta::milliseconds(500);

/// The most attempts, and the longest that may be asked for: nobody looks again before sinks have answered.
const MOST: (u32, TimeDelta) = (10, TimeDelta::minutes(1));

/// Something about a webhook that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// It is no address, or none of HTTP. It is not shown: addresses of chats are secrets.
    #[error("the address of a webhook is an absolute one of http or https")]
    Address,
    /// It is no secret of Standard Webhooks.
    #[error("the secret of a webhook is `whsec_` and 24 to 64 bytes in Base64")]
    Secret,
    /// No attempt, or too many.
    #[error("{0} attempts to tell an alert; it must be 1 to 10")]
    Attempts(u32),
    /// No time, or too long.
    #[error("{0} ms to tell an alert; it must be 1 to 60000")]
    Within(i64),
}

/// A sink that sends alerts as signed webhooks.
#[derive(Clone)]
pub struct Webhook {
    address: Uri,
    signer: Arc<Signer>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    sleep: Arc<dyn Sleep>,
    attempts: u32,
    within: TimeDelta,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.address.host().unwrap_or_default();
        f.debug_struct("Webhook").field("host", &host).field("attempts", &self.attempts).finish_non_exhaustive()
    }
}

/// What is sent: the alert, and a line for people.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    alert: &'a Alert,
    text: String,
}

impl Webhook {
    /// Sends alerts to this address, signed with this secret: up to three times, for up to ten seconds.
    ///
    /// # Errors
    ///
    /// [`SettingError::Address`], [`SettingError::Secret`].
    pub fn new(
        address: &str,
        secret: &SecretString,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        sleep: Arc<dyn Sleep>,
    ) -> Result<Self, SettingError> {
        let address: Uri = address.parse().map_err(|_| SettingError::Address)?;
        if !matches!(address.scheme_str(), Some("http" | "https")) || address.host().is_none_or(str::is_empty) {
            return Err(SettingError::Address);
        }
        let signer = Arc::new(Signer::new(secret)?);
        Ok(Self { address, signer, transport, clock, sleep, attempts: ATTEMPTS, within: WITHIN })
    }

    /// An alert is sent so often at most.
    ///
    /// # Errors
    ///
    /// [`SettingError::Attempts`] for none, and for more than ten.
    pub fn attempts(self, attempts: u32) -> Result<Self, SettingError> {
        match (1..=MOST.0).contains(&attempts) {
            true => Ok(Self { attempts, ..self }),
            false => Err(SettingError::Attempts(attempts)),
        }
    }

    /// For so long it is tried to tell an alert: an attempt that is under way then is given up, and may have arrived.
    ///
    /// # Errors
    ///
    /// [`SettingError::Within`] for no time, and for more than a minute.
    pub fn within(self, within: TimeDelta) -> Result<Self, SettingError> {
        match within > TimeDelta::zero() && within <= MOST.1 {
            true => Ok(Self { within, ..self }),
            false => Err(SettingError::Within(within.num_milliseconds())),
        }
    }

    fn request(&self, id: &str, body: &Bytes) -> Result<Request, SinkError> {
        let seconds = self.clock.now().div_euclid(1000);
        http::Request::builder()
            .method(Method::POST)
            .uri(self.address.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", self.signer.sign(id, seconds, body))
            .body(body.clone())
            .map_err(|error| SinkError(error.to_string()))
    }

    /// Sends once. Where it may help to send again, after how long: if the other side says so, and else as it is always done.
    async fn send(&self, id: &str, body: &Bytes) -> Result<(), (SinkError, Option<Again>)> {
        let request = self.request(id, body).map_err(|error| (error, None))?;
        match self.transport.send(request).await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => {
                let error = SinkError(format!("{} answered {}", self.host(), answer.status().as_u16()));
                Err((error, self.again(&answer)))
            }
            Err(error) => {
                // An answer that is too large says that somebody heard.
                let again = (error.kind != TransportErrorKind::TooLarge).then_some(Again::Soon);
                Err((SinkError(format!("{}: {}", self.host(), error.kind)), again))
            }
        }
    }

    /// Sends once, and gives it up when it is too late.
    async fn send_until(&self, id: &str, body: &Bytes, until: i64) -> Result<(), (SinkError, Option<Again>)> {
        let left = until.saturating_sub(self.clock.now());
        // The timer is asked only once there is something to wait for.
        let (sent, late) =
            (pin!(self.send(id, body)), pin!(async { self.sleep.sleep(TimeDelta::milliseconds(left)).await }));
        match select(sent, late).await {
            Either::Left((sent, _)) => sent,
            Either::Right(((), _)) => {
                let late = format!("{}: no answer within {} ms", self.host(), self.within.num_milliseconds());
                Err((SinkError(late), None))
            }
        }
    }

    fn again(&self, answer: &Response) -> Option<Again> {
        let status = answer.status();
        let later = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
        later.then(|| retry_after(answer.headers(), self.clock.now()).map_or(Again::Soon, Again::After))
    }

    /// What errors may name of the address: its path may be a secret.
    fn host(&self) -> String {
        let host = Uri::builder().scheme("https").path_and_query("/");
        let host = self.address.authority().and_then(|of| host.authority(of.as_str()).build().ok());
        host.map(|uri| place(&uri).to_string().trim_end_matches('/').to_owned()).unwrap_or_default()
    }
}

/// What an alert is known by: who, where, what, and since when; not by what was measured when it was told.
fn id_of(alert: &Alert) -> Result<String, SinkError> {
    let Alert { tenant, connection, measure, severity, change, limit, at, .. } = alert;
    let known_by = serde_json::to_vec(&(tenant, connection, measure, severity, change, limit, at));
    let known_by = known_by.map_err(|error| SinkError(error.to_string()))?;
    Ok(format!("alert_{}", Fingerprint::new().bytes(&known_by).finish().short()))
}

/// When to send again.
#[derive(Debug, Clone, Copy)]
enum Again {
    Soon,
    After(TimeDelta),
}

#[async_trait]
impl AlertSink for Webhook {
    async fn tell(&self, alert: &Alert) -> Result<(), SinkError> {
        let message = Message { alert, text: format!("{}: {alert}", alert.tenant) };
        let body = Bytes::from(serde_json::to_vec(&message).map_err(|error| SinkError(error.to_string()))?);
        let id = id_of(alert)?;
        let until = self.clock.now().saturating_add(self.within.num_milliseconds());
        let mut pause = PAUSE;
        let mut sent = 0;
        loop {
            let Err((error, again)) = self.send_until(&id, &body, until).await else { return Ok(()) };
            sent += 1;
            let wait = match again {
                None => return Err(error),
                Some(Again::Soon) => pause,
                Some(Again::After(after)) => after.max(TimeDelta::zero()),
            };
            let then = self.clock.now().saturating_add(wait.num_milliseconds());
            if sent == self.attempts || then >= until {
                return Err(error);
            }
            self.sleep.sleep(wait).await;
            pause = pause.checked_add(&pause).unwrap_or(pause);
        }
    }
}
