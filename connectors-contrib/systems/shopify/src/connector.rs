//! The connector: what the engine asks for, and which file answers it; and the call that all of them make.

use std::collections::BTreeMap;
use std::sync::Arc;

use accordant::Clock;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey,
    Verified, Write, WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::surface::{Channel, Surface};
use accordant_http::throttle::Bucket;
use accordant_http::{CallError, Client, Credentials, Gate, Sleep, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::fault::{of_document, of_status};
use crate::file::Piece;
use crate::limits::Cost;
use crate::node::Shape;
use crate::selection::Lists;
use crate::settings::{Object, Settings};
use crate::webhook::Receiver;
use crate::wire::{Answer, malformed};
use crate::{document, selection, surfaces};

/// The points that no query may cost more than, by the vendor.
const MOST: u32 = 1_000;

/// A Shopify shop.
pub struct Shopify {
    pub(crate) settings: Settings,
    pub(crate) client: Client,
    /// For files, which need no signature of ours.
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sleep: Arc<dyn Sleep>,
    /// By object type: the piece of a bulk operation's file that was fetched last.
    pub(crate) files: async_lock::Mutex<BTreeMap<String, Piece>>,
    /// By object type: how its nodes are read.
    shapes: BTreeMap<String, Shape>,
    receiver: Option<Receiver>,
    surfaces: Vec<Surface>,
}

impl std::fmt::Debug for Shopify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shopify").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// An answer that has come: its body, without errors of its own.
pub(crate) struct Answered(Bytes);

impl Answered {
    /// What was asked for, of this shape.
    pub(crate) fn data<'a, T: Deserialize<'a>>(&'a self, what: &'static str) -> Result<T, ConnectorError> {
        let answer: Answer<T> = serde_json::from_slice(&self.0).map_err(|_| malformed(what))?;
        answer.data.ok_or_else(|| malformed(what))
    }
}

impl Shopify {
    /// A connector to a shop. `transport` carries requests, `credentials` sign them, `sleep` waits where the bucket asks
    /// for it and for bulk operations, by the time of `clock`.
    #[must_use]
    pub fn new(
        settings: Settings,
        transport: Arc<dyn Transport>,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        sleep: Arc<dyn Sleep>,
    ) -> Self {
        let bucket = Bucket::new(settings.capacity, settings.per_second);
        let gate = Arc::new(Gate::new(bucket, Arc::clone(&clock), Arc::clone(&sleep)));
        let client = Client::new(Arc::clone(&transport), credentials, Arc::clone(&clock)).budget(Cost).through(gate);
        let surfaces =
            settings.objects.iter().flat_map(|(name, object)| surfaces::of(name, object, &settings)).collect();
        let receiver = Receiver::of(&settings);
        let shapes = settings.objects.iter().map(|(name, object)| (name.clone(), Shape::of(object))).collect();
        let files = async_lock::Mutex::default();
        Self { settings, client, transport, clock, sleep, files, shapes, receiver, surfaces }
    }

    /// How the nodes of an object type are read.
    pub(crate) fn shape(&self, object: &str) -> Result<&Shape, ConnectorError> {
        self.shapes.get(object).ok_or_else(unsupported)
    }

    /// Every document that this connector sends, so that it can be held against the schema of a shop.
    #[must_use]
    pub fn documents(&self) -> Vec<String> {
        self.settings.objects.iter().flat_map(|(name, object)| document::all(name, object, self.lists())).collect()
    }

    /// How lists come with a node.
    pub(crate) const fn lists(&self) -> Lists {
        Lists::First(self.settings.elements)
    }

    /// How many nodes of an object type one question may ask for: a page, but none that costs more than a query may.
    pub(crate) fn fits(&self, object: &Object) -> usize {
        let most = self.settings.capacity.min(MOST).saturating_sub(2);
        let each = selection::cost(object, &object.paths, self.settings.elements);
        self.settings.page.min(usize::try_from(most / each).unwrap_or(usize::MAX)).max(1)
    }

    /// What so many nodes cost, at most.
    pub(crate) fn cost_of(&self, object: &Object, nodes: usize) -> u32 {
        let each = selection::cost(object, &object.paths, self.settings.elements);
        let nodes = u32::try_from(nodes).unwrap_or(u32::MAX);
        nodes.saturating_mul(each).saturating_add(2).min(self.settings.capacity)
    }

    /// Sends a document that costs at most so many points. A 200 is an answer only if it has no errors; one that has them beside
    /// its data, as for a field that may not be read, may be that of a mutation that took effect.
    pub(crate) async fn ask(&self, document: &str, variables: &Value, cost: u32) -> Result<Answered, CallError> {
        let address =
            format!("{}/admin/api/{}/graphql.json", self.settings.base.trim_end_matches('/'), self.settings.version);
        let body = Bytes::from(json!({ "query": document, "variables": variables }).to_string());
        let answer = self.client.ask("POST", &address, &[], Some(body), cost).await?;
        if answer.status() != StatusCode::OK {
            return Err(of_status(&answer));
        }
        let body = answer.into_body();
        let answer: Answer<BTreeMap<String, Option<IgnoredAny>>> = serde_json::from_slice(&body)
            .map_err(|_| CallError { error: malformed("no answer to a document"), may_have_happened: true })?;
        if answer.errors.is_empty() {
            return Ok(Answered(body));
        }
        let did = answer.data.is_some_and(|data| data.values().any(Option::is_some));
        Err(of_document(&answer.errors, did))
    }
}

#[async_trait]
impl Connector for Shopify {
    fn system(&self) -> &str {
        "shopify"
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// A customer is made under a metafield whose values Shopify keeps unique; nothing else is made.
    fn create_safety(&self) -> CreateSafety {
        if self.settings.key.is_some() { CreateSafety::RemoteKey } else { CreateSafety::DetectAndMerge }
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
            Channel::Poll if object.is_level() => self.poll_levels(surface, object, after).await,
            Channel::Poll => self.poll(surface, object, after).await,
            Channel::Scan => self.scan(surface, object, after).await,
            _ => Err(unsupported()),
        }
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.read(keys).await
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Ok(self.write(&writes).await)
    }
}

pub(crate) fn unsupported() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Unsupported, "shopify: no such surface or object type")
}
