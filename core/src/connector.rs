//! Connectors: one external system, as surfaces to read and a place to write.

#[cfg(feature = "conformance")]
pub mod conformance;
pub(crate) mod walk;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::fingerprint::Digest;
use crate::id::{ObjectType, SurfaceName};
use crate::model::Path;
use crate::schema::ObjectSchema;
use crate::surface::Surface;
use crate::text::Text;
use crate::value::Native;

/// A webhook request as it came in: method, full URL, headers, raw body.
pub type Delivery = http::Request<Bytes>;

/// A position in a surface. Opaque to the engine, readable to the connector.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// One external system: surfaces to read, and a place to write.
///
/// Implement this to teach Accordant about a new system. The engine is the only caller.
///
/// # Contract
///
/// - **Delivery.** A surface may repeat an item, and may give a newer state without the ones before it. `read_page`
///   never skips a change older than the cursor that it returns.
/// - **Order.** Tokens of the surfaces that observe are comparable per object type. A connector reports the system's
///   own; it never substitutes its clock.
/// - **Bodies.** Items carry bytes as the system sent them. Decoding is the engine's.
/// - **Coverage.** What was not asked for, or may not be read, is not gone. An item of a surface that promises whole
///   records says so where it holds less: [`Item::covering`], [`Item::denying`]. What neither names and the body lacks
///   is taken for cleared, and a cleared value is written to other systems.
/// - **Writes.** A write says what changes; what it does not name stays as it is. That goes for the elements of a keyed
///   collection and for their members too ([`Native::Elements`]): whoever can only send such a collection whole reads it,
///   merges, and sends it under the expectation of the write.
/// - **Concurrency.** Calls for different records overlap. Writes to one record never do.
///
/// # Cancel safety
///
/// Dropping a read loses nothing: no cursor has moved. Dropping `write_batch` leaves outcomes unknown; the engine
/// probes before it sends again.
///
/// # Errors
///
/// Each failure becomes a [`ConnectorError`] that says whether waiting helps. A lost race is an outcome
/// ([`Outcome::Stale`]), and so is a refused write.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// The system, as models name it.
    fn system(&self) -> &str;

    /// The surfaces, constant for the life of the value.
    fn surfaces(&self) -> &[Surface];

    /// How far a create can be made safe.
    fn create_safety(&self) -> CreateSafety;

    /// Checks that the system sent this request and splits its body into items. No I/O.
    ///
    /// # Errors
    ///
    /// [`ConnectorErrorKind::Denied`] for a wrong or stale signature, `Malformed` for a body that has no items.
    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError>;

    /// Reads the next page of a poll, stream or scan surface.
    ///
    /// # Errors
    ///
    /// If the page cannot be read. The cursor has not moved. [`ConnectorErrorKind::Expired`] of a scan's cursor that leads
    /// nowhere any more, since what it stood in is gone: the scan is then read from its beginning.
    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError>;

    /// Reads records by id: for hints, for read-back, for probes. One answer per key, in the order of keys.
    ///
    /// # Errors
    ///
    /// If nothing could be read. A missing record is an answer.
    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError>;

    /// Whether the system says what fields its object types have: whether [`Connector::describe`] tells anything. Constant for the life
    /// of the value.
    fn describes(&self) -> bool {
        false
    }

    /// Asks the system what fields these object types have, by path of the documented record shape. What is not described stays as it
    /// is; an object type that is described is described whole.
    ///
    /// # Errors
    ///
    /// If the system does not tell. Nothing is concluded from that.
    async fn describe(&self, _objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        Ok(Vec::new())
    }

    /// Writes records. One receipt per write, in the order of writes: never one error for all.
    ///
    /// # Errors
    ///
    /// If nothing was sent at all.
    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError>;
}

/// A webhook that is known to come from its system.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What it carries.
    pub items: Vec<Item>,
    /// The id by which the sender marks repetitions, if it has one.
    pub delivery_id: Option<Text>,
    /// What to answer once the items are durable.
    pub reply: http::Response<Bytes>,
}

