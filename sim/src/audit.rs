//! The audit at the end of a run: the chain holds, what is stored is what was journaled, and whoever was overruled is
//! named.

use std::sync::Arc;

use accordant::store::Store as _;
use accordant::{Error, Tenant};
use serde_json::Value;

use crate::scene::Scene;

/// Audits a tenant's store: who was overruled, and if `whole`, that it is what its journal adds up to.
///
/// # Errors
///
/// If the store fails, or a system cannot be called.
pub async fn audit(tenant: Tenant, scene: Arc<Scene>, whole: bool) -> Result<(), Error> {
    if whole {
        for difference in tenant.verify().await?.differences {
            scene.lock().oracle.accuse(format!("stored otherwise than journaled: {difference}"));
        }
    }
    let overwritten = scene.lock().oracle.overwritten();
    if overwritten.is_empty() {
        return Ok(());
    }
    let entries = scene.image.journal(tenant.id(), 0, usize::MAX).await.unwrap_or_default();
    let mut losers = Vec::new();
    for (entry, payload) in entries {
        if let Some(payload) = payload.filter(|_| entry.kind.as_str() == "facts")
            && let Ok(facts) = serde_json::from_slice::<Value>(&payload.bytes)
        {
            collect(&facts, &mut losers);
        }
    }
    for (word, place) in overwritten {
        let spelled = word.to_string();
        if !losers.contains(&spelled) {
            scene.lock().oracle.accuse(format!("{place} was written over, and no resolution names it"));
        }
    }
    Ok(())
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
