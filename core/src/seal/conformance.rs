//! What every key store must pass, for authors of [`SealKeys`].
//!
//! Behind the feature `conformance`, and exempt from semver: a new version may have new cases. Each case takes handles on one empty
//! key store, as several processes have them, and panics where the contract is broken.
//!
//! ```
//! use accordant::seal::{MemoryKeys, conformance};
//!
//! let keys = MemoryKeys::new();
//! futures::executor::block_on(conformance::a_random_history_answers_as_in_memory(&[&keys, &keys.clone()], 7, 50));
//! let keys = MemoryKeys::new();
//! futures::executor::block_on(conformance::of_racing_creates_one_wins(&[&keys, &keys.clone()]));
//! ```
//!
//! What a crash leaves, and what is left in files of a key that was destroyed, is a key store's own business and is not here.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a case tells its finding by panicking")]

use futures::future::join_all;

use super::{KeyId, MemoryKeys, SealKey, SealKeys, Secret};
use crate::id::TenantId;
use crate::store::conformance::Random;
use crate::text::Text;

const TENANTS: [&str; 3] = ["acme", "b%", ""];
/// Few, so that calls meet.
const SCOPES: [&str; 4] = ["tenant", "table/plan", "subject/crm/contacts/1", "subject/crm/contacts/1\u{1f}"];
/// How many keys of each scope are ever kept.
const KEPT: u32 = 8;

fn scopes() -> Vec<Text> {
    SCOPES.map(Text::from).into()
}

/// A key by its number. Two tenants may have keys of one name.
fn key(number: u32) -> SealKey {
    let (mut id, mut secret) = ([0; 16], [0x55; 32]);
    id[..4].copy_from_slice(&number.to_be_bytes());
    secret[..4].copy_from_slice(&number.to_le_bytes());
    SealKey { id: KeyId(id), secret: Secret(secret) }
}

/// Does `steps` random things through any of these handles, and to keys in memory, and compares every answer and, through every
/// handle, everything that is there afterwards: whoever asks once a call returned is told what it did. The same seed does the same.
pub async fn a_random_history_answers_as_in_memory(handles: &[&dyn SealKeys], seed: u64, steps: u32) {
    let (oracle, mut random) = (MemoryKeys::new(), Random(seed));
    let made = KEPT * SCOPES.len() as u32 + steps * SCOPES.len() as u32;
    let all: Vec<u32> = (0..made).collect();
    for step in 0..steps {
        let tenant = TenantId::new(random.of(&TENANTS));
        let keys = handles[random.below(handles.len())];
        let at = format!("seed {seed}, step {step}");
        // Every call may be made again.
        let repeated = 1 + usize::from(random.below(3) == 0);
        match random.below(8) {
            0..3 => {
                let first = KEPT * SCOPES.len() as u32 + step * SCOPES.len() as u32;
                let new = (0..=random.below(3)).map(|place| (random.of(&SCOPES).into(), first + place as u32));
                let new: Vec<(Text, SealKey)> = new.map(|(scope, number)| (scope, key(number))).collect();
                for _ in 0..repeated {
                    let expected = oracle.create(&tenant, new.clone()).await.unwrap();
                    assert_eq!(keys.create(&tenant, new.clone()).await.unwrap(), expected, "{at}: create {new:?}");
                }
            }
            3..5 => {
                // A kept key is always of one scope.
                let scope = random.below(SCOPES.len());
                let kept = (0..random.below(4)).map(|_| key(scope as u32 * KEPT + random.below(KEPT as usize) as u32));
                let kept: Vec<SealKey> = kept.collect();
                for _ in 0..repeated {
                    oracle.keep(&tenant, &SCOPES[scope].into(), kept.clone()).await.unwrap();
                    keys.keep(&tenant, &SCOPES[scope].into(), kept.clone()).await.unwrap();
                }
            }
            5..7 => {
                let retired: Vec<Text> = (0..random.below(4)).map(|_| random.of(&SCOPES).into()).collect();
                for _ in 0..repeated {
                    let mut expected = oracle.retire(&tenant, &retired).await.unwrap();
                    let mut found = keys.retire(&tenant, &retired).await.unwrap();
                    expected.iter_mut().chain(&mut found).for_each(|old| old.sort());
                    assert_eq!(found, expected, "{at}: retire {retired:?}");
                }
            }
            _ => {
                let destroyed = (0..random.below(12)).map(|_| key(all[random.below(all.len())]).id);
                let destroyed: Vec<KeyId> = destroyed.collect();
                for _ in 0..repeated {
                    oracle.destroy(&tenant, &destroyed).await.unwrap();
                    keys.destroy(&tenant, &destroyed).await.unwrap();
                }
            }
        }
        for tenant in TENANTS.map(TenantId::new) {
            let ids: Vec<KeyId> = all.iter().map(|number| key(*number).id).collect();
            let current = oracle.current(&tenant, &scopes()).await.unwrap();
            let secrets = oracle.secrets(&tenant, &ids).await.unwrap();
            for (place, handle) in handles.iter().enumerate() {
                assert_eq!(handle.current(&tenant, &scopes()).await.unwrap(), current, "{at}: by handle {place}");
                assert_eq!(handle.secrets(&tenant, &ids).await.unwrap(), secrets, "{at}: by handle {place}");
            }
        }
    }
}

/// Of several that create a key of one scope at once, one wins, and all are told its key: by every handle, then and afterwards. Once it
/// is retired, it is nobody's current key any more.
pub async fn of_racing_creates_one_wins(handles: &[&dyn SealKeys]) {
    let (tenant, scope) = (TenantId::new("acme"), vec![Text::from("subject/crm/contacts/1")]);
    let mut number = 0;
    for round in 0..8 {
        let before: Vec<SealKey> = (0..number).map(key).collect();
        let mut racing = Vec::new();
        for handle in handles.iter().chain(handles) {
            racing.push(handle.create(&tenant, vec![(scope[0].clone(), key(number))]));
            number += 1;
        }
        let told: Vec<Vec<SealKey>> = join_all(racing).await.into_iter().map(Result::unwrap).collect();
        let won = &told[0];
        assert!(won.len() == 1 && !before.contains(&won[0]), "round {round}: {won:?} is none of those");
        assert!(told.iter().all(|told| told == won), "round {round}: {told:?}");
        for handle in handles {
            assert_eq!(handle.current(&tenant, &scope).await.unwrap(), [Some(won[0].clone())], "round {round}");
        }
        let retires = handles[round % handles.len()];
        let old = retires.retire(&tenant, &scope).await.unwrap();
        assert!(old.len() == 1 && old[0].contains(&won[0].id), "round {round}: {old:?}");
        for handle in handles {
            assert_eq!(handle.current(&tenant, &scope).await.unwrap(), [None], "round {round}: it was retired");
            assert_eq!(handle.secrets(&tenant, &[won[0].id]).await.unwrap(), [Some(won[0].secret.clone())]);
        }
    }
}