/// One thing that a surface said.
///
/// Paths in it are those of the connector's documented record shape, each with all that is below it; what no mapping
/// reads is ignored. Items that were asked for together share one list: cloning it copies nothing.
#[derive(Clone)]
#[non_exhaustive]
pub struct Item {
    /// The surface.
    pub surface: SurfaceName,
    /// What kind of thing it is.
    pub says: Says,
    /// The bytes, as the system sent them.
    pub body: Bytes,
    /// What was asked for, where that is less than the surface promises. `None`: all of it. Of the rest the item says
    /// what its body carries, and nothing of what the body lacks.
    pub covers: Option<Arc<[Path]>>,
    /// What the connection may not read: a lost scope, a field that its role does not see. Whatever the body has there
    /// is not believed, and the last value known is kept.
    pub denied: Arc<[Path]>,
}

/// How long its body is, and not what is in it.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { surface, says, body, covers, denied } = self;
        let mut shown = f.debug_struct("Item");
        shown.field("surface", surface).field("says", says).field("body", &format_args!("{} bytes", body.len()));
        shown.field("covers", covers).field("denied", denied).finish()
    }
}

impl Item {
    /// An item of which all that its surface promises was asked for, and may be read.
    #[must_use]
    pub fn new(surface: SurfaceName, says: Says, body: Bytes) -> Self {
        Self { surface, says, body, covers: None, denied: Arc::default() }
    }

    /// The same item, of which only `paths` were asked for.
    #[must_use]
    pub fn covering(mut self, paths: impl Into<Arc<[Path]>>) -> Self {
        self.covers = Some(paths.into());
        self
    }

    /// The same item, of which `paths` may not be read.
    #[must_use]
    pub fn denying(mut self, paths: impl Into<Arc<[Path]>>) -> Self {
        self.denied = paths.into();
        self
    }
}

/// What kind of thing an item is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Says {
    /// The body holds a record, or the attributes of it that changed: id, token and fields are decoded from it.
    Record,
    /// The record of this id was deleted. The token, if there is one, is decoded from the body.
    Deleted {
        /// The native id.
        id: Text,
    },
    /// Records were merged into another.
    Merged {
        /// The id that lives on.
        survivor: Text,
        /// The ids that lead to it.
        losers: Vec<Text>,
    },
    /// Something happened to the record of this id: read it.
    Hint {
        /// The native id.
        id: Text,
    },
}

/// One page of a poll, stream or scan.
#[derive(Debug, Clone)]
pub struct Page {
    /// What it carries.
    pub items: Vec<Item>,
    /// Where to go on.
    pub next: Option<Cursor>,
    /// Whether there is more now: behind `next`, which then is another position than the one that was read. A scan is
    /// complete when its last page says no.
    pub more: bool,
}

/// Names a record within a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The native type.
    pub object: ObjectType,
    /// The native id; for a probe, the create key.
    pub id: Text,
    /// Whether `id` is a create key rather than a native id.
    pub by_create_key: bool,
}

/// The answer to the read of one record.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadAnswer {
    /// The record, in the shape of the named surface. If the decoded id is not the one asked for, the records were merged:
    /// believed of a surface that promises anything but [`Merges::NeverTold`](crate::surface::Merges::NeverTold).
    Found(Item),
    /// The system has no such record.
    Gone,
    /// This record cannot be read now; the others could.
    Failed(ConnectorError),
}

impl Cursor {
    /// What a connector says of a cursor that it cannot have given.
    #[must_use]
    pub fn foreign() -> ConnectorError {
        ConnectorError::new(ConnectorErrorKind::Malformed, "the cursor is not one that this surface gave")
    }
}

/// One write to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The native type.
    pub object: ObjectType,
    /// What to do.
    pub action: WriteAction,
    /// The leaves to write, by path in the documented record shape, ordered.
    pub changes: Vec<(Path, Native)>,
    /// The leaves that those paths are expected to hold now, where the plan knows them: in the spelling in which we would
    /// write them. A system that spells them otherwise is compared by `expect_token`, or by values read as the mapping
    /// reads them; to the letter they may differ.
    pub expect: Vec<(Path, Native)>,
    /// The ordering token of the record's last full observation: for systems with compare-and-set.
    pub expect_token: Option<i64>,
    /// The same for every attempt of one intent, while nothing newer is heard of the record.
    pub idempotency_key: Digest,
}

impl Write {
    /// Whether only the version says that nobody came in between: one is expected, and no values are. An archive is such a
    /// write; a record of another version is then no longer as expected.
    #[must_use]
    pub const fn rests_on_version(&self) -> bool {
        self.expect_token.is_some() && self.expect.is_empty()
    }

