//! What people do in more than one scene.

use accordant::settle::{Choice, Ruling};
use accordant::{EntityId, Error, Lifetime, Ruled, Tenant};

use crate::office::mia;

/// Mia decides, until somebody says something new.
pub(super) async fn decide(
    acme: &Tenant,
    id: EntityId,
    unit: &str,
    choice: Choice,
    reason: &str,
) -> Result<Ruled, Error> {
    decide_for(acme, id, unit, choice, Lifetime::default(), reason).await
}

/// Mia decides for as long as she says.
pub(super) async fn decide_for(
    acme: &Tenant,
    id: EntityId,
    unit: &str,
    choice: Choice,
    lifetime: Lifetime,
    reason: &str,
) -> Result<Ruled, Error> {
    let ruling = Ruling { choice, lifetime, by: mia(), reason: reason.to_owned() };
    acme.rule(id, unit, ruling).await
}

/// The customer of this e-mail address.
pub(super) async fn find(acme: &Tenant, email: &str) -> Result<EntityId, Error> {
    let found = acme.find_erased("customer", "email", email).await?;
    let nobody = || Error::UnknownEntity { expected: "customer".into(), id: EntityId::from_parts(0, [0; 10]) };
    found.first().copied().ok_or_else(nobody)
}
