//! Copies of a sealed store that were made before erasures: with the keys of later they tell of nobody who is gone, and they can be put
//! to work.

use std::sync::Arc;

use accordant::journal::Head;
use accordant::seal::SealedStore;
use accordant::store::{Commit, MemoryStore, RowKey, Store as _, Table};
use accordant::{Accordant, Actor, Error, Tenant, TenantId};

use crate::remains;
use crate::scene::Scene;

/// How many copies of a world are kept at most: the latest.
const MOST_COPIES: usize = 3;

/// Somebody copies the store as it is stored, if it is sealed: a backup.
pub async fn make(tenant: &TenantId, scene: &Scene) {
    if !scene.lock().design.house.sealed {
        return;
    }
    let Some(copy) = copied(&scene.image, tenant).await else { return };
    let mut inner = scene.lock();
    if inner.copies.len() == MOST_COPIES {
        inner.copies.remove(0);
    }
    inner.copies.push(copy);
}

/// A store of the same rows and entries. `None`: the journal has lost its beginning, and only an export says where it begins.
async fn copied(image: &MemoryStore, tenant: &TenantId) -> Option<MemoryStore> {
    let entries = image.journal(tenant, 0, usize::MAX).await.ok()?;
    if entries.first().is_none_or(|(first, _)| first.seq > 1) {
        return None;
    }
    let (copy, mut put) = (MemoryStore::new(), Vec::new());
    for table in Table::ALL {
        let rows = image.scan(tenant, table, "", None, usize::MAX).await.ok()?;
        put.extend(rows.into_iter().map(|row| (RowKey::new(table, row.key), row.value)));
    }
    copy.commit(tenant, Commit { put, ..Commit::default() }).await.ok()?;
    copy.take_over(tenant, Head::default(), entries).await.ok()?.ok()?;
    Some(copy)
}

/// Judges copies, each with an engine over it, by the keys of now: nothing that can be read in any tells of who is gone. The last is put
/// to work, and what is stored in it is what its journal adds up to. That changes keys: nothing else is read after it.
///
/// # Errors
///
/// If the store fails.
pub async fn judge(copies: Vec<(MemoryStore, Accordant)>, tenant: &Tenant, scene: &Arc<Scene>) -> Result<(), Error> {
    let last = copies.len().saturating_sub(1);
    for (place, (copy, engine)) in copies.into_iter().enumerate() {
        let restored = engine.tenant(tenant.id().as_str());
        let sealed = SealedStore::new(copy, scene.keys.clone());
        if let Err(error) = sealed.drop_unreadable(tenant.id()).await {
            scene.lock().oracle.accuse(format!("what nobody can read in a copy cannot be dropped: {error}"));
            continue;
        }
        remains::judge(&restored, &sealed, scene, " of a copy").await?;
        scene.lock().did("a copy is read");
        if place == last {
            restored.accept_model(&Actor::new("ana")).await?;
            let resumed = restored.resume_from_copy(&Actor::new("ana")).await?;
            for difference in resumed.left {
                scene
                    .lock()
                    .oracle
                    .accuse(format!("a copy that was put to work is not as it was journaled: {difference}"));
            }
            remains::judge(&restored, &sealed, scene, " of a copy at work").await?;
            scene.lock().did("a copy is put to work");
        }
    }
    Ok(())
}
