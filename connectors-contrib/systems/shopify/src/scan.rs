//! Scans: a bulk operation over everything, and its file, line by line.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Page, Retry};
use accordant::surface::Surface;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::connector::Shopify;
use crate::document;
use crate::node::Fields;
use crate::settings::Object;
use crate::wire::{UserError, malformed};

/// How many lines make a page.
const LINES: usize = 500;
/// How often an operation that ended without a file is begun anew.
const ATTEMPTS: u32 = 3;

/// Where a scan stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Position {
    /// The operation runs. Looked at so often, of so many that were begun.
    Wait { id: String, looks: u64, attempt: u32 },
    /// Its file is read, from the line on that begins at this byte.
    Read { id: String, at: usize },
}

impl Position {
    fn cursor(&self) -> Cursor {
        Cursor(match self {
            Self::Wait { id, looks, attempt } => format!("wait {looks} {attempt} {id}"),
            Self::Read { id, at } => format!("from {at} {id}"),
        })
    }

    fn parse(cursor: &Cursor) -> Option<Self> {
        let words: Vec<&str> = cursor.0.split(' ').collect();
        match words.as_slice() {
            ["wait", looks, attempt, id] => {
                Some(Self::Wait { id: (*id).to_owned(), looks: looks.parse().ok()?, attempt: attempt.parse().ok()? })
            }
            ["from", at, id] => Some(Self::Read { id: (*id).to_owned(), at: at.parse().ok()? }),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Began {
    did: Did,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Did {
    bulk_operation: Option<Named>,
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Looked {
    operation: Option<Operation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    status: String,
    url: Option<String>,
    object_count: Option<String>,
}

impl Operation {
    /// Whether it ended well and found nothing: then it has no file.
    fn found_nothing(&self) -> bool {
        self.status == "COMPLETED" && self.object_count.as_deref() == Some("0")
    }
}

impl Shopify {
    /// A page of everything, or a page without anything while the operation runs.
    pub(crate) async fn scan(
        &self,
        surface: &Surface,
        object: &Object,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let Some(after) = after else { return self.begin(surface, object, 1).await };
        let position = Position::parse(&after).ok_or_else(Cursor::foreign)?;
        match position {
            Position::Wait { id, looks, attempt } => {
                self.sleep.sleep(self.settings.bulk_wait).await;
                let Some(operation) = self.look(&id).await? else { return self.again(surface, object, attempt).await };
                match operation.status.as_str() {
                    "COMPLETED" => self.lines(surface, object, &id, 0).await,
                    "CREATED" | "RUNNING" => Ok(empty(&Position::Wait { id, looks: looks.saturating_add(1), attempt })),
                    _ => self.again(surface, object, attempt).await,
                }
            }
            Position::Read { id, at } => self.lines(surface, object, &id, at).await,
        }
    }

    async fn again(&self, surface: &Surface, object: &Object, attempt: u32) -> Result<Page, ConnectorError> {
        if attempt < ATTEMPTS {
            return self.begin(surface, object, attempt + 1).await;
        }
        Err(expired("the bulk operation ended without a file, three times over"))
    }

    /// Begins an operation. Where one runs already, of ours or of another's, it is for later.
    async fn begin(&self, surface: &Surface, object: &Object, attempt: u32) -> Result<Page, ConnectorError> {
        let query = document::everything(surface.object.as_str(), object);
        let answer =
            self.ask(document::RUN_BULK, &json!({ "query": query, "grouped": object.has_lists() }), 10).await?;
        let began: Began = answer.data("a bulk operation")?;
        match began.did.bulk_operation {
            Some(Named { id }) if began.did.user_errors.is_empty() => {
                Ok(empty(&Position::Wait { id, looks: 0, attempt }))
            }
            _ => {
                let codes: Vec<&str> = began.did.user_errors.iter().filter_map(|error| error.code.as_deref()).collect();
                let told = format!("shopify does not begin a bulk operation: {}", codes.join(", "));
                Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff))
            }
        }
    }

    async fn look(&self, id: &str) -> Result<Option<Operation>, ConnectorError> {
        let answer = self.ask(document::BULK, &json!({ "id": id }), 2).await?;
        let looked: Looked = answer.data("a bulk operation")?;
        Ok(looked.operation)
    }

    /// Lines of the file, which is fetched once and kept until its end. No more of it is looked at than the page.
    async fn lines(&self, surface: &Surface, object: &Object, id: &str, from: usize) -> Result<Page, ConnectorError> {
        let shape = self.shape(surface.object.as_str())?;
        let file = self.file(surface.object.as_str(), id, from).await?;
        let begins = from == 0 || from.checked_sub(1).and_then(|before| file.get(before)) == Some(&b'\n');
        let rest = file.get(from..).filter(|_| begins);
        let mut lines = Lines { rest: rest.ok_or_else(|| expired("the file is another than it was"))?, read: 0 };
        let mut items = Vec::new();
        let mut next = lines.next()?;
        while let Some((_, node)) = next.take_if(|_| lines.read <= LINES) {
            next = lines.next()?;
            if object.is_level() {
                // Levels lie below items, which are none of ours.
                if is_below(&node) {
                    items.push(shape.assembled(surface.name.clone(), node, Vec::new())?);
                }
                continue;
            }
            // A node and its elements are never in two pages.
            let mut below = Vec::new();
            while let Some((_, element)) = next.take_if(|(_, line)| is_below(line)) {
                below.push(element);
                next = lines.next()?;
            }
            items.push(shape.assembled(surface.name.clone(), node, below)?);
        }
        let Some((length, _)) = next else {
            self.files.lock().await.remove(surface.object.as_str());
            return Ok(Page { items, next: None, more: false });
        };
        // The line that was looked at last is the first of the next page.
        let at = file.len().saturating_sub(lines.rest.len()).saturating_sub(length);
        Ok(Page { items, next: Some(Position::Read { id: id.to_owned(), at }.cursor()), more: true })
    }

    async fn file(&self, object: &str, id: &str, from: usize) -> Result<Bytes, ConnectorError> {
        let mut kept = self.files.lock().await;
        if let Some((_, file)) = kept.get(object).filter(|(of, _)| of == id) {
            return Ok(file.clone());
        }
        let gone = || expired("the result of the bulk operation is no longer there");
        let operation = self.look(id).await?.ok_or_else(gone)?;
        if from == 0 && operation.found_nothing() {
            return Ok(Bytes::new());
        }
        let url = operation.url.filter(|_| operation.status == "COMPLETED").ok_or_else(gone)?;
        let request = http::Request::get(&url).body(Bytes::new()).map_err(|_| malformed("the address of a file"))?;
        // The address is signed by itself, and may be anywhere: our token does not go there.
        let answer = self.transport.send(request).await?;
        let status = answer.status();
        if status != StatusCode::OK {
            let waits = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT;
            if status.is_client_error() && !waits {
                return Err(gone());
            }
            let told = format!("the result of the bulk operation: {status}");
            return Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff));
        }
        let file = answer.into_body();
        kept.insert(object.to_owned(), (id.to_owned(), file.clone()));
        Ok(file)
    }
}

/// The lines of what is left of a file, each parsed once.
struct Lines<'f> {
    rest: &'f [u8],
    /// How many were read.
    read: usize,
}

impl Lines<'_> {
    /// The next line and its length, with what ends it.
    fn next(&mut self) -> Result<Option<(usize, Fields)>, ConnectorError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let length = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |end| end + 1);
        let (line, rest) = self.rest.split_at(length);
        let fields = serde_json::from_slice(line).map_err(|_| malformed("a line of a file"))?;
        (self.rest, self.read) = (rest, self.read + 1);
        Ok(Some((length, fields)))
    }
}

/// Whether a line is of something below a node.
fn is_below(line: &Fields) -> bool {
    line.contains_key("__parentId")
}

/// What a scan stood in is gone: it is begun anew.
fn expired(told: &str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Expired, told).retry(Retry::Backoff)
}

fn empty(position: &Position) -> Page {
    Page { items: Vec::new(), next: Some(position.cursor()), more: true }
}
