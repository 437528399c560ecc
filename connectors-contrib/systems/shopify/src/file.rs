//! The file of a bulk operation: fetched piece by piece, since it is as long as the shop is large, and read by nodes.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Retry};
use accordant_http::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_RANGE, RANGE};

use crate::connector::Shopify;
use crate::node::Fields;
use crate::wire::malformed;

/// A piece of a file.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// The operation whose file it is of.
    operation: String,
    /// Where it begins in the file.
    begins: usize,
    bytes: Bytes,
    /// Whether the file ends with it.
    is_last: bool,
}

/// A node, what belongs to it, and where in the file what is behind it begins: `None` at the end of the file.
pub(crate) struct Node {
    pub(crate) fields: Fields,
    pub(crate) below: Vec<Fields>,
    pub(crate) lines: usize,
    pub(crate) behind: Option<usize>,
}

impl Piece {
    /// A file without anything in it.
    pub(crate) fn nothing(operation: &str) -> Self {
        Self { operation: operation.to_owned(), begins: 0, bytes: Bytes::new(), is_last: true }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether it has the file of an operation from a place on, and the byte before, which ends a line.
    pub(crate) fn holds(&self, operation: &str, from: usize) -> bool {
        let behind = from.checked_sub(self.begins);
        self.operation == operation && behind.is_some_and(|at| at < self.bytes.len()) && (from == 0 || behind > Some(0))
    }

    /// Whether a line begins at a place of the file, or the file has nothing in it.
    pub(crate) fn begins_a_line(&self, at: usize) -> bool {
        let before = at.checked_sub(self.begins).and_then(|at| at.checked_sub(1));
        at == 0 || before.and_then(|before| self.bytes.get(before)) == Some(&b'\n')
    }

    /// The node whose line begins at a place of the file, with the lines of what is below it where those follow it; `None`: the
    /// piece ends before it is known to be whole.
    pub(crate) fn node(&self, at: usize, with_below: bool) -> Result<Option<Node>, ConnectorError> {
        let Some((fields, mut end)) = self.line(at)? else { return Ok(None) };
        let (mut below, mut lines) = (Vec::new(), 1);
        loop {
            if end - self.begins >= self.bytes.len() {
                let whole = || Node { fields, below, lines, behind: None };
                return Ok(self.is_last.then(whole));
            }
            if !with_below {
                break;
            }
            match self.line(end)? {
                None => return Ok(None),
                Some((line, behind)) if is_below(&line) => {
                    below.push(line);
                    (end, lines) = (behind, lines + 1);
                }
                Some(_) => break,
            }
        }
        Ok(Some(Node { fields, below, lines, behind: Some(end) }))
    }

    /// The line that begins at a place of the file, and where the next begins; `None`: the piece ends within it.
    fn line(&self, at: usize) -> Result<Option<(Fields, usize)>, ConnectorError> {
        let rest = at.checked_sub(self.begins).and_then(|at| self.bytes.get(at..)).unwrap_or_default();
        let length = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if self.is_last => rest.len(),
            None => return Ok(None),
        };
        let line = rest.get(..length).unwrap_or_default();
        let fields = serde_json::from_slice(line).map_err(|_| malformed("a line of a file"))?;
        Ok(Some((fields, at + length)))
    }
}

/// Whether a line is of something below a node.
pub(crate) fn is_below(line: &Fields) -> bool {
    line.contains_key("__parentId")
}

impl Shopify {
    /// Fetches a piece of an operation's file: so many bytes at the most, from the byte before a place on. Whoever keeps files
    /// and knows no ranges sends all of it.
    pub(crate) async fn fetch(
        &self,
        operation: &str,
        url: &str,
        from: usize,
        length: usize,
    ) -> Result<Piece, ConnectorError> {
        let begins = from.saturating_sub(1);
        let last = begins.saturating_add(length.max(1));
        // The address is signed by itself, and may be anywhere: our token does not go there.
        let request = http::Request::get(url).header(RANGE, format!("bytes={begins}-{last}")).body(Bytes::new());
        let answer = self.transport.send(request.map_err(|_| malformed("the address of a file"))?).await?;
        let operation = operation.to_owned();
        match answer.status() {
            StatusCode::OK => Ok(Piece { operation, begins: 0, bytes: answer.into_body(), is_last: true }),
            StatusCode::PARTIAL_CONTENT => {
                let (sent, whole) = range(&answer).ok_or_else(|| malformed("which part of a file came"))?;
                let bytes = answer.into_body();
                let end = begins.saturating_add(bytes.len());
                if sent != begins || bytes.is_empty() || end > whole {
                    return Err(malformed("another part of a file than was asked for"));
                }
                Ok(Piece { operation, begins, bytes, is_last: end == whole })
            }
            status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) => Err(later(status)),
            status if status.is_client_error() => Err(expired("the result of the bulk operation is no longer there")),
            status => Err(later(status)),
        }
    }
}

fn later(status: StatusCode) -> ConnectorError {
    let told = format!("the result of the bulk operation: {status}");
    ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff)
}

/// What a scan stood in is gone: it is begun anew.
pub(crate) fn expired(told: &str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Expired, told).retry(Retry::Backoff)
}

/// Where what was sent begins, and how long the whole is: `Content-Range: bytes 0-99/1234` (RFC 9110, 14.4).
fn range(answer: &Response) -> Option<(usize, usize)> {
    let said = answer.headers().get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (part, whole) = said.split_once('/')?;
    Some((part.split_once('-')?.0.parse().ok()?, whole.parse().ok()?))
}
