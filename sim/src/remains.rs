//! What remains of who was erased: nothing, in any row, payload or letter that is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant::store::{Store as _, Table};
use accordant::{Error, Tenant};

use crate::oracle::spelled;
use crate::scene::Scene;

/// Judges what is stored of a tenant at the end: keys and values of rows, what is left of payloads, bytes of letters.
///
/// # Errors
///
/// If the store fails.
pub async fn judge(tenant: &Tenant, scene: &Arc<Scene>) -> Result<(), Error> {
    if !scene.lock().oracle.has_erased() {
        return Ok(());
    }
    let accuse = |place: String, text: &str| {
        let mut inner = scene.lock();
        if let Some(told) = inner.oracle.told_of_gone(text).map(ToOwned::to_owned) {
            inner.oracle.accuse(format!("{told} is kept in {place}, of whom was erased"));
        }
    };
    // A record that was heard of in part only, and said nothing of whom it is about: nobody can know that it is theirs.
    let mut nameless = BTreeSet::new();
    for table in Table::ALL {
        for row in scene.image.scan(tenant.id(), table, "", None, usize::MAX).await.unwrap_or_default() {
            let text = format!("{} {}", row.key, String::from_utf8_lossy(&row.value));
            if table == Table::Representation && !spelled(&text).any(is_key) {
                nameless.insert(row.key.replace('\u{1f}', "/"));
                continue;
            }
            accuse(format!("the table {}", table.name()), &text);
        }
    }
    for (entry, payload) in scene.image.journal(tenant.id(), 0, usize::MAX).await.unwrap_or_default() {
        if nameless.contains(&*entry.subject) {
            continue;
        }
        let payload = payload.map(|payload| String::from_utf8_lossy(&payload.bytes).into_owned());
        accuse(format!("an entry `{}`", entry.kind), &format!("{} {}", entry.subject, payload.unwrap_or_default()));
    }
    for (_, letter) in tenant.dead_letters().await? {
        accuse("a dead letter".to_owned(), &String::from_utf8_lossy(&letter.bytes()));
    }
    Ok(())
}

/// Whether a word says whom a record is about.
fn is_key(spelled: &str) -> bool {
    spelled.strip_prefix('k').is_some_and(|number| number.parse::<usize>().is_ok())
}
