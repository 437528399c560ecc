//! The connector: what the engine asks for, and which file answers it; and the calls that all of them make.

use std::sync::Arc;

use accordant::Clock;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey,
    Verified, Write, WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::surface::{Channel, Surface};
use accordant_http::throttle::{Account, Window};
use accordant_http::{CallError, Client, Credentials, Gate, Response, SecretString, Sleep, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use url::Url;

use crate::description::{Description, Object, Safety};
use crate::mistake::Mistakes;
use crate::surfaces;
use crate::webhook::Receiver;

/// A system that is known by a description.
pub struct Rest {
    pub(crate) description: Description,
    pub(crate) base: Url,
    pub(crate) clock: Arc<dyn Clock>,
    client: Client,
    receiver: Option<Receiver>,
    surfaces: Vec<Surface>,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest").field("description", &self.description).finish_non_exhaustive()
    }
}

impl Rest {
    /// A connector to the described system. `secret` is what `auth` needs: a token, a password, a client's secret; where it
    /// says nothing, it is not looked at. `transport` carries requests, `sleep` waits where a limit asks for it, by the time
    /// of `clock`.
    ///
    /// # Errors
    ///
    /// Every mistake in the description.
    pub fn new(
        description: Description,
        secret: &SecretString,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        sleep: Arc<dyn Sleep>,
    ) -> Result<Self, Mistakes> {
        description.check()?;
        let credentials = description.auth.credentials(secret, Arc::clone(&transport), Arc::clone(&clock))?;
        Self::signed_by(description, credentials, transport, clock, sleep)
    }

    /// A connector whose requests are signed by credentials of your own; `auth` is not looked at.
    ///
    /// # Errors
    ///
    /// Every mistake in the description.
    pub fn signed_by(
        description: Description,
        credentials: Arc<dyn Credentials>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        sleep: Arc<dyn Sleep>,
    ) -> Result<Self, Mistakes> {
        description.check()?;
        let base = Url::parse(&description.base).map_err(|_| Mistakes::one("base", "no address"))?;
        let mut client = Client::new(transport, credentials, Arc::clone(&clock));
        if let (Some(requests), Some(seconds)) = (description.limit.requests, description.limit.seconds) {
            let window = Window::new(requests, TimeDelta::seconds(i64::from(seconds)));
            client = client.through(Arc::new(Gate::new(window, Arc::clone(&clock), Arc::clone(&sleep))));
        }
        if let Some(at_once) = description.limit.at_once {
            client = client.through(Arc::new(Gate::new(Account::new(at_once), Arc::clone(&clock), sleep)));
        }
        let objects = description.objects.iter();
        let surfaces = objects.flat_map(|(name, object)| surfaces::of(name, object, &description)).collect();
        Ok(Self { description, base, clock, client, receiver: None, surfaces })
    }

    /// Takes webhooks in, that are signed with this secret, or while it is being changed with the former one.
    ///
    /// # Errors
    ///
    /// If the description says nothing of webhooks.
    pub fn receiving(mut self, secret: &SecretString, former: Option<&SecretString>) -> Result<Self, Mistakes> {
        let webhooks = self.description.webhooks.as_ref();
        let webhooks = webhooks.ok_or_else(|| Mistakes::one("webhooks", "is missing: say how webhooks are signed"))?;
        self.receiver = Some(Receiver::new(webhooks, secret, former)?);
        Ok(self)
    }

    /// An object type, by the name that models use.
    pub(crate) fn object(&self, name: &str) -> Result<&Object, ConnectorError> {
        self.description.objects.get(name).ok_or_else(|| self.unsupported())
    }

    pub(crate) fn unsupported(&self) -> ConnectorError {
        let told = format!("{}: no such surface or object type", self.description.system);
        ConnectorError::new(ConnectorErrorKind::Unsupported, told)
    }

    /// Sends a request with the headers that every request carries, and these.
    pub(crate) async fn ask(
        &self,
        method: &str,
        address: &Url,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Response, CallError> {
        let fixed = self.description.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let accepts = self.description.headers.keys().any(|name| name.eq_ignore_ascii_case("accept"));
        let accept = (!accepts).then_some(("accept", "application/json"));
        let headers: Vec<(&str, &str)> = accept.into_iter().chain(fixed).chain(headers.iter().copied()).collect();
        self.client.ask(method, address.as_str(), &headers, body.map(Bytes::from), 1).await
    }

    /// How many requests of one kind go at a time.
    pub(crate) fn at_once(&self, unless_said: usize) -> usize {
        self.description.limit.at_once.map_or(unless_said, |at_once| usize::try_from(at_once).unwrap_or(1)).max(1)
    }
}

#[async_trait]
impl Connector for Rest {
    fn system(&self) -> &str {
        &self.description.system
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// As safe as the least safe of the object types that are made.
    fn create_safety(&self) -> CreateSafety {
        let creates = self.description.objects.values().filter_map(|object| object.create.as_ref());
        let mut safest = CreateSafety::RemoteKey;
        for create in creates {
            safest = match (create.safety, safest) {
                (Safety::DetectAndMerge, _) | (_, CreateSafety::DetectAndMerge) => CreateSafety::DetectAndMerge,
                (Safety::DrainSeconds(one), CreateSafety::DrainThenConsistentLookup { drain_seconds: other }) => {
                    CreateSafety::DrainThenConsistentLookup { drain_seconds: one.max(other) }
                }
                (Safety::DrainSeconds(drain_seconds), _) => CreateSafety::DrainThenConsistentLookup { drain_seconds },
                (Safety::RemoteKey, safest) => safest,
            };
        }
        safest
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let receiver = self.receiver.as_ref().ok_or_else(|| {
            ConnectorError::new(ConnectorErrorKind::Denied, "there is no secret to check webhooks with")
        })?;
        receiver.take(delivery, self.clock.now())
    }

    async fn read_page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let surface = self.surfaces.iter().find(|surface| surface.name == *name).ok_or_else(|| self.unsupported())?;
        let object = self.object(surface.object.as_str())?;
        match surface.channel {
            Channel::Poll => self.poll(surface, object, after).await,
            Channel::Scan => self.scan(surface, object, after).await,
            _ => Err(self.unsupported()),
        }
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(self.read(keys).await)
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Ok(self.write(&writes).await)
    }
}
