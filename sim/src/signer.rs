//! Who signs checkpoints in worlds whose journals are kept for hours: by a keyed hash, which only this process makes.

use std::sync::Arc;

use accordant::checkpoint::{Checked, CheckpointKeys};
use accordant::chrono::TimeDelta;
use accordant::engine::Retention;
use accordant::fingerprint::Fingerprint;
use accordant::text::Text;
use accordant::{Actor, Error, Tenant};

use crate::scene::Scene;

/// Signs and checks, by the number of its secret.
#[derive(Debug)]
pub struct Signer(pub u64);

const NAME: &str = "signer";

impl Signer {
    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let mut fingerprint = Fingerprint::new();
        fingerprint.text(&self.0.to_string()).bytes(message);
        fingerprint.finish().0.to_vec()
    }
}

impl CheckpointKeys for Signer {
    fn name(&self) -> Text {
        NAME.into()
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(self.signature(message))
    }

    fn check(&self, name: &str, message: &[u8], signature: &[u8]) -> Checked {
        match name == NAME {
            true if self.signature(message) == signature => Checked::Holds,
            true => Checked::Forged,
            false => Checked::UnknownKey,
        }
    }
}

/// How long the journal is kept: so short that worlds outlive it.
#[must_use]
pub fn retention() -> Retention {
    Retention { journal: Some(TimeDelta::hours(3)), ..Retention::default() }
}

/// An admin lets go what the journal has to keep no longer. What is left must come to the same.
///
/// # Errors
///
/// If the store fails.
pub async fn compact(tenant: &Tenant, scene: &Arc<Scene>) -> Result<(), Error> {
    let compacted = tenant.compact(&Actor::new("ana")).await?;
    let mut inner = scene.lock();
    inner.say(|| format!("the journal is compacted: {} entries go", compacted.gone.entries));
    if compacted.gone.entries > 0 {
        inner.did("compact");
    }
    for difference in compacted.kept {
        inner.oracle.accuse(format!("a checkpoint tells otherwise than the journal: {difference}"));
    }
    Ok(())
}
