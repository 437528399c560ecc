//! The connector: what the engine asks for, and which file answers it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use accordant::Clock;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey, Retry,
    Verified, Write, WriteReceipt,
};
use accordant::id::{ObjectType, SurfaceName};
use accordant::schema::ObjectSchema;
use accordant::surface::Surface;
use async_trait::async_trait;
use deadpool_postgres::{Object as Session, Pool};

use crate::catalog::{Known, check_log};
use crate::fault::unconnected;
use crate::log::Asked;
use crate::notify::Listener;
use crate::quoted::quoted;
use crate::session;
use crate::settings::{Settings, Table};
use crate::surfaces::{self, Way, way};

/// Tables of a PostgreSQL database.
pub struct PostgresTable {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tables: BTreeMap<String, Bound>,
    pub(crate) listener: Option<Listener>,
    pub(crate) asked: Asked,
    pool: Pool,
    surfaces: Vec<Surface>,
}

/// A table, as the settings and as the database have it.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) table: Table,
    pub(crate) known: Known,
}

impl Bound {
    /// The column by which rows are told apart, and its type.
    pub(crate) fn id(&self) -> (&str, &str) {
        (&self.table.id, self.known.kind(&self.table.id).unwrap_or("text"))
    }

    /// What our writes set beside what they change, so that polls and versions tell of them.
    pub(crate) fn stamps(&self, set: &[String]) -> Vec<String> {
        if self.table.kept {
            return Vec::new();
        }
        let version = self.table.version.iter().map(|column| (quoted(column), format!("{} + 1", quoted(column))));
        let modified = self.table.modified.iter().map(|column| {
            // A clock that went back does not make the row older.
            (quoted(column), format!("GREATEST(clock_timestamp(), {})", quoted(column)))
        });
        let unless_set =
            |(column, _): &(String, String)| !set.iter().any(|set| set.starts_with(&format!("{column} =")));
        version.chain(modified).filter(unless_set).map(|(column, value)| format!("{column} = {value}")).collect()
    }
}

impl std::fmt::Debug for PostgresTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresTable")
            .field("system", &self.settings.system)
            .field("tables", &self.settings.tables)
            .finish_non_exhaustive()
    }
}

impl PostgresTable {
    /// Connects, and holds the settings against the database: columns, their types, what is unique, what is published.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached, or a table does not keep what its settings promise. It names table and column.
    pub async fn connect(mut settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, ConnectorError> {
        settings.collect();
        let pool = session::pool(&settings)?;
        let session = pool.get().await.map_err(unconnected)?;
        let mut tables = BTreeMap::new();
        for (object, table) in &settings.tables {
            let known = Known::of(&session, object, table, settings.log.as_ref()).await?;
            tables.insert(object.clone(), Bound { table: table.clone(), known });
        }
        if let Some(log) = &settings.log {
            check_log(&session, &settings, log).await?;
        }
        drop(session);
        let surfaces = settings.tables.iter().flat_map(|(object, table)| surfaces::of(object, table, &settings));
        let surfaces = surfaces.collect();
        let listener =
            settings.channel.as_ref().map(|channel| Listener::new(&settings, channel, clock.now())).transpose()?;
        if let Some(listener) = &listener {
            listener.connect().await?;
        }
        Ok(Self { clock, tables, listener, asked: Asked::default(), pool, surfaces, settings })
    }

    /// A session for one call.
    pub(crate) async fn session(&self) -> Result<Session, ConnectorError> {
        self.pool.get().await.map_err(unconnected)
    }

    /// Whether a surface that tells of all tables speaks through this one: through the first.
    pub(crate) fn speaks(&self, surface: &Surface) -> bool {
        self.tables.keys().next().is_some_and(|first| first.as_str() == surface.object.as_str())
    }

    /// Comes back when a notification has come since the last page of notifications: poll then. For ever, if nothing is
    /// listened to, or the connection is lost until the next poll.
    pub async fn notified(&self) {
        match &self.listener {
            Some(listener) => listener.notified().await,
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Connector for PostgresTable {
    fn system(&self) -> &str {
        &self.settings.system
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// A unique column of each table holds our key, if the settings name one.
    fn create_safety(&self) -> CreateSafety {
        let keyed = self.tables.values().all(|bound| bound.table.key.is_some());
        if keyed { CreateSafety::RemoteKey } else { CreateSafety::DetectAndMerge }
    }

    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Denied, "a database sends no webhooks"))
    }

    async fn read_page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let log = self.settings.log.as_ref().filter(|_| way(name.as_str()) == Some(Way::Logged));
        let longest = log.map_or(Duration::ZERO, |log| log.patience.saturating_mul(2)).max(self.longest());
        self.bounded(longest, self.page(name, after)).await
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.bounded(self.longest(), self.read(keys)).await
    }

    /// One statement asks for the columns of all tables.
    fn describes(&self) -> bool {
        self.settings.describes
    }

    async fn describe(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        self.bounded(self.longest(), self.described(objects)).await
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Ok(self.write(&writes).await)
    }
}

impl PostgresTable {
    async fn page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let missing = || unsupported(&self.settings.system);
        let surface = self.surfaces.iter().find(|surface| surface.name == *name).ok_or_else(missing)?;
        let bound = self.tables.get(surface.object.as_str()).ok_or_else(missing)?;
        match way(name.as_str()).ok_or_else(missing)? {
            Way::Changed => self.poll(surface, bound, after).await,
            Way::Everything => self.scan(surface, bound, after).await,
            Way::Logged => self.follow(surface, after).await,
            Way::Notified => self.hear(surface, after).await,
            Way::One => Err(missing()),
        }
    }

    /// An answer that does not come is an error, some time: the server ends a statement that takes too long, and where nothing
    /// comes from the server either, we end it.
    async fn bounded<T>(
        &self,
        longest: Duration,
        call: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        match tokio::time::timeout(longest, call).await {
            Ok(answer) => answer,
            Err(_) => {
                let told = "the database does not answer";
                Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff))
            }
        }
    }

    /// How long we wait for the server: a while longer than it waits for itself.
    pub(crate) fn longest(&self) -> Duration {
        self.settings.patience.saturating_mul(2)
    }
}

pub(crate) fn unsupported(system: &str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Unsupported, format!("{system}: no such surface or object type"))
}
