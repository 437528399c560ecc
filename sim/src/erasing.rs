//! Erasing persons, as an admin does it: everything that any of their records belongs to, until nothing is found any more.

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant::id::RecordRef;
use accordant::{Actor, EntityId, Error, Tenant};

use crate::copies;
use crate::export;
use crate::job::{steps, subjects};
use crate::pause::Pause;
use crate::scene::Scene;
use crate::server::id;

/// How often an erasure is tried that waits for a write.
const MOST_TRIES: usize = 6;

/// How long the heal waits for a write each time, in milliseconds: all in all longer than a day, for which an erasure waits.
const REST: i64 = 5 * 3_600_000;

/// Erases a person, if anything is known of them. Waits so long between tries, where a write is under way.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn erase(tenant: &Tenant, scene: &Arc<Scene>, subject: usize, wait: i64) -> Result<(), Error> {
    let mut begun = scene.lock().oracle.half_erased().contains(&subject);
    for _ in 0..MOST_TRIES {
        let found = entities(tenant, scene, subject).await?;
        if found.is_empty() {
            break;
        }
        if !std::mem::replace(&mut begun, true) {
            export::judge(tenant, scene, subject, &found).await?;
        }
        copies::make(tenant.id(), scene).await;
        {
            let mut inner = scene.lock();
            if inner.oracle.is_gone(subject) {
                inner.oracle.accuse(format!("k{subject} was erased, and has an entity again"));
            }
            inner.oracle.asked_to_erase(subject);
            inner.decisions.forget_of(subject);
            inner.erased.entry(subject).or_default().extend(&found);
            inner.say(|| format!("an admin erases k{subject}: {found:?}"));
            inner.did("erase");
        }
        for entity in found {
            match tenant.erase(entity, &Actor::new("ana"), "request 7").await {
                Ok(erased) => scene.lock().former.extend(erased.entities),
                // Another worker was faster.
                Err(Error::UnknownEntity { .. }) => {}
                Err(Error::WriteUnderWay { .. }) => {
                    scene.lock().did("an erasure waits for a write");
                    steps(tenant).await?;
                    Pause::of(scene, wait).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
    if begun && entities(tenant, scene, subject).await?.is_empty() {
        // What a crash interrupted is finished by a step.
        steps(tenant).await?;
        let mut inner = scene.lock();
        inner.oracle.erased(subject);
        inner.say(|| format!("k{subject} is gone"));
        inner.did("erased");
    }
    Ok(())
}

/// What was begun in bad weather is done now.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn finish(tenant: &Tenant, scene: &Arc<Scene>) -> Result<(), Error> {
    let half = scene.lock().oracle.half_erased();
    for subject in half {
        scene.lock().did("an erasure that was interrupted is gone on with");
        erase(tenant, scene, subject, REST).await?;
        let mut inner = scene.lock();
        if !inner.oracle.is_gone(subject) {
            inner.oracle.accuse(format!("k{subject} cannot be erased"));
        }
    }
    let lifted = scene.lock().oracle.all_lifted();
    for subject in lifted {
        lift_rest(tenant, scene, subject).await?;
    }
    Ok(())
}

/// Erases those who are gone once more: that changes nothing.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn judge_again(tenant: &Tenant, scene: &Arc<Scene>) -> Result<(), Error> {
    // What turned out to be theirs by now goes first.
    steps(tenant).await?;
    let gone: Vec<(usize, BTreeSet<EntityId>)> = {
        let inner = scene.lock();
        let of = inner.erased.iter().filter(|(subject, _)| inner.oracle.is_gone(**subject));
        of.map(|(subject, erased)| (*subject, erased.clone())).collect()
    };
    for (subject, erased) in gone {
        for entity in erased {
            match tenant.erase(entity, &Actor::new("ana"), "request 7").await {
                Ok(again) if again.already && again.payloads == 0 => scene.lock().did("erased twice"),
                Ok(again) => {
                    let (already, payloads) = (again.already, again.payloads);
                    let what = format!("k{subject} is erased again: {payloads} payloads go, known as gone: {already}");
                    scene.lock().oracle.accuse(what);
                }
                // Another erasure had taken it by then.
                Err(Error::UnknownEntity { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Lets somebody come back who was erased.
///
/// # Errors
///
/// If the store fails.
pub async fn lift(tenant: &Tenant, scene: &Arc<Scene>, subject: usize) -> Result<(), Error> {
    {
        let mut inner = scene.lock();
        if !inner.oracle.is_gone(subject) {
            return Ok(());
        }
        // From here on it may have an effect.
        inner.oracle.lifted(subject);
        inner.say(|| format!("an admin lets k{subject} come back"));
        inner.did("lift");
    }
    lift_rest(tenant, scene, subject).await
}

/// Judges those who may come back, once everything was said again: they are known, and somebody new.
///
/// # Errors
///
/// If the store fails.
pub async fn judge_lifted(tenant: &Tenant, scene: &Arc<Scene>) -> Result<(), Error> {
    let lifted = scene.lock().oracle.all_lifted();
    let subjects = subjects(tenant, scene).await?;
    let mut inner = scene.lock();
    let inner = &mut *inner;
    for id in subjects.keys().filter(|id| inner.former.contains(id)) {
        inner.oracle.accuse(format!("{id} was erased, and is who somebody is"));
    }
    for subject in lifted {
        if inner.oracle.poisoned.contains(&subject) {
            continue;
        }
        let living = inner.servers.iter().any(|server| server.about(subject).is_some());
        let known = subjects.values().any(|of| of.contains_key(&subject));
        if living && !known {
            inner.oracle.accuse(format!("k{subject} may come back, and nobody knows them"));
        }
        if living && known {
            inner.did("came back");
        }
    }
    Ok(())
}

/// Lifts what still keeps somebody away who may come back. Each entity is done with once the engine says so: what a crash
/// interrupts is gone on with.
async fn lift_rest(tenant: &Tenant, scene: &Arc<Scene>, subject: usize) -> Result<(), Error> {
    let left = scene.lock().erased.get(&subject).cloned().unwrap_or_default();
    for entity in left {
        match tenant.lift_suppression(entity, &Actor::new("ana"), "they asked").await {
            // It was asked for, and another erasure had taken it by then.
            Ok(_) | Err(Error::UnknownEntity { .. }) => {}
            Err(error) => return Err(error),
        }
        if let Some(erased) = scene.lock().erased.get_mut(&subject) {
            erased.remove(&entity);
        }
    }
    Ok(())
}

/// The entities that the records of a subject belong to, the dead ones too.
async fn entities(tenant: &Tenant, scene: &Arc<Scene>, subject: usize) -> Result<BTreeSet<EntityId>, Error> {
    let records: Vec<RecordRef> = {
        let inner = scene.lock();
        let of = inner.servers.iter().flat_map(|server| {
            let records = server.records.iter().enumerate().filter(|(_, record)| record.subject == subject);
            records.map(|(place, _)| RecordRef::new(server.design.name, server.object(), &id(place)))
        });
        of.collect()
    };
    let mut found = BTreeSet::new();
    for record in records {
        found.extend(tenant.entity_of(&record).await?);
    }
    Ok(found)
}
