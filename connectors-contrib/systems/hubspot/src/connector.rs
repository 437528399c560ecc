//! The connector: what the engine asks for, and which file answers it; and the calls that all of them make.

use std::sync::Arc;

use accordant::Clock;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey,
    Verified, Write, WriteReceipt,
};
use accordant::id::{ObjectType, SurfaceName};
use accordant::schema::ObjectSchema;
use accordant::surface::{Channel, Surface};
use accordant_http::throttle::Window;
use accordant_http::{CallError, Client, Credentials, Gate, Response, Sleep, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use http::StatusCode;
use serde_json::Value;

use crate::fault::unread;
use crate::limits::Policies;
use crate::settings::Settings;
use crate::surfaces;
use crate::webhook::Receiver;

/// A HubSpot account.
#[derive(Debug)]
pub struct HubSpot {
    pub(crate) settings: Settings,
    pub(crate) client: Client,
    /// Behind the limit of searches as well.
    pub(crate) searches: Client,
    pub(crate) clock: Arc<dyn Shown>,
    receiver: Option<Receiver>,
    surfaces: Vec<Surface>,
}

/// A clock, in something that can be printed.
pub(crate) trait Shown: Send + Sync {
    fn now(&self) -> i64;
}

impl std::fmt::Debug for dyn Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a clock")
    }
}

impl Shown for Arc<dyn Clock> {
    fn now(&self) -> i64 {
        self.as_ref().now()
    }
}

impl HubSpot {
    /// A connector to an account. `transport` carries requests, `credentials` sign them, `sleep` waits where a limit asks
    /// for it, by the time of `clock`.
    #[must_use]
    pub fn new(
        settings: Settings,
        transport: Arc<dyn Transport>,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        sleep: Arc<dyn Sleep>,
    ) -> Self {
        let gate = |limit, seconds| {
            let window = Window::new(limit, TimeDelta::seconds(seconds));
            Arc::new(Gate::new(window, Arc::clone(&clock), Arc::clone(&sleep)))
        };
        let client = Client::new(transport, credentials, Arc::clone(&clock))
            .budget(Policies { zone: settings.zone })
            .through(gate(settings.per_ten_seconds, 10));
        let searches = client.clone().through(gate(settings.searches_per_second, 1));
        let surfaces = settings.objects.keys().flat_map(|object| surfaces::of(object, &settings)).collect();
        let receiver = Receiver::of(&settings);
        Self { settings, client, searches, clock: Arc::new(clock), receiver, surfaces }
    }

    /// A read that is answered, or an error.
    pub(crate) async fn get(&self, path: &str, doing: &str) -> Result<Response, ConnectorError> {
        let answer = self.ask(&self.client, "GET", path, None).await?;
        if answer.status() == StatusCode::OK { Ok(answer) } else { Err(unread(&answer, doing)) }
    }

    /// A question with a body that is answered, or an error.
    pub(crate) async fn post(
        &self,
        client: &Client,
        path: &str,
        body: &Value,
        doing: &str,
    ) -> Result<Response, ConnectorError> {
        let answer = self.ask(client, "POST", path, Some(body)).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(unread(&answer, doing)) }
    }

    /// Sends a request.
    pub(crate) async fn ask(
        &self,
        client: &Client,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, CallError> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        client.ask(method, &self.settings.address(path), &[], body, 1).await
    }
}

#[async_trait]
impl Connector for HubSpot {
    fn system(&self) -> &str {
        "hubspot"
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// HubSpot refuses a second record with the same value of a property that it keeps unique.
    fn create_safety(&self) -> CreateSafety {
        if self.settings.key_property.is_some() { CreateSafety::RemoteKey } else { CreateSafety::DetectAndMerge }
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let receiver = self.receiver.as_ref().ok_or_else(|| {
            ConnectorError::new(ConnectorErrorKind::Denied, "there is no secret to check webhooks with")
        })?;
        receiver.take(delivery, self.clock.now(), &self.settings)
    }

    async fn read_page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let surface = self.surfaces.iter().find(|surface| surface.name == *name).ok_or_else(unsupported)?;
        let object = self.settings.objects.get(surface.object.as_str()).ok_or_else(unsupported)?;
        match surface.channel {
            Channel::Poll => self.poll(surface, object, after).await,
            Channel::Scan => self.scan(surface, object, after).await,
            _ => Err(unsupported()),
        }
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.read(keys).await
    }

    fn describes(&self) -> bool {
        self.settings.describes
    }

    async fn describe(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        self.ask_for_properties(objects).await
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        self.write(&writes).await
    }
}

pub(crate) fn unsupported() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Unsupported, "hubspot: no such surface or object type")
}
