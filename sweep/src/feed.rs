//! What a sweep finds, told to the engine: as hints, on a surface beside those of a connector.
//!
//! A row of a snapshot is as old as the snapshot. So it is not believed: each record that differs is hinted at, the engine reads it
//! from its system, and what is said then ends in the discrepancies that events would have ended in.

use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, thread};

use accordant::chrono::TimeDelta;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Page, ReadAnswer, RecordKey,
    Retry, Says, Verified, Write, WriteReceipt,
};
use accordant::id::{ObjectType, SurfaceName};
use accordant::schema::ObjectSchema;
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::oneshot;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::error::{SnapshotError, SweepError};
use crate::run::{Run, Step};
use crate::sweep::Sweep;

/// Hints of a page.
const PAGE: usize = 1_000;

/// How often a page reads: some 128 KiB of each snapshot at a time.
const READS: usize = 64;

/// A connector, with one more surface: a poll that tells which records of an object type a sweep found to differ.
///
/// The other surfaces are the connector's own. The position of the poll is a checkpoint of the sweep, which the engine keeps: it goes
/// on after a restart, from behind its last page, and while snapshots are looked through or sorted from their beginning. When it has
/// come to its end, a poll finds nothing until a snapshot is replaced; then it sweeps anew. Sweeps of tables have no such sign, and begin
/// anew at every poll that follows one that ended.
///
/// A page is so many differences, or so much that was read, whichever comes first; it is made on a thread of its own. While a sweep is under
/// way, its position holds the last key that was compared, of whichever side: what rows are told apart by, which may be somebody's. An erasure
/// does not know whose it is; the key goes with the next page, and is in no position behind an end. The versions of snapshots stay in it.
pub struct Swept<C> {
    connector: C,
    surfaces: Vec<Surface>,
    feed: Arc<Feed>,
}

/// The poll.
struct Feed {
    name: SurfaceName,
    sweep: Box<dyn Fn() -> Sweep + Send + Sync>,
    system: String,
    /// What is open behind the last page.
    open: Mutex<Option<(Cursor, Run)>>,
}

impl<C: fmt::Debug> fmt::Debug for Swept<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swept")
            .field("connector", &self.connector)
            .field("name", &self.feed.name)
            .finish_non_exhaustive()
    }
}

/// Where a poll stands: in a sweep, or behind it.
#[derive(Serialize, Deserialize)]
struct Standing {
    at: Checkpoint,
    ended: bool,
    /// How many pages there were: where nothing is compared yet, nothing else says that it goes on.
    #[serde(default)]
    pages: u64,
}

impl<C: Connector> Swept<C> {
    /// Tells of records of this object type what `sweep` finds about the side of the connector's system. It is called for every
    /// sweep, and must describe the same.
    ///
    /// A record is named by the id that its row has, or by the key, where that is the id.
    #[must_use]
    pub fn new(connector: C, object: &str, sweep: impl Fn() -> Sweep + Send + Sync + 'static) -> Self {
        let name = SurfaceName::from(format!("{object}.sweep"));
        let surface = Surface {
            name: name.clone(),
            object: object.into(),
            channel: Channel::Poll,
            semantics: EventSemantics {
                delivery: Guarantee::Snapshot,
                order: Order::None,
                completeness: Completeness::IdOnly,
                deletes: Deletes::NeverTold,
                merges: Merges::NeverTold,
                lag: TimeDelta::zero(),
                unrecoverable_after: None,
            },
            shape: SurfaceShape::default(),
        };
        let surfaces = connector.surfaces().iter().cloned().chain([surface]).collect();
        let system = connector.system().to_owned();
        let feed = Feed { name, sweep: Box::new(sweep), system, open: Mutex::default() };
        Self { connector, surfaces, feed: Arc::new(feed) }
    }
}

