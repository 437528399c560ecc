//! The connector: what the engine asks for, in the words of the system.

use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Outcome, Page, ReadAnswer,
    RecordKey, Retry, Says, Verified, Write, WriteAction, WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::model::Path;
use accordant::stamp::Domain;
use accordant::surface::{Channel, Deletes, EventSemantics, Order, Surface, SurfaceShape, TokenFormat};
use accordant::value::Native;
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::api::{Api, Contact, Failure};

/// A system of contacts. The documented shape of a record is an object of `id`, `version` and its fields.
#[derive(Debug)]
pub struct Contacts<A> {
    api: A,
    page: usize,
    surfaces: Vec<Surface>,
}

impl<A: Api> Contacts<A> {
    /// A connector to the system behind `api`.
    #[must_use]
    pub fn new(api: A) -> Self {
        Self::with_pages_of(api, 100)
    }

    /// The same with pages of so many records, at least one.
    #[must_use]
    pub fn with_pages_of(api: A, page: usize) -> Self {
        let surface = |name: &str, channel, deletes| Surface {
            name: name.into(),
            object: "contacts".into(),
            channel,
            // Whole records, as they are when we ask, in the order of their versions.
            semantics: EventSemantics::snapshot(Order::By(Domain::Version), deletes),
            shape: SurfaceShape {
                id: "id".into(),
                token: "version".into(),
                token_format: TokenFormat::Integer,
                ..SurfaceShape::default()
            },
        };
        let scan = surface("contacts.scan", Channel::Scan, Deletes::Absence);
        let read = surface("contacts.read", Channel::Read, Deletes::NeverTold);
        Self { api, page: page.max(1), surfaces: vec![scan, read] }
    }

    async fn read_one(&self, key: &RecordKey) -> ReadAnswer {
        if key.object.as_str() != "contacts" {
            return ReadAnswer::Failed(unsupported());
        }
        let found = if key.by_create_key {
            self.api.find(&key.id).await
        } else {
            match key.id.parse() {
                Ok(id) => self.api.get(id).await,
                // What cannot be an id of the system is that of no record.
                Err(_) => Ok(None),
            }
        };
        match found {
            Ok(Some(contact)) => ReadAnswer::Found(item("contacts.read", &contact)),
            Ok(None) => ReadAnswer::Gone,
            Err(failure) => ReadAnswer::Failed(unread(&failure)),
        }
    }

    async fn write_one(&self, write: &Write) -> WriteReceipt {
        if write.object.as_str() != "contacts" {
            return WriteReceipt::from(Outcome::Refused { reason: "no such object type".into() });
        }
        let fields = match fields(write) {
            Ok(fields) => fields,
            Err(reason) => return WriteReceipt::from(Outcome::Refused { reason: reason.into() }),
        };
        let (id, deletes) = match &write.action {
            WriteAction::Create { key } => return receipt(self.api.create(key, fields).await),
            WriteAction::Update { id } => (id, false),
            WriteAction::Archive { id } => (id, true),
            _ => {
                return WriteReceipt::from(Outcome::Refused {
                    reason: "an action that this connector does not know".into(),
                });
            }
        };
        // The record as it is. What the plan expects is either its version, or else its values; the system then checks
        // that nobody writes between our look and our write.
        let Ok(number) = id.parse() else { return WriteReceipt::from(Outcome::Stale) };
        let held = match self.api.get(number).await {
            Ok(Some(contact)) => contact,
            Ok(None) => return WriteReceipt::from(Outcome::Stale),
            // Nothing of the write was sent yet.
            Err(_) => return WriteReceipt::from(Outcome::Deferred { after: None }),
        };
        if !expected(&held, write) {
            return WriteReceipt::from(Outcome::Stale);
        }
        if deletes {
            let outcome = match self.api.delete(held.id, held.version).await {
                Ok(()) => Outcome::Applied { id: id.clone() },
                Err(failure) => unwritten(failure),
            };
            return WriteReceipt::from(outcome);
        }
        receipt(self.api.update(held.id, held.version, fields).await)
    }
}

