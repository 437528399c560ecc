//! Scans: a bulk operation over everything, and its file, line by line.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Page, Retry};
use accordant::surface::Surface;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::connector::Shopify;
use crate::settings::Object;
use crate::wire::{UserError, malformed};
use crate::{document, node};

/// How many lines make a page.
const LINES: usize = 500;
/// How often an operation that ended without a file is begun anew.
const ATTEMPTS: u32 = 3;

/// Where a scan stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Position {
    /// The operation runs. Looked at so often, of so many that were begun.
    Wait { id: String, looks: u64, attempt: u32 },
    /// Its file is read, from this line on.
    Read { id: String, line: usize },
}

impl Position {
    fn cursor(&self) -> Cursor {
        Cursor(match self {
            Self::Wait { id, looks, attempt } => format!("wait {looks} {attempt} {id}"),
            Self::Read { id, line } => format!("read {line} {id}"),
        })
    }

    fn parse(cursor: &Cursor) -> Option<Self> {
        let words: Vec<&str> = cursor.0.split(' ').collect();
        match words.as_slice() {
            ["wait", looks, attempt, id] => {
                Some(Self::Wait { id: (*id).to_owned(), looks: looks.parse().ok()?, attempt: attempt.parse().ok()? })
            }
            ["read", line, id] => Some(Self::Read { id: (*id).to_owned(), line: line.parse().ok()? }),
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
struct Operation {
    status: String,
    url: Option<String>,
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
        let position = Position::parse(&after).ok_or_else(|| {
            ConnectorError::new(ConnectorErrorKind::Malformed, "the cursor is not one that this surface gave")
        })?;
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
            Position::Read { id, line } => self.lines(surface, object, &id, line).await,
        }
    }

    async fn again(&self, surface: &Surface, object: &Object, attempt: u32) -> Result<Page, ConnectorError> {
        if attempt < ATTEMPTS {
            return self.begin(surface, object, attempt + 1).await;
        }
        let told = "the bulk operation ended without a file, three times over";
        Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff))
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

    /// Lines of the file, which is fetched once and kept until its end.
    async fn lines(&self, surface: &Surface, object: &Object, id: &str, from: usize) -> Result<Page, ConnectorError> {
        let file = self.file(id).await?;
        let text = std::str::from_utf8(&file).map_err(|_| malformed("a file that is no text"))?;
        let mut lines = text.lines().skip(from).peekable();
        let (mut items, mut read) = (Vec::new(), 0);
        while let Some(line) = lines.next_if(|_| read < LINES) {
            let node = parsed(line)?;
            read += 1;
            if object.is_level() {
                // Levels lie below items, which are none of ours.
                if is_below(line) {
                    items.push(node::assembled(surface.name.clone(), object, node, &[])?);
                }
                continue;
            }
            // A node and its elements are never in two pages.
            let mut below = Vec::new();
            while let Some(line) = lines.next_if(|line| is_below(line)) {
                below.push(parsed(line)?);
                read += 1;
            }
            items.push(node::assembled(surface.name.clone(), object, node, &below)?);
        }
        if lines.peek().is_none() {
            self.file.lock().await.take();
            return Ok(Page { items, next: None, more: false });
        }
        let next = Position::Read { id: id.to_owned(), line: from + read };
        Ok(Page { items, next: Some(next.cursor()), more: true })
    }

    async fn file(&self, id: &str) -> Result<Bytes, ConnectorError> {
        let mut kept = self.file.lock().await;
        if let Some((_, file)) = kept.as_ref().filter(|(of, _)| of == id) {
            return Ok(file.clone());
        }
        let gone = || {
            let told = "the result of the bulk operation is no longer there: scan again from the beginning";
            ConnectorError::new(ConnectorErrorKind::Malformed, told)
        };
        // Nothing found, no file.
        let Some(url) = self.look(id).await?.ok_or_else(gone)?.url else { return Ok(Bytes::new()) };
        let request = http::Request::get(&url).body(Bytes::new()).map_err(|_| malformed("the address of a file"))?;
        // The address is signed by itself, and may be anywhere: our token does not go there.
        let answer = self.transport.send(request).await?;
        if answer.status() != StatusCode::OK {
            let told = format!("the result of the bulk operation: {}", answer.status());
            return Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff));
        }
        let file = answer.into_body();
        *kept = Some((id.to_owned(), file.clone()));
        Ok(file)
    }
}

/// Whether a line is of something below a node.
fn is_below(line: &str) -> bool {
    #[derive(Deserialize)]
    struct Below {
        #[serde(rename = "__parentId")]
        parent: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str(line).is_ok_and(|below: Below| below.parent.is_some())
}

fn parsed(line: &str) -> Result<&RawValue, ConnectorError> {
    serde_json::from_str(line).map_err(|_| malformed("a line of a file"))
}

fn empty(position: &Position) -> Page {
    Page { items: Vec::new(), next: Some(position.cursor()), more: true }
}
