//! Scans: a bulk operation over everything, and its file, page by page.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Page, Retry};
use accordant::surface::Surface;
use serde::Deserialize;
use serde_json::json;

use crate::connector::Shopify;
use crate::document;
use crate::file::{Piece, expired, is_below};
use crate::settings::Object;
use crate::wire::UserError;

/// How many lines make a page, and with them the lines of the last node.
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

    /// A page of the file's nodes: from the line on that begins at a byte. A node and its elements are never in two pages.
    async fn lines(&self, surface: &Surface, object: &Object, id: &str, from: usize) -> Result<Page, ConnectorError> {
        let shape = self.shape(surface.object.as_str())?;
        let mut length = self.settings.bulk_piece;
        let mut piece = self.piece(surface.object.as_str(), id, from, length).await?;
        if !piece.begins_a_line(from) {
            return Err(expired("the file is another than it was"));
        }
        let (mut items, mut lines, mut at) = (Vec::new(), 0, Some(from).filter(|_| !piece.is_empty()));
        while let Some(place) = at.filter(|_| lines < LINES) {
            let Some(node) = piece.node(place, !object.is_level())? else {
                if lines > 0 {
                    break;
                }
                // More belongs to this node than a piece holds.
                length = length.saturating_mul(2);
                piece = self.fetched(surface.object.as_str(), id, place, length).await?;
                continue;
            };
            (at, lines) = (node.behind, lines + node.lines);
            // Levels lie below items, which are none of ours.
            if !object.is_level() || is_below(&node.fields) {
                items.push(shape.assembled(surface.name.clone(), node.fields, node.below)?);
            }
        }
        let Some(at) = at else {
            self.files.lock().await.remove(surface.object.as_str());
            return Ok(Page { items, next: None, more: false });
        };
        Ok(Page { items, next: Some(Position::Read { id: id.to_owned(), at }.cursor()), more: true })
    }

    /// The piece of an operation's file that was fetched last, if it holds this place; or else another.
    async fn piece(&self, object: &str, id: &str, from: usize, length: usize) -> Result<Piece, ConnectorError> {
        let kept = self.files.lock().await.get(object).filter(|piece| piece.holds(id, from)).cloned();
        match kept {
            Some(piece) => Ok(piece),
            None => self.fetched(object, id, from, length).await,
        }
    }

    async fn fetched(&self, object: &str, id: &str, from: usize, length: usize) -> Result<Piece, ConnectorError> {
        let gone = || expired("the result of the bulk operation is no longer there");
        let operation = self.look(id).await?.ok_or_else(gone)?;
        if from == 0 && operation.found_nothing() {
            return Ok(Piece::nothing(id));
        }
        let url = operation.url.filter(|_| operation.status == "COMPLETED").ok_or_else(gone)?;
        let piece = self.fetch(id, &url, from, length).await?;
        self.files.lock().await.insert(object.to_owned(), piece.clone());
        Ok(piece)
    }
}

fn empty(position: &Position) -> Page {
    Page { items: Vec::new(), next: Some(position.cursor()), more: true }
}