#[async_trait]
impl<A: Api> Connector for Contacts<A> {
    fn system(&self) -> &str {
        "contacts"
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// The system keeps our key, and makes one record of it. If yours does not, say so here.
    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Denied, "contacts sends no webhooks"))
    }

    async fn read_page(&self, name: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        if name.as_str() != "contacts.scan" {
            return Err(unsupported());
        }
        let behind = match &after {
            None => 0,
            Some(Cursor(id)) => id.parse().map_err(|_| Cursor::foreign())?,
        };
        let found = self.api.list(behind, self.page).await.map_err(|failure| unread(&failure))?;
        // The empty page is the last: a system may give fewer than it is asked for.
        let next = found.last().map(|last| Cursor(last.id.to_string()));
        let items = found.iter().map(|contact| item("contacts.scan", contact)).collect();
        Ok(Page { items, more: next.is_some(), next })
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let mut answers = Vec::with_capacity(keys.len());
        for key in keys {
            answers.push(self.read_one(key).await);
        }
        Ok(answers)
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let mut receipts = Vec::with_capacity(writes.len());
        for write in &writes {
            receipts.push(self.write_one(write).await);
        }
        Ok(receipts)
    }
}

fn unsupported() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Unsupported, "contacts: no such surface or object type")
}

fn unread(failure: &Failure) -> ConnectorError {
    match failure {
        Failure::NotDone | Failure::NoAnswer => {
            ConnectorError::new(ConnectorErrorKind::Unavailable, "contacts does not answer").retry(Retry::Backoff)
        }
        Failure::Moved | Failure::Refused(_) => {
            ConnectorError::new(ConnectorErrorKind::Malformed, "contacts refuses the question")
        }
    }
}

/// A failure of a write, as it is: what may have happened is never told as what did not.
fn unwritten(failure: Failure) -> Outcome {
    match failure {
        Failure::NotDone => Outcome::Deferred { after: None },
        Failure::NoAnswer => Outcome::Unknown,
        Failure::Moved => Outcome::Stale,
        Failure::Refused(reason) => Outcome::Refused { reason: reason.into() },
    }
}

/// A contact in the documented shape.
fn item(surface: &str, contact: &Contact) -> Item {
    let mut record = contact.fields.clone();
    record.insert("id".into(), contact.id.into());
    record.insert("version".into(), contact.version.into());
    Item::new(surface.into(), Says::Record, Bytes::from(Value::Object(record).to_string()))
}

fn receipt(written: Result<Contact, Failure>) -> WriteReceipt {
    match written {
        Ok(contact) => WriteReceipt {
            outcome: Outcome::Applied { id: contact.id.to_string().into() },
            // The answer carries the whole record: it is not read once more.
            record: Some(item("contacts.read", &contact)),
            token: Some(contact.version),
        },
        Err(failure) => WriteReceipt::from(unwritten(failure)),
    }
}

/// What a write changes, by field. The system has no nested fields and no lists.
fn fields(write: &Write) -> Result<Map<String, Value>, String> {
    let field = |(path, native): &(Path, Native)| {
        let [name] = path.keys() else { return Err(format!("{path} is no field of contacts")) };
        Ok((name.to_string(), leaf(native).ok_or_else(|| format!("{path}: contacts takes no such value"))?))
    };
    write.changes.iter().map(field).collect()
}

fn leaf(native: &Native) -> Option<Value> {
    match native {
        Native::Null => Some(Value::Null),
        Native::Bool(value) => Some(json!(value)),
        // As text, so that no digit is lost.
        Native::Text(text) | Native::Number(text) => Some(json!(text.as_str())),
        Native::List(_) | Native::Elements(_) => None,
    }
}

/// Whether a contact is as a write expects it: of the version, or else with the values. Where no values are expected, only the
/// version can say.
fn expected(held: &Contact, write: &Write) -> bool {
    write.holds(Some(held.version), |path, native| {
        let [name] = path.keys() else { return false };
        leaf(native).is_some_and(|leaf| held.fields.get(name.as_str()).unwrap_or(&Value::Null) == &leaf)
    })
}
