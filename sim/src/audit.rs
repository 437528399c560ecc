//! The audit at the end of a run: the chain holds, what is stored is what was journaled, and whoever was overruled is
//! named.

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant::store::Store;
use accordant::{Accordant, Error, MemoryStore, Tenant};
use serde_json::Value;

use crate::copies;
use crate::fault::Fault;
use crate::remains;
use crate::scene::Scene;
use crate::seal;
use crate::server::body::without_card;
use crate::word::Word;

/// Audits a tenant's store: who was overruled, and if `whole`, that it is what its journal adds up to; and that its history comes
/// to the same under what is in force, if that is given. Last, the copies that were made of it.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn audit(
    tenant: Tenant,
    scene: Arc<Scene>,
    whole: bool,
    proposal: Option<Accordant>,
    copies: Vec<(MemoryStore, Accordant)>,
) -> Result<(), Error> {
    let store = seal::open(&scene);
    let remodelled = scene.lock().weather.hits.has(Fault::ModelChanged);
    let forgets = scene.lock().design.house.forgets;
    if let Some(proposal) = proposal.filter(|_| !remodelled && !forgets) {
        let would = tenant.what_if(&proposal).await?;
        if !would.is_same() {
            scene.lock().oracle.accuse(format!("the model in force would change something: {would}"));
        }
    }
    if whole {
        for difference in tenant.verify().await?.differences {
            scene.lock().oracle.accuse(format!("stored otherwise than journaled: {difference}"));
        }
    }
    remains::judge(&tenant, &*store, &scene, "").await?;
    let letters: BTreeSet<Vec<u8>> = tenant.dead_letters().await?.iter().map(|(_, letter)| letter.bytes()).collect();
    let unreadable = std::mem::take(&mut scene.lock().unreadable);
    for (body, subject) in unreadable.iter().filter(|(body, _)| !letters.contains(&without_card(body))) {
        let text = String::from_utf8_lossy(body).into_owned();
        if subject.is_some_and(|subject| !scene.lock().oracle.was_never_erased(subject)) {
            continue;
        }
        scene.lock().oracle.accuse(format!("a notice that nobody could read is kept nowhere: {text}"));
    }
    let overwritten = scene.lock().oracle.overwritten();
    if !overwritten.is_empty() || whole {
        judge_journal(&tenant, &*store, &scene, overwritten).await;
    }
    copies::judge(copies, &tenant, &scene).await
}

/// No notice was taken in twice, and whoever was overruled is named.
async fn judge_journal(tenant: &Tenant, store: &dyn Store, scene: &Scene, overwritten: Vec<(usize, Word, String)>) {
    let (remodelled, forgets) = {
        let inner = scene.lock();
        (inner.weather.hits.has(Fault::ModelChanged), inner.design.house.forgets)
    };
    let entries = store.journal(tenant.id(), 0, usize::MAX).await.unwrap_or_default();
    let mut losers = Vec::new();
    let mut observed = BTreeSet::new();
    for (entry, payload) in entries {
        if entry.kind.as_str() == "observed"
            && let Some(payload) = &payload
            // Most are there once: what they are is asked of the others.
            && !observed.insert(payload.bytes.clone())
            && is_notice(&payload.bytes)
            && !remodelled
        {
            scene.lock().oracle.accuse(format!("one notice of {} was taken in twice", entry.subject));
        }
        if !overwritten.is_empty()
            && let Some(payload) = payload.filter(|_| entry.kind.as_str() == "facts")
            && let Ok(facts) = serde_json::from_slice::<Value>(&payload.bytes)
        {
            collect(&facts, &mut losers);
        }
    }
    // Where the journal has lost its beginning, so have its resolutions.
    for (attribute, word, place) in overwritten.into_iter().filter(|_| !forgets) {
        let spelled = scene.lock().design.dialect.canonical(attribute, word);
        if !losers.contains(&spelled) {
            scene.lock().oracle.accuse(format!("{place} = {word} was written over, and no resolution names it"));
        }
    }
}

/// Whether an observation was pushed: it has the number of no read.
fn is_notice(payload: &[u8]) -> bool {
    let stored: Option<Value> = serde_json::from_slice(payload).ok();
    stored.is_some_and(|stored| {
        stored["stamp"][1] == 0 && stored["surface"].as_str().is_some_and(|surface| surface.ends_with("webhooks"))
    })
}

/// The values that resolutions list as losers.
fn collect(value: &Value, losers: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if members.get("won") == Some(&Value::Bool(false))
                && let Some(Value::String(field)) = members.get("field")
            {
                losers.push(field.clone());
            }
            members.values().for_each(|member| collect(member, losers));
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, losers)),
        _ => {}
    }
}
