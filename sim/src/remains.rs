//! What remains of who was erased, and of card numbers: nothing, in any row, payload or letter that is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant::store::{Store, Table};
use accordant::{Error, Tenant};

use crate::key::Key;
use crate::oracle::spelled;
use crate::scene::{Inner, Scene};
use crate::server::body::CARD;

/// Judges what is stored of a tenant: keys and values of rows, what is left of payloads, bytes of letters. `of` says what store it is, if
/// not the tenant's own.
///
/// # Errors
///
/// If the store fails.
pub async fn judge(tenant: &Tenant, store: &dyn Store, scene: &Arc<Scene>, of: &str) -> Result<(), Error> {
    let (erased, cards) = {
        let inner = scene.lock();
        (inner.oracle.has_erased(), inner.design.house.roles)
    };
    if !erased && !cards {
        return Ok(());
    }
    let unreadable = |row: &str| !is_readable(&scene.lock(), row);
    for (place, text) in texts(tenant, store, &unreadable).await? {
        let mut inner = scene.lock();
        if text.contains(CARD) {
            inner.oracle.accuse(format!("the number of a card is kept in {place}{of}"));
        }
        if let Some(told) = inner.oracle.told_of_gone(&text).map(ToOwned::to_owned) {
            inner.oracle.accuse(format!("{told} is kept in {place}{of}, of whom was erased"));
        }
    }
    Ok(())
}

/// Everything that is stored of a tenant, as text, each with where it stands, but for what nobody can know to be anybody's: what a record
/// said that was heard of in part only and said nothing of whom it is about, if it is so `excused` by the key of its row.
///
/// # Errors
///
/// If the store fails.
pub async fn texts(
    tenant: &Tenant,
    store: &dyn Store,
    excused: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Vec<(String, String)>, Error> {
    let (mut texts, mut nameless) = (Vec::new(), BTreeSet::new());
    for table in Table::ALL {
        for row in store.scan(tenant.id(), table, "", None, usize::MAX).await.unwrap_or_default() {
            let text = format!("{} {}", row.key, String::from_utf8_lossy(&row.value));
            let named = || spelled(&text).any(|spelled| Key::parse(spelled).is_some());
            if table == Table::Representation && !named() && excused(&row.key) {
                nameless.insert(row.key.replace('\u{1f}', "/"));
                continue;
            }
            texts.push((format!("the table {}", table.name()), text));
        }
    }
    for (entry, payload) in store.journal(tenant.id(), 0, usize::MAX).await.unwrap_or_default() {
        if nameless.contains(&*entry.subject) {
            continue;
        }
        let payload = payload.map(|payload| String::from_utf8_lossy(&payload.bytes).into_owned());
        texts
            .push((format!("an entry `{}`", entry.kind), format!("{} {}", entry.subject, payload.unwrap_or_default())));
    }
    for (_, letter) in tenant.dead_letters().await? {
        texts.push(("a dead letter".to_owned(), String::from_utf8_lossy(&letter.bytes()).into_owned()));
    }
    Ok(texts)
}

/// Whether the record of a row can be read: it lives, and no record is there that stops whoever reads.
fn is_readable(inner: &Inner, row: &str) -> bool {
    let mut parts = row.split('\u{1f}');
    let (Some(name), _, Some(id)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let server = inner.servers.iter().find(|server| server.design.name == name);
    let record = server.and_then(|server| server.find(id).map(|place| &server.records[place]));
    inner.oracle.poisoned.is_empty() && record.is_some_and(|record| record.live)
}
