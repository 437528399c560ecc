//! The connector: pages of files, records out of them, and no writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Outcome, Page, ReadAnswer,
    RecordKey, Retry, Says, Verified, Write, WriteReceipt,
};
use accordant::id::{ObjectType, SurfaceName};
use accordant::schema::ObjectSchema;
use accordant::surface::{Channel, Surface};
use accordant::text::Text;
use async_trait::async_trait;
use bytes::Bytes;

use crate::rows::{Row, Slot, page};
use crate::settings::File;
use crate::{schema, surfaces};

/// Files as a system.
#[derive(Debug)]
pub struct Files {
    system: String,
    files: BTreeMap<String, File>,
    surfaces: Vec<Surface>,
    describes: bool,
    /// By object type: what is open behind the last page.
    open: Mutex<BTreeMap<String, Slot>>,
}

impl Files {
    /// A system, as models name it, of which nothing is known yet.
    #[must_use]
    pub fn new(system: &str) -> Self {
        let (system, files, surfaces) = (system.to_owned(), BTreeMap::new(), Vec::new());
        Self { system, files, surfaces, describes: true, open: Mutex::default() }
    }

    /// A file is this object type. It is opened when it is read.
    #[must_use]
    pub fn file(mut self, object: &str, file: File) -> Self {
        self.files.insert(object.to_owned(), file);
        self.surfaces = self.files.iter().flat_map(|(object, file)| surfaces::of(object, file)).collect();
        self
    }

    /// Whether the engine may ask which columns there are; it may unless said otherwise. An attribute whose column is not what its mapping
    /// expects stands still from the first look on.
    #[must_use]
    pub const fn may_describe(mut self, describes: bool) -> Self {
        self.describes = describes;
        self
    }

    fn unsupported(&self) -> ConnectorError {
        let told = format!("{}: no such surface or object type", self.system);
        ConnectorError::new(ConnectorErrorKind::Unsupported, told)
    }

    /// The rows of these ids, in one pass through the file. Who is not found is gone only if every row could be read.
    fn find(file: &File, ids: &BTreeSet<&str>) -> Result<(BTreeMap<Text, Bytes>, bool), ConnectorError> {
        let (mut found, mut certain) = (BTreeMap::new(), true);
        let mut after: Option<Cursor> = None;
        let mut slot = Slot::default();
        loop {
            let (rows, next) = page(file, after.as_ref(), &mut slot)?;
            for row in &rows.rows {
                match row.id(file) {
                    Some(id) if ids.contains(id.as_str()) => drop(found.insert(id, row.bytes().clone())),
                    Some(_) => {}
                    None => certain = false,
                }
            }
            let Some(next) = next else { return Ok((found, certain)) };
            // Another file than the one that the pass began in.
            let place = |cursor: &Cursor| cursor.0.split('/').next().map(str::to_owned);
            if after.as_ref().is_some_and(|after| place(after) != place(&next)) {
                let told = format!("{} was replaced while it was read", file.path.display());
                return Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff));
            }
            after = Some(next);
        }
    }
}

#[async_trait]
impl Connector for Files {
    fn system(&self) -> &str {
        &self.system
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// Nothing is created here.
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::DetectAndMerge
    }

    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Denied, "files send no webhooks"))
    }

    async fn read_page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let surface = self.surfaces.iter().find(|surface| surface.name == *name && surface.channel == Channel::Scan);
        let surface = surface.ok_or_else(|| self.unsupported())?;
        let file = self.files.get(surface.object.as_str()).ok_or_else(|| self.unsupported())?;
        let open = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever reads at the same time opens the file anew.
        let mut slot = open().remove(surface.object.as_str()).unwrap_or_default();
        let (rows, next) = page(file, after.as_ref(), &mut slot)?;
        open().insert(surface.object.to_string(), slot);
        let item = |row: &Row| Item::new(surface.name.clone(), Says::Record, row.bytes().clone());
        Ok(Page { items: rows.rows.iter().map(item).collect(), more: next.is_some(), next })
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let mut found = BTreeMap::new();
        for (object, file) in &self.files {
            let asked = keys.iter().filter(|key| key.object.as_str() == object && !key.by_create_key);
            let ids: BTreeSet<&str> = asked.map(|key| key.id.as_str()).collect();
            if !ids.is_empty() {
                found.insert(object.as_str(), (file, Self::find(file, &ids)));
            }
        }
        let answer = |key: &RecordKey| match found.get(key.object.as_str()) {
            _ if key.by_create_key => ReadAnswer::Failed(self.unsupported()),
            None => ReadAnswer::Failed(self.unsupported()),
            Some((_, Err(error))) => ReadAnswer::Failed(error.clone()),
            Some((file, Ok((rows, certain)))) => match rows.get(&key.id) {
                Some(row) => {
                    let surface = surfaces::name(key.object.as_str(), Channel::Read);
                    ReadAnswer::Found(Item::new(surface.into(), Says::Record, row.clone()))
                }
                None if *certain => ReadAnswer::Gone,
                None => {
                    let told = format!("{} has a row that cannot be read: it may be this one", file.path.display());
                    let error = ConnectorError::new(ConnectorErrorKind::Malformed, told);
                    ReadAnswer::Failed(error.retry(Retry::Backoff))
                }
            },
        };
        Ok(keys.iter().map(answer).collect())
    }

    fn describes(&self) -> bool {
        self.describes && self.files.values().any(schema::describes)
    }

    /// A file that cannot be described now is left out, as long as another can be: one that is there for an hour a month hides nothing of
    /// those that are always there.
    async fn describe(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        let files = objects.iter().filter_map(|object| self.files.get_key_value(object.as_str()));
        let (mut described, mut failed) = (Vec::new(), None);
        for (object, file) in files {
            match schema::described(object, file) {
                Ok(schema) => described.extend(schema),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) if described.is_empty() => Err(error),
            _ => Ok(described),
        }
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let refused = || Outcome::Refused { reason: "files are only read: map this system `read_only`".into() };
        Ok(writes.iter().map(|_| refused().into()).collect())
    }
}