impl Feed {
    /// The sweep behind a cursor; nothing if it ended, and nothing was replaced since.
    fn run(&self, after: Option<(&Cursor, Standing)>) -> Result<Option<Run>, ConnectorError> {
        let Some((cursor, Standing { at, ended, .. })) = after else {
            return Ok(Some((self.sweep)().start().map_err(failed)?));
        };
        let held = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((at, run)) = held
            && at == *cursor
        {
            return Ok(Some(run));
        }
        if ended {
            let run = (self.sweep)().start().map_err(failed)?;
            return Ok((!run.is_of_same_snapshots(&at)).then_some(run));
        }
        match (self.sweep)().resume(&at) {
            // What is there now is swept from its beginning.
            Err(SweepError::OtherSweep | SweepError::Snapshot { source: SnapshotError::Replaced, .. }) => {
                Ok(Some((self.sweep)().start().map_err(failed)?))
            }
            run => Ok(Some(run.map_err(failed)?)),
        }
    }

    fn page(&self, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let standing = |cursor: &Cursor| serde_json::from_str::<Standing>(&cursor.0).map_err(|_| Cursor::foreign());
        let standing = after.as_ref().map(standing).transpose()?;
        let pages = standing.as_ref().map_or(0, |standing| standing.pages).saturating_add(1);
        let Some(mut run) = self.run(after.as_ref().zip(standing))? else {
            return Ok(Page { items: Vec::new(), next: after, more: false });
        };
        let side = run.side(&self.system).ok_or_else(|| {
            let told = format!("no side of the sweep is {}", self.system);
            ConnectorError::new(ConnectorErrorKind::Unsupported, told)
        })?;
        let mut items = Vec::new();
        let mut reads = 0;
        let more = loop {
            match run.step().map_err(failed)? {
                Step::Done => break false,
                Step::Read => {
                    reads += 1;
                    if reads >= READS {
                        break true;
                    }
                }
                Step::Found(difference) => {
                    if let Some(id) = difference.id(side, run.has_ids(side)) {
                        let says = Says::Hint { id: id.into() };
                        items.push(Item::new(self.name.clone(), says, Bytes::new()));
                    }
                    if items.len() >= PAGE {
                        break true;
                    }
                }
            }
        };
        let mut at = run.checkpoint().ok_or_else(|| failed(SweepError::Failed))?;
        if !more {
            at.forget_key();
        }
        let told = serde_json::to_string(&Standing { at, ended: !more, pages });
        let cursor = Cursor(told.map_err(|_| Cursor::foreign())?);
        if more {
            *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some((cursor.clone(), run));
        }
        Ok(Page { items, next: Some(cursor), more })
    }
}

fn unavailable(told: &str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Unavailable, told.to_owned()).retry(Retry::Backoff)
}

fn failed(error: SweepError) -> ConnectorError {
    let kind = match &error {
        SweepError::Snapshot { source: SnapshotError::Read(_) | SnapshotError::Replaced, .. }
        | SweepError::Snapshot { source: SnapshotError::Database { .. }, .. }
        | SweepError::Spill(_) => ConnectorErrorKind::Unavailable,
        _ => ConnectorErrorKind::Malformed,
    };
    // Another snapshot may come.
    ConnectorError::new(kind, error.to_string()).retry(Retry::Backoff)
}

#[async_trait]
impl<C: Connector> Connector for Swept<C> {
    fn system(&self) -> &str {
        self.connector.system()
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    fn create_safety(&self) -> CreateSafety {
        self.connector.create_safety()
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        self.connector.verify(delivery)
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        if *surface != self.feed.name {
            return self.connector.read_page(surface, after).await;
        }
        let (tell, told) = oneshot::channel();
        let feed = Arc::clone(&self.feed);
        // It reads files, or waits for a database: whoever polls has other things to do.
        let began = thread::Builder::new().name("sweep".to_owned()).spawn(move || drop(tell.send(feed.page(after))));
        let ended = || unavailable("the thread of the sweep ended early");
        began.map_err(|_| unavailable("no thread could be begun for the sweep"))?;
        told.await.unwrap_or_else(|_| Err(ended()))
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.connector.read_records(keys).await
    }

    fn describes(&self) -> bool {
        self.connector.describes()
    }

    async fn describe(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        self.connector.describe(objects).await
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        self.connector.write_batch(writes).await
    }
}
