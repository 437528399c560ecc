//! The connector of a worker: asks the systems over loopback.

use std::sync::Arc;
use std::time::Duration;

use accordant::ManualClock;
use accordant::bytes::Bytes;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Outcome, Page, ReadAnswer,
    RecordKey, Retry, Says, Verified, Write, WriteAction, WriteReceipt,
};
use accordant::http;
use accordant::id::SurfaceName;
use accordant::model::EntityModel;
use accordant::surface::Surface;
use accordant::testing::FakeSystem;
use accordant::value::Native;
use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::systems::{Answer, Request, Shown, Target, Wish, body};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// A system that another process is.
pub(crate) struct Remote {
    name: String,
    object: String,
    surfaces: Vec<Surface>,
    port: u16,
    connection: Arc<Mutex<Option<BufReader<TcpStream>>>>,
}

impl Remote {
    pub(crate) fn new(name: &str, object: &str, model: &EntityModel, port: u16) -> Self {
        let clock = Arc::new(ManualClock::at(Default::default()));
        let surfaces = FakeSystem::new(name, std::slice::from_ref(model), &clock).surfaces().to_vec();
        Self { name: name.to_owned(), object: object.to_owned(), surfaces, port, connection: Arc::default() }
    }

    fn item(&self, surface: &str, shown: &Shown) -> Item {
        let says = match &shown.record {
            Some(_) => Says::Record,
            None => Says::Deleted { id: shown.id.as_str().into() },
        };
        Item::new(SurfaceName::new(&format!("{}/{surface}", self.object)), says, Bytes::from(body(shown)))
    }

    async fn ask(&self, request: &Request) -> Result<Answer, ConnectorError> {
        let asked = tokio::time::timeout(PATIENCE, self.ask_once(request)).await;
        match asked {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => {
                let away = ConnectorError::new(ConnectorErrorKind::Unavailable, "the system does not answer");
                Err(away.retry(Retry::After(chrono::TimeDelta::seconds(1))))
            }
        }
    }

    async fn ask_once(&self, request: &Request) -> std::io::Result<Answer> {
        let mut held = self.connection.lock().await;
        // Taken out, so that a call that is dropped in the middle leaves no answer for the next one.
        let mut connection = match held.take() {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).await?),
        };
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        connection.get_mut().write_all(&line).await?;
        let mut answer = String::new();
        connection.read_line(&mut answer).await?;
        let answer = serde_json::from_str(&answer)?;
        *held = Some(connection);
        Ok(answer)
    }
}

fn json_of(native: &Native) -> Value {
    match native {
        Native::Bool(value) => Value::Bool(*value),
        Native::Text(text) | Native::Number(text) => Value::String(text.to_string()),
        Native::Null | Native::List(_) | Native::Elements(_) => Value::Null,
    }
}

fn otherwise() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Contract, "the answer is to another question")
}

#[async_trait]
impl Connector for Remote {
    fn system(&self) -> &str {
        &self.name
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let shown: Shown = serde_json::from_slice(delivery.body())
            .map_err(|_| ConnectorError::new(ConnectorErrorKind::Malformed, "it is no record"))?;
        let id = format!("{}/{}", shown.id, shown.modified);
        Ok(Verified {
            items: vec![self.item("webhooks", &shown)],
            delivery_id: Some(id.into()),
            reply: http::Response::new(Bytes::new()),
        })
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let after = after.map(|cursor| cursor.0).unwrap_or_default();
        let system = self.name.clone();
        let kind = surface.as_str().rsplit('/').next().unwrap_or_default();
        let request = match kind {
            "changes" => Request::Changes { system, after: after.parse().unwrap_or(0) },
            _ => Request::Living { system, after },
        };
        let Answer::Page { records, next, more } = self.ask(&request).await? else { return Err(otherwise()) };
        let items = records.iter().map(|shown| self.item(kind, shown)).collect();
        Ok(Page { items, next: Some(Cursor(next)), more })
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let keys = keys.iter().map(|key| (key.id.to_string(), key.by_create_key)).collect();
        let Answer::Records(records) = self.ask(&Request::Read { system: self.name.clone(), keys }).await? else {
            return Err(otherwise());
        };
        let answer =
            |shown: Option<Shown>| shown.map_or(ReadAnswer::Gone, |shown| ReadAnswer::Found(self.item("read", &shown)));
        Ok(records.into_iter().map(answer).collect())
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let unknown = || WriteReceipt { outcome: Outcome::Unknown, record: None, token: None };
        let mut wishes = Vec::with_capacity(writes.len());
        for write in &writes {
            let target = match &write.action {
                WriteAction::Create { key } => Target::Create(key.to_string()),
                WriteAction::Update { id } => Target::Update(id.to_string()),
                WriteAction::Archive { id } => Target::Archive(id.to_string()),
                _ => return Err(otherwise()),
            };
            let named = |of: &[(accordant::model::Path, Native)]| -> Map<String, Value> {
                of.iter().map(|(path, native)| (path.to_string(), json_of(native))).collect()
            };
            let (changes, expect) = (named(&write.changes), named(&write.expect));
            wishes.push(Wish { target, changes, expect, expect_token: write.expect_token });
        }
        let answer = self.ask(&Request::Write { system: self.name.clone(), writes: wishes }).await;
        // An answer that is not heard says nothing of what was done.
        let Ok(Answer::Written(written)) = answer else { return Ok(writes.iter().map(|_| unknown()).collect()) };
        let receipt = |shown: Option<Shown>| match shown {
            None => WriteReceipt { outcome: Outcome::Stale, record: None, token: None },
            Some(shown) => WriteReceipt {
                outcome: Outcome::Applied { id: shown.id.as_str().into() },
                record: shown.record.is_some().then(|| self.item("read", &shown)),
                token: Some(shown.modified),
            },
        };
        Ok(written.into_iter().map(receipt).collect())
    }
}
