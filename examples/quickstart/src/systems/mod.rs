//! Connectors for the three systems of the world. They differ in their surfaces; reading and writing is alike.

mod hubspot;
mod netsuite;
mod shopify;

use accordant::connector::{
    ConnectorError, ConnectorErrorKind, Cursor, Delivery, Item, Outcome, Page, ReadAnswer, RecordKey, Retry, Says,
    Write, WriteAction, WriteReceipt,
};
use accordant::model::Path;
use accordant::surface::{Channel, EventSemantics, Surface, SurfaceShape};
use accordant::text::Text;
use accordant::value::Native;
use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::Value;

pub use hubspot::HubSpot;
pub use netsuite::NetSuite;
pub use shopify::Shopify;

use crate::world::{Author, Remote, SECRET, SECRET_HEADER, Untouched, json};

/// How many records a page carries.
const PAGE: usize = 100;

/// Where a poll stands. Its text is the cursor.
///
/// The pair of time and id never skips rows that share a time; the overlap catches what became visible late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// In the middle of a walk: go on behind this row.
    Walking(i64, u64),
    /// The walk came to its end at this time: the next one begins `lag` before it.
    Resting(i64),
}

impl Position {
    fn parse(cursor: &Cursor) -> Option<Self> {
        match cursor.0.split_once('/') {
            Some((at, id)) => Some(Position::Walking(at.parse().ok()?, id.parse().ok()?)),
            None => Some(Position::Resting(cursor.0.parse().ok()?)),
        }
    }

    fn cursor(self) -> Cursor {
        match self {
            Position::Walking(at, id) => Cursor(format!("{at}/{id}")),
            Position::Resting(at) => Cursor(at.to_string()),
        }
    }
}

/// Reads a page of what changed, oldest first.
fn poll(remote: &Remote, surface: &Surface, after: Option<Cursor>) -> Result<Page, ConnectorError> {
    let position = after.as_ref().map(|cursor| Position::parse(cursor).ok_or_else(bad_cursor)).transpose()?;
    let (behind, rested) = match position {
        Some(Position::Walking(at, id)) => ((at, id), at),
        Some(Position::Resting(at)) => ((at.saturating_sub(surface.semantics.lag.num_milliseconds()), 0), at),
        None => ((i64::MIN, 0), i64::MIN),
    };
    let mut rows = remote.modified_after(surface.object.as_str(), behind, PAGE + 1);
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = match rows.last() {
        Some((at, id, _)) if more => Some(Position::Walking(*at, *id)),
        Some((at, _, _)) => Some(Position::Resting(rested.max(*at))),
        None => position.map(|_| Position::Resting(rested)),
    };
    let items = rows.into_iter().map(|(_, _, record)| item(surface, &record)).collect();
    Ok(Page { items, next: next.map(Position::cursor), more })
}

/// Reads a page of everything: live records first, then archived ones where the system keeps them.
fn scan(
    remote: &Remote,
    surface: &Surface,
    after: Option<Cursor>,
    keeps_archived: bool,
) -> Result<Page, ConnectorError> {
    let (archived, behind) = match &after {
        None => (false, 0),
        Some(cursor) => {
            let (pass, id) = cursor.0.split_once('/').ok_or_else(bad_cursor)?;
            (pass == "archived", id.parse().map_err(|_| bad_cursor())?)
        }
    };
    let mut rows = remote.listed_after(surface.object.as_str(), behind, archived, PAGE + 1);
    let more_here = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = match rows.last() {
        Some((id, _)) if more_here => Some(format!("{}/{id}", if archived { "archived" } else { "live" })),
        _ if keeps_archived && !archived => Some("archived/0".to_owned()),
        _ => None,
    };
    let items = rows.into_iter().map(|(_, record)| item(surface, &record)).collect();
    Ok(Page { items, more: next.is_some(), next: next.map(Cursor) })
}

/// Reads records by id, or by the key that they were created under.
fn read(remote: &Remote, keys: &[RecordKey], surface: impl Fn(&str) -> Option<Surface>) -> Vec<ReadAnswer> {
    let answer = |key: &RecordKey| {
        let Some(surface) = surface(key.object.as_str()) else { return ReadAnswer::Failed(unsupported()) };
        let record = if key.by_create_key {
            remote.record_of_key(key.object.as_str(), &key.id)
        } else {
            key.id.parse().ok().and_then(|id| remote.record(key.object.as_str(), id))
        };
        record.map_or(ReadAnswer::Gone, |record| ReadAnswer::Found(item(&surface, &record)))
    };
    keys.iter().map(answer).collect()
}

