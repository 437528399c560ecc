//! Decisions that were seen to stand: one until its inputs change outlives whatever is no news, and nothing that is.

use std::collections::BTreeMap;

use accordant::{EntityId, Error, Tenant};

use crate::oracle::Unit;
use crate::scene::Scene;

/// The decisions that stood when the world last rested: by unit, where, and since when.
#[derive(Debug, Default)]
pub struct Decisions(BTreeMap<Unit, (EntityId, i64)>);

impl Decisions {
    /// Forgets what was decided about somebody.
    pub fn forget_of(&mut self, subject: usize) {
        self.0.retain(|unit, _| unit.0 != subject);
    }

    /// Forgets what is decided anew.
    pub fn forget(&mut self, unit: Unit) {
        self.0.remove(&unit);
    }
}

/// When the decision about a unit was made, if one stands.
async fn stands(tenant: &Tenant, scene: &Scene, entity: EntityId, unit: Unit) -> Result<Option<i64>, Error> {
    let name = scene.lock().design.dialect.unit(unit.1).to_owned();
    let decisions = tenant.inspect_erased(entity).await?.decisions;
    Ok(decisions.iter().find(|decision| *decision.unit == *name).map(|decision| decision.at))
}

/// Judges the decisions that stood when the world last rested: whether somebody has said something since, people know.
///
/// # Errors
///
/// If the store fails.
pub async fn judge(tenant: &Tenant, scene: &Scene) -> Result<(), Error> {
    let known = std::mem::take(&mut scene.lock().decisions.0);
    for (unit, (entity, at)) in known {
        let stands = stands(tenant, scene, entity, unit).await? == Some(at);
        let mut inner = scene.lock();
        let name = crate::job::unit_name(unit);
        match (inner.oracle.news_of(unit), stands) {
            (Some(true), true) => {
                inner.oracle.accuse(format!("what was decided of {name} stands, whatever was said since"));
            }
            (Some(false), false) => {
                inner.oracle.accuse(format!("what was decided of {name} ended, and nothing was said"));
            }
            _ => {}
        }
        if stands {
            inner.decisions.0.insert(unit, (entity, at));
        }
    }
    Ok(())
}

/// A person has just decided, and the world has come to rest since: what nobody contradicts stands.
///
/// # Errors
///
/// If the store fails.
pub async fn keep(tenant: &Tenant, scene: &Scene, entity: EntityId, unit: Unit) -> Result<(), Error> {
    let stands = stands(tenant, scene, entity, unit).await?;
    let mut inner = scene.lock();
    match stands {
        Some(at) => drop(inner.decisions.0.insert(unit, (entity, at))),
        None if inner.oracle.outlives(unit) => {
            let name = crate::job::unit_name(unit);
            inner.oracle.accuse(format!("what was decided of {name} is forgotten"));
        }
        None => {}
    }
    Ok(())
}
