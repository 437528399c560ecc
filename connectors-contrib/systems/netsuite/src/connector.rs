//! The connector: what the engine asks for, and which file answers it; and the calls that all of them make.

use std::sync::Arc;

use accordant::Clock;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey,
    Verified, Write, WriteReceipt,
};
use accordant::id::{ObjectType, SurfaceName};
use accordant::schema::ObjectSchema;
use accordant::surface::Surface;
use accordant_http::throttle::Account;
use accordant_http::{CallError, Client, Credentials, Gate, Response, Sleep, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;

use crate::fault::{unknown_identifier, unread};
use crate::known::Known;
use crate::query::Query;
use crate::settings::Settings;
use crate::surfaces::{self, Way, way};

/// A NetSuite account.
pub struct NetSuite {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    client: Client,
    /// Waits for jobs, where writes are jobs.
    pub(crate) jobs: Option<Arc<dyn Sleep>>,
    surfaces: Vec<Surface>,
    pub(crate) known: Known,
}

impl std::fmt::Debug for NetSuite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetSuite").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl NetSuite {
    /// A connector to an account. `transport` carries requests, `credentials` sign them, `gate` is the number of requests
    /// that the account allows at once: [`NetSuite::gate`] makes one, for all connectors of the account to share.
    #[must_use]
    pub fn new(
        settings: Settings,
        transport: Arc<dyn Transport>,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        gate: Arc<Gate>,
    ) -> Self {
        let client = Client::new(transport, credentials, Arc::clone(&clock)).through(gate);
        let surfaces = settings.objects.keys().flat_map(|object| surfaces::of(object, &settings)).collect();
        let known = Known::new(&settings.objects);
        Self { settings, clock, client, jobs: None, surfaces, known }
    }

    /// The same, whose creates and updates are jobs of NetSuite's: under a key by which a repetition leads to the first job,
    /// and followed to their end, or for [`Settings::job_looks`]. `sleep` waits in between.
    #[must_use]
    pub fn respond_async(mut self, sleep: Arc<dyn Sleep>) -> Self {
        self.jobs = Some(sleep);
        self
    }

    /// The gate of an account.
    #[must_use]
    pub fn gate(settings: &Settings, clock: Arc<dyn Clock>, sleep: Arc<dyn Sleep>) -> Arc<Gate> {
        Arc::new(Gate::new(Account::new(settings.at_once), clock, sleep))
    }

    /// Runs a query, and answers with its first page. Where the engine asks which fields there are, a column that its table does not have
    /// is asked for no more, and stops its attribute; elsewhere nobody would hear of that, and the query fails.
    pub(crate) async fn run(&self, query: &Query, limit: usize) -> Result<Bytes, ConnectorError> {
        let answer = self.send_query(query, limit).await?;
        if answer.status() == StatusCode::OK {
            return Ok(answer.into_body());
        }
        if self.settings.describes
            && let Some(column) = unknown_identifier(&answer)
        {
            self.known.refuses(&query.table, &column);
        }
        Err(unread(&answer))
    }

    /// Whether a query may name what it names.
    pub(crate) async fn takes(&self, query: &Query) -> Result<bool, ConnectorError> {
        let answer = self.send_query(query, 1).await?;
        match (answer.status(), unknown_identifier(&answer)) {
            (StatusCode::OK, _) => Ok(true),
            (_, Some(_)) => Ok(false),
            (_, None) => Err(unread(&answer)),
        }
    }

    async fn send_query(&self, query: &Query, limit: usize) -> Result<Response, CallError> {
        let path = format!("/services/rest/query/v1/suiteql?limit={limit}&offset=0");
        let body = query.body().to_string();
        self.ask("POST", &path, Some(&body)).await
    }

    /// Sends a request. Fields and values that NetSuite does not know are errors, and not left out in silence.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Result<Response, CallError> {
        self.ask_as(method, path, body, ("prefer", "transient"), &[]).await
    }

    /// Sends a request, with what it prefers and headers of its own.
    pub(crate) async fn ask_as(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
        prefers: (&str, &str),
        more: &[(&str, &str)],
    ) -> Result<Response, CallError> {
        let mut headers = vec![
            prefers,
            ("x-netsuite-propertynamevalidation", "Error"),
            ("x-netsuite-propertyvaluevalidation", "Error"),
        ];
        headers.extend(more);
        let body = body.map(|body| Bytes::copy_from_slice(body.as_bytes()));
        self.client.ask(method, &self.settings.address(path), &headers, body, 1).await
    }
}

#[async_trait]
impl Connector for NetSuite {
    fn system(&self) -> &str {
        "netsuite"
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// The key is the external id, and stands in the address of the record.
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Denied, "netsuite sends no webhooks of its own"))
    }

    async fn read_page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let surface = self.surfaces.iter().find(|surface| surface.name == *name).ok_or_else(unsupported)?;
        let way = way(name.as_str()).filter(|way| *way != Way::One).ok_or_else(unsupported)?;
        loop {
            let before = self.known.changes();
            let object = self.known.object(surface.object.as_str()).ok_or_else(unsupported)?;
            let page = match way {
                Way::Everything => self.scan(surface, &object, after.clone()).await,
                _ => self.poll(surface, &object, way, after.clone()).await,
            };
            // Without the column that was refused, if that was it: there are only so many.
            if page.is_ok() || self.known.changes() == before {
                return page;
            }
        }
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        loop {
            let before = self.known.changes();
            let answers = self.read(keys).await;
            if answers.is_ok() || self.known.changes() == before {
                return answers;
            }
        }
    }

    fn describes(&self) -> bool {
        self.settings.describes
    }

    async fn describe(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        self.ask_for_catalogue(objects).await
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Ok(self.write(&writes).await)
    }
}

pub(crate) fn unsupported() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Unsupported, "netsuite: no such surface or object type")
}
