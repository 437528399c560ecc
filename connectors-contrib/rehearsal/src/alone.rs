//! A connector alone: pages to their end, and writes of texts.

use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::{Connector, Cursor, Item, RecordKey, Write, WriteAction};
use accordant::fingerprint::Digest;
use accordant::id::SurfaceName;
use accordant::model::Path;
use accordant::value::Native;
use accordant_http::Sleep;
use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::Value;

/// Whoever waits at a limit moves the clock.
#[derive(Debug, Clone)]
pub struct Asleep(pub Arc<ManualClock>);

#[async_trait]
impl Sleep for Asleep {
    async fn sleep(&self, time: TimeDelta) {
        self.0.advance(time);
    }
}

/// Reads pages until there are no more; the items, and where to go on.
pub async fn walk(connector: &dyn Connector, surface: &str, mut after: Option<Cursor>) -> (Vec<Item>, Option<Cursor>) {
    let mut items = Vec::new();
    for _ in 0..1_000 {
        let page = connector.read_page(&SurfaceName::from(surface), after.clone()).await.unwrap();
        items.extend(page.items);
        assert!(!page.more || page.next != after, "a page that leads nowhere");
        after = page.next.or(after);
        if !page.more {
            return (items, after);
        }
    }
    panic!("pages without end");
}

/// What an item says.
#[must_use]
pub fn json(item: &Item) -> Value {
    serde_json::from_slice(&item.body).unwrap()
}

/// A record by its id.
#[must_use]
pub fn key(object: &str, id: &str) -> RecordKey {
    RecordKey { object: object.into(), id: id.into(), by_create_key: false }
}

/// A write of texts to paths; the empty text clears. `number` tells it from other writes.
pub fn write<P: AsRef<str>>(
    object: &str,
    number: u8,
    action: WriteAction,
    changes: impl IntoIterator<Item = (P, impl AsRef<str>)>,
) -> Write {
    let leaf = |(path, value): (P, _)| {
        let value = AsRef::<str>::as_ref(&value);
        let value = if value.is_empty() { Native::Null } else { Native::Text(value.into()) };
        (Path::new(path.as_ref()), value)
    };
    Write {
        object: object.into(),
        action,
        changes: changes.into_iter().map(leaf).collect(),
        expect: Vec::new(),
        expect_token: None,
        idempotency_key: Digest([number; 32]),
    }
}