    /// Whether a record is as the write expects it: of the version that is expected, or else with the values that are. Where
    /// only a version is expected, another is not made good by values. `token` is what the record has now, `same` whether it
    /// holds a value at a path.
    #[must_use]
    pub fn holds(&self, token: Option<i64>, same: impl FnMut(&Path, &Native) -> bool) -> bool {
        let mut same = same;
        let same_version = self.expect_token.is_some() && token == self.expect_token;
        same_version || (!self.rests_on_version() && self.expect.iter().all(|(path, native)| same(path, native)))
    }
}

/// What a write does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteAction {
    /// Creates a record under a key that is unique per entity and generation.
    Create {
        /// The key: to be stored with the record, or used as its external id, where the system can.
        key: Text,
    },
    /// Changes the record of this id.
    Update {
        /// The native id.
        id: Text,
    },
    /// Archives the record of this id.
    Archive {
        /// The native id.
        id: Text,
    },
}

/// What a system answered to one write.
#[derive(Debug, Clone)]
pub struct WriteReceipt {
    /// The outcome.
    pub outcome: Outcome,
    /// The record as the write's own answer carried it, if it carried every field.
    pub record: Option<Item>,
    /// The ordering token that the write gave the record.
    pub token: Option<i64>,
}

impl From<Outcome> for WriteReceipt {
    /// An outcome, and nothing of the record.
    fn from(outcome: Outcome) -> Self {
        Self { outcome, record: None, token: None }
    }
}

/// The outcome of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Done. The id is that of the record written or created.
    Applied {
        /// The native id.
        id: Text,
    },
    /// The record was no longer as expected. Nothing was written.
    Stale,
    /// The system refuses the values. Trying again would not help.
    Refused {
        /// Why, without values.
        reason: Text,
    },
    /// Not sent, or not accepted, for now.
    Deferred {
        /// How long the system asks us to wait.
        after: Option<TimeDelta>,
    },
    /// Sent, and no answer came. It may have happened.
    Unknown,
}

/// How far a create can be made safe against double effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CreateSafety {
    /// The system enforces our key: a second create under it has no effect.
    RemoteKey,
    /// After this long no old request can still be under way, and a look-up then sees every create.
    DrainThenConsistentLookup {
        /// Seconds.
        drain_seconds: u32,
    },
    /// Neither: duplicates are found by the next complete scan and merged.
    DetectAndMerge,
}

/// A call to a system that could not be completed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct ConnectorError {
    /// What went wrong, in terms that a caller can act on.
    pub kind: ConnectorErrorKind,
    /// Whether waiting can help.
    pub retry: Retry,
    /// What was being done. Never a payload, never a secret.
    pub message: String,
}

impl ConnectorError {
    /// An error of a kind that waiting does not mend.
    #[must_use]
    pub fn new(kind: ConnectorErrorKind, message: impl Into<String>) -> Self {
        Self { kind, retry: Retry::Never, message: message.into() }
    }

    /// Says whether waiting can help.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

/// As people read it.
impl Serialize for ConnectorError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorErrorKind {
    /// Credentials or a signature were missing, expired or refused.
    #[error("denied")]
    Denied,
    /// The system sent what its own schema does not allow.
    #[error("malformed")]
    Malformed,
    /// The system is throttling us.
    #[error("throttled")]
    Throttled,
    /// The system or the network was not there.
    #[error("unavailable")]
    Unavailable,
    /// The connector has no such surface or object type.
    #[error("unsupported")]
    Unsupported,
    /// The cursor leads nowhere any more: what it stood in is gone. A scan is begun anew.
    #[error("expired")]
    Expired,
    /// The connector does not keep its contract: too few answers, pages without end. The engine says so, no connector.
    #[error("the contract is broken")]
    Contract,
}

/// Whether trying again can help. [`Tenant::step`](crate::engine::Tenant::step) says by it when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// The same call would fail the same way. It is tried again after an hour, since what is known of records must not
    /// end with an error, and as soon as a new hint comes.
    Never,
    /// Back off: after a minute, then twice as long each time, up to an hour.
    Backoff,
    /// The system named a delay.
    After(TimeDelta),
}