/// Carries out one write; `answer` is the surface in whose shape the system answers, if it answers with the record.
fn write(remote: &Remote, write: &Write, answer: Option<&Surface>) -> WriteReceipt {
    let object = write.object.as_str();
    let leaves = |natives: &[(Path, Native)]| -> Vec<(Path, Value)> {
        natives.iter().map(|(path, native)| (path.clone(), json(native))).collect()
    };
    let (Write { action, changes, expect, .. }, set) = (write, leaves(&write.changes));
    let target = match action {
        WriteAction::Create { key } => key,
        WriteAction::Update { id } | WriteAction::Archive { id } => id,
        _ => return receipt(Outcome::Refused { reason: "unknown action".into() }),
    };
    remote.pass(1_000);
    let author = Author::Accordant { intent: write.idempotency_key.to_string(), target: format!("{object}/{target}") };
    let id = target.parse().unwrap_or_default();
    let written = match action {
        WriteAction::Create { key } => remote.create(object, Some(key), &set, &author).map(Ok),
        // An archive names no values: what it expects is the version that was seen.
        WriteAction::Archive { .. }
            if write.expect_token.is_some_and(|token| remote.modified(object, id) != Some(token)) =>
        {
            return receipt(Outcome::Stale);
        }
        WriteAction::Archive { .. } => match remote.delete(object, id, &author) {
            Ok(_) => return receipt(Outcome::Applied { id: target.clone() }),
            Err(error) => Err(error),
        },
        _ if changes.is_empty() => return receipt(Outcome::Refused { reason: "nothing to write".into() }),
        // The token says more than the values, whose spelling is the system's own.
        _ => match write.expect_token {
            Some(token) if remote.modified(object, id) != Some(token) => Ok(Err(Untouched::NotAsExpected)),
            Some(_) => remote.edit_if(object, id, &[], &set, &author),
            None => remote.edit_if(object, id, &leaves(expect), &set, &author),
        },
    };
    let record = match written {
        Ok(Ok(record)) => record,
        Ok(Err(Untouched::NoSuchRecord | Untouched::NotAsExpected)) => return receipt(Outcome::Stale),
        // The disk of the fake is full or gone: a real system would not have answered.
        Err(_) => return receipt(Outcome::Unknown),
    };
    let ways = remote.dialect();
    WriteReceipt {
        outcome: Outcome::Applied { id: ways.id(&record).unwrap_or_default().to_string().into() },
        record: answer.map(|surface| item(surface, &record)),
        token: answer.and_then(|_| ways.modified(&record)),
    }
}

fn receipt(outcome: Outcome) -> WriteReceipt {
    WriteReceipt { outcome, record: None, token: None }
}

/// A record in the shape of a surface.
fn item(surface: &Surface, record: &Value) -> Item {
    Item::new(surface.name.clone(), Says::Record, Bytes::from(record.to_string()))
}

/// Checks the stand-in for a signature.
fn check_sender(delivery: &Delivery) -> Result<(), ConnectorError> {
    let secret = delivery.headers().get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    if secret == Some(SECRET) {
        Ok(())
    } else {
        Err(ConnectorError::new(ConnectorErrorKind::Denied, "the request is not signed"))
    }
}

/// The empty 200 that senders wait for.
fn accepted() -> http::Response<Bytes> {
    http::Response::new(Bytes::new())
}

fn header(delivery: &Delivery, name: &str) -> Option<Text> {
    delivery.headers().get(name)?.to_str().ok().map(Text::from)
}

fn surface(name: &str, object: &str, channel: Channel, semantics: EventSemantics, shape: SurfaceShape) -> Surface {
    Surface { name: name.into(), object: object.into(), channel, semantics, shape }
}

fn find(surfaces: &[Surface], name: &str) -> Result<Surface, ConnectorError> {
    surfaces.iter().find(|surface| surface.name.as_str() == name).cloned().ok_or_else(unsupported)
}

fn unsupported() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Unsupported, "no such surface or object type")
}

fn bad_cursor() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Malformed, "the cursor is not one that this surface gave")
        .retry(Retry::Never)
}

fn malformed(what: &'static str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Malformed, what)
}

const fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}
