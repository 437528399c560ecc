//! Key stores: the one in a file does as the one in memory does, and outlives its handles.
#![cfg(all(feature = "keys", feature = "sqlite"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant::id::TenantId;
use accordant::seal::{KeyId, MemoryKeys, SealKey, SealKeys, Secret, SqliteKeys};
use accordant::text::Text;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;

/// What is asked of a key store. Few tenants, scopes and keys, so that they meet.
#[derive(Debug, Clone)]
enum Call {
    Create(Vec<u8>),
    Keep(u8, Vec<u8>),
    Retire(Vec<u8>),
    Destroy(Vec<u8>),
}

fn call() -> impl Strategy<Value = (u8, Call)> {
    let scope = || 0u8..3;
    let call = prop_oneof![
        vec(scope(), 1..4).prop_map(Call::Create),
        // A kept key is always of the same scope.
        (scope(), vec(0u8..8, 0..3)).prop_map(|(scope, keys)| {
            Call::Keep(scope, keys.into_iter().map(|key| 100 + 3 * key + scope).collect())
        }),
        vec(scope(), 0..4).prop_map(Call::Retire),
        vec(0u8..130, 0..8).prop_map(Call::Destroy),
    ];
    (0u8..2, call)
}

fn tenant(number: u8) -> TenantId {
    TenantId::new(["acme", "other"][usize::from(number)])
}

fn scope(number: u8) -> Text {
    ["tenant", "table/plan", "subject/crm/contacts/1"][usize::from(number)].into()
}

fn key(number: u8) -> SealKey {
    SealKey { id: KeyId([number; 16]), secret: Secret([number ^ 0x55; 32]) }
}

/// What a call is answered, and what is there afterwards, in one order.
fn answer(keys: &dyn SealKeys, number: usize, (of, call): &(u8, Call)) -> String {
    let tenant = tenant(*of);
    // A key is made once.
    let first = u8::try_from(4 * number).unwrap();
    block_on(async {
        let answered = match call {
            Call::Create(new) => {
                let new = (first..).zip(new).map(|(number, of)| (scope(*of), key(number))).collect();
                let made = keys.create(&tenant, new).await.unwrap();
                format!("{:?}", made.iter().map(|key| (key.id, key.secret.0)).collect::<Vec<_>>())
            }
            Call::Keep(of, numbers) => {
                keys.keep(&tenant, &scope(*of), numbers.iter().map(|number| key(*number)).collect()).await.unwrap();
                String::new()
            }
            Call::Retire(scopes) => {
                let scopes: Vec<Text> = scopes.iter().map(|number| scope(*number)).collect();
                let mut old = keys.retire(&tenant, &scopes).await.unwrap();
                old.iter_mut().for_each(|old| old.sort());
                format!("{old:?}")
            }
            Call::Destroy(numbers) => {
                let numbers: Vec<KeyId> = numbers.iter().map(|number| key(*number).id).collect();
                keys.destroy(&tenant, &numbers).await.unwrap();
                String::new()
            }
        };
        let scopes: Vec<Text> = (0..3).map(scope).collect();
        let current = keys.current(&tenant, &scopes).await.unwrap();
        let all: Vec<KeyId> = (0..130).map(|number| key(number).id).collect();
        let secrets = keys.secrets(&tenant, &all).await.unwrap();
        let secrets: Vec<_> = secrets.into_iter().map(|secret| secret.map(|secret| secret.0[0])).collect();
        format!(
            "{answered} {:?} {secrets:?}",
            current.iter().map(|key| key.as_ref().map(|key| key.id)).collect::<Vec<_>>()
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn keys_in_a_file_are_as_keys_in_memory(calls in vec(call(), 1..20)) {
        let folder = tempfile::tempdir().unwrap();
        let open = || SqliteKeys::open(folder.path().join("keys.db"), Secret([9; 32])).unwrap();
        let (memory, mut file) = (MemoryKeys::new(), open());
        for (number, call) in calls.iter().enumerate() {
            prop_assert_eq!(answer(&file, number, call), answer(&memory, number, call), "call {}: {:?}", number, call);
            if number % 5 == 4 {
                drop(file);
                file = open();
            }
        }
    }
}

#[test]
fn a_file_of_something_else_and_another_master_key_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db");
    let new = vec![(scope(0), key(1))];
    block_on(SqliteKeys::open(&path, Secret([9; 32])).unwrap().create(&tenant(0), new)).unwrap();
    let refused = SqliteKeys::open(&path, Secret([8; 32])).unwrap_err();
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert!(why.contains("another master key"), "{refused}: {why}");
    accordant::SqliteStore::open(folder.path().join("store.db")).unwrap();
    SqliteKeys::open(folder.path().join("store.db"), Secret([9; 32])).unwrap_err();
    let kept = SqliteKeys::open(&path, Secret([9; 32])).unwrap();
    assert_eq!(block_on(kept.current(&tenant(0), &[scope(0)])).unwrap(), [Some(key(1))]);
    assert!(!format!("{:?} {kept:?}", key(1)).contains("84"), "a secret is shown");
}
