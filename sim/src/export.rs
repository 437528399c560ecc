//! What a person is handed: everything that is held on them, and that an erasure takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant::{EntityId, Error, Tenant};

use crate::remains::texts;
use crate::scene::Scene;
use crate::seal;

/// Takes out what is held on a person. It has every word of theirs that is stored all the while. Where they are two entities as yet, a
/// record of nobody may be of either: it is in neither's export, and goes with the second.
///
/// # Errors
///
/// If the store fails.
pub async fn judge(
    tenant: &Tenant,
    scene: &Arc<Scene>,
    subject: usize,
    entities: &BTreeSet<EntityId>,
) -> Result<(), Error> {
    let [entity] = entities.iter().collect::<Vec<_>>()[..] else { return Ok(()) };
    let before = words(tenant, scene, subject).await?;
    let export = match tenant.export_person(*entity).await {
        Ok(export) => export,
        // Another worker erased them meanwhile.
        Err(Error::UnknownEntity { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let text = serde_json::to_string(&export).unwrap_or_default();
    let handed: BTreeSet<String> = {
        let inner = scene.lock();
        inner.oracle.told_of(subject, &text).map(ToOwned::to_owned).collect()
    };
    let after = words(tenant, scene, subject).await?;
    let mut inner = scene.lock();
    inner.did("an export");
    for word in before.intersection(&after).filter(|word| !handed.contains(*word)) {
        inner.oracle.accuse(format!("{word} of k{subject} is stored, and was not exported"));
    }
    Ok(())
}

/// The words of a subject that are stored.
async fn words(tenant: &Tenant, scene: &Arc<Scene>, subject: usize) -> Result<BTreeSet<String>, Error> {
    // What told nobody whose it is, nobody is handed; and an erasure does not know it either, until it tells.
    let texts = texts(tenant, &*seal::open(scene), &|_| true).await?;
    let inner = scene.lock();
    Ok(texts.iter().flat_map(|(_, text)| inner.oracle.told_of(subject, text)).map(ToOwned::to_owned).collect())
}
